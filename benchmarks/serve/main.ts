/** Measures the server: how much it answers, how long that takes, and what becomes of it under more than it can do. */
import { cpus } from "node:os";
import { Command, InvalidArgumentError } from "commander";
import { bodies } from "./bodies.ts";
import { type Load, load } from "./load.ts";
import { type Running, startServer } from "./server.ts";

/** One figure: a line of the output. */
interface Fact {
  readonly part: string;
  readonly what: string;
  readonly value: number;
  readonly unit: "requests/s" | "ms" | "MB" | "MB/min" | "answers" | "handles";
}

const seconds = (text: string): number => {
  const value = Number(text);
  if (value > 0) return value;
  throw new InvalidArgumentError("It must be a number of seconds.");
};

const PARTS = ["rate", "half", "jobs", "overload", "soak"] as const;

const options = new Command("bench:serve")
  .description(
    "Starts the server, and loads it from the same machine with pools of 50 vectors of 384 values: how many requests " +
      "it answers, as base64 and as numbers (rate); the time of a request at half of that (half), and beside long jobs (jobs); what " +
      "ten times as many connections as it works on get (overload); and its memory over a while (soak).",
  )
  .option("--seconds <n>", "how long each part takes", seconds, 20)
  .option("--soak <n>", "how long the memory is watched", seconds, 60)
  .option("--part <names...>", `some of ${PARTS.join(", ")}`, [...PARTS])
  .option("--json", "one line of JSON a figure")
  .parse()
  .opts<{ seconds: number; soak: number; part: string[]; json?: true }>();

const machine = `${cpus()[0]!.model}, ${cpus().length} cores`;
const say = (fact: Fact): void => {
  const value = Number(fact.value.toPrecision(4));
  const line = options.json
    ? JSON.stringify({ ...fact, value, machine, node: process.version })
    : `${fact.part.padEnd(9)} ${fact.what.padEnd(44)} ${value} ${fact.unit}`;
  process.stdout.write(`${line}\n`);
};
if (!options.json) process.stdout.write(`${machine}, Node ${process.version}\n`);

const RERANK = "/v1/oscillink/rerank";
const { base64, numbers, long } = bodies();

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => {
    result ??= work();
    return result;
  };
}

function sayTimes(part: string, what: string, { p50, p99 }: Load): void {
  say({ part, what: `${what}, p50`, value: p50, unit: "ms" });
  say({ part, what: `${what}, p99`, value: p99, unit: "ms" });
}

/** A load on a server of its own, with the delay of its event loop meanwhile. */
async function onServer<T>(work: (server: Running) => Promise<T>): Promise<T> {
  const server = await startServer();
  try {
    // Threads and code are warm before anything is measured.
    await load(server.url, RERANK, base64, { seconds: 3, connections: 8 });
    return await work(server);
  } finally {
    await server.stop();
  }
}

/** Requests a second that were answered: measured once, where another part needs it. */
const rate = once(() =>
  onServer(async (server) => {
    const rates = [];
    for (const [name, body] of [
      ["base64", base64],
      ["numbers", numbers],
    ] as const) {
      const what = `(50,384) as ${name}`;
      const before = { ...(await server.metrics()), own: process.cpuUsage() };
      const { rate: answered, refused } = await load(server.url, RERANK, body, {
        seconds: options.seconds,
        connections: 16,
      });
      const { processor, loopP99 } = await server.metrics();
      if (refused > 0) throw new Error(`${refused} requests were not answered`);
      const count = answered * options.seconds;
      const { user, system } = process.cpuUsage(before.own);
      say({ part: "rate", what, value: answered, unit: "requests/s" });
      say({
        ...({ part: "rate", unit: "ms" } as const),
        ...{ what: `${what}: processor time a request`, value: (processor - before.processor) / count },
      });
      say({
        ...({ part: "rate", unit: "ms" } as const),
        ...{ what: `${what}: that of the load generator`, value: (user + system) / 1000 / count },
      });
      say({ part: "rate", what: `${what}: delay of the event loop, p99`, value: loopP99, unit: "ms" });
      rates.push(answered);
    }
    return rates[0]!;
  }),
);

const run: Record<(typeof PARTS)[number], () => Promise<unknown>> = {
  rate,
  half: async () => {
    const half = Math.round((await rate()) / 2);
    await onServer(async (server) => {
      sayTimes(
        "half",
        `at ${half} a second`,
        await load(server.url, RERANK, base64, { seconds: options.seconds, connections: 16, rate: half }),
      );
    });
  },
  jobs: () =>
    onServer(async (server) => {
      const idle = await load(server.url, RERANK, base64, {
        seconds: options.seconds,
        connections: 4,
        rate: 50,
      });
      sayTimes("jobs", "at 50 a second, without jobs", idle);
      const stop = await server.keepBusy("/v1/jobs", long);
      sayTimes(
        "jobs",
        "at 50 a second, beside jobs of (5000,384)",
        await load(server.url, RERANK, base64, { seconds: options.seconds, connections: 4, rate: 50 }),
      );
      say({ part: "jobs", what: "jobs done meanwhile", value: await stop(), unit: "answers" });
    }),
  overload: () =>
    onServer(async (server) => {
      const load10 = await load(server.url, RERANK, base64, { seconds: options.seconds, connections: 640 });
      for (const [status, count] of Object.entries(load10.statuses)) {
        say({ part: "overload", what: `640 connections, status ${status}`, value: count, unit: "answers" });
      }
      say({ part: "overload", what: "answered, p99", value: load10.answeredP99, unit: "ms" });
      const after = await load(server.url, RERANK, base64, { seconds: 5, connections: 4, rate: 50 });
      sayTimes("overload", "at 50 a second right after it", after);
    }),
  soak: () =>
    onServer(async (server) => {
      const watched = server.watch();
      await load(server.url, RERANK, base64, { seconds: options.soak, connections: 8, rate: 200 });
      const { slope, handles, most } = await watched();
      say({ part: "soak", what: "growth of the memory", value: slope, unit: "MB/min" });
      say({ part: "soak", what: "most memory", value: most, unit: "MB" });
      say({ part: "soak", what: "growth of open handles", value: handles, unit: "handles" });
    }),
};

for (const part of options.part) {
  const work = run[part as keyof typeof run];
  if (!work) throw new Error(`--part: there is no ${part}, only ${PARTS.join(", ")}`);
  await work();
}
