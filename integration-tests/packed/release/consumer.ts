import { replayReceipt, rerank, signReceipt, verifyReceipt, version } from "@oscillink/core";
import { ed25519Signer, ed25519Verifier, generateKeys } from "@oscillink/core/keys";
import { LexicalEmbedder } from "@oscillink/lexical";

const texts = ["Tidal power stations.", "Bread and butter.", "Power from tides."];
const embedder = LexicalEmbedder.fit(texts);
const queryText = "tidal power";
const inputs = {
  query: embedder.embed(queryText),
  queryText,
  candidates: texts.map((text, i) => ({ id: `${i}`, text, embedding: embedder.embed(text) })),
};
const { receipt } = rerank({ ...inputs, k: 2 });
const { privateKey, publicKey } = generateKeys();
const verified = verifyReceipt(signReceipt(receipt, ed25519Signer(privateKey)), ed25519Verifier(publicKey));
const replayed = verified.ok && verified.covers === "receipt" && replayReceipt(verified.receipt, inputs);

// Who runs it knows the version.
console.log(JSON.stringify({ version, named: receipt.version, verified: verified.ok, replayed }));
