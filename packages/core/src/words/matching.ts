/** How long two texts are the same, in time linear in their length: by the Z algorithm (Gusfield 1997, section 1.4). */

type Sequence = Int32Array | Uint16Array;

/**
 * Whether two sequences have a run of at least `least` elements in common.
 *
 * A run of at least half of the longer sequence goes through its middle. So it is enough to know, for each place of the
 * shorter one, how far it goes on as the second half does, and how far back as the first half does.
 *
 * @param least at least half of the longer length.
 */
export function haveCommonRun(a: Sequence, b: Sequence, least: number): boolean {
  const [longer, shorter] = a.length < b.length ? [b, a] : [a, b];
  const middle = longer.length >> 1;
  const onward = sameFrom(longer.subarray(middle), shorter);
  const backward = sameFrom(longer.slice(0, middle).reverse(), shorter.slice().reverse());
  const places = shorter.length;
  for (let at = 0; at <= places; at++) {
    if ((backward[places - at] ?? 0) + (onward[at] ?? 0) >= least) return true;
  }
  return false;
}

/** The length of the longest end of `first` that `second` begins with. */
export function overlapOf(first: Sequence, second: Sequence): number {
  const ends = first.subarray(Math.max(0, first.length - second.length));
  const same = sameFrom(second, ends);
  const at = same.findIndex((length, place) => length === ends.length - place);
  return at < 0 ? 0 : ends.length - at;
}

/** For each place of a sequence, how many elements from there on are those that `pattern` begins with. */
function sameFrom(pattern: Sequence, sequence: Sequence): Int32Array {
  const own = new Int32Array(pattern.length);
  own[0] = pattern.length;
  fill(own, 1, pattern, pattern, own);
  const same = new Int32Array(sequence.length);
  fill(same, 0, sequence, pattern, own);
  return same;
}

/** The Z algorithm from a place on: `own` is what it gives for the pattern itself. */
function fill(same: Int32Array, from: number, sequence: Sequence, pattern: Sequence, own: Int32Array): void {
  // The match that reaches furthest: from `left` to before `right` the sequence is as the pattern begins.
  let left = 0;
  let right = 0;
  for (let at = from; at < sequence.length; at++) {
    let length = at < right ? Math.min(own[at - left]!, right - at) : 0;
    if (at + length >= right) {
      while (length < pattern.length && at + length < sequence.length) {
        if (pattern[length] !== sequence[at + length]) break;
        length++;
      }
      left = at;
      right = at + length;
    }
    same[at] = length;
  }
}
