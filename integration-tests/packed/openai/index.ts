import { openaiEmbedder } from "@oscillink/openai";
import OpenAI from "openai";

const embedder = openaiEmbedder(new OpenAI(), { model: "text-embedding-3-small", dimensions: 256 });
const vectors = await embedder.embedDocuments(["Tidal power stations.", "Bread and butter."]);
console.log(vectors.map(({ length }) => length).join(" ")); // 256 256

const query = await embedder.embedQuery("Bread and butter.");
console.log(query.every((value, i) => value === vectors[1]![i])); // true
