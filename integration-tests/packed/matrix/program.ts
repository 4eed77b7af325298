import { rerank, signReceipt, verifyReceipt } from "@oscillink/core";
import { hmacSigner, hmacVerifier } from "@oscillink/core/keys";

/** The digest of a re-ranking of vectors, texts and titles, after it was signed and verified. */
export function digest(): string {
  const { receipt } = rerank({
    query: new Float32Array([1, 0.25, 0.5]),
    queryText: "tidal power",
    candidates: [
      { id: "a", embedding: [1, 0, 0.5], text: "Tidal power stations.", title: "Straße" },
      { id: "b", embedding: [0.9, 0.3, 0.1], text: "Power from tides.", trust: 0.5 },
      { id: "c", embedding: new Float32Array([0, 1, 0]), text: "Bread and butter." },
      { id: "d", embedding: [0.5, 0.5, 0.5], text: "ﬁeld naïve 日本語" },
    ],
    k: 2,
  });
  const secret = "thirty-two bytes that no one guesses";
  const verified = verifyReceipt(
    JSON.stringify(signReceipt(receipt, hmacSigner(secret))),
    hmacVerifier(secret),
  );
  if (!verified.ok) throw new Error("the receipt was not verified");
  return receipt.digest;
}
