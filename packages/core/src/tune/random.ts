/** Integers from 0 to below n, the same for the same seed: mulberry32 (Tommy Ettinger 2017, public domain:
 * https://gist.github.com/tommyettinger/46a874533244883189143505d203312c). */
export function generator(seed: number): (n: number) => number {
  let state = seed | 0;
  return (n) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) * n) / 2 ** 32);
  };
}
