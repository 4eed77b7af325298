/** What a score is made of, as a person would name it. */

/** A term of the scores of a receipt. */
export interface Term {
  /** As the receipt names it. */
  readonly key: string;
  readonly label: string;
  /** The class of its colour. */
  readonly colour: string;
}

/** By the receipt's names, in the order in which they are told. Colours are in style.ts. */
const LABELS: readonly (readonly [key: string, label: string, colour: string])[] = [
  ["similarity", "cosine", "c1"],
  ["settled", "settled cosine", "c1"],
  ["grams", "parts of words", "c2"],
  ["words", "words", "c3"],
  ["text", "words", "c3"],
  ["phrases", "phrases", "c4"],
  ["title", "title", "c5"],
  ["feedback", "like the best", "c7"],
  ["links", "linked to", "c8"],
  ["coherence", "coherence", "c8"],
  ["neighbours", "documents like it", "c9"],
  ["trust", "distrust", "c10"],
];

/** The terms that some document of a receipt has, in the order of {@link LABELS}; further lists before the neighbours. */
export function termsOf(terms: readonly (object | null)[], scored: boolean): Term[] {
  const keys = new Set(terms.flatMap((of) => Object.keys(of ?? {})));
  const known = LABELS.filter(([key]) => keys.has(key)).map(([key, label, colour]) => ({
    key,
    label: key === "similarity" && scored ? "score of the search" : label,
    colour,
  }));
  const others = [...keys]
    .filter((key) => !LABELS.some(([name]) => name === key))
    .map((key) => ({ key, label: key.startsWith("list:") ? `list ${key.slice(5)}` : key, colour: "c6" }));
  const last = known.findIndex(({ key }) => key === "neighbours" || key === "trust");
  return last < 0 ? [...known, ...others] : [...known.slice(0, last), ...others, ...known.slice(last)];
}
