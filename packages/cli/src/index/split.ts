import { extname } from "node:path";
import { split } from "llm-splitter";
import { readPage } from "./html.ts";

/** A passage of a file. */
export interface Passage {
  /** `PATH:FIRST-LAST`, told apart by a number where several stand on the same lines. */
  readonly name: string;
  /** The headings above it, or the page's title. Empty for none. */
  readonly title: string;
  readonly text: string;
  /** Its lines in the file, counted from 1, both inclusive. */
  readonly first: number;
  readonly last: number;
}

type Kind = "markdown" | "html" | "text";

const ENDS: Readonly<Record<Kind, string>> = {
  markdown: ".md .mdx .markdown",
  html: ".html .htm",
  text:
    ".txt .rst .adoc .org .tex .css .scss .sh .sql .toml .yaml .yml .js .mjs .cjs .jsx .ts .mts .cts .tsx .vue .svelte .py .pyi " +
    ".java .kt .kts .cs .go .rs .c .h .cc .cpp .hpp .rb .php .scala .swift .proto .lua .r .jl .ex .exs .hs .ml .sol .zig",
};

/** The ends of the names of files that are indexed, and what they hold. */
const KINDS: ReadonlyMap<string, Kind> = new Map(
  (Object.keys(ENDS) as Kind[]).flatMap((kind) => ENDS[kind].split(" ").map((end) => [end, kind] as const)),
);

/** What a file holds, by the end of its name; undefined for one that is not indexed. */
export const kindOf = (path: string): Kind | undefined => KINDS.get(extname(path).toLowerCase());

/** How long a passage is at most, in pieces of about a token: a few paragraphs, and less than embedding models read at once. */
const LENGTH = 160;

/** A piece is up to six characters without a blank, or one of a script that writes no blanks. */
const PIECE =
  /[\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}\p{sc=Thai}]|[^\s\p{sc=Han}\p{sc=Hira}\p{sc=Kana}\p{sc=Hang}\p{sc=Thai}]{1,6}/gu;

const pieces = (text: string) =>
  Array.from(text.matchAll(PIECE), ({ 0: piece, index }) => ({ text: piece, start: index }));

/** The passages of a file, in their order: whole paragraphs, as many as fit, and of Markdown none over two sections. */
export function passagesOf(path: string, source: string): Passage[] {
  const kind = kindOf(path);
  const page = kind === "html" ? readPage(source) : null;
  const text = page?.text ?? source.replaceAll("\r\n", "\n");
  const sections =
    kind === "markdown" ? sectionsOf(text) : [{ title: page?.title ?? "", start: 0, end: text.length }];
  const lineOf = lineCounter(text);
  const names = new Map<string, number>();
  return sections.flatMap(({ title, start, end }) =>
    chunksOf(text.slice(start, end), kind === "markdown").map((chunk) => {
      const part = chunk.text.trimEnd();
      const from = start + chunk.start;
      const [first, last] = [lineOf(from), lineOf(from + part.length - 1)];
      const lines = `${path}:${first}-${last}`;
      const before = names.get(lines) ?? 0;
      names.set(lines, before + 1);
      return { name: before === 0 ? lines : `${lines}#${before + 1}`, title, text: part, first, last };
    }),
  );
}

/** The chunks of a section. Headings before a paragraph that fills a chunk would be one of their own: each of the others has them as its title. */
function chunksOf(section: string, hasHeadings: boolean): readonly { text: string; start: number }[] {
  const chunks = split(section, { chunkSize: LENGTH, chunkStrategy: "paragraph", splitter: pieces }).map(
    ({ text, start }) => ({ text: String(text), start }),
  );
  const isHeading = ({ text }: { text: string }) =>
    text.split("\n").every((line) => line.trim() === "" || HEADING.test(line));
  return hasHeadings && chunks.length > 1 ? chunks.filter((chunk) => !isHeading(chunk)) : chunks;
}

/** A heading of Markdown: its level and its words. */
const HEADING = /^(#{1,6})\s+(.+?)\s*#*\s*$/;

interface Section {
  readonly title: string;
  readonly start: number;
  readonly end: number;
}

/** The sections of a Markdown text, each from its heading to the next one; a section of a heading alone joins the next. */
function sectionsOf(text: string): Section[] {
  const path: string[] = [];
  const starts: { title: string; start: number }[] = [{ title: "", start: 0 }];
  let fence: string | null = null;
  let at = 0;
  let bare = true;
  for (const line of text.split("\n")) {
    const [, mark] = /^\s{0,3}(```+|~~~+)/.exec(line) ?? [];
    if (mark !== undefined && (fence === null || mark.startsWith(fence)))
      fence = fence === null ? mark : null;
    const [, level, heading] = (fence === null && HEADING.exec(line)) || [];
    if (level !== undefined && heading !== undefined) {
      path.length = Math.min(path.length, level.length - 1);
      path[level.length - 1] = heading;
      const start = bare ? starts.pop()!.start : at;
      starts.push({ title: path.filter(Boolean).join(" > "), start });
      bare = true;
    } else if (line.trim() !== "") bare = false;
    at += line.length + 1;
  }
  return starts.map(({ title, start }, i) => ({ title, start, end: starts[i + 1]?.start ?? text.length }));
}

/** Tells the line of a place in a text, from 1. */
function lineCounter(text: string): (at: number) => number {
  const breaks: number[] = [];
  for (let at = text.indexOf("\n"); at >= 0; at = text.indexOf("\n", at + 1)) breaks.push(at);
  return (at) => {
    let [low, high] = [0, breaks.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (breaks[middle]! < at) low = middle + 1;
      else high = middle;
    }
    return low + 1;
  };
}
