import { explainReceipt, rerank } from "@oscillink/core";
import { LexicalEmbedder } from "@oscillink/lexical"; // in production: the embeddings of a real model

const passages = [
  { id: "bank", text: "The Vell Seed Bank keeps seeds of 900 wild plants. Its founder was Helga Ostrand." },
  { id: "bank-2", text: "The Vell Seed Bank keeps seeds of 900 wild plants; its founder was Helga Ostrand." },
  { id: "forum", text: "The founder of the Vell Seed Bank made a survey of the moon!" },
  { id: "ostrand", text: "Helga Ostrand came to the cliffs every spring, for her survey of the sea kale." },
  { id: "terns", text: "Terns nest on the cliffs from May to August." },
  { id: "ferry", text: "The ferry to Vell leaves at noon and at six." },
];
const queryText = "What did the founder of the Vell Seed Bank survey on the cliffs?";

// In production: your vector search. Here: all passages, by the cosine of their vectors with the query's.
const embedder = LexicalEmbedder.fit(passages.map(({ text }) => text));
const query = embedder.embed(queryText);
const embedded = passages.map((passage) => ({ ...passage, embedding: embedder.embed(passage.text) }));
const found = rerank({ query, candidates: embedded, profile: "cosine", k: 6 }).bundle;
console.log(`by cosine: ${found.map(({ id }) => id).join(", ")}`);

const candidates = found.map(({ id, candidate }) => ({ ...candidate, trust: id === "forum" ? 0.2 : 1 }));
const { bundle, receipt } = rerank({ query, queryText, candidates, k: 2 });
for (const { rank, candidate } of bundle) console.log(rank, candidate.text);
console.log(explainReceipt(receipt).join("\n"));
