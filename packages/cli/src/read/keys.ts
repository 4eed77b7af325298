import { OptionError } from "@oscillink/core";
import type { KeyInput } from "@oscillink/core/keys";
import { InputError } from "../exit.ts";
import { parseDocument } from "./records.ts";
import { readText } from "./text.ts";

/** What is made of the key in a file: PEM, or a JSON Web Key. @throws {InputError} that names the file, and never shows the key. */
export async function readKey<T>(path: string, make: (key: KeyInput) => T): Promise<T> {
  const text = await readText(path);
  const key = text.trimStart().startsWith("{") ? (parseDocument(text, path) as KeyInput) : text;
  try {
    return make(key);
  } catch (cause) {
    if (!(cause instanceof OptionError)) throw cause;
    throw new InputError(`${path}: ${cause.message.slice(cause.parameter.length + 2)}`, { cause });
  }
}
