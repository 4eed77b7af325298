import { rerank } from "@oscillink/core";
import { openaiEmbedder } from "@oscillink/openai";
import OpenAI from "openai";
import { embeddings as minilm, passages, textOf } from "./corpus/vectors.ts";

const question =
  "Which measuring instrument was invented by the first director of the Orrin Weather Observatory?";

const standIn = process.env.OPENAI_API_KEY ? null : await startStandIn();
const client = new OpenAI(standIn ? { apiKey: "none", baseURL: standIn.url } : {});
const embedder = openaiEmbedder(client, { model: "text-embedding-3-small" });
const embeddings = await embedder.embedDocuments(passages.map(textOf));

const { bundle, receipt } = rerank({
  query: await embedder.embedQuery(question),
  queryText: question,
  candidates: passages.map((passage, i) => ({ ...passage, id: passage._id, embedding: embeddings[i]! })),
  k: 4,
});
const sources = bundle.map(({ rank, candidate }) => `[${rank}] ${candidate.title}: ${candidate.text}`);
const completion = await client.chat.completions.create({
  model: "gpt-4o-mini",
  messages: [
    { role: "system", content: "Answer from the sources alone, in one sentence, and name them as [1]." },
    { role: "user", content: `${sources.join("\n\n")}\n\nQuestion: ${question}` },
  ],
});

console.log(question);
for (const source of sources) console.log(`  ${source.slice(0, 100)}…`);
console.log(completion.choices[0]!.message.content);
console.log(receipt.digest);
await standIn?.[Symbol.asyncDispose]();

/** Without a key: a local server with the corpus's vectors, and whose chat model says that it is none. */
async function startStandIn() {
  const { openaiServer } = await import("../integration-tests/servers/openai.ts");
  const reply = () => "(With a key in OPENAI_API_KEY, a model would answer from these sources.)";
  return openaiServer({ embedder: minilm, reply });
}
