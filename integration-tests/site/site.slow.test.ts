import { existsSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { type Options, rerank } from "@oscillink/core";
import { LexicalEmbedder } from "@oscillink/lexical";
import type { AxeResults } from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, test } from "vitest";
import { embeddings, passages, textOf } from "../../examples/corpus/vectors.ts";
import { EVERY_RUNTIME, launchChromium, Unavailable } from "../runtimes/engines.ts";
import { build, fileOf, pages, visit } from "./site.ts";

let browser: Browser | null = null;
beforeAll(async () => {
  await build();
  browser = await launchChromium().catch((error) => {
    if (error instanceof Unavailable && !EVERY_RUNTIME) return null;
    throw error;
  });
}, 300_000);
afterAll(() => browser?.close());

/** A test that needs Chromium: skipped where it is not there, as the comparison of the runtimes does. */
const inChromium = (name: string, run: (browser: Browser) => Promise<void>) =>
  test(name, async ({ skip }) => {
    if (browser === null) skip("Chromium is not installed");
    await run(browser!);
  });

test("every link leads to a page, and to a heading in it", () => {
  const dead: string[] = [];
  const found = pages();
  expect(found.length).toBeGreaterThan(40);
  for (const path of found) {
    const html = readFileSync(fileOf(path)!, "utf8");
    for (const [, href] of html.matchAll(/<a [^>]*?href="(\/[^"]*|#[^"]*)"/g)) {
      const [target, anchor] = href!.split("#") as [string, string?];
      const file = fileOf(target === "" ? path : target);
      const there =
        file !== null &&
        (!anchor || readFileSync(file, "utf8").includes(`id="${decodeURIComponent(anchor)}"`));
      if (!there) dead.push(`${path}: ${href}`);
    }
  }
  expect(dead).toEqual([]);
});

