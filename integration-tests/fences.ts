/** A block of code in a document. */
export interface Fence {
  readonly language: string;
  readonly text: string;
  /** Where the text begins in the document. */
  readonly at: number;
}

/** The fenced blocks of a document, each of which must begin and end at the margin. */
export function fencesOf(markdown: string): Fence[] {
  const found = [...markdown.matchAll(/^```(\w*)\n(.*?)^```$/gms)];
  const marks = markdown.match(/^\s*(```|~~~)/gm) ?? [];
  if (marks.length !== 2 * found.length) throw new Error("a block is not closed, or not at the margin");
  return found.map(([, language, text], i) => ({
    language: language!,
    text: text!,
    at: found[i]!.index + "```\n".length + language!.length,
  }));
}
