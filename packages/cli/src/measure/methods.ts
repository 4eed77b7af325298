import { type Options, rerank } from "@oscillink/core";
import { type LabelledPool, untrusting } from "./pools.ts";

/** Ranks a pool: the ids of its first `k` documents, best first. */
export type Method = (pool: LabelledPool, k: number) => readonly string[];

/** The constant of reciprocal rank fusion (Cormack, Clarke & Büttcher 2009). */
const RRF = 60;

/** What is compared: the order of the search, two usual ways to better it, and this package's. Trust is known to these alone. */
export function methodsFor(options: Options): Readonly<Record<string, Method>> {
  const own = Object.keys(options).length > 0;
  return {
    cosine: bySimilarity({}),
    MMR: bySimilarity({ diversity: 0.5 }),
    RRF: (pool, k) => fused([bySimilarity({})(pool, pool.candidates.length), pool.byWords()]).slice(0, k),
    default: byEvidence({}),
    hybrid: byLists,
    ...(own && { yours: byEvidence(options) }),
  };
}

const bySimilarity =
  (options: Options): Method =>
  ({ query, candidates }, k) =>
    rerank({
      ...options,
      ...(query !== undefined && { query }),
      candidates: candidates.map(untrusting),
      profile: "cosine",
      k,
    }).bundle.map(({ id }) => id);

const byEvidence =
  (options: Options): Method =>
  ({ query, queryText, candidates }, k) =>
    rerank({ ...options, ...(query !== undefined && { query }), queryText, candidates, k }).bundle.map(
      ({ id }) => id,
    );

/** The default with the list of BM25 beside that of the vectors. */
const byLists: Method = ({ query, queryText, candidates, byWords }, k) => {
  const known = new Map(candidates.map((candidate) => [candidate.id, candidate]));
  const lists = [
    { name: "vectors", items: candidates },
    // Their scores are those of the vectors, so the list counts by its order.
    {
      name: "words",
      items: byWords().map((id) => ({ ...known.get(id)!, score: undefined })),
      similarity: false,
    },
  ];
  return rerank({ ...(query !== undefined && { query }), queryText, lists, k }).bundle.map(({ id }) => id);
};

/** Documents by the sum of the reciprocals of their ranks. */
function fused(lists: readonly (readonly string[])[]): string[] {
  const scores = new Map<string, number>();
  for (const list of lists) {
    for (const [i, id] of list.entries()) scores.set(id, (scores.get(id) ?? 0) + 1 / (RRF + 1 + i));
  }
  return Array.from(scores)
    .sort(([, a], [, b]) => b - a)
    .map(([id]) => id);
}
