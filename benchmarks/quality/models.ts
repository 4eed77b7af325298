/** The models of @oscillink/server that are given texts alone. Its `oscillink-embed` is `default` here: vectors and words. */
import { type RerankRequest, rerank } from "@oscillink/core";
import { lexical } from "../../packages/server/src/models/lexical.ts";
import type { Model } from "../../packages/server/src/models/models.ts";
import { order, rankScore } from "../../packages/server/src/models/order.ts";
import { withScores } from "../../packages/server/src/models/texts.ts";
import type { Collection, Pool } from "./collection.ts";
import { DEPTH, type Methods, optionsOf, type Settings } from "./methods.ts";
import { dot } from "./peers.ts";

/**
 * What each makes of a pool's texts in the order of the first stage; `words` is oscillink-order with `--prior none`. `scores` is
 * given the first stage's scores in their place, and `cascade`, where a cross-encoder judged the pool, what stands for its ranks.
 */
export function modelMethods({ queries }: Collection, settings: Settings): Methods {
  const ranked = (complete: (request: RerankRequest, pool: Pool) => RerankRequest) => (pool: Pool) => {
    if (pool.entries.length === 0) return [];
    const candidates = pool.entries.map(({ id, title, text }) => ({ id, title, text }));
    const request = { ...optionsOf(settings), queryText: pool.query.text, candidates, k: DEPTH };
    return rerank(complete(request, pool)).bundle.map(({ id }) => id);
  };
  const { signal } = new AbortController();
  // Neither of these waits for anything.
  const byModel = (model: Model) => ranked((request) => model.complete(request, signal) as RerankRequest);
  const byScore = (scoreOf: (pool: Pool, i: number) => number) =>
    ranked((request, pool) => withScores(request, request.candidates!, (i) => scoreOf(pool, i)));
  return {
    order: byModel(order("order")),
    words: byModel(order("none")),
    lexical: byModel(lexical),
    scores: byScore(firstScore),
    ...(queries.some(({ crossEncoder }) => crossEncoder !== null) && {
      cascade: byScore(({ query, entries }, i) =>
        rankScore((query.crossEncoder?.get(entries[i]!.id) ?? entries.length) - 1),
      ),
    }),
  };
}

function firstScore({ query, entries }: Pool, i: number): number {
  const { embedding, score } = entries[i]!;
  return embedding === undefined ? score! : dot(embedding, query.vector!);
}
