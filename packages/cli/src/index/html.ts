import { Parser } from "htmlparser2";

/** What a page is made of, and nobody reads. */
const UNREAD = new Set("script style noscript template svg".split(" "));
/** Tags within a sentence: all others part what stands before them from what comes. */
const INLINE = new Set("a abbr b cite code em i kbd mark q s small span strong sub sup u var".split(" "));

/** A page as text. */
export interface Page {
  readonly title: string;
  /** Its text, with the line breaks of the source: line 7 here is what line 7 there says. */
  readonly text: string;
}

export function readPage(html: string): Page {
  let text = "";
  let title = "";
  let inTitle = false;
  /** How many elements that nobody reads are open. */
  let unread = 0;
  /** Up to where line breaks of the source were counted, and how many there are more than in the text. */
  let counted = 0;
  let owed = 0;
  const parser = new Parser({
    onopentagname(name) {
      if (UNREAD.has(name)) unread++;
      if (name === "title") inTitle = unread === 0 && title === "";
      if (!INLINE.has(name)) text += " ";
    },
    onclosetag(name) {
      if (UNREAD.has(name)) unread--;
      if (name === "title") inTitle = false;
      if (!INLINE.has(name)) text += " ";
    },
    ontext(part) {
      if (inTitle) title += part;
      if (inTitle || unread > 0) return;
      owed += breaksIn(html.slice(counted, parser.startIndex));
      text += "\n".repeat(Math.max(0, owed)) + part;
      owed = -breaksIn(part) + Math.min(0, owed);
      counted = parser.startIndex;
    },
  });
  parser.end(html);
  const lines = text.split("\n").map((line) => line.replace(/[ \t\r]+/g, " ").trim());
  return { title: title.trim(), text: lines.join("\n") };
}

const breaksIn = (text: string): number => text.split("\n").length - 1;
