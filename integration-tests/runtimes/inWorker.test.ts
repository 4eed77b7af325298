import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rerank } from "@oscillink/core";
import { build } from "rolldown";
import { describe, expect, test } from "vitest";
import { folder } from "../script.ts";
import { cases } from "./cases.ts";
import { EVERY_RUNTIME, runtimes, Unavailable } from "./engines.ts";
import type { InWorker } from "./inWorker.ts";

const bundled = async (file: URL): Promise<string> => {
  const { output } = await build({ input: fileURLToPath(file), write: false, output: { format: "esm" } });
  return output[0].code;
};
const script = await bundled(new URL("ranking.ts", import.meta.url));
const program = await bundled(new URL("inWorker.ts", import.meta.url));
const path = join(folder(), "program.mjs");
writeFileSync(path, `const SCRIPT = ${JSON.stringify(script)};\n${program}`);

describe("Web Workers give the same receipts", () => {
  const expected = cases.map(({ request }) => rerank(request).receipt.digest);
  /** The policy of the pages forbids a worker whose script is not of the site: the page ranks, then. */
  const answers = { Bun: 20, Deno: 20, "Chromium's Web Worker": 20, Chromium: 0 };
  test.each(Object.entries(answers))("%s, where they make %i of 20", async (name, answered) => {
    const report = await reportOf(name);
    if (report === null) return;
    expect(report).toEqual({ digests: expected, answered });
  });
});

async function reportOf(name: string): Promise<InWorker | null> {
  const runtime = runtimes.find((one) => one.name === name)!;
  try {
    const started = await runtime.start();
    try {
      return JSON.parse(await started.run(path));
    } finally {
      await started.stop();
    }
  } catch (error) {
    if (error instanceof Unavailable && !EVERY_RUNTIME) return null;
    throw error;
  }
}
