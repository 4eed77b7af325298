import { OptionError, show } from "../errors.ts";
import { corrections } from "./misspellings.ts";

/** The options of {@link smartCorrect}. */
export interface SmartCorrectOptions {
  /**
   * Words to leave as they are, such as names. Default none. Compared with the word alone, without the punctuation
   * around it, and exactly: `"Teh"` keeps `Teh` and `(Teh)`, but not `teh`.
   */
  preserve?: readonly string[];
}

/**
 * A word that stands alone: between white space, with nothing around it but quotes, brackets and, behind it, the
 * marks that end a phrase. Whatever is glued to anything else is taken for code, an address or a name. Capitals are
 * accepted at the two ends only: inside, they make a camelCase name or an acronym.
 *
 * Linear: the lookbehind admits one start a token, and no character fits two neighbouring parts except a word's last
 * letter, so that a failed match gives its characters back once.
 */
const WORD = /(?<!\S)([([{"'“”‘’]*)([A-Za-z][a-z]+[A-Za-z])([()[\]{}"'“”‘’,.;:!?]*)(?!\S)/g;

/**
 * What delimits code in Markdown (CommonMark 0.31, 4.5 and 6.1): a line that opens or closes a fence (the fence is
 * captured; a list's bullet may stand before it), a blank line, which ends a paragraph, or a run of backticks.
 * A line with further backticks is no fence but begins with inline code. `(?!~)` keeps a failed match linear.
 */
const MARK =
  /^[ \t]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?(`{3,}|~{3,}(?!~))[^`\r\n\u2028\u2029]*$|\n[^\S\n]*\n|`+/gm;

/** Where the code is, in order: from one delimiter to the next with the same key. */
function codeRegions(text: string): { start: number; end: number }[] {
  const marks: { start: number; end: number; key: string }[] = [];
  let open: string | undefined;
  let paragraph = 0;
  for (const match of text.matchAll(MARK)) {
    const [mark, fence] = match;
    // Closed by a fence of its own kind, at least as long and alone on its line; all before that is code.
    if (open !== undefined && !(fence?.startsWith(open) && mark.trim() === fence)) continue;
    if (fence !== undefined) open = open === undefined ? fence : undefined;
    // Inline code ends in the paragraph where it began, with as many backticks.
    if (fence !== undefined || mark.startsWith("\n")) paragraph++;
    const key = fence === undefined ? `${paragraph}${mark}` : "fence";
    marks.push({ start: match.index, end: match.index + mark.length, key });
  }
  if (open !== undefined) marks.push({ start: text.length, end: text.length, key: "fence" });

  // Partners are looked up from behind, where each is found in one step.
  const nearest = new Map<string, number>();
  const partner = marks.map((_, i) => i);
  for (let i = marks.length - 1; i >= 0; i--) {
    partner[i] = nearest.get(marks[i]!.key) ?? i;
    nearest.set(marks[i]!.key, i);
  }
  const regions: { start: number; end: number }[] = [];
  for (let i = 0; i < marks.length; i++) {
    const last = partner[i]!;
    if (last > i) regions.push({ start: marks[i]!.start, end: marks[last]!.end });
    i = last;
  }
  return regions;
}

function preserved(options: SmartCorrectOptions): ReadonlySet<string> {
  if (typeof options !== "object" || options === null) {
    throw new OptionError("options", `must be an object, not ${show(options)}`);
  }
  const { preserve = [], ...unknown } = options;
  for (const name of Object.keys(unknown)) throw new OptionError(name, "unknown option; known is preserve");
  if (!Array.isArray(preserve)) {
    throw new OptionError("preserve", `must be an array of words, not ${show(preserve)}`);
  }
  preserve.forEach((word, i) => {
    if (typeof word !== "string")
      throw new OptionError(`preserve[${i}]`, `must be a word, not ${show(word)}`);
  });
  return new Set(preserve);
}

/**
 * Corrects common English misspellings (`teh`, `recieve`, …) and leaves everything else alone: fenced and inline code,
 * URLs, addresses, identifiers, and all white space, byte for byte. A word is corrected only where it stands alone
 * between white space, quotes, brackets and closing punctuation: not in `teh-cat`, `teh/wich` or `*teh*`. A capital
 * first letter is kept. Words all in capitals are left alone, since they may be acronyms or constants, and so are those
 * with a capital inside, but `teH` becomes `the`. Code is recognised by its backticks or tildes, not by indentation.
 *
 * Where it differs from the reference implementation, on purpose (finding O50):
 * - line ends, a trailing newline, form feeds and U+2028 are kept; there, each became `\n` and the last was dropped;
 * - words next to a tab are corrected, and so are words in curly quotes; there, only blanks and line ends parted words,
 *   and an opening curly quote hid one;
 * - a line that begins with inline code in three backticks does not turn the rest of the text into code.
 *
 * Beyond what is recorded of the reference, code is what CommonMark takes for code: a fence is closed only by its own
 * kind, and may be of tildes or follow a bullet; inline code may hold several words.
 *
 * @throws {OptionError} if `text` is no string, or an option is unknown or of the wrong kind.
 */
export function smartCorrect(text: string, options: SmartCorrectOptions = {}): string {
  if (typeof text !== "string") throw new OptionError("text", `must be a string, not ${show(text)}`);
  const keep = preserved(options);
  const code = codeRegions(text);
  let next = 0;
  return text.replace(WORD, (token, before: string, word: string, after: string, at: number) => {
    const right = corrections.get(word.toLowerCase());
    if (right === undefined || keep.has(word)) return token;
    while (next < code.length && code[next]!.end <= at) next++;
    if (next < code.length && code[next]!.start <= at) return token;
    const initial = /^[A-Z]/.test(word) ? right[0]!.toUpperCase() : right[0]!;
    return before + initial + right.slice(1) + after;
  });
}
