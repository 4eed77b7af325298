/**
 * What distrust takes of each value; <= 0. It is `(trust - 1) (value - lowest + 1)`: the share `1 - trust` of a candidate's lead
 * over one deviation below the pool's lowest. Trust 1 takes nothing, trust near 0 leaves it last.
 */
export function distrustOf(values: Float64Array, trust: ArrayLike<number>): Float64Array {
  const lowest = values.reduce((a, b) => Math.min(a, b), Infinity);
  return values.map((value, i) => (trust[i]! < 1 ? (trust[i]! - 1) * (value - lowest + 1) : 0));
}
