import { rerank, signReceipt, verifyReceipt } from "@oscillink/core";
import { ed25519Signer, ed25519Verifier, generateKeys, hmacSigner, hmacVerifier } from "@oscillink/core/keys";
import { measured, type Part } from "../facts.ts";
import { interleave } from "../measure.ts";
import { makeVectors } from "../vectors.ts";

/** What a signature adds to a re-ranking, and what its verification costs. */
export const sign: Part = function* ({ sign: size, effort }) {
  const { query, embeddings } = makeVectors(size);
  const { receipt } = rerank({
    query,
    candidates: embeddings.map((embedding) => ({ embedding })),
    k: size.k,
  });
  const { privateKey, publicKey } = generateKeys();
  const secret = "a secret of the benchmark, long enough";
  const signers = { ed: ed25519Signer(privateKey), hmac: hmacSigner(secret) };
  const signed = { ed: signReceipt(receipt, signers.ed), hmac: signReceipt(receipt, signers.hmac) };
  const verifiers = { ed: ed25519Verifier(publicKey), hmac: hmacVerifier(secret) };
  const times = interleave(effort, {
    "sign, Ed25519": () => signReceipt(receipt, signers.ed),
    "verify, Ed25519": () => verifyReceipt(signed.ed, verifiers.ed),
    "sign, HMAC": () => signReceipt(receipt, signers.hmac),
    "verify, HMAC": () => verifyReceipt(signed.hmac, verifiers.hmac),
  });
  yield* measured(size, times);
};
