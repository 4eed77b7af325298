/** What Prometheus is told. No label is a tenant, a key or a path as it was written: their number is not bounded. */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from "prom-client";

export interface Metrics {
  readonly registry: Registry;
  readonly requests: Counter<"route" | "status">;
  readonly duration: Histogram<"route">;
  readonly compute: Histogram<"stage">;
  readonly units: Counter<"outcome">;
  readonly receipts: Counter;
}

/** @param waiting what waits for a thread. @param jobs the jobs by their state. @param up whether the store answers. */
export function createMetrics(
  waiting: () => number,
  jobs: () => Promise<Readonly<Record<string, number>>>,
  up: () => Promise<boolean>,
): Metrics {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });
  new Gauge({
    name: "oscillink_pool_queue",
    help: "Tasks that wait for a thread.",
    registers,
    collect() {
      this.set(waiting());
    },
  });
  new Gauge({
    name: "oscillink_jobs",
    help: "Jobs by state.",
    labelNames: ["state"],
    registers,
    async collect() {
      for (const [state, count] of Object.entries(await jobs())) this.set({ state }, count);
    },
  });
  new Gauge({
    name: "oscillink_store_up",
    help: "Whether the store answers.",
    registers,
    async collect() {
      this.set((await up()) ? 1 : 0);
    },
  });
  const buckets = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10];
  return {
    registry,
    requests: new Counter({
      name: "oscillink_http_requests_total",
      help: "Requests by route and status.",
      labelNames: ["route", "status"],
      registers,
    }),
    duration: new Histogram({
      name: "oscillink_http_request_duration_seconds",
      help: "How long requests took.",
      labelNames: ["route"],
      buckets,
      registers,
    }),
    compute: new Histogram({
      name: "oscillink_compute_seconds",
      help: "How long a stage of a request took, the wait for a thread included.",
      labelNames: ["stage"],
      buckets,
      registers,
    }),
    units: new Counter({
      name: "oscillink_units_total",
      help: "Units of requests by what became of them: charged, refunded or refused.",
      labelNames: ["outcome"],
      registers,
    }),
    receipts: new Counter({
      name: "oscillink_receipts_signed_total",
      help: "Receipts that were signed.",
      registers,
    }),
  };
}
