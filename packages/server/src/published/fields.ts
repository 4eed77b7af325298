/** The fields of a published request that are no vectors, for who reads them and for the document of the API. */

/** One field: what it takes, and what it is where it is not given. */
export interface Field {
  readonly kind: "number" | "integer" | "boolean";
  /** The default. Where it is null, null may be given too. */
  readonly value: number | boolean | null;
  readonly least?: number;
  readonly above?: number;
  readonly most?: number;
  readonly description: string;
}

/** The values of fields. */
export type Fields<T extends Readonly<Record<string, Field>>> = {
  readonly [name in keyof T]: T[name]["value"] extends null
    ? number | null
    : T[name]["value"] extends boolean
      ? boolean
      : number;
};

/** Weights beyond this would leave nothing of the other terms in float32. */
const LARGEST = 1e6;

const weight = <T extends number>(value: T, description: string) =>
  ({ kind: "number", value: value as number, least: 0, most: LARGEST, description }) as const;

export const FIELDS = {
  params: {
    lamG: {
      ...weight(1, "How much the rows hold on to what they were."),
      least: 1 / LARGEST,
    },
    lamC: weight(0.5, "How much neighbours agree."),
    lamQ: weight(4, "How much psi pulls."),
    lamP: weight(0, "How much the links of the chain agree."),
    kneighbors: {
      ...{ kind: "integer", value: 6 as number, least: 1 },
      description: "Neighbours a row; at most all others are taken.",
    },
    deterministic_k: {
      ...{ kind: "boolean", value: false as boolean },
      description: "Ties among neighbours go to the lower index in any case; part of state_sig.",
    },
    neighbor_seed: {
      ...{ kind: "integer", value: null },
      description: "Taken from clients that send it: it broke ties, which go to the lower index here.",
    },
  },
  options: {
    max_iters: {
      ...{ kind: "integer", value: 12 as number, least: 1, most: 100_000 },
      description: "The most iterations of a step.",
    },
    tol: {
      ...{ kind: "number", value: 1e-3 as number, least: 0 },
      description: "The residual at which a step ends.",
    },
    dt: { ...{ kind: "number", value: 1 as number, above: 0 }, description: "The length of the step." },
    bundle_k: {
      ...{ kind: "integer", value: null, least: 0 },
      description: "How many rows the bundle holds; null or 0: there is none.",
    },
    include_receipt: {
      ...{ kind: "boolean", value: true as boolean },
      description: "Whether /v1/settle answers with a receipt.",
    },
  },
} as const satisfies Readonly<Record<string, Readonly<Record<string, Field>>>>;
