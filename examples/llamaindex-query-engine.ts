import { MockLLM } from "@llamaindex/core/llms/mock";
import { OscillinkRetriever } from "@oscillink/llamaindex";
import { openaiEmbedder } from "@oscillink/openai";
import {
  BaseEmbedding,
  MetadataMode,
  RetrieverQueryEngine,
  Settings,
  TextNode,
  VectorStoreIndex,
} from "llamaindex";
import OpenAI from "openai";
import { embeddings, passages } from "./corpus/vectors.ts";

const question = "How did the founder of the Brey Line ferry company spend his retirement?";

const client = process.env.OPENAI_API_KEY ? new OpenAI() : null;
const embedder = client ? openaiEmbedder(client, { model: "text-embedding-3-small" }) : embeddings;

class Embedding extends BaseEmbedding {
  // biome-ignore lint/complexity/noUselessConstructor: that of the base is protected.
  constructor() {
    super();
  }
  override getTextEmbedding = (text: string) => embedder.embedQuery(text);
  override getTextEmbeddings = (texts: string[]) => embedder.embedDocuments(texts);
}
Settings.embedModel = new Embedding();
Settings.llm = new MockLLM({ responseMessage: "(a mock answers; set OPENAI_API_KEY for a real one)" });
if (client) {
  const complete = async ({ prompt }: { prompt: unknown }) => {
    const model = process.env.OPENAI_MODEL ?? "gpt-4.1-mini";
    const { output_text } = await client.responses.create({ model, input: String(prompt) });
    return { text: output_text, raw: null };
  };
  Object.assign(Settings.llm, { complete });
}

// The title is not embedded: the corpus has the vectors of its texts as they are.
const excludedEmbedMetadataKeys = ["title"];
const nodes = passages.map(
  ({ _id, title, text }) => new TextNode({ id_: _id, text, metadata: { title }, excludedEmbedMetadataKeys }),
);
const index = await VectorStoreIndex.init({ nodes });
const engine = new RetrieverQueryEngine(new OscillinkRetriever({ index, k: 3 }));
const { message, sourceNodes = [] } = await engine.query({ query: question });

console.log(`${question}\n${message.content}\n`);
for (const { node, score } of sourceNodes) {
  const { rank, inputRank } = node.metadata.oscillink;
  const text = node.getContent(MetadataMode.NONE);
  console.log(`${rank} (was ${inputRank})  score ${score?.toFixed(2)}  ${text.slice(0, 60)}…`);
}
console.log(sourceNodes[0]?.node.metadata.oscillink.receipt); // its digest
