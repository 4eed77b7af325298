import { Lattice } from "@oscillink/core";
import { measured, type Part } from "../facts.ts";
import { interleave } from "../measure.ts";
import { makeVectors, unitVectors } from "../vectors.ts";

/** A lattice in use: another query over candidates that have settled. */
export const query: Part = function* ({ query: size, effort }) {
  const { query, embeddings } = makeVectors(size);
  const lattice = new Lattice({ embeddings }, { k: size.k }).setQuery(query);
  lattice.solve();
  const queries = unitVectors(8, size.d, 2);
  let next = 0;
  const times = interleave(effort, {
    // Further ways to ask a settled lattice go here, to run in turn with this one.
    "setQuery + bundle": () => lattice.setQuery(queries[next++ % queries.length]!).bundle(),
  });
  yield* measured(size, times);
};
