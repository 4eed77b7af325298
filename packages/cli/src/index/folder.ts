import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import ignore, { type Ignore } from "ignore";
import { InputError } from "../exit.ts";
import { reasonOf } from "../read/text.ts";
import { kindOf } from "./split.ts";

/** A file that is indexed. */
export interface FoundFile {
  /** Its path in the folder, with `/` on every system. */
  readonly path: string;
  /** When it was last changed, in milliseconds. */
  readonly mtime: number;
  readonly size: number;
}

/** Larger files hold data, and no text that somebody wrote. */
const LARGEST = 2 ** 20;

/** The rules of one `.gitignore`, and the folder that they are for. */
interface Rules {
  readonly folder: string;
  readonly rules: Ignore;
}

/** @throws {InputError} for what is no folder, or may not be read. */
export function checkFolder(folder: string): void {
  try {
    readdirSync(folder);
  } catch (cause) {
    throw new InputError(`${folder}: ${reasonOf(cause)}`, { cause });
  }
}

/**
 * The text files of a folder and of those in it, by path. Left out are hidden files and folders, `node_modules`, what a
 * `.gitignore` names (those above the folder count up to the root of its repository), links, and files over 1 MiB.
 *
 * @throws {InputError} for a folder that may not be read.
 */
export function filesOf(folder: string): FoundFile[] {
  const root = resolve(folder);
  const found: FoundFile[] = [];
  const visit = (path: string, outer: readonly Rules[]): void => {
    const all = [...outer, ...rulesIn(path)];
    const named = readdirSync(path, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of named) {
      const { name } = entry;
      const inside = join(path, name);
      if (name.startsWith(".") || name === "node_modules") continue;
      if (entry.isDirectory()) {
        if (!isIgnored(all, `${inside}/`)) visit(inside, all);
      } else if (entry.isFile() && kindOf(name) !== undefined && !isIgnored(all, inside)) {
        const { mtimeMs, size } = statSync(inside);
        if (size <= LARGEST)
          found.push({ path: relative(root, inside).replaceAll("\\", "/"), mtime: mtimeMs, size });
      }
    }
  };
  try {
    visit(root, rulesAbove(root));
  } catch (cause) {
    throw new InputError(`${folder}: ${reasonOf(cause)}`, { cause });
  }
  return found;
}

function rulesIn(folder: string): Rules[] {
  const path = join(folder, ".gitignore");
  return existsSync(path) ? [{ folder, rules: ignore().add(readFileSync(path, "utf8")) }] : [];
}

/** The rules of the folders above, from the root of the repository; none outside of one. */
function rulesAbove(folder: string): Rules[] {
  const above: string[] = [];
  for (let path = folder; !existsSync(join(path, ".git")); path = dirname(path)) {
    if (path === dirname(path)) return [];
    above.unshift(dirname(path));
  }
  return above.flatMap(rulesIn);
}

/** The nearest `.gitignore` that has something to say of a path decides. */
function isIgnored(all: readonly Rules[], path: string): boolean {
  for (const { folder, rules } of all.toReversed()) {
    const inside = relative(folder, path).replaceAll("\\", "/") + (path.endsWith("/") ? "/" : "");
    const { ignored, unignored } = rules.test(inside);
    if (ignored || unignored) return ignored;
  }
  return false;
}
