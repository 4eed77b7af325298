import {
  findNodeAtLocation,
  type Node,
  type ParseError,
  parse,
  parseTree,
  printParseErrorCode,
} from "jsonc-parser";
import { InputError } from "../exit.ts";

/** One object of a file, and where it stands. */
export interface Located<T = Readonly<Record<string, unknown>>> {
  readonly value: T;
  /** `FILE:LINE:COLUMN` of the object, or of a field of it, both counted from 1. */
  place(field?: string): string;
}

/** Is told of each part of the input that cannot be used; it throws if that ends the command. */
export type OnBroken = (error: InputError) => void;

/**
 * The objects of a text: a JSON array of them, or one a line.
 *
 * @param name names the text in messages.
 * @param onBroken is told of lines that are no JSON, and of values that are no objects.
 * @throws {InputError} for an array that is no JSON: nobody could say where its elements begin.
 */
export function readRecords(text: string, name: string, onBroken: OnBroken): Located[] {
  return text.trimStart().startsWith("[") ? readArray(text, name, onBroken) : readLines(text, name, onBroken);
}

function readArray(text: string, name: string, onBroken: OnBroken): Located[] {
  const values = parseAt<unknown[]>(text, (offset) => placeIn(text, name, offset));
  let tree: Node | undefined;
  return values.flatMap((value, i) => {
    const place = (field?: string) => {
      tree ??= parseTree(text);
      return placeIn(text, name, offsetOf(tree, field === undefined ? [i] : [i, field]));
    };
    return objectOf(value, place, onBroken);
  });
}

function readLines(text: string, name: string, onBroken: OnBroken): Located[] {
  return text.split("\n").flatMap((line, i) => {
    if (line.trim() === "") return [];
    const at = (offset: number) => `${name}:${i + 1}:${offset + 1}`;
    try {
      const value = parseAt(line, at);
      const place = (field?: string) => at(offsetOf(parseTree(line), field === undefined ? [] : [field]));
      return objectOf(value, place, onBroken);
    } catch (error) {
      onBroken(error as InputError);
      return [];
    }
  });
}

function objectOf(value: unknown, place: Located["place"], onBroken: OnBroken): Located[] {
  if (typeof value === "object" && value !== null && !Array.isArray(value)) {
    return [{ value: value as Readonly<Record<string, unknown>>, place }];
  }
  onBroken(new InputError(`${place()}: must be an object such as {"id": "a", "text": "…"}`));
  return [];
}

/** Parses strict JSON. @throws {InputError} with the place of the first error. */
function parseAt<T>(text: string, at: (offset: number) => string): T {
  try {
    return JSON.parse(text);
  } catch (cause) {
    // JSON.parse tells the place of some errors alone.
    const errors: ParseError[] = [];
    parse(text, errors, { disallowComments: true, allowTrailingComma: false });
    const [first = { offset: 0, error: 0 }] = errors;
    const what = first.error === 0 ? (cause as Error).message : wordsOf(printParseErrorCode(first.error));
    throw new InputError(`${at(first.offset)}: is no JSON: ${what}`, { cause });
  }
}

/** `PropertyNameExpected` in words. */
const wordsOf = (code: string): string => code.replace(/(?<!^)([A-Z])/g, " $1").toLowerCase();

/** A JSON document. @throws {InputError} with line and column of what is no JSON. */
export const parseDocument = (text: string, name: string): unknown =>
  parseAt(text, (offset) => placeIn(text, name, offset));

/** Where a value begins; for a field that is not there, where the object does. */
function offsetOf(tree: Node | undefined, path: readonly (string | number)[]): number {
  const found = tree && (findNodeAtLocation(tree, [...path]) ?? findNodeAtLocation(tree, path.slice(0, -1)));
  return found?.offset ?? 0;
}

function placeIn(text: string, name: string, offset: number): string {
  const before = text.slice(0, offset);
  const line = before.split("\n").length;
  return `${name}:${line}:${offset - before.lastIndexOf("\n")}`;
}
