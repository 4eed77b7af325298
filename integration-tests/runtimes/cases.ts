/**
 * Twenty requests that every runtime is to answer with the same bytes. All numbers come from seeded integers
 * and from divisions, which IEEE 754 rounds alike everywhere; no sine, logarithm or power, in which engines
 * differ.
 */
import type { Candidate, Options, RerankRequest, Vector } from "@oscillink/core";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

export interface Case {
  readonly name: string;
  readonly request: RerankRequest;
}

/** What a pool is made like. All that is absent is off. */
interface Recipe {
  readonly n: number;
  /** Values in each vector. Without it the candidates carry scores in their place. */
  readonly d?: number;
  /** Rows as arrays of thousandths, which float32 has to round. Default: Float32Array of exact 1/1024s. */
  readonly rounded?: boolean;
  /** What all vectors are multiplied by. */
  readonly scale?: number;
  /** Every third row is that of an earlier candidate. */
  readonly copies?: boolean;
  /** Every seventh candidate has no vector, or a zero one. */
  readonly gaps?: boolean;
  readonly texts?: boolean;
  readonly titles?: boolean;
  readonly trust?: boolean;
  readonly options?: Options;
}

const recipes: Readonly<Record<string, Recipe>> = {
  "one candidate": { n: 1, d: 3 },
  "two that are the same": { n: 2, d: 4, copies: true, texts: true },
  "few, in a narrow space": { n: 5, d: 3, rounded: true, trust: true },
  "a width that four does not divide": { n: 12, d: 17, texts: true },
  "as a search returns them": { n: 50, d: 768, texts: true, titles: true },
  "with copies, gaps and distrust": {
    n: 60,
    d: 384,
    copies: true,
    gaps: true,
    texts: true,
    titles: true,
    trust: true,
    options: { k: 20 },
  },
  "gaps left out": { n: 41, d: 100, gaps: true, texts: true, rounded: true, options: { missing: "drop" } },
  "more candidates than values": { n: 130, d: 64, texts: true, options: { k: 10 } },
  "more candidates than a span may have": { n: 600, d: 64, rounded: true },
  "scores in place of vectors": { n: 40, texts: true, titles: true, trust: true },
  "scores and copies of texts": { n: 100, texts: true, copies: true, gaps: true },
  "the nearest of the chosen": { n: 64, d: 48, copies: true, options: { diversity: 0.5 } },
  "the mean of the chosen": {
    n: 64,
    d: 48,
    rounded: true,
    texts: true,
    options: { diversity: 0.3, diversityMethod: "msd" },
  },
  "the volume of the chosen": { n: 64, d: 48, options: { k: 12, diversity: 0.7, diversityMethod: "dpp" } },
  "pulled by the query, in the span": { n: 37, d: 256, options: { profile: "reference", lamQ: 0.5 } },
  "pulled by the query, in the vectors": {
    n: 90,
    d: 33,
    rounded: true,
    options: { profile: "reference", lamC: 2 },
  },
  "a union of neighbours": {
    n: 70,
    d: 128,
    texts: true,
    titles: true,
    options: { graph: "union", neighbors: 30 },
  },
  "profile cosine": { n: 33, d: 100, trust: true, options: { profile: "cosine", diversity: 0.5 } },
  "profile reference": { n: 45, d: 96, trust: true, copies: true, options: { profile: "reference" } },
  "tiny vectors, every option turned": {
    n: 48,
    d: 60,
    scale: 2 ** -49,
    texts: true,
    titles: true,
    options: {
      normalize: false,
      neighbors: 6,
      graph: "mutual",
      similarityFloor: 0.05,
      rowCap: 1,
      lamG: 0.75,
      lamQ: 0.1,
      tolerance: 1e-7,
      maxIterations: 7,
      preconditioner: "none",
      textTail: 1,
      feedback: 0.4,
      feedbackDocuments: 2,
      coherenceWeight: 0.25,
      copies: "keep",
    },
  },
};

/**
 * Words that engines have to fold and split alike: ligatures, signs, other scripts, pairs and half a pair.
 * None is newer than Unicode 15: engines with older tables fold and split newer characters otherwise.
 */
const WORDS = [
  ..."the of and a lattice settles river stone harbour archive Averil copper 1894 1,024 don't".split(" "),
  ..."Straße STRASSE naïve nai\u0308ve \u212bngström \ufb01eld Ⅷ x² №5 Ǆep İstanbul ısı ΟΔΟΣ οδός".split(" "),
  ..."日本語 ｶﾀｶﾅ 한국어 हिन्दी ไทย שלום العربية ١٢٣ 🌊 👩‍🔬 half\ud83d \udc69half e-mail".split(" "),
];
const GAPS = [" ", " ", " ", ", ", ". ", "\n", "\u00a0", "\u3000", " — "];

export const cases: readonly Case[] = Object.entries(recipes).map(([name, recipe], i) => ({
  name,
  request: request(recipe, i + 1),
}));

function request(recipe: Recipe, seed: number): RerankRequest {
  const { n, d, rounded, scale = 1, copies, gaps, texts, titles, trust, options } = recipe;
  const random = xoroshiro128plus(seed);
  const draw = (below: number): number => uniformInt(random, 0, below - 1);
  const one = <T>(of: readonly T[]): T => of[draw(of.length)]!;
  const words = (atMost: number): string =>
    Array.from({ length: 1 + draw(atMost) }, () => one(WORDS) + one(GAPS)).join("");
  const noise = (): number => draw(512) + draw(512) - 511;
  const row = (center: readonly number[]): Vector =>
    rounded
      ? center.map((value) => ((value + noise()) / 1000) * scale)
      : Float32Array.from(center, (value) => ((value + noise()) / 1024) * scale);

  // The query points where the first of a few topics does, so that there is something to find.
  const topics = Array.from({ length: 4 }, () => Array.from({ length: d ?? 0 }, noise));
  const candidates: Candidate[] = [];
  for (let i = 0; i < n; i++) {
    const twin = copies && i % 3 === 1 ? candidates[draw(i)] : undefined;
    const gap = gaps && i % 7 === 3;
    const zeros = i % 2 === 0 ? new Float32Array(d ?? 0) : null;
    candidates.push({
      // JSON cannot hold half a pair, and ids go into the receipt as they are.
      id: `${i}-${one(WORDS)}`.toWellFormed(),
      ...(d === undefined
        ? gap
          ? {}
          : { score: draw(4096) / 1000 }
        : { embedding: gap ? zeros : (twin?.embedding ?? row(one(topics))) }),
      ...(texts ? { text: twin?.text ?? (i % 11 === 10 ? "" : words(40)) } : {}),
      ...(titles && i % 5 !== 4 ? { title: words(4) } : {}),
      ...(trust && i % 2 === 1 ? { trust: draw(5) / 4 } : {}),
    });
  }
  return {
    ...(d === undefined ? {} : { query: row(topics[0]!) }),
    ...(texts ? { queryText: words(8) } : {}),
    candidates,
    ...options,
  };
}
