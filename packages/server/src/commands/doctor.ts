import type { Command } from "commander";
import { startCompute } from "../compute/compute.ts";
import type { Config } from "../config/schema.ts";
import { longestOf } from "../http/bounded.ts";
import { loadStore } from "../search/store.ts";
import { hasStore, signingOf } from "../start.ts";
import { startTracing } from "../tracing.ts";
import { onStore } from "./onStore.ts";
import { print } from "./print.ts";

/** Tries all that a server needs, one after the other, and opens no port. */
export function doctor(
  program: Command,
  configured: (command: Command) => Command,
  configOf: (options: never) => Config,
): void {
  configured(
    program.command("doctor").description("Try all that a server needs, without opening a port."),
  ).action(async (options) => {
    const config = configOf(options as never);
    print("configuration  good");
    const started = hasStore(config);
    if (started) {
      await onStore(config, async ({ state, keyring }) => {
        const good = (await state.ready()) ? "good" : "does not answer";
        print(`store          ${good}, ${(await keyring.list()).length} keys`);
      });
    } else print("store          none yet: the server makes one when it starts, with its keys");
    // It tries, and makes nothing.
    const signing = started ? signingOf(config) : null;
    if (started) print(`receipts       ${signing ? `signed with ${signing.keyId}` : "not signed"}`);
    const compute = await startCompute({
      ...{ threads: config.threads, most: 1, signing },
      ...{ prior: config.models.prior, learning: config.learning },
      longest: longestOf(config.limits),
    });
    const cost = (n: number, d: number) => compute.costOf({ n, d, characters: 0 }).toFixed(1);
    print(
      `threads        ${compute.state().threads}; a request of (50,384) takes about ${cost(50, 384)} ms, of (1200,1536) ${cost(1200, 1536)} ms`,
    );
    await compute.close();
    const tracing = await startTracing(config);
    if (tracing) print("tracing        its SDK is loaded");
    await tracing?.close();
    for (const [name, url] of [
      ["embedder", config.models.embedUrl],
      ["upstream", config.models.upstreamUrl],
    ] as const) {
      if (url === "") continue;
      const answer = await reached(url);
      print(`${name.padEnd(15)}${answer.said}`);
      // As of a command that found what it was to look for.
      if (!answer.ok) process.exitCode = 1;
    }
    if (await loadStore(config)) {
      print(`search         ${config.search.module} is loaded`);
      // It may hold connections, which nobody would close.
      process.exit();
    }
  });
}

async function reached(url: string): Promise<{ readonly ok: boolean; readonly said: string }> {
  try {
    const { status } = await fetch(url, { signal: AbortSignal.timeout(5000) });
    return { ok: true, said: `${url} answers (${status})` };
  } catch {
    return { ok: false, said: `${url} does not answer` };
  }
}
