import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { type Candidate, rerank, signReceipt } from "@oscillink/core";
import { ed25519Signer, generateKeys, hmacSigner, publicKeyToPem } from "@oscillink/core/keys";
import { signPublished } from "@oscillink/core/python";
import { explainPage } from "@oscillink/explain";
import axe from "axe-core";
import type { Browser, Page } from "playwright-core";
import { afterAll, describe, expect, test } from "vitest";
import {
  chainReceipt,
  documents,
  hostileDocuments,
  receiptOf,
  requestOf,
} from "../../packages/explain/test/world.ts";
import { EVERY_RUNTIME, launchChromium, Unavailable } from "../runtimes/engines.ts";
import { folder } from "../script.ts";

/*
 * The page in a browser, from disk. Its screenshots are written to the folder beside this file, which is not committed; what it
 * takes in time is printed, and not judged.
 */

const pictures = join(import.meta.dirname, "screenshots");
mkdirSync(pictures, { recursive: true });
const picture = (name: string) => join(pictures, name);

const found: Browser | Unavailable = await launchChromium().catch((error) => {
  if (error instanceof Unavailable && !EVERY_RUNTIME) return error;
  throw error;
});
const browser = found as Browser;
afterAll(async () => {
  if (!(found instanceof Unavailable)) await browser.close();
});

interface Opened {
  readonly page: Page;
  /** What the console said, errors of scripts, and requests beyond the file itself. */
  readonly noise: string[];
}

type Setting = Parameters<Browser["newPage"]>[0];

async function open(html: string, setting: Setting = {}): Promise<Opened> {
  const url = pathToFileURL(join(folder({ "page.html": html }), "page.html")).href;
  const page = await browser.newPage({ viewport: { width: 1200, height: 900 }, ...setting });
  const noise: string[] = [];
  page.on("console", (message) => noise.push(message.text()));
  page.on("pageerror", (error) => noise.push(error.message));
  page.on("dialog", (dialog) => noise.push(dialog.message()));
  page.on("request", (request) => {
    if (request.url() !== url && request.url() !== "data:,") noise.push(request.url());
  });
  await page.goto(url);
  return { page, noise };
}

const keys = generateKeys();
const signer = ed25519Signer(keys.privateKey);
const candidates = documents(50);
const receipt = receiptOf(candidates);
const envelope = signReceipt(receipt, signer);
const signed = explainPage(envelope, { candidates, key: keys.publicKey });

const statusOf = async (page: Page, kind: string) => {
  await page.locator(`#status.${kind}`).waitFor({ timeout: 10_000 });
  return page.locator("#status").textContent();
};

async function verifyWith(page: Page, key: string, kind: string): Promise<void> {
  await page.fill("#key", key);
  await page.selectOption("#kind", kind);
  await page.click("button");
}

const violations = async (page: Page) => {
  await page.evaluate(axe.source);
  const { violations: all } = (await page.evaluate("axe.run()")) as axe.AxeResults;
  return all.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
};

