/** What sentences about receipts are made of. */

/** A list of the parts that are there. */
export const listed = (parts: readonly (false | string)[]): string => parts.filter(Boolean).join(", ");

/** In standard deviations: what rounds to less than 0.01 is not worth a word. */
export const visible = (term: number): boolean => Math.abs(term) >= 0.005;
export const amount = (term: number): string => Math.abs(term).toFixed(2);
export const signed = (term: number): string => `${term < 0 ? "-" : "+"}${amount(term)}`;

/** What a candidate that could not be ranked had. */
export const nothing = ({ scores }: { readonly scores: string | null }): string =>
  scores === null ? "no vector" : "no score";

export function ordinal(place: number): string {
  const teen = place % 100 > 10 && place % 100 < 14;
  const ending = teen ? undefined : { 1: "st", 2: "nd", 3: "rd" }[place % 10];
  return `${place}${ending ?? "th"}`;
}

/**
 * Of more than ASCII: what breaks a line, turns the direction of writing, or does not show. By number, as engines know
 * different versions of Unicode.
 */
const HIDDEN =
  /[\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufeff\uffa0\ufff0-\ufffb\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]|\u034f|[\u17b4\u17b5]|[\u180b-\u180f]|[\ufe00-\ufe0f]/gu;

/** A text of anyone's, so that it can pass for nothing else and is no longer than is fit for a line. */
export function shown(text: string, longest = 40): string {
  const units = Array.from(text);
  if (units.length <= longest) return plain(text);
  const head = units.slice(0, longest - 13).join("");
  return `${plain(head)}…${plain(units.slice(-12).join(""))}`;
}

function plain(text: string): string {
  if (/^[\w.\-:/#@+]+$/.test(text)) return text;
  const escaped = (hidden: string): string => {
    const code = hidden.codePointAt(0)!.toString(16);
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, "0")}`;
  };
  return JSON.stringify(text).replace(HIDDEN, escaped);
}
