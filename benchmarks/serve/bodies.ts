/** The requests that the server is loaded with. */
import { makeVectors } from "../perf/vectors.ts";

const base64 = (values: readonly number[]): string =>
  Buffer.from(Float32Array.from(values).buffer).toString("base64");

function body(n: number, d: number, write: (vector: number[]) => unknown): string {
  const { query, embeddings } = makeVectors({ n, d });
  // As clients write float32: its shortest digits.
  const candidates = embeddings.map((embedding, i) => ({ id: `document-${i}`, embedding: write(embedding) }));
  return JSON.stringify({ query: write(query), candidates, k: 5, receipt: "digest" });
}

const numbers = (vector: readonly number[]): number[] =>
  vector.map((value) => Number(Math.fround(value).toPrecision(9)));

export const bodies = () => ({
  base64: body(50, 384, base64),
  numbers: body(50, 384, numbers),
  long: body(5000, 384, base64),
});
