import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** A source of seeded numbers in [0, 1). */
export function seeded(seed: number): () => number {
  const generator = xoroshiro128plus(seed);
  return () => uniformFloat64(generator);
}

/** Seeded vectors of length 1, as arrays of numbers: what clients of models and LangChain hand over. */
export function unitVectors(count: number, d: number, seed: number): number[][] {
  const random = seeded(seed);
  return Array.from({ length: count }, () => {
    const values = Array.from({ length: d }, () => random() - 0.5);
    const length = Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
    return values.map((v) => v / length);
  });
}

/** A query and n candidates' vectors. */
export function makeVectors({ n, d }: { n: number; d: number }): { query: number[]; embeddings: number[][] } {
  const [query, ...embeddings] = unitVectors(n + 1, d, 1);
  return { query: query!, embeddings };
}
