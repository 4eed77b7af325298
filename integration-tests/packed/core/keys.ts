import { rerank, signReceipt, verifyReceipt } from "@oscillink/core";
import { ed25519Signer, ed25519Verifier, generateKeys } from "@oscillink/core/keys";

const { privateKey, publicKey } = generateKeys();
const { receipt } = rerank({ query: [1, 0], candidates: [{ embedding: [1, 0] }] });
const envelope = signReceipt(receipt, ed25519Signer(privateKey));
const verified = verifyReceipt(JSON.stringify(envelope), ed25519Verifier(publicKey));
console.log(verified.ok && verified.receipt.digest === receipt.digest); // true
