/** What callers say of a chain, judged. */
import { CandidateError, checkObject, OptionError, refuseUnknown, show } from "../errors.ts";
import { checkRatio, LARGEST } from "../options/options.ts";
import { LEAST_WEIGHT } from "../pool/input.ts";
import type { Pool } from "../pool/pool.ts";
import type { Chain } from "./path.ts";

/** The options of `Lattice.addChain`. */
export interface ChainOptions {
  /** Weight of the chain in the energy, in [0, 1e6] and below 1e8 times lamG. Default 0.2; 0 keeps the chain without a pull. */
  readonly lamP?: number;
  /** One weight a link, in [1e-30, 1e6]; the largest times lamP is below 1e8 times lamG. Default: all 1. */
  readonly weights?: readonly number[];
}

/**
 * The chain of some candidates, as nodes.
 *
 * @throws {CandidateError} as {@link chainNodes}.
 * @throws {OptionError} for a lamP out of its range, or weights that are not one number of theirs a link.
 */
export function makeChain(
  pool: Pool,
  candidates: readonly number[],
  options: ChainOptions,
  lamG: number,
): Chain {
  const { lamP = 0.2, weights, ...others } = checkObject("options", options);
  refuseUnknown(others, ["lamP", "weights"]);
  if (typeof lamP !== "number" || !(lamP >= 0 && lamP <= LARGEST)) {
    throw new OptionError("lamP", `must be a number from 0 to ${LARGEST}, not ${show(lamP)}`);
  }
  const nodes = chainNodes(pool, candidates);
  const links = linkWeights(weights, nodes.length - 1);
  checkRatio("lamP", lamP * links.reduce((a, b) => Math.max(a, b), 0), lamG);
  return { nodes, lamP, weights: links };
}

/**
 * The nodes of a chain of candidates.
 *
 * @throws {CandidateError} for a chain too short, an index out of range, neighbours that are the same candidate, or a
 *   candidate that is no node.
 */
export function chainNodes({ n, candidate }: Pool, chain: readonly number[]): number[] {
  if (!Array.isArray(chain) || chain.length < 2) {
    throw new CandidateError("chain", `must be an array of at least two candidates, not ${show(chain)}`);
  }
  return Array.from(chain, (index: number, place) => {
    if (!Number.isSafeInteger(index) || index < 0 || index >= n) {
      throw new CandidateError(`chain[${place}]`, `must be an index from 0 to ${n - 1}, not ${show(index)}`);
    }
    if (index === chain[place + 1]) {
      throw new CandidateError(`chain[${place + 1}]`, `is candidate ${index} again; a link needs two`);
    }
    const node = candidate.indexOf(index);
    if (node < 0) {
      throw new CandidateError(
        `chain[${place}]`,
        `candidate ${index} has no vector or no trust, so it has no place in the lattice`,
      );
    }
    return node;
  });
}

/** The weights of a chain's links, 1 where none are given. */
export function linkWeights(weights: readonly number[] | undefined, links: number): number[] {
  const given = weights ?? new Array<number>(Math.max(0, links)).fill(1);
  if (!Array.isArray(given) || given.length !== links) {
    throw new OptionError("weights", `must be an array of ${links} numbers, one a link, not ${show(given)}`);
  }
  Array.from(given).forEach((weight, link) => {
    if (typeof weight !== "number" || !(weight >= LEAST_WEIGHT && weight <= LARGEST)) {
      const wanted = `must be a number from ${LEAST_WEIGHT} to ${LARGEST}`;
      throw new OptionError(`weights[${link}]`, `${wanted}, not ${show(weight)}`);
    }
  });
  return [...given];
}

/** A chain of nodes as the caller knows it, by candidate. A copy. */
export const chainOfCandidates = ({ candidate }: Pool, { nodes, lamP, weights }: Chain): Chain => ({
  nodes: nodes.map((node) => candidate[node]!),
  lamP,
  weights: [...weights],
});

/** The same chain in another pool of the same candidates. @throws {CandidateError} if one of them is no node there. */
export function moveChain(chain: Chain, from: Pool, to: Pool): Chain {
  const nodes = chain.nodes.map((node) => to.candidate.indexOf(from.candidate[node]!));
  if (nodes.includes(-1)) {
    throw new CandidateError("trust", "would exclude a candidate of the chain; call clearChain first");
  }
  return { ...chain, nodes };
}
