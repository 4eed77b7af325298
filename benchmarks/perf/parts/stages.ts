import { Lattice, resolveOptions } from "@oscillink/core";
import { contenders } from "../contenders.ts";
import { measured, type Part } from "../facts.ts";
import { eachTile, kernel, type Matrix, nearestNeighbors, pack, TILE, unitRows } from "../internals.ts";
import { interleave, repeat, sink, summaries } from "../measure.ts";
import type { Size } from "../plan.ts";
import { makeVectors } from "../vectors.ts";

const { neighbors, similarityFloor } = resolveOptions({});

/**
 * Where the time of ours goes, and the least it could: the Gram matrix, n² d / 2 products that an exact graph
 * of nearest neighbours cannot do without; alone, and with the choice of each row's nearest.
 */
export const stages: Part = function* ({ sizes, large, effort }) {
  for (const size of [...sizes, ...large]) {
    yield* measured(size, summaries(repeat(effort, stagesOf(size))));
    if (large.includes(size)) continue;
    const rows = unitRows(pack(makeVectors(size).embeddings, String));
    const times = interleave(effort, {
      whole: contenders(size)["ours, receipt"],
      Gram: () => gramOf(rows),
      "Gram, top k": () => nearestNeighbors(rows, null, neighbors, similarityFloor, "all", kernel),
    });
    yield* measured(size, times);
    const { whole, Gram, "Gram, top k": choice } = times;
    yield { ...size, what: "whole / Gram", unit: "ratio", value: whole.median / Gram.median };
    yield { ...size, what: "whole / (Gram, top k)", unit: "ratio", value: whole.median / choice.median };
  }
};

/** The products alone, each tile over the last. */
function gramOf(rows: Matrix): Float32Array {
  const [data, tile] = kernel.place(rows.data, TILE * TILE);
  eachTile({ ...rows, data }, tile, kernel, () => {});
  return tile;
}

/** One re-ranking, as {@link rerank} goes about it; returns the milliseconds of its stages. */
function stagesOf(size: Size) {
  const { query, embeddings } = makeVectors(size);
  const ids = embeddings.map((_, i) => String(i));
  return () => {
    const lattice = new Lattice({ embeddings, ids }, { k: size.k }).setQuery(query);
    sink.last = [lattice.bundle(), lattice.receipt()];
    const { pack, graph, rank, receipt } = lattice.timings;
    return { pack, graph, rank, receipt };
  };
}
