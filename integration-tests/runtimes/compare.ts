/** The same requests in every runtime, with each kernel: do the receipts agree? */
import { createHash } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { rerank } from "@oscillink/core";
import pMap from "p-map";
import { build } from "rolldown";
import { cases } from "./cases.ts";
import { gist, type Runtime, runtimes, type Started, Unavailable } from "./engines.ts";
import type { Report } from "./run.ts";

/** The kernel that is to compute where there is WebAssembly. */
export const KERNEL_WITH_WEBASSEMBLY = "simd";

/** A way of running the module: as it is, or after a line that takes WebAssembly away. */
interface Variant {
  readonly kernel: string;
  readonly webAssembly: boolean;
  readonly prelude: string;
}

const variants: readonly Variant[] = [
  { kernel: KERNEL_WITH_WEBASSEMBLY, webAssembly: true, prelude: "" },
  { kernel: "scalar", webAssembly: false, prelude: "delete globalThis.WebAssembly;\n" },
];

/** A runtime that compiles no WebAssembly has one way. */
const waysOf = ({ compiles }: Runtime): readonly Variant[] =>
  compiles ? variants : [{ kernel: "scalar", webAssembly: false, prelude: "" }];

/** What one runtime made of the requests with one kernel. */
export interface Row {
  readonly runtime: string;
  readonly version: string | null;
  readonly webAssembly: boolean;
  /** The kernel that computed, as the receipts say. */
  readonly kernel: string | null;
  readonly cases: number;
  /** Digest over the digests of all receipts. */
  readonly digest: string | null;
  /** Compared with the first row. */
  readonly outcome: "equal" | "different" | "failed" | "not run";
  /** Which cases differ, what failed, or why it was not run. */
  readonly reason: string | null;
}

/**
 * Runs all runtimes, in their order: two rows for each, and one for each that compiles no WebAssembly. Those that cannot
 * be had say so, and are neither equal nor different.
 *
 * @throws if the first of them, this Node, gives no receipts to compare with.
 */
export async function compareRuntimes(): Promise<Row[]> {
  const folder = await mkdtemp(join(tmpdir(), "oscillink-runtimes-"));
  try {
    // Made here, to be replayed there.
    const receipts = cases.map(({ request }) => rerank(request).receipt);
    const code = `const RECEIPTS = ${JSON.stringify(receipts)};\n${await bundle()}`;
    const scripts = await Promise.all(
      variants.map(async ({ prelude }, i) => {
        const path = join(folder, `${i}.mjs`);
        await writeFile(path, prelude + code);
        return path;
      }),
    );
    const answers = (await pMap(runtimes, (runtime) => ask(runtime, scripts), { concurrency: 4 })).flat();
    const reference = answers[0]!.report;
    if (reference === null) throw new Error(`nothing to compare with: ${answers[0]!.reason}`);
    return answers.map((answer) => judge(answer, reference));
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** The requests and the package in one file without imports: no runtime resolves or strips anything. */
async function bundle(): Promise<string> {
  const { output } = await build({
    input: fileURLToPath(new URL("run.ts", import.meta.url)),
    // Of no runtime: an import of a Node module is not resolved.
    platform: "neutral",
    write: false,
    onLog: (_level, { message }) => {
      throw new Error(message);
    },
  });
  const [{ code, imports }, ...others] = output;
  if (others.length > 0 || imports.length > 0) throw new Error("the bundle is more than one file");
  return code;
}

/** What came of one variant in one runtime, before it is compared. */
export interface Answer {
  readonly runtime: string;
  readonly version: string | null;
  readonly variant: Variant;
  readonly report: Report | null;
  readonly available: boolean;
  readonly reason: string | null;
}

async function ask(runtime: Runtime, scripts: readonly string[]): Promise<Answer[]> {
  const base = { runtime: runtime.name, version: null, report: null, available: true, reason: null };
  let started: Started;
  try {
    started = await runtime.start();
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
    return waysOf(runtime).map((variant) => ({ ...base, variant, available: false, reason: error.message }));
  }
  const { version } = started;
  const answers: Answer[] = [];
  try {
    for (const [i, variant] of waysOf(runtime).entries()) {
      try {
        const report: Report = JSON.parse(await started.run(scripts[i]!));
        answers.push({ ...base, version, variant, report });
      } catch (error) {
        answers.push({ ...base, version, variant, reason: gist(error) });
      }
    }
  } finally {
    await started.stop();
  }
  return answers;
}

/** The answer beside the reference. */
export function judge(answer: Answer, reference: Report): Row {
  const { runtime, version, variant, report, available } = answer;
  const { kernel, webAssembly } = variant;
  const row = { runtime, version, webAssembly };
  if (report === null) {
    const outcome = available ? "failed" : "not run";
    return { ...row, kernel: null, cases: 0, digest: null, outcome, reason: answer.reason };
  }
  const kernels = report.kernels.join(", ");
  const digest = createHash("sha256").update(report.digests.join("\n")).digest("hex");
  const ran = { ...row, kernel: kernels, cases: report.digests.length, digest: `sha256:${digest}` };

  const unlike = (others: readonly string[]) =>
    cases.filter((_, i) => report.digests[i] === undefined || report.digests[i] !== others[i]);
  const quoted = (some: typeof cases) => some.map(({ name }) => `"${name}"`).join(", ");
  const different = unlike(reference.digests);
  const unsteady = unlike(report.again);
  if (different.length > 0) return { ...ran, outcome: "different", reason: quoted(different) };
  const otherwise = cases.filter((_, i) => report.replays[i] !== "ok");
  if (otherwise.length > 0) {
    return { ...ran, outcome: "different", reason: `not replayed: ${quoted(otherwise)}` };
  }
  if (unsteady.length > 0) {
    return { ...ran, outcome: "different", reason: `the second time: ${quoted(unsteady)}` };
  }
  if (kernels !== kernel) return { ...ran, outcome: "failed", reason: `the kernel is not ${kernel}` };
  return { ...ran, outcome: "equal", reason: null };
}
