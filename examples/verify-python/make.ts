/** Makes what verify.py verifies: the receipts of a re-ranking, each signed in its form, and their inputs. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rerank, signReceipt } from "@oscillink/core";
import { hmacSigner } from "@oscillink/core/keys";
import { signPublished } from "@oscillink/core/python";

const [folder = "."] = process.argv.slice(2);
const signer = hmacSigner(process.env.OSCILLINK_SECRET ?? "");

const request = {
  query: [0.8, 0.6, 0.1],
  queryText: "sails without fuel",
  candidates: [
    { id: "weather", embedding: [0.9, 0.4, 0.1], text: "the weather of the week" },
    { id: "sails ☀", embedding: [0.7, 0.7, 0.1], text: "light sails need no fuel", title: "Sails" },
    { id: "rumour", embedding: [0.8, 0.6, 0], text: "sunlight is a fuel, they say", trust: 0.5 },
    { id: "lost", embedding: null, text: "a page without a vector" },
  ],
};
const { receipt } = rerank({ ...request, k: 2 });
// The published form tells of the lattice of vectors: the profile `reference` has it.
const published = rerank({ ...request, k: 2, profile: "reference" }).receipt;

mkdirSync(folder, { recursive: true });
const write = (name: string, value: unknown): void =>
  writeFileSync(join(folder, name), JSON.stringify(value, null, 2));
write("inputs.json", request);
write("envelope.json", signReceipt(receipt, signer));
write("published.json", signPublished(published, signer, { mode: "extended" }));
