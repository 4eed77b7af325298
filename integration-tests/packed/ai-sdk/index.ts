import type { JSONObject, RerankingModelV4 } from "@ai-sdk/provider";
import { oscillinkRerankingModel } from "@oscillink/ai-sdk";

const documents: JSONObject[] = [
  { id: "c", embedding: [0, 1], text: "Bread and butter." },
  { id: "a", embedding: [1, 0], text: "Tidal power stations." },
  { id: "b", embedding: [0.9, 0.3], text: "Power from tides." },
];
const model: RerankingModelV4 = oscillinkRerankingModel({ embed: async () => [[1, 0.2]], attach: "digest" });
const { ranking, providerMetadata } = await model.doRerank({
  query: "tidal power",
  documents: { type: "object", values: documents },
  topN: 2,
});
console.log(ranking.map(({ index }) => documents[index]!.id).join(" ")); // a b
console.log(String(providerMetadata?.oscillink?.receipt).slice(0, 7)); // sha256:
