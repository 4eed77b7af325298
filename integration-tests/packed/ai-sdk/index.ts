import { oscillinkRerankingModel } from "@oscillink/ai-sdk";
import { rerank } from "ai";

const documents = [
  { id: "c", embedding: [0, 1], text: "Bread and butter." },
  { id: "a", embedding: [1, 0], text: "Tidal power stations." },
  { id: "b", embedding: [0.9, 0.3], text: "Power from tides." },
];
const model = oscillinkRerankingModel({ embed: async () => [[1, 0.2]] });
const { ranking, providerMetadata } = await rerank({ model, query: "tidal power", documents, topN: 2 });
console.log(ranking.map(({ document }) => document.id).join(" ")); // a b
console.log(String(providerMetadata?.oscillink?.receipt).slice(0, 7)); // sha256:
