import { FakeVectorStore } from "@langchain/core/utils/testing";
import { OscillinkRetriever } from "@oscillink/langchain";
import { oscillinkMiddleware } from "@oscillink/langchain/middleware";
import { AIMessage, createAgent, fakeModel } from "langchain";

const vectors: Record<string, number[]> = {
  "tidal power": [1, 0.2],
  "Tidal power stations.": [1, 0],
  "Power from tides.": [0.9, 0.3],
  "Bread and butter.": [0, 1],
};
const embeddings = {
  embedQuery: async (text: string) => vectors[text]!,
  embedDocuments: async (texts: string[]) => texts.map((text) => vectors[text]!),
};
const [query, ...texts] = Object.keys(vectors);
const vectorStore = await FakeVectorStore.fromTexts(texts, {}, embeddings);
const retriever = new OscillinkRetriever({ vectorStore, k: 2 });

const model = fakeModel().respond(new AIMessage("From the moon."));
const agent = createAgent({ model, middleware: [oscillinkMiddleware({ retriever })] });
const { messages, receipts } = await agent.invoke({ messages: [{ role: "user", content: query! }] });
console.log(messages.at(-1)?.text, receipts.length); // From the moon. 1
console.log(model.calls[0]?.messages[0]?.text.includes("Power from tides.")); // true
