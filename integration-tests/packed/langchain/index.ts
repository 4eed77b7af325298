import { FakeVectorStore } from "@langchain/core/utils/testing";
import { createOscillinkTool, OscillinkReranker, OscillinkRetriever } from "@oscillink/langchain";

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
const documents = await retriever.invoke(query!);
console.log(documents.map(({ pageContent }) => pageContent).join(" ")); // Tidal power stations. Power from tides.

const reranker = new OscillinkReranker({ embeddings, k: 1 });
const [best] = await reranker.compressDocuments(await vectorStore.similaritySearch(query!, 3), query!);
console.log(best!.metadata.oscillink.rank, best!.pageContent); // 1 Tidal power stations.

const search = createOscillinkTool({ retriever, description: "Searches an energy library." });
const message = await search.invoke({
  type: "tool_call",
  id: "1",
  name: search.name,
  args: { query: query! },
});
console.log(message.artifact.receipt.digest === documents[0]!.metadata.oscillink.receipt); // true
