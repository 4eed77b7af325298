/** Writes the version of package.json into src/version.ts: receipts name it, and `changeset version` knows no other place. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import manifest from "../package.json" with { type: "json" };

const target = join(import.meta.dirname, "../src/version.ts");
const text = `/** The version of this package, as receipts record it. Made by scripts/version.ts from package.json. */
export const version: string = "${manifest.version}";
`;

// A file that stays as it was is not compiled again.
if (!existsSync(target) || readFileSync(target, "utf8") !== text) writeFileSync(target, text);
