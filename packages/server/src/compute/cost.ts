/** What a ranking costs before it is computed: (n² d), (n d) and the characters of its texts, each by a rate that was measured at the start. */
import { type Candidate, type RerankRequest, rerank } from "@oscillink/core";

/** How large a request is. */
export interface Size {
  readonly n: number;
  /** The values of a vector; 0 where there are none. */
  readonly d: number;
  /** How many documents have a vector. */
  readonly vectors: number;
  /** Of all texts and titles together. */
  readonly characters: number;
  /** Whether nothing but texts came: no vector, no score, no list of a search. */
  readonly texts: boolean;
}

/** Milliseconds of this machine a unit of each. */
export interface Rates {
  readonly pair: number;
  readonly value: number;
  readonly character: number;
}

export function sizeOf({ query, candidates, lists }: RerankRequest): Size {
  // What came was not judged yet.
  const listOf = <T>(list: readonly T[] | undefined): readonly T[] => (Array.isArray(list) ? list : []);
  const all: readonly Candidate[] = candidates
    ? listOf(candidates)
    : listOf(lists).flatMap((list) => listOf(list?.items));
  let [characters, vectors, scores] = [0, 0, 0];
  let d = query?.length ?? 0;
  for (const one of all) {
    if (typeof one?.text === "string") characters += one.text.length;
    if (typeof one?.title === "string") characters += one.title.length;
    if (one?.score !== undefined) scores++;
    const width = one?.embedding?.length ?? 0;
    if (width > 0) vectors++;
    if (width > d) d = width;
  }
  const texts = query === undefined && lists === undefined && all.length > 0 && vectors + scores === 0;
  return { n: all.length, d, vectors, characters, texts };
}

export const costOf = (
  { n, d, characters }: Pick<Size, "n" | "d" | "characters">,
  { pair, value, character }: Rates,
): number => n * n * Math.max(d, 8) * pair + n * d * value + characters * character;

/** Measures this machine: three small rankings, each the best of a few, some 100 ms in all. */
export function measureRates(): Rates {
  // Words and vectors of a generator with a fixed seed.
  let state = 1;
  const random = () => {
    state = (Math.imul(state, 1664525) + 1013904223) | 0;
    return (state >>> 8) / 2 ** 24;
  };
  const vector = (d: number) => Float32Array.from({ length: d }, () => random() - 0.5);
  const text = (words: number) =>
    Array.from({ length: words }, () => `w${Math.floor(random() * 999)}`).join(" ");
  const time = (n: number, d: number, words: number) => {
    const candidates = Array.from({ length: n }, () => ({
      embedding: vector(d),
      ...(words > 0 && { text: text(words) }),
    }));
    const request = { query: vector(d), candidates, k: 5, ...(words > 0 && { queryText: text(6) }) };
    let best = Infinity;
    for (let run = 0; run < 5; run++) {
      const began = performance.now();
      void rerank(request).receipt;
      best = Math.min(best, performance.now() - began);
    }
    return best;
  };
  const [small, large] = [time(50, 384, 0), time(400, 384, 0)];
  const spoken = time(50, 384, 100) - small;
  const value = small / (50 * 384);
  return {
    value,
    pair: Math.max(large - 400 * 384 * value, large / 4) / (400 * 400 * 384),
    character: Math.max(spoken, small / 10) / (50 * 100 * 4.5),
  };
}
