import { OscillinkPinecone, rerankMatches, toMetadata } from "@oscillink/pinecone";
import { Pinecone } from "@pinecone-database/pinecone";

const index = new Pinecone().index({ name: "library" });
await index.upsert({
  records: [
    { id: "a", values: [1, 0], metadata: { text: "Tidal power stations." } },
    { id: "b", values: [0.9, 0.3], metadata: { text: "Power from tides." } },
    { id: "c", values: [0, 1], metadata: { text: "Bread and butter." } },
  ],
});
const vector = [1, 0.2];
const queryText = "tidal power";
const searcher = new OscillinkPinecone({ index });
const { data, receipt } = await searcher.query({ vector, queryText, topK: 2, includeMetadata: true });
console.log(data.map(({ document }) => document.id).join(" ")); // a b

const response = await index.query({ vector, topK: 3, includeValues: true, includeMetadata: true });
const again = await rerankMatches(response, { query: vector, queryText, k: 2 });
console.log(toMetadata(again.receipt!).oscillink_digest === receipt!.digest); // true
