/** Starts all that the routes are served by. */
import { mkdirSync, statSync } from "node:fs";
import { join, resolve } from "node:path";
import type { FastifyBaseLogger } from "fastify";
import { keepAnswers } from "./answers.ts";
import { startCompute } from "./compute/compute.ts";
import type { Config } from "./config/schema.ts";
import { longestOf } from "./http/bounded.ts";
import type { Caller } from "./http/caller.ts";
import { Problem } from "./http/problem.ts";
import { startJobs } from "./jobs/jobs.ts";
import { type Keyring, NO_LIMITS, openKeyring, pepperOf } from "./keys/keyring.ts";
import { openLearner } from "./learn/learner.ts";
import { openBurst } from "./limits/burst.ts";
import { openMeter } from "./limits/meter.ts";
import { createMetrics } from "./metrics.ts";
import { modelsOf, serveModels } from "./models/models.ts";
import { openSigning, type Signing } from "./receipts/signing.ts";
import { loadStore } from "./search/store.ts";
import type { Services } from "./services.ts";
import { StartError, storeError } from "./startError.ts";
import { type Ledger, SCOPES } from "./state/durable.ts";
import { lockFolder } from "./state/lock.ts";
import { openState } from "./state/sqlite/open.ts";
import { startTracing } from "./tracing.ts";

export interface Started {
  readonly services: Services;
  /** The key that was made because there was none. */
  readonly firstKey: string | null;
  close(): Promise<void>;
}

/** How often units are given back that nobody spoke for, and old rows of the ledger removed, in milliseconds. */
const SWEEP = 60_000;

/**
 * Opens the store of a data folder, and its keys.
 *
 * @param make whether a store is made where there is none.
 * @throws {StartError}
 */
export function openStore({ data, pepper }: Config, { make }: { readonly make: boolean }) {
  if (!make && !hasStore({ data })) {
    const how = "oscillink-server makes one when it starts, and so does oscillink-server keys create";
    throw new StartError("config", `data: there is no store in ${resolve(data)}: ${how}`);
  }
  return withFolder(data, () => {
    const state = openState(join(data, "state.db"));
    const { keys, audit } = state.durable;
    return { state, keyring: openKeyring(keys, audit, pepperOf(data, pepper)) };
  });
}

/** What signs receipts, by a key that is made if need be; null for nothing. @throws {StartError | ConfigError} */
export const signingOf = ({ data, signReceipts, signingKey }: Config): Signing | null =>
  signReceipts ? withFolder(data, () => openSigning(data, signingKey)) : null;

/** Works in a data folder, which is made if need be. @throws {StartError} */
function withFolder<T>(data: string, work: () => T): T {
  try {
    mkdirSync(data, { recursive: true, mode: 0o700 });
    return work();
  } catch (error) {
    throw storeError(error, data);
  }
}

/** Whether a data folder holds a store. @throws {StartError} for one that cannot be looked into. */
export function hasStore({ data }: Pick<Config, "data">): boolean {
  try {
    return statSync(join(data, "state.db"), { throwIfNoEntry: false }) !== undefined;
  } catch (error) {
    throw storeError(error, data);
  }
}

/** A data folder is one server's. @returns what gives it free. @throws {StartError} where another server has it. */
function takeFolder(data: string): () => void {
  const free = withFolder(data, () => lockFolder(data));
  if (free) return free;
  throw new StartError(
    "taken",
    `data: another server works in ${resolve(data)}: give each a folder of its own`,
  );
}

export async function startServices(config: Config, log: FastifyBaseLogger): Promise<Started> {
  // First, for they may be wrong, and then nothing is to be closed.
  const search = await loadStore(config);
  const tracing = await startTracing(config);
  const free = takeFolder(config.data);
  try {
    return await startIn(config, log, { search, tracing, free });
  } catch (error) {
    free();
    throw error;
  }
}

interface Loaded {
  readonly search: Services["search"];
  readonly tracing: Services["tracing"];
  /** Gives the data folder free. */
  readonly free: () => void;
}

async function startIn(
  config: Config,
  log: FastifyBaseLogger,
  { search, tracing, free }: Loaded,
): Promise<Started> {
  const { state, keyring } = openStore(config, { make: true });
  const signing = signingOf(config);
  const { limits, queue } = state.shared;
  const compute = await startCompute({
    ...{ threads: config.threads, most: config.limits.inFlight, signing },
    ...{ prior: config.models.prior, learning: config.learning },
    longest: longestOf(config.limits),
  });
  const metrics = createMetrics(
    () => compute.state().waiting,
    () => queue.counts(),
    () => state.ready(),
  );
  const context = {
    ...{ config, compute, metrics, tracing },
    meter: openMeter(limits, config, metrics),
    answers: keepAnswers(config),
    learner: openLearner(state.durable.learning, config),
    models: serveModels(modelsOf(config.models), config.models),
  };
  const jobs = startJobs(queue, context, log);
  const sweep = setInterval(async () => {
    try {
      await limits.sweep(Date.now());
      await forgetRows(state.durable.ledger, config);
    } catch (err) {
      log.error({ err }, "the store was not swept");
    }
  }, SWEEP).unref();
  return {
    services: {
      ...context,
      ...{ state, keyring, jobs, search },
      callerOf: callers(config, keyring),
      jwks: signing?.jwks ?? { keys: [] },
    },
    firstKey: config.auth === "keys" ? await firstKeyOf(keyring) : null,
    async close() {
      clearInterval(sweep);
      await jobs.close();
      await compute.close();
      await state.close();
      await tracing?.close();
      free();
    },
  };
}

/** Removes the rows of the ledger that are too old. */
async function forgetRows(ledger: Ledger, { ledgerDays }: Config): Promise<void> {
  if (ledgerDays === 0) return;
  const before = Date.now() - ledgerDays * 86_400_000;
  while ((await ledger.forget(before)) > 0);
}

/** Where there is no key yet, one that may do everything. */
async function firstKeyOf(keyring: Keyring): Promise<string | null> {
  if ((await keyring.list()).length > 0) return null;
  const all = { tenant: "default", name: "first", scopes: SCOPES, expires: null, limits: NO_LIMITS };
  return (await keyring.create(all, "start")).key;
}

function callers({ auth, limits }: Config, keyring: Keyring): Services["callerOf"] {
  const anyone: Caller = { keyId: null, tenant: "", scopes: [] };
  if (auth === "none") return async () => anyone;
  const burst = openBurst(limits.burstWindow, limits.addressBurst);
  return async (presented, address) => {
    try {
      const caller = await keyring.callerOf(presented);
      return { ...caller, burst: burst.key(caller.keyId!, caller.limits.burst ?? limits.burst) };
    } catch (error) {
      if (error instanceof Problem && error.status === 401) {
        // A good key is not held off by what others of its address send.
        burst.address(address);
        burst.failed(address);
      }
      throw error;
    }
  };
}
