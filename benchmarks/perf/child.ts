import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";

/** Runs a script in a Node process of its own, and returns what it printed. */
export function child(script: URL, args: object, flags: readonly string[] = []): string {
  const argv = [...flags, fileURLToPath(script), JSON.stringify(args)];
  return execFileSync(process.execPath, argv, { encoding: "utf8" });
}
