import { readFileSync } from "node:fs";
import { buffer } from "node:stream/consumers";
import { InputError } from "../exit.ts";

/** How a file is called in messages. */
export const nameOf = (path: string): string => (path === "-" ? "stdin" : path);

/** The text of a file, or of stdin for `-`, without a byte order mark. @throws {InputError} for none, and for other bytes than UTF-8. */
export async function readText(path: string): Promise<string> {
  if (path === "-" && process.stdin.isTTY) {
    throw new InputError("stdin: nothing comes from it: name a file, or pipe one in");
  }
  return decode(path === "-" ? await buffer(process.stdin) : bytesOf(path), nameOf(path));
}

function bytesOf(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new InputError(`${path}: ${reasonOf(cause)}`, { cause });
  }
}

/** The text of bytes. @throws {InputError} unless they are UTF-8. */
function decode(bytes: Uint8Array, name: string): string {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new InputError(`${name}: is no text in UTF-8`, { cause });
  }
}

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: "there is no such file or folder",
  EISDIR: "is a folder",
  ENOTDIR: "is no folder",
  EACCES: "may not be read or written",
  EROFS: "cannot be written: the file system is read-only",
  EEXIST: "is there already",
};

/** What the system says of a failed file operation, in words. */
export function reasonOf(error: unknown): string {
  const { code = "", message } = error as NodeJS.ErrnoException;
  return REASONS[code] ?? message;
}
