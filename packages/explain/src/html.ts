/** HTML that is safe by how it is made: what is put into it is text, unless it was made by {@link html} itself. */

/** A piece of HTML. */
export class Html {
  readonly text: string;
  /** @param text is taken as it is: only {@link html} and texts of this package's own may come here. */
  constructor(text: string) {
    this.text = text;
  }
}

/** What may stand in a template: null and false stand for nothing. */
export type Part = Html | string | number | null | false | readonly Part[];

/** A template whose values are escaped; pieces of HTML, and lists of them, stand as they are. */
export const html = (texts: TemplateStringsArray, ...parts: readonly Part[]): Html =>
  new Html(texts.reduce((whole, text, i) => whole + write(parts[i - 1]!) + text));

function write(part: Part): string {
  if (part === null || part === false) return "";
  if (part instanceof Html) return part.text;
  return typeof part === "object" ? part.map(write).join("") : escaped(String(part));
}

const ENTITIES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
};

/**
 * What turns the direction of writing, or is a control character: it is shown by its number, so that no text can look like
 * another one. Ends of lines and tabs are left as they are.
 */
const HIDDEN =
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]/g;

/** A text as it may stand between tags and in quoted attributes. */
const escaped = (text: string): string =>
  text
    .toWellFormed()
    .replace(/[&<>"']/g, (special) => ENTITIES[special]!)
    .replace(HIDDEN, (hidden) => `\\u${hidden.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** JSON text inside of a `script` element, which it cannot end. */
export const jsonText = (value: unknown): Html =>
  new Html(
    JSON.stringify(value)
      .replaceAll("<", "\\u003c")
      .replaceAll("\u2028", "\\u2028")
      .replaceAll("\u2029", "\\u2029"),
  );

/** A text cut to a length, in characters; `…` stands for the rest. */
export function cut(text: string, longest: number): string {
  // Twice as many units hold so many characters, and a text of megabytes is not taken apart.
  const characters = Array.from(text.slice(0, 2 * longest));
  return characters.length <= longest && text.length <= 2 * longest
    ? text
    : `${characters.slice(0, longest - 1).join("")}…`;
}

/** A name of anyone's, apart from the direction of the text around it. */
export const name = (id: string, longest = 60): Html => html`<bdi class="id">${cut(id, longest)}</bdi>`;
