import type { Name } from "../words/links.ts";
import { distrustOf } from "./distrust.ts";

/** What links add to the evidence. */
export interface Named {
  /** The names that were said. */
  readonly names: readonly Name[];
  /** How far each node moved up; 0 where none that names it is better. */
  readonly term: Float64Array;
  /** The node by whose naming it moved; -1 where it did not. */
  readonly by: Int32Array;
}

/**
 * A document that a better one names moves part of the way up to it: `weight share (best - y)`, best being the highest of
 * those that name it, after what distrust takes of them: a document that is not trusted lifts nobody. Of several names the one that moves it most counts. All are read before any moves, so the order of
 * the names decides nothing, and none moves above the best that names it.
 *
 * @param y the evidence of each node.
 * @param trust how far each is trusted, in [0, 1].
 * @param weight in [0, 1].
 */
export function named(
  y: Float64Array,
  trust: ArrayLike<number>,
  names: readonly Name[],
  weight: number,
): Named {
  const distrust = distrustOf(y, trust);
  const said = y.map((value, i) => value + distrust[i]!);
  const term = new Float64Array(y.length);
  const by = new Int32Array(y.length).fill(-1);
  for (const { bearers, namers, share } of names) {
    const best = namers.reduce((a, b) => (said[b]! > said[a]! ? b : a));
    for (const j of bearers) {
      const rise = weight * share * (said[best]! - y[j]!);
      if (rise <= term[j]!) continue;
      term[j] = rise;
      by[j] = best;
    }
  }
  return { names, term, by };
}
