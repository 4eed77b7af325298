/** The server as its command starts it, in a process of its own. */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export interface Running {
  readonly url: string;
  /** The delay of its event loop since the last time, and the processor time that it has taken, both in milliseconds. */
  metrics(): Promise<{ readonly loopP99: number; readonly processor: number }>;
  /** Posts a body as a job, again as soon as it is done; stops by what comes back, which tells how many were. */
  keepBusy(path: string, body: string): Promise<() => Promise<number>>;
  /** Watches its memory and its open files until what comes back is called. */
  watch(): () => Promise<{ readonly slope: number; readonly most: number; readonly handles: number }>;
  stop(): Promise<void>;
}

export async function startServer(): Promise<Running> {
  const data = mkdtempSync(join(tmpdir(), "oscillink-bench-"));
  const main = fileURLToPath(new URL("../../packages/server/dist/main.js", import.meta.url));
  const flags = [
    "--auth",
    "none",
    "--port",
    "0",
    "--admin-port",
    "0",
    "--log-level",
    "silent",
    "--data",
    data,
  ];
  const child = spawn(process.execPath, [main, ...flags, "--limits-documents", "5000"], {
    stdio: ["ignore", "ignore", "pipe"],
  });
  let said = "";
  child.stderr.setEncoding("utf8").on("data", (text) => {
    said += text;
  });
  const [url, admin] = await new Promise<[string, string]>((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`the server ended with ${code}: ${said}`)));
    child.stderr.on("data", () => {
      const own = /listens at (\S+)/.exec(said)?.[1];
      const metrics = /Metrics are at ([^\s,]+)/.exec(said)?.[1];
      if (own && metrics) resolve([own, metrics]);
    });
  });
  const metric = (text: string, name: string) => Number(new RegExp(`^${name} (\\S+)`, "m").exec(text)?.[1]);
  const metrics = async () => {
    const text = await (await fetch(admin)).text();
    return {
      // The metric is the time between two ticks of a timer of 10 ms: an idle loop has 10.
      loopP99: metric(text, "nodejs_eventloop_lag_p99_seconds") * 1000 - 10,
      processor: metric(text, "process_cpu_seconds_total") * 1000,
    };
  };
  const handles = () => readdirSync(`/proc/${child.pid}/fd`).length;
  return {
    url,
    metrics,
    async keepBusy(path, body) {
      let stopped = false;
      let done = 0;
      const work = (async () => {
        while (!stopped) {
          const posted = await fetch(url + path, {
            method: "POST",
            body,
            headers: { "content-type": "application/json" },
          });
          if (posted.status !== 202) throw new Error(`a job got ${posted.status}: ${await posted.text()}`);
          const place = url + posted.headers.get("location");
          let state = "queued";
          while (!stopped && state !== "done") {
            const answer = await fetch(place, { headers: { prefer: "wait=5" } });
            state = ((await answer.json()) as { state: string }).state;
          }
          if (state === "done") done++;
        }
      })();
      return async () => {
        stopped = true;
        await work;
        return done;
      };
    },
    watch() {
      const began = Date.now();
      const seen: { minutes: number; memory: number }[] = [];
      const first = handles();
      const timer = setInterval(() => {
        const memory = memoryOf(child.pid!);
        seen.push({ minutes: (Date.now() - began) / 60_000, memory });
      }, 1000);
      return async () => {
        clearInterval(timer);
        // The first third is the growth of caches to what they hold.
        const later = seen.slice(Math.floor(seen.length / 3));
        return {
          slope: slopeOf(later),
          most: Math.max(...seen.map(({ memory }) => memory)),
          handles: handles() - first,
        };
      };
    },
    async stop() {
      child.kill("SIGTERM");
      await once(child, "exit");
      rmSync(data, { recursive: true, force: true });
    },
  };
}

const memoryOf = (pid: number): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, "utf8"))?.[1]) / 1024;

/** Of the line of least squares, in MB a minute. */
function slopeOf(seen: readonly { readonly minutes: number; readonly memory: number }[]): number {
  const mean = (of: (one: (typeof seen)[number]) => number) =>
    seen.reduce((sum, one) => sum + of(one), 0) / seen.length;
  const [x, y] = [mean((one) => one.minutes), mean((one) => one.memory)];
  const spread = mean((one) => (one.minutes - x) ** 2);
  return mean((one) => (one.minutes - x) * (one.memory - y)) / spread;
}
