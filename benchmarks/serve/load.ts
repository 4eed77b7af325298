import autocannon from "autocannon";
import type { Running } from "./server.ts";

/** What came of a load. */
export interface Load {
  /** Answers of status 200 a second. */
  readonly rate: number;
  /** Of all answers, in milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** Of those of status 200. */
  readonly answeredP99: number;
  /** Answers by status; `errors` are connections without one. */
  readonly statuses: Readonly<Record<string, number>>;
  /** All that were not answered by 200. */
  readonly refused: number;
}

export interface LoadOptions {
  readonly seconds: number;
  readonly connections: number;
  /** Requests a second, of all connections together. Default: as many as are answered. */
  readonly rate?: number;
}

/** POSTs one body again and again. */
export async function load(server: Running, path: string, body: string, options: LoadOptions): Promise<Load> {
  const statuses: Record<string, number> = {};
  const all: number[] = [];
  const answered: number[] = [];
  const { errors } = await autocannon({
    url: server.url + path,
    method: "POST",
    body,
    headers: { "content-type": "application/json" },
    connections: options.connections,
    duration: options.seconds,
    ...(options.rate !== undefined && { overallRate: options.rate }),
    setupClient: (client) =>
      client.on("response", (status, _bytes, time) => {
        statuses[status] = (statuses[status] ?? 0) + 1;
        all.push(time);
        if (status === 200) answered.push(time);
      }),
  });
  if (errors > 0) statuses.errors = errors;
  const good = statuses[200] ?? 0;
  return {
    ...{ rate: good / options.seconds, p50: quantile(all, 0.5), p99: quantile(all, 0.99) },
    ...{ answeredP99: quantile(answered, 0.99), statuses, refused: all.length - good + errors },
  };
}

function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? Number.NaN;
}
