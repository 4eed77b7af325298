import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { rerank, signReceipt } from "@oscillink/core";
import { ed25519Signer, generateKeys } from "@oscillink/core/keys";
import { explainPage } from "@oscillink/explain";
import { embeddings, passages, textOf } from "./corpus/vectors.ts"; // in production: the model itself

const question = "Aboard which vessel was the document that Lamp Day commemorates signed?";
const query = await embeddings.embedQuery(question);
const vectors = await embeddings.embedDocuments(passages.map(textOf));
const documents = passages.map(({ _id: id, ...passage }, i) => ({ id, ...passage, embedding: vectors[i]! }));
// In production: your vector search.
const found = rerank({ query, candidates: documents, profile: "cosine", k: 50 }).bundle;
const candidates = found.map(({ candidate }) => candidate);

const context = { question, request: "q-17" };
const { receipt } = rerank({ query, queryText: question, candidates, k: 5, context });
const { privateKey, publicKey } = generateKeys(); // in production: the key of your service
const envelope = signReceipt(receipt, ed25519Signer(privateKey));
const page = explainPage(envelope, { candidates, query, queryText: question, key: publicKey });

const path = join(tmpdir(), "oscillink-explain.html");
await writeFile(path, page);
console.log(question);
for (const { rank, id } of receipt.bundle) console.log(`  ${rank}  ${id}`);
console.log(`${path}: open it in a browser`);
console.log(`${receipt.inputs.n} candidates  ${receipt.digest}`);
