import { seeded } from "./vectors.ts";

const VOCABULARY = 4000;

/**
 * A source of seeded texts: made-up words of one to four syllables, whose frequencies fall as 1 / rank
 * (Zipf), as those of a language do.
 */
export function writer(seed: number): (words: number) => string {
  const random = seeded(seed);
  const pick = (letters: string): string => letters[Math.floor(random() * letters.length)]!;
  const syllable = (): string => pick("bcdfghklmnprstvw") + pick("aeiou") + pick("lnrst");
  const vocabulary = Array.from({ length: VOCABULARY }, () =>
    Array.from({ length: 1 + Math.floor(random() * 4) }, syllable).join(""),
  );
  // The inverse of the cumulative frequency: ln(rank) is uniform.
  const word = (): string => vocabulary[Math.floor(VOCABULARY ** random()) - 1]!;
  return (words) => Array.from({ length: words }, word).join(" ");
}
