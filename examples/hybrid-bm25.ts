import { rerank } from "@oscillink/core";
import MiniSearch from "minisearch";
import { stem } from "porter2";
import { embeddings, passages, textOf } from "./corpus/vectors.ts"; // in production: the model itself

const question = "Aboard which vessel was the document that Lamp Day commemorates signed?";
const query = await embeddings.embedQuery(question);
const vectors = await embeddings.embedDocuments(passages.map(textOf));
const documents = passages.map(({ _id: id, ...passage }, i) => ({ id, ...passage, embedding: vectors[i]! }));

// BM25 over your own documents. By their stems, "ships" finds "ship".
const bm25 = new MiniSearch({ fields: ["title", "text"], processTerm: (word) => stem(word.toLowerCase()) });
bm25.addAll(documents);
const byWords = bm25.search(question).map(({ id, score }) => {
  return { ...documents.find((document) => document.id === id)!, score };
});
// In production: your vector search.
const { bundle: byVector } = rerank({ query, candidates: documents, profile: "cosine", k: 10 });

const lists = [
  { name: "vector", items: byVector.map(({ candidate }) => candidate) },
  { name: "bm25", items: byWords.slice(0, 10) },
];
const { bundle, receipt } = rerank({ query, queryText: question, lists, k: 4 });

console.log(question);
for (const { id, rank, candidate } of bundle) {
  const places = lists.map(({ name, items }) => {
    const place = items.findIndex((item) => item.id === id) + 1;
    return `${name} ${place || "-"}`;
  });
  console.log(`  ${rank} (${places.join(", ")})  ${candidate.title}: ${candidate.text.slice(0, 60)}…`);
}
console.log(`${receipt.inputs.n} candidates of two lists  ${receipt.digest}`);
