/** Where the cosines of an embedder lie: of the highest cosine between a query and the documents of a foreign collection. */
export interface Scale {
  /** Its mean. In [-1, 1]. */
  readonly mean: number;
  /** Its standard deviation. In [0.001, 1]. */
  readonly spread: number;
}

/** What `tune` learned of relevance: the logit becomes `level + slope logit`. */
export interface Calibration {
  /** In [-30, 30]; 0 where nothing was learned. */
  readonly level: number;
  /** In [0.1, 100]; 1 where nothing was learned. */
  readonly slope: number;
}

/** The embedders whose scale was measured, on eight collections each: docs/ranking.md. */
export type MeasuredEmbedder = "all-MiniLM-L6-v2" | "multilingual-e5-small";

export const SCALES: Readonly<Record<MeasuredEmbedder, Scale>> = {
  "all-MiniLM-L6-v2": { mean: 0.28, spread: 0.1 },
  "multilingual-e5-small": { mean: 0.794, spread: 0.028 },
};

/** The figures of a scale that was named or given; null for none. */
export const scaleOf = (scale: MeasuredEmbedder | Scale | null): Scale | null =>
  typeof scale === "string" ? SCALES[scale] : scale;