describe.skipIf(found instanceof Unavailable)("in Chromium", () => {
  test.each(["light", "dark"] as const)(
    "in %s it is quiet, sends nothing, and axe finds nothing",
    async (colorScheme) => {
      const { page, noise } = await open(signed, { colorScheme });
      await statusOf(page, "valid");
      await page.screenshot({ path: picture(`${colorScheme}.png`), fullPage: true });
      expect(await violations(page)).toEqual([]);
      expect(noise).toEqual([]);
      await page.setViewportSize({ width: 390, height: 844 });
      await page.screenshot({ path: picture(`${colorScheme}-narrow.png`), fullPage: true });
      expect(await violations(page)).toEqual([]);
      expect(await page.evaluate("document.documentElement.scrollWidth")).toBeLessThanOrEqual(390);
      await page.close();
    },
  );

  test("every candidate is a node that is drawn, and a chain and null points are marked", async () => {
    const { page } = await open(explainPage(chainReceipt(candidates), { candidates }));
    const visible = await page
      .locator("#lattice .node circle")
      .evaluateAll((circles) => circles.filter((circle) => circle.getBoundingClientRect().width > 5).length);
    expect(visible).toBe(50);
    expect(await page.locator("#lattice line.step").count()).toBe(2);
    await page.locator("#lattice").screenshot({ path: picture("lattice.png") });
    await page.close();
  });

  describe("the signature", () => {
    test("is verified with the key that was given, as soon as the page is open", async () => {
      const { page } = await open(signed);
      expect(await statusOf(page, "valid")).toBe(`Valid: signed with the key ${keys.keyId}.`);
      await page.close();
    });

    test("is verified with a key that is pasted, and not with another one", async () => {
      const { page } = await open(explainPage(envelope));
      expect(await statusOf(page, "intact")).toContain("paste the key");
      await verifyWith(page, publicKeyToPem(keys.publicKey), "public");
      expect(await statusOf(page, "valid")).toContain(keys.keyId);
      await verifyWith(page, publicKeyToPem(generateKeys().publicKey), "public");
      expect(await statusOf(page, "not-valid")).toContain("not that of this record under this key");
      await verifyWith(page, "no key", "public");
      expect(await statusOf(page, "unknown")).toContain("PEM");
      await page.close();
    });

    test("of HMAC is verified with the secret, as text, base64 or hexadecimal", async () => {
      const secret = "a secret of at least thirty-two bytes";
      const bytes = Buffer.from(secret);
      const { page } = await open(explainPage(signReceipt(receipt, hmacSigner(secret))));
      expect(await page.inputValue("#kind")).toBe("text");
      for (const [text, kind] of [
        [secret, "text"],
        [bytes.toString("base64"), "base64"],
        [bytes.toString("hex"), "hex"],
      ] as const) {
        await verifyWith(page, "x".repeat(40), "text");
        await statusOf(page, "not-valid");
        await verifyWith(page, text, kind);
        await statusOf(page, "valid");
      }
      await page.close();
    });

    test("of the published form is verified too, on a receipt of schema 2", async () => {
      const secret = "a secret of at least thirty-two bytes";
      const { receipt: published } = rerank({ ...requestOf(candidates), profile: "reference" });
      const { page, noise } = await open(
        explainPage(signPublished(published, hmacSigner(secret)), { candidates }),
      );
      await verifyWith(page, secret, "text");
      await statusOf(page, "valid");
      await page.screenshot({ path: picture("schema-2.png"), fullPage: true });
      expect(noise).toEqual([]);
      await page.close();
    });

    test("a receipt without one is intact, and says that it is not signed", async () => {
      const { page, noise } = await open(explainPage(receipt));
      expect(await statusOf(page, "intact")).toBe("Not signed. Its content has its digest.");
      expect(noise).toEqual([]);
      await page.close();
    });
  });

  describe("one changed field shows not valid", () => {
    const { score, id } = receipt.bundle[0]!;
    const [before, after] = [score!.toFixed(2), (score! + 1).toFixed(2)];
    test.each([
      // A figure of the record: the digest tells.
      [
        "in the record",
        `&quot;score&quot;: ${score}`,
        `&quot;score&quot;: ${score! + 1}`,
        "the digest is not",
      ],
      [
        "in the digest",
        receipt.digest,
        receipt.digest.replace(/.$/, (x) => (x === "0" ? "1" : "0")),
        "the digest is not",
      ],
      ["in the score that is shown", `+${before}`, `+${after}`, "shows something else"],
      ["in an id that is shown", `>${id}<`, `>${id}9<`, "shows something else"],
      ["in a sentence that is shown", "Order certified", "Order sanctified", "shows something else"],
    ])("%s", async (_, part, other, why) => {
      expect(signed).toContain(part);
      const { page } = await open(signed.replaceAll(part, other));
      expect(await statusOf(page, "not-valid")).toContain(why);
      await page.close();
    });

    test("in the signature", async () => {
      const { sig } = envelope.signatures[0]!;
      const changed = signed.replace(sig, `${sig[0] === "A" ? "B" : "A"}${sig.slice(1)}`);
      const { page } = await open(changed);
      expect(await statusOf(page, "not-valid")).toContain("the signature is not that of this record");
      await page.screenshot({ path: picture("not-valid.png") });
      await page.close();
    });

    test("in the box that shows the record, until it is put back", async () => {
      const { page } = await open(signed);
      await statusOf(page, "valid");
      await page.click("summary:text('The record')");
      const record = await page.inputValue("#record");
      await page.fill("#record", record.replace('"profile": "evidence"', '"profile": "evidences"'));
      await page.click("button");
      await statusOf(page, "not-valid");
      await page.fill("#record", record);
      await page.click("button");
      await statusOf(page, "valid");
      await page.close();
    });
  });

  test("by keyboard: nodes are walked through, moved and put back, and the signature is verified", async () => {
    const { page } = await open(signed);
    await statusOf(page, "valid");
    const focused = () =>
      page.evaluate<string>("document.activeElement.getAttribute('aria-label') ?? document.activeElement.id");
    const told = () => page.locator("#node-told").textContent();
    for (let i = 0; i < 4 && !(await focused()).includes("place 1"); i++) await page.keyboard.press("Tab");
    expect(await focused()).toContain("place 1,");
    await page.keyboard.press("ArrowRight");
    expect(await focused()).toContain("place 2,");
    expect(await told()).toContain("place 2,");
    expect(await told()).toContain("What is known of");
    const at = () => page.evaluate<string>("document.activeElement.getAttribute('transform')");
    const home = await at();
    await page.keyboard.press("Shift+ArrowDown");
    expect(await at()).not.toBe(home);
    await page.keyboard.press("Escape");
    expect(await at()).toBe(home.replace(/\.0\b/g, ""));
    await page.keyboard.press("Tab");
    expect(await focused()).toBe("key");
    await page.keyboard.press("ControlOrMeta+A");
    await page.keyboard.insertText(publicKeyToPem(generateKeys().publicKey));
    for (let i = 0; i < 3; i++) await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    await statusOf(page, "not-valid");
    await page.close();
  });

  test("without JavaScript the facts are there, and it says that nothing was verified", async () => {
    const { page, noise } = await open(signed, { javaScriptEnabled: false });
    const said = (await page.locator("main").textContent())!.replace(/\s+/g, " ");
    for (const { id } of [...receipt.bundle, ...receipt.left_out]) expect(said).toContain(id);
    for (const part of [
      "Not verified here",
      "By its own evidence 3rd",
      "Order certified",
      "Energy by term",
      receipt.digest.slice("sha256:".length),
      "similarityFloor",
    ]) {
      expect(said).toContain(part);
    }
    expect(await page.getByText("can be dragged").isVisible()).toBe(false);
    expect(await page.locator("form").isVisible()).toBe(false);
    expect(await page.locator("#lattice .node").count()).toBe(50);
    await page.screenshot({ path: picture("without-javascript.png"), fullPage: true });
    expect(noise).toEqual([]);
    await page.close();
  });

  test("is printed on two pages", async () => {
    const { page } = await open(signed);
    await statusOf(page, "valid");
    const pdf = await page.pdf({ path: picture("printed.pdf"), preferCSSPageSize: true });
    expect(pdf.toString("latin1").match(/\/Type\s*\/Page\b/g)).toHaveLength(2);
    await page.emulateMedia({ media: "print" });
    await page.setViewportSize({ width: 703, height: 1039 });
    await page.screenshot({ path: picture("printed.png"), fullPage: true });
    await page.close();
  });

  test("a receipt that means harm does none, and is valid", async () => {
    const hostile = hostileDocuments();
    const { receipt: harmful } = rerank({ ...requestOf(hostile), context: { "</script>": "<img src=x>" } });
    const html = explainPage(signReceipt(harmful, signer), { candidates: hostile, key: keys.publicKey });
    const { page, noise } = await open(html);
    await statusOf(page, "valid");
    expect(await page.evaluate("globalThis.harmed")).toBeUndefined();
    expect(await page.locator("img, iframe, script:not([type]) ~ script").count()).toBe(0);
    expect(await page.locator("#lattice .node").count()).toBe(12);
    expect(await violations(page)).toEqual([]);
    await page.screenshot({ path: picture("hostile.png"), fullPage: true });
    expect(noise).toEqual([]);
    await page.close();
  });

  test("measured: how soon it answers, and frames while a node is dragged", async () => {
    const { page } = await open(signed);
    await statusOf(page, "valid");
    const interactive = await page.evaluate(() => performance.getEntriesByName("interactive")[0]!.startTime);
    console.log(`50 candidates: interactive after ${interactive.toFixed(0)} ms (bar 1000)`);
    await page.close();

    const many: Candidate[] = documents(200, 384);
    const html = explainPage(receiptOf(many), { candidates: many });
    const { page: large } = await open(html);
    await statusOf(large, "intact");
    const node = large.locator("#lattice .node.chosen").first();
    await node.scrollIntoViewIfNeeded();
    const box = (await node.locator("circle").boundingBox())!;
    const [x, y] = [box.x + box.width / 2, box.y + box.height / 2];
    const before = await node.getAttribute("transform");
    await large.mouse.move(x, y);
    await large.mouse.down();
    await large.evaluate(`
      globalThis.times = [];
      requestAnimationFrame(function frame(now) {
        times.push(now);
        requestAnimationFrame(frame);
      });
    `);
    for (let i = 0; i < 240; i++) {
      await large.mouse.move(x + 150 * Math.sin(i / 10), y - 60 + 60 * Math.cos(i / 10));
    }
    const times = (await large.evaluate("globalThis.times")) as number[];
    await large.mouse.up();
    const frames = (1000 * (times.length - 1)) / (times.at(-1)! - times[0]!);
    const edges = await large.locator("#lattice line").count();
    const size = `${(Buffer.byteLength(html) / 1e3).toFixed(0)} KB`;
    console.log(
      `200 candidates (${edges} lines, ${size}): ${frames.toFixed(0)} frames a second while dragging (bar 30)`,
    );
    expect(await node.getAttribute("transform")).not.toBe(before);
    await large.screenshot({ path: picture("dragged.png") });
    await large.close();
  });
});
