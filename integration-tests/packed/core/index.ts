import { Lattice, type Receipt, rerank } from "@oscillink/core";

const candidates = [
  { id: "a", embedding: [1, 0], text: "Tidal power stations." },
  { id: "b", embedding: [0.9, 0.3], text: "Power from tides." },
  { id: "c", embedding: [0, 1], text: "Bread and butter." },
];
const query = [1, 0.2];
const { bundle, receipt } = rerank({ query, queryText: "tidal power", candidates, k: 2 });
console.log(bundle.map(({ id }) => id).join(" ")); // a b

const stored: Receipt = JSON.parse(JSON.stringify(receipt));
console.log(stored.digest === receipt.digest); // true

const lattice = new Lattice({ embeddings: candidates.map(({ embedding }) => embedding) }).setQuery(query);
console.log(lattice.settle().converged); // true
