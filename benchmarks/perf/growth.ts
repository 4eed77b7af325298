/** How the time of a call grows with what comes in: kinds of input that are worse than they look. */
import { type Candidate, type RerankRequest, rerank } from "@oscillink/core";
import { sink } from "./measure.ts";
import { unitVectors } from "./vectors.ts";
import { writer } from "./words.ts";

/** A kind of input, made in several sizes. */
interface Kind {
  readonly name: string;
  /** What the sizes count. */
  readonly of: string;
  readonly sizes: readonly number[];
  /** The largest exponent that is accepted: 1.2 in the length of texts, a little above 2 in the number of candidates. */
  readonly bar: number;
  make(size: number): RerankRequest;
}

/** What a kind came to. */
export interface Growth {
  readonly kind: string;
  readonly of: string;
  readonly sizes: readonly number[];
  /** Of the processor, not of the clock: other processes leave it alone. The least of three calls. */
  readonly milliseconds: readonly number[];
  /** The slope of the logarithm of the time over that of the size, by least squares over the larger three sizes. */
  readonly exponent: number;
  readonly bar: number;
}

const D = 64;
const LENGTHS = [12_500, 25_000, 50_000, 100_000];
const POOLS = [1000, 2000, 4000, 8000];

/** A text of about so many characters. */
function texts(seed: number): (length: number) => string {
  const write = writer(seed);
  return (length) => {
    // Words of this vocabulary have about six letters.
    let text = write(Math.ceil(length / 7));
    while (text.length < length) text += ` ${write(Math.ceil((length - text.length) / 7))}`;
    return text.slice(0, length);
  };
}

function pool(
  n: number,
  textOf: (i: number) => string,
  more: (i: number) => Partial<Candidate> = () => ({}),
) {
  const [query, ...embeddings] = unitVectors(n + 1, D, 1);
  const candidates = embeddings.map((embedding, i) => ({
    id: `d${i}`,
    embedding,
    text: textOf(i),
    ...more(i),
  }));
  return { query: query!, queryText: texts(2)(60), candidates };
}

/** The same with scores in place of vectors. */
function scored({ candidates, queryText }: ReturnType<typeof pool>): RerankRequest {
  return { queryText, candidates: candidates.map(({ id, text }, i) => ({ id, text, score: -i })) };
}

const kinds: readonly Kind[] = [
  {
    name: "combining marks",
    of: "marks in one text",
    sizes: LENGTHS,
    bar: 1.2,
    make: (size) => pool(2, () => `a${"\u0301\u0323".repeat(size / 2)}`),
  },
  {
    name: "combining marks in the query",
    of: "marks",
    sizes: LENGTHS,
    bar: 1.2,
    make: (size) => ({ ...pool(2, () => "tea"), queryText: `tea a${"\u0301\u0323".repeat(size / 2)}` }),
  },
  {
    name: "long texts",
    of: "characters in each of 100",
    sizes: [12_500, 25_000, 50_000, 200_000],
    bar: 1.2,
    make: (size) => {
      const write = texts(3);
      return pool(100, () => write(size));
    },
  },
  {
    name: "long texts, scores",
    of: "characters in each of 100",
    sizes: [12_500, 25_000, 50_000, 200_000],
    bar: 1.2,
    make: (size) => {
      const write = texts(3);
      return scored(pool(100, () => write(size)));
    },
  },
  {
    name: "long query",
    of: "characters, 1,000 candidates of 1,000",
    sizes: [10_000, 100_000, 500_000, 1_000_000],
    bar: 1.2,
    make: (size) => {
      const write = texts(4);
      return { ...pool(1000, () => write(1000)), queryText: texts(5)(size) };
    },
  },
  {
    name: "near-copies",
    of: "characters in each of 10",
    sizes: [125_000, 250_000, 500_000, 1_000_000],
    bar: 1.2,
    make: (size) => {
      const base = texts(6)(size);
      const { query, queryText, candidates } = pool(10, (i) => `${base} ${i}`);
      return {
        query,
        queryText,
        candidates: candidates.map((c) => ({ ...c, embedding: candidates[0]!.embedding })),
      };
    },
  },
  {
    name: "vectors",
    of: "candidates",
    sizes: POOLS,
    bar: 2.2,
    make: (size) => {
      const write = texts(7);
      return pool(size, () => write(300));
    },
  },
  {
    name: "scores",
    of: "candidates",
    sizes: POOLS,
    bar: 2.2,
    make: (size) => {
      const write = texts(7);
      return scored(pool(size, () => write(300)));
    },
  },
  {
    name: "k = N",
    of: "candidates",
    sizes: POOLS.slice(0, 3),
    bar: 2.2,
    make: (size) => {
      const write = texts(7);
      return { ...pool(size, () => write(300)), k: size };
    },
  },
  {
    name: "ties",
    of: "candidates, seven kinds of them",
    sizes: POOLS,
    bar: 2.2,
    make: (size) => {
      const write = texts(7);
      const few = Array.from({ length: 7 }, () => write(300));
      const vectors = unitVectors(7, D, 2);
      return pool(
        size,
        (i) => few[i % 7]!,
        (i) => ({ embedding: vectors[i % 7]! }),
      );
    },
  },
];

/** Measures each kind; all but the smallest sizes with `quick` left out. */
export function* growth(quick: boolean): Generator<Growth> {
  for (const { name, of, sizes: all, bar, make } of kinds) {
    const sizes = quick ? all.slice(0, 2) : all;
    const milliseconds = sizes.map((size) => {
      const request = make(size);
      return Math.min(...Array.from({ length: quick ? 1 : 3 }, () => processorTime(() => rerank(request))));
    });
    yield { kind: name, of, sizes, milliseconds, exponent: slope(sizes, milliseconds), bar };
  }
}

/** Milliseconds of the processor that a call takes. */
function processorTime(task: () => unknown): number {
  const began = process.cpuUsage();
  sink.last = task();
  const { user, system } = process.cpuUsage(began);
  return (user + system) / 1000;
}

function slope(sizes: readonly number[], times: readonly number[]): number {
  const points = sizes.map((size, i) => [Math.log(size), Math.log(times[i]!)] as const).slice(-3);
  const mean = (at: 0 | 1) => points.reduce((sum, point) => sum + point[at], 0) / points.length;
  const [x, y] = [mean(0), mean(1)];
  const above = points.reduce((sum, point) => sum + (point[0] - x) * (point[1] - y), 0);
  return above / points.reduce((sum, point) => sum + (point[0] - x) ** 2, 0);
}

/** A kind as one line. */
export const lineOf = ({ kind, of, sizes, milliseconds, exponent, bar }: Growth): string => {
  const measured = sizes.map((size, i) => `${size}: ${milliseconds[i]!.toFixed(0)} ms`).join(", ");
  const verdict = exponent > bar ? `above ${bar}` : `at most ${bar}`;
  return `${kind.padEnd(28)} exponent ${exponent.toFixed(2)} (${verdict}); ${of}: ${measured}`;
};
