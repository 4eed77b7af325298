/** Pools whose decisions lie close together: no order is certified that the whole formula in float64 refutes. */

import { Lattice } from "../../packages/core/src/lattice.ts";
import { aimed, exactScores } from "../../packages/core/test/exact.ts";
import type { Outcome } from "./targets.ts";

/** How far apart two scores in float64 are at least that are not equal but for rounding. */
const EQUAL = 1e-9;

export function certificates(seed: number): Outcome {
  const made = aimed(seed);
  const { input, options, query, queryText, chain } = made;
  const lattice = new Lattice(input, options).setQuery(query, queryText);
  if (chain) lattice.addChain(chain.nodes, chain.options);
  const bundle = lattice.bundle();
  const { certificate } = lattice.receipt();
  if (!certificate.orderCertified) return { kind: "refused" };
  const exact = exactScores(made);
  const places = bundle.filter(({ score }) => score !== null).map(({ index }) => index);
  const chosen = new Set(places);
  for (let at = 0; at < places.length; at++) {
    const own = exact[places[at]!]!;
    const below = [...exact.keys()].filter((i) => !chosen.has(i) && !Number.isNaN(exact[i]!));
    for (const other of [...places.slice(at + 1), ...below]) {
      if (exact[other]! > own + EQUAL) {
        return {
          kind: "fault",
          fault: `certified ${places[at]} before ${other}: ${own} and ${exact[other]}`,
        };
      }
    }
  }
  return { kind: "answered" };
}