inChromium("every page loads without an error, and no request leaves the site", async (browser) => {
  await using window = await visit(browser);
  for (const path of pages()) {
    await window.open(path);
    expect(await window.page.locator("h1").first().isVisible(), path).toBe(true);
    expect(window.troubles, path).toEqual([]);
  }
});

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
async function violations(page: Page): Promise<string[]> {
  await page.evaluate(axe);
  const { violations } = await page.evaluate<AxeResults>("axe.run()");
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html} ${failureSummary}`),
  );
}

const kinds = [
  "/",
  "/overview",
  "/start/langchain",
  "/concepts",
  "/quality",
  "/speed",
  "/api/@oscillink/core",
  "/playground",
];
for (const colorScheme of ["light", "dark"] as const) {
  inChromium(`axe finds nothing on the main kinds of page (${colorScheme})`, async (browser) => {
    await using window = await visit(browser, { colorScheme });
    const found: Record<string, string[]> = {};
    for (const path of kinds) {
      await window.open(path);
      if (path === "/playground") await window.page.locator("li[data-id]").first().waitFor();
      await window.screenshot(`${path.slice(1).replaceAll("/", "-") || "home"}-${colorScheme}`);
      found[path] = await violations(window.page);
    }
    expect(found).toEqual(Object.fromEntries(kinds.map((path) => [path, []])));
  });
}

inChromium("the search finds a page by its words", async (browser) => {
  await using window = await visit(browser);
  await window.open("/");
  await window.page.keyboard.press("Control+k");
  await window.page.locator("#localsearch-input").fill("null points");
  const first = window.page.locator("#localsearch-list a").first();
  await first.waitFor();
  expect(await first.getAttribute("href")).toContain("/lattice");
  expect(window.troubles).toEqual([]);
});

// ---------------------------------------------------------------- the playground

const question = "Aboard which vessel was the document that Lamp Day commemorates signed?";
const documents = await embeddings
  .embedDocuments(passages.map(textOf))
  .then((rows) =>
    passages.map(({ _id, title, text, trust }, i) => ({ id: _id, title, text, trust, embedding: rows[i]! })),
  );
const query = await embeddings.embedQuery(question);
/** The ids of the bundle, by core. */
function expected(options: Options = {}, trust: Record<string, number> = {}): string[] {
  const found = rerank({ query, candidates: documents, profile: "cosine", k: 50 }).bundle;
  const candidates = found.map(({ candidate }) => ({
    ...candidate,
    trust: trust[candidate.id] ?? candidate.trust ?? 1,
  }));
  return rerank({ query, queryText: question, candidates, k: 5, ...options }).bundle.map(({ id }) => id);
}
const shown = (page: Page): Promise<string[]> =>
  page
    .locator('li[data-chosen="true"]')
    .evaluateAll((rows) => rows.map((row) => row.getAttribute("data-id")!));
const explained = (page: Page): Promise<string> => page.locator(".why").textContent().then(String);
/** Moves a slider by the keyboard. */
async function press(page: Page, label: string | RegExp, key: string, times = 1): Promise<void> {
  await page.getByRole("slider", { name: label, exact: true }).focus();
  for (let i = 0; i < times; i++) await page.keyboard.press(key);
}

inChromium("moving a slider ranks as core does, and the address restores what is seen", async (browser) => {
  await using window = await visit(browser);
  const { page } = window;
  await window.open("/playground");
  await page.locator("li[data-id]").first().waitFor();
  expect(await shown(page)).toEqual(expected());

  await press(page, /^k:/, "ArrowRight", 3);
  expect(await shown(page)).toEqual(expected({ k: 8 }));
  await press(page, /^textWeight/, "Home");
  expect(await shown(page)).toEqual(expected({ k: 8, textWeight: 0 }));
  expect(expected({ k: 8, textWeight: 0 })).not.toEqual(expected({ k: 8 }));
  await press(page, /^linkWeight/, "Home");
  expect(await shown(page)).toEqual(expected({ k: 8, textWeight: 0, linkWeight: 0 }));
  await press(page, /^lamC/, "End");
  const options = { k: 8, textWeight: 0, linkWeight: 0, lamC: 4 };
  expect(await shown(page)).toEqual(expected(options));
  await press(page, "Trust of lamp-day", "Home");
  expect(await shown(page)).toEqual(expected(options, { "lamp-day": 0 }));
  expect(await page.locator('li[data-id="lamp-day"]').textContent()).toContain("excluded");

  await expect.poll(() => page.url()).toContain("trust=0+lamp-day");
  await window.screenshot("playground-moved");
  await using other = await visit(browser);
  await other.open(page.url().replace(/^https?:\/\/[^/]+/, ""));
  await other.page.locator("li[data-id]").first().waitFor();
  expect(await shown(other.page)).toEqual(await shown(page));
  expect(await explained(other.page)).toBe(await explained(page));
  expect(await explained(page)).toMatch(/digest sha256:[0-9a-f]{64}/);

  await page.getByRole("button", { name: "Set the sliders back" }).click();
  await expect.poll(() => shown(page)).toEqual(expected());
  expect([...window.troubles, ...other.troubles]).toEqual([]);
});

inChromium("texts of one's own are ranked by their words, and the address holds them", async (browser) => {
  const texts = [
    "The harbour crane at Saltby was built by the engineer Ada Quill.",
    "Bread & butter: 100 % of it.",
    "Ada Quill grew up in the lighthouse on Ness Point.",
  ];
  const queryText = "Where did the builder of the crane at Saltby grow up?";
  await using window = await visit(browser);
  const { page } = window;
  await window.open("/playground");
  await page.getByLabel("Question", { exact: true }).selectOption({ label: "Ask texts of your own …" });
  await page.getByLabel("Your question").fill(queryText);
  await page.getByLabel(/^Your texts/).fill(texts.slice(0, 2).join("\n\n"));
  await page
    .getByLabel(/text files/)
    .setInputFiles({ name: "more.txt", mimeType: "text/plain", buffer: Buffer.from(texts[2]!) });
  await expect.poll(() => page.locator("li[data-id]").count()).toBe(3);

  const embedder = LexicalEmbedder.fit(texts);
  const candidates = texts.map((text, i) => ({
    id: `paragraph ${i + 1}`,
    text,
    embedding: embedder.embed(text),
  }));
  const found = rerank({ query: embedder.embed(queryText), candidates, profile: "cosine", k: 50 }).bundle;
  const { bundle } = rerank({
    query: embedder.embed(queryText),
    queryText,
    candidates: found.map(({ candidate }) => candidate),
  });
  expect(await shown(page)).toEqual(bundle.map(({ id }) => id));
  await window.screenshot("playground-own");

  await expect.poll(() => page.url()).toContain("Ness+Point");
  await using other = await visit(browser);
  await other.open(page.url().replace(/^https?:\/\/[^/]+/, ""));
  await other.page.locator("li[data-id]").first().waitFor();
  expect(await other.page.getByLabel(/^Your texts/).inputValue()).toBe(texts.join("\n\n"));
  expect(await shown(other.page)).toEqual(await shown(page));
  expect([...window.troubles, ...other.troubles]).toEqual([]);
});

// Where the workspace has the package that makes the page.
const explains = existsSync(new URL("../../packages/explain/package.json", import.meta.url));
test.runIf(explains)("the page that explains the receipt is one click away", async ({ skip }) => {
  if (browser === null) skip("Chromium is not installed");
  await using window = await visit(browser!);
  await window.open("/playground");
  await window.page.locator("li[data-id]").first().waitFor();
  const opened = window.page.waitForEvent("popup");
  await window.page.getByRole("button", { name: /explains this receipt/ }).click();
  const page = await opened;
  await page.waitForURL(/^blob:/);
  const digest = /sha256:[0-9a-f]{64}/.exec(await explained(window.page))![0];
  expect(await page.locator("body").textContent()).toContain(digest);
  expect(window.troubles).toEqual([]);
});

inChromium("rows glide to their places, unless less motion is asked for", async (browser) => {
  for (const [reducedMotion, moves] of [
    ["no-preference", true],
    ["reduce", false],
  ] as const) {
    await using window = await visit(browser, { reducedMotion });
    await window.open("/playground");
    await window.page.locator("li[data-id]").first().waitFor();
    await press(window.page, /^textWeight/, "Home");
    const gliding = await window.page.evaluate(
      "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(document.getAnimations().filter((a) => a.transitionProperty === 'transform').length))))",
    );
    expect(Number(gliding) > 0, reducedMotion).toBe(moves);
  }
});
