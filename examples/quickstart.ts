import { readFileSync } from "node:fs";
import { MemoryVectorStore } from "@langchain/classic/vectorstores/memory";
import { OscillinkRetriever } from "@oscillink/langchain";
import { LexicalEmbedder } from "@oscillink/lexical"; // in production: the embeddings of a real model

const lines = readFileSync("examples/corpus/passages.jsonl", "utf8").trim().split("\n");
const passages = lines.map((line) => JSON.parse(line));
const texts = passages.map((passage) => passage.text);
const vectorStore = await MemoryVectorStore.fromTexts(texts, passages, LexicalEmbedder.fit(texts));
const retriever = new OscillinkRetriever({ vectorStore, k: 2, trust: ({ metadata }) => metadata.trust });

const documents = await retriever.invoke("What did the founder of the Vell Seed Bank survey on the cliffs?");
for (const { metadata } of documents) {
  const { rank, inputRank, score } = metadata.oscillink;
  console.log(`${rank} (was ${inputRank})  score ${score.toFixed(2)}  ${metadata.text.slice(0, 60)}…`);
}
const { energy, digest } = documents[0]!.metadata.oscillink.receipt;
console.log(`energy ${energy.initial.toFixed(1)} -> ${energy.final.toFixed(1)}  ${digest}`);
