import { Parser } from "htmlparser2";

/** What a page is made of, and nobody reads. */
const UNREAD = new Set(["script", "style", "noscript", "template", "svg", "head"]);
/** Tags within a sentence: all others part what stands before them from what comes. */
const INLINE = new Set([
  "a",
  "abbr",
  "b",
  "cite",
  "code",
  "em",
  "i",
  "kbd",
  "mark",
  "q",
  "s",
  "small",
  "span",
  "strong",
  "sub",
  "sup",
  "u",
  "var",
]);

/** A page as text. */
export interface Page {
  readonly title: string;
  /** Its text, with the line breaks of the source: line 7 here is what line 7 there says. */
  readonly text: string;
}

export function readPage(html: string): Page {
  let text = "";
  let title = "";
  let unread = 0;
  let inTitle = false;
  /** Where the source was copied to, as line breaks. */
  let line = 0;
  let counted = 0;
  const catchUp = (end: number): void => {
    for (; counted < end; counted++) if (html[counted] === "\n") line++;
  };
  let written = 0;
  const parser = new Parser({
    onopentagname(name) {
      if (UNREAD.has(name)) unread++;
      if (name === "title") inTitle = true;
      if (!INLINE.has(name)) text += " ";
    },
    onclosetag(name) {
      if (UNREAD.has(name)) unread--;
      if (name === "title") inTitle = false;
      if (!INLINE.has(name)) text += " ";
    },
    ontext(part) {
      if (inTitle) title += part;
      if (unread > 0) return;
      catchUp(parser.startIndex);
      if (line > written) text += "\n".repeat(line - written);
      text += part;
      written = line + part.split("\n").length - 1;
    },
  });
  parser.end(html);
  const lines = text.split("\n").map((part) => part.replace(/[ \t\r]+/g, " ").trim());
  return { title: title.trim(), text: lines.join("\n") };
}
