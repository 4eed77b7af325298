import { rerank, signReceipt, verifyReceipt } from "@oscillink/core";
import { hmacSigner, hmacVerifier } from "@oscillink/core/keys";
import { LexicalEmbedder } from "@oscillink/lexical";

/** The digest of a re-ranking of vectors, texts and titles, after it was signed and verified. */
export function digest(): string {
  const texts = ["Tidal power stations.", "Power from tides.", "Bread and butter.", "ﬁeld naïve 日本語"];
  const embedder = LexicalEmbedder.fit(texts);
  const queryText = "tidal power";
  const { receipt } = rerank({
    query: embedder.embed(queryText),
    queryText,
    candidates: texts.map((text, i) => {
      const vector = embedder.embed(text);
      const embedding = i % 2 === 0 ? vector : Array.from(vector);
      return { id: `${i}`, text, title: i === 0 ? "Straße" : "", trust: i === 1 ? 0.5 : 1, embedding };
    }),
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
