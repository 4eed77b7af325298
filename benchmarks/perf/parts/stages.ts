import { Lattice } from "@oscillink/core";
import { contenders } from "../contenders.ts";
import { measured, type Part } from "../facts.ts";
import { gramMatrix, kernel, pack, unitRows } from "../internals.ts";
import { interleave, repeat, sink, summaries } from "../measure.ts";
import type { Size } from "../plan.ts";
import { makeVectors } from "../vectors.ts";

/**
 * Where the time of ours goes, and the least it could: the Gram matrix, n² d / 2 products that an exact graph
 * of nearest neighbours cannot do without.
 */
export const stages: Part = function* ({ sizes, large, effort }) {
  for (const size of [...sizes, ...large]) {
    yield* measured(size, summaries(repeat(effort, stagesOf(size))));
    if (large.includes(size)) continue;
    const rows = unitRows(pack(makeVectors(size).embeddings, String));
    const times = interleave(effort, {
      whole: contenders(size).ours,
      Gram: () => gramMatrix(rows, kernel),
    });
    yield* measured(size, times);
    const ratio = times.whole.median / times.Gram.median;
    yield { ...size, what: "whole / Gram", unit: "ratio", value: ratio };
  }
};

/** One re-ranking, as {@link rerank} goes about it; returns the milliseconds of its stages. */
function stagesOf(size: Size) {
  const { query, embeddings } = makeVectors(size);
  const ids = embeddings.map((_, i) => String(i));
  return () => {
    const lattice = new Lattice({ embeddings, ids }, { k: size.k }).setQuery(query);
    sink.last = [lattice.bundle(), lattice.receipt()];
    const { pack, graph, solve, rank, receipt } = lattice.timings;
    return { pack, graph, solve, rank, receipt };
  };
}
