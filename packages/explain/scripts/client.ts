/**
 * Bundles src/client into one script and writes it, as text, into src/assets.ts: with the licences of what is in it, and with
 * its digest and that of the style sheet, by which the page's content security policy allows these two and nothing else.
 */
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { rolldown } from "rolldown";
import { licenses } from "../../../tsdown.config.ts";
import { style } from "../src/style.ts";

const root = join(import.meta.dirname, "..");
const target = join(root, "src/assets.ts");

/** Core by its sources: what it is built into may not be there yet. */
const sources = {
  name: "sources",
  resolveId(id: string) {
    const entry = /^@oscillink\/core(?:\/(.+))?$/.exec(id);
    return entry === null ? null : join(root, "../core/src", entry[1] ?? "", "index.ts");
  },
};

const bundle = await rolldown({
  input: join(root, "src/client/main.ts"),
  platform: "browser",
  plugins: [sources, licenses],
});
const { output } = await bundle.generate({ format: "iife", minify: true, comments: false });
const [chunk, asset, ...others] = output;
if (asset?.type !== "asset" || others.length > 0) throw new Error("the client must be one script");
const script = chunk.code.trim();
const notices = String(asset.source);
if (/<\/script|<!--/i.test(script + notices))
  throw new Error("no script may end the element that it stands in");

const digest = (text: string): string => createHash("sha256").update(text).digest("base64");
const text = `/** Made by scripts/client.ts from ./client and ./style.ts. */
export const script: string =
  ${JSON.stringify(script)};
/** The licences of what the script holds: they go where it goes. */
export const notices: string =
  ${JSON.stringify(notices)};
/** The digests of script and style, as a content security policy names them. */
export const digests = {
  script: "sha256-${digest(script)}",
  style: "sha256-${digest(style)}",
} as const;
`;
// A file that stays as it was is not compiled again.
if (!existsSync(target) || readFileSync(target, "utf8") !== text) writeFileSync(target, text);
