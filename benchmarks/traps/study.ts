/** What the study measures: methods as options of one call, and what they choose. */
import { type Options, rerank } from "@oscillink/core";
import { CLUSTER, K, type Trial } from "./generator.ts";

/** Options of the call, and the trust that the traps are given; 1 is no label at all. */
export interface Method {
  readonly options: Options;
  readonly trust: number;
}

/** Mean and population deviation. */
export type Moments = readonly [mean: number, deviation: number];

/** The two figures of the published study. */
interface Figures {
  readonly trapRate: Moments;
  readonly f1: Moments;
}

/** How distrusted a trap is. */
export const TRUST = 0.01;

// The published lattice was solved to 1e-6.
const reference: Options = { profile: "reference", tolerance: 1e-6 };
/** Ranked by settled cosine, as the paper's figures were: without the published blend and its diversity. */
const referenceCosine: Options = { ...reference, coherenceWeight: 0, diversity: 0 };

export const methods: Readonly<Record<string, Method>> = {
  cosine: { options: { profile: "cosine" }, trust: 1 },
  "cosine + trust": { options: { profile: "cosine" }, trust: TRUST },
  default: { options: {}, trust: 1 },
  "default + trust": { options: {}, trust: TRUST },
  "default + trust, diversity .1": { options: { diversity: 0.1 }, trust: TRUST },
  "default + trust, diversity .5": { options: { diversity: 0.5 }, trust: TRUST },
  reference: { options: referenceCosine, trust: 1 },
  "reference + gates": { options: referenceCosine, trust: TRUST },
  "reference bundle + gates": { options: reference, trust: TRUST },
  "filter, cosine": { options: { profile: "cosine" }, trust: 0 },
  "filter, default": { options: {}, trust: 0 },
};

/** What the paper reports (Oscillink whitepaper, "Hallucination Control"; 40 trials of data it does not give). */
export const paper: Readonly<Record<string, Figures>> = {
  cosine: { trapRate: [0.333, 0.213], f1: [0.673, 0.17] },
  "reference + gates": { trapRate: [0, 0], f1: [0.875, 0.123] },
};

/** What the Python package Oscillink 0.1.13 gives on the 40 trials of this generator. */
export const python: Readonly<Record<string, Figures>> = {
  cosine: { trapRate: [0.355, 0.2387], f1: [0.645, 0.2387] },
  reference: { trapRate: [0.355, 0.2213], f1: [0.64, 0.22] },
  "reference + gates": { trapRate: [0, 0], f1: [0.88, 0.1327] },
  "reference bundle + gates": { trapRate: [0, 0], f1: [0, 0] },
  "filter, cosine": { trapRate: [0, 0], f1: [1, 0] },
};

/** The trusted documents by falling cosine of their own vectors with the query, equal ones by index. */
export function trustedByCosine({ query, vectors, traps }: Trial): number[] {
  const cosine = vectors.map((v) => dot(v, query) / Math.sqrt(dot(v, v) * dot(query, query)));
  return [...vectors.keys()].filter((i) => !traps.has(i)).sort((a, b) => cosine[b]! - cosine[a]! || a - b);
}

/** The first `k` documents of a method, by index. */
export function choose({ query, vectors, traps }: Trial, { options, trust }: Method, k: number): number[] {
  const candidates = vectors.map((embedding, i) => ({ embedding, trust: traps.has(i) ? trust : 1 }));
  return rerank({ ...options, query, candidates, k }).bundle.map((entry) => entry.inputRank - 1);
}

/** What a choice of K documents is worth. */
export interface Outcome {
  /** Share of traps. */
  readonly trapRate: number;
  /** Share of the K trusted documents nearest to the query: as many are chosen as are true, so precision is recall. */
  readonly f1: number;
  /** Share of trusted documents of the query's cluster: all that are about the query, whatever their order. */
  readonly inCluster: number;
  /** Mean place of the chosen in {@link trustedByCosine}, from 1: (K + 1) / 2 at best. Null if all are traps. */
  readonly place: number | null;
  /** The lowest of these places. */
  readonly lowest: number | null;
}

export function outcomeOf(trial: Trial, chosen: readonly number[]): Outcome {
  const trusted = trustedByCosine(trial);
  const share = (belongs: (i: number) => boolean) => chosen.filter(belongs).length / K;
  const places = chosen.filter((i) => !trial.traps.has(i)).map((i) => trusted.indexOf(i) + 1);
  return {
    trapRate: share((i) => trial.traps.has(i)),
    f1: share((i) => trusted.indexOf(i) >= 0 && trusted.indexOf(i) < K),
    inCluster: share((i) => i < CLUSTER && !trial.traps.has(i)),
    place: places.length > 0 ? moments(places)[0] : null,
    lowest: places.length > 0 ? Math.max(...places) : null,
  };
}

export function moments(values: readonly number[]): Moments {
  const mean = values.reduce((sum, v) => sum + v, 0) / values.length;
  return [mean, Math.sqrt(values.reduce((sum, v) => sum + (v - mean) ** 2, 0) / values.length)];
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let c = 0; c < a.length; c++) sum += a[c]! * b[c]!;
  return sum;
}
