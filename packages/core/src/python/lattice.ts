import { StateError } from "../errors.ts";
import { makeChain } from "../graph/chain.ts";
import { Lattice } from "../lattice.ts";
import { resolveOptions } from "../options/options.ts";
import { profiles } from "../options/profiles.ts";
import { makePool } from "../pool/pool.ts";
import { makeQuery } from "../pool/query.ts";
import { makeProblem } from "../solve/problem.ts";
import { readExported } from "./exported.ts";
import { publishedProvenance, publishedStateOf } from "./state.ts";

/**
 * The lattice that the Python package exported as JSON, in the profile `reference`. Its own export knows no row cap, no
 * weights of a chain and no settled state; the graph is taken as stored.
 *
 * @throws {StateError} if a field is missing, or the provenance that it states is not that of its contents.
 */
export function latticeFromPython(json: unknown): Lattice {
  const { vectors, query, trust, edges, chain, provenance, ...read } = readExported(json);
  const options = { profile: "reference", ...read.options } as const;
  const input = { embeddings: vectors, trust, ...(edges && { edges }) };
  if (provenance !== null) {
    const params = resolveOptions(options);
    const pool = makePool(input, params, profiles.reference.strategies);
    const path = chain ? makeChain(pool, chain.nodes, { lamP: chain.lamP }, params.lamG) : null;
    const state = publishedStateOf(makeProblem(pool, params, path), makeQuery(pool, params, query, null));
    if (provenance !== publishedProvenance(state)) {
      throw new StateError(
        "json.provenance",
        "is not that of the vectors, query, gates, weights and edges beside it",
      );
    }
  }
  const lattice = new Lattice(input, options).setQuery(query);
  return chain ? lattice.addChain(chain.nodes, { lamP: chain.lamP }) : lattice;
}
