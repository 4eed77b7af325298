import { rerank, signReceipt } from "@oscillink/core";
import { ed25519Signer, generateKeys } from "@oscillink/core/keys";
import { type ExplainOptions, explainPage } from "@oscillink/explain";

const candidates = [
  { id: "a", text: "The ferry leaves at noon.", embedding: [1, 0, 0.2] },
  { id: "b", text: "Terns nest on the cliffs.", embedding: [0.6, 0.8, 0] },
  { id: "c", text: "The lighthouse was lit in 1868.", embedding: [0, 1, 0.1] },
];
const { receipt } = rerank({ query: [1, 0, 0], queryText: "ferry at noon", candidates, k: 2 });
const { privateKey, publicKey } = generateKeys();
const options: ExplainOptions = { candidates, key: publicKey };
const page = explainPage(signReceipt(receipt, ed25519Signer(privateKey)), options);
console.log(/<title>(.*)<\/title>/.exec(page)![1]); // Why these 2 of 3 documents
console.log(page.split('<g class="node ').length - 1); // 3
