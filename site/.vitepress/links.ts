/** How the documents' links, which lead through the repository's folders, become links of the site. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("../..", import.meta.url));

/** Where the repository is read by people: what is no page of the site is linked there. */
const { homepage } = JSON.parse(readFileSync(join(root, "packages/core/package.json"), "utf8"));
export const repository: string = homepage.replace(/\/tree\/.*/, "");

/** The page that a Markdown file of the repository becomes; the path of both is relative to their roots. */
export function pageOf(file: string): string {
  return file
    .replace(/^(docs|site)\//, "")
    .replace(/^packages\/([^/]+)\/README\.md$/, "packages/$1.md")
    .replace(/^((?:examples|benchmarks).*?)\/README\.md$/, "$1.md")
    .replace(/^README\.md$/, "overview.md")
    .replace(/^(SECURITY|CONTRIBUTING)\.md$/, (name) => name.toLowerCase());
}

/** The anchor of a heading, as GitHub makes it: a link to one leads to it both there and here. */
export const anchorOf = (title: string): string =>
  title
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\s_-]/gu, "")
    .replaceAll(/\s/g, "-");

/**
 * Where a relative link in a Markdown file leads on the site: to a page, or to the file in the repository.
 *
 * @param from the file, absolute.
 * @throws {Error} for a link to a file that is not there: it fails the build.
 */
export function linkOf(href: string, from: string): string {
  if (/^([a-z]+:|#|\/)/.test(href)) return href;
  const [path, anchor] = href.split("#") as [string, string?];
  const target = join(dirname(from), decodeURI(path));
  if (!existsSync(target)) throw new Error(`${relative(root, from)}: a link to ${href}, which is not there`);
  const isFolder = statSync(target).isDirectory();
  const page = isFolder && existsSync(join(target, "README.md")) ? join(target, "README.md") : target;
  const file = relative(root, page);
  const hash = anchor === undefined ? "" : `#${anchor}`;
  return page.endsWith(".md")
    ? `/${pageOf(file)}${hash}`
    : `${repository}/${isFolder ? "tree" : "blob"}/main/${file}${hash}`;
}
