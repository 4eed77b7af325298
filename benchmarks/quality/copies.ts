/** The documents of a collection that say the same. */
export interface Copies {
  /** Whether two documents, by their ids, have the same text; see {@link copyKey}. */
  same(a: string, b: string): boolean;
  /** Whether they have nearly the same words; see {@link NEAR}. */
  near(a: string, b: string): boolean;
}

/**
 * Near copies have this share of the words of title and text in common, each as often as it stands there: the Jaccard index of
 * two bags. Nothing else of core's rule is asked here (no vectors, no query, no chunks), and more of the words: a figure that
 * took over the rule would praise whatever the rule puts last.
 */
const NEAR = 0.9;

/** Which documents of a collection are copies. A document that it lacks is a copy of nothing. */
export function copiesAmong(documents: readonly { id: string; title: string; text: string }[]): Copies {
  const all = new Map(documents.map((document) => [document.id, document]));
  const known = <T>(make: (document: (typeof documents)[number]) => T): ((id: string) => T | null) => {
    const made = new Map<string, T>();
    return (id) => {
      const document = all.get(id);
      if (document === undefined) return null;
      if (!made.has(id)) made.set(id, make(document));
      return made.get(id)!;
    };
  };
  const keyOf = known(copyKey);
  const bagOf = known(({ title, text }) => folded(`${title} ${text}`).split(" ").filter(Boolean).sort());
  return {
    same: (a, b) => keyOf(a) !== null && keyOf(a) === keyOf(b),
    near: (a, b) => {
      const [one, other] = [bagOf(a) ?? [], bagOf(b) ?? []];
      // Most pairs are told apart by their lengths alone.
      if (Math.min(one.length, other.length) < NEAR * Math.max(one.length, other.length)) return false;
      const both = inBoth(one, other);
      return both > 0 && both >= NEAR * (one.length + other.length - both);
    },
  };
}

/** How many elements two sorted lists have in common, each as often as both have it. */
function inBoth(a: readonly string[], b: readonly string[]): number {
  let both = 0;
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const [x, y] = [a[i]!, b[j]!];
    if (x === y) both++;
    if (x <= y) i++;
    if (x >= y) j++;
  }
  return both;
}

/**
 * What two documents have in common if one is a copy of the other: their text, whatever its case, punctuation, white space and
 * Unicode form. A document without a letter or digit in its text is known by its title, and one without either is a copy of
 * nothing.
 */
export function copyKey({ id, title, text }: { id: string; title: string; text: string }): string {
  const key = folded(text) || folded(title);
  // No folded text has a line break.
  return key || `\n${id}`;
}

const folded = (text: string): string =>
  text
    .normalize("NFKC")
    .toLowerCase()
    .replaceAll(/[\s\p{P}]+/gu, " ")
    .trim();
