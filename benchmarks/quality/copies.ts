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
