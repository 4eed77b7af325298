/** What instances of a server have in common while they run: counters, and jobs. */
import type { LedgerRow } from "./durable.ts";

/** What a key may spend; 0 is no limit. */
export interface UnitLimits {
  readonly units: number;
  /** In seconds. */
  readonly window: number;
  readonly month: number;
}

/** What remains of a limit. */
export interface Remains {
  readonly name: "units" | "month";
  readonly limit: number;
  readonly left: number;
  /** Seconds until it begins anew. */
  readonly reset: number;
  /** Seconds that it holds for; null for a calendar month. */
  readonly window: number | null;
}

interface Reserve {
  /** The id of the reservation. */
  readonly id: string;
  readonly keyId: string;
  readonly units: number;
  readonly limits: UnitLimits;
  readonly now: number;
  /** Until when it holds without a word: it is given back then. */
  readonly expires: number;
}

export interface Limits {
  /** Sets units apart in window and month, in both or in neither. @returns what remains, and the limits that refused. */
  reserve(
    request: Reserve,
  ): Promise<{ readonly refused: readonly Remains["name"][]; readonly remains: readonly Remains[] }>;
  /**
   * Settles a reservation once and for all: what is not charged is given back, and the row is written, in one step. A second time
   * does nothing.
   */
  settle(id: string, row: LedgerRow): Promise<boolean>;
  /** Gives back what expired. */
  sweep(now: number): Promise<number>;
  /** What a key has spent: for people. */
  used(keyId: string, limits: UnitLimits, now: number): Promise<readonly Remains[]>;
}

export const JOB_STATES = ["queued", "running", "done", "failed", "cancelled"] as const;
export type JobState = (typeof JOB_STATES)[number];

export interface Job {
  readonly id: string;
  readonly tenant: string;
  readonly keyId: string | null;
  /** The form of its request. */
  readonly shape: string;
  readonly body: Uint8Array;
  readonly created: number;
}

/** A job that was taken by who works on it. */
export interface TakenJob extends Job {
  /** How often it was begun, this time included. */
  readonly attempt: number;
}

export interface JobStatus {
  readonly id: string;
  readonly tenant: string;
  readonly keyId: string | null;
  readonly state: JobState;
  /** The form of its request. */
  readonly shape: string;
  readonly created: number;
  readonly finished: number | null;
  /** The answer, or the problem, as JSON; null before its end. */
  readonly answer: string | null;
}

export interface Queue {
  /** @returns false where the tenant has so many that wait already; true for an id that is there. */
  add(job: Job, mostWaiting: number): Promise<boolean>;
  /** The oldest that waits, or whose worker is gone; null for none. */
  take(now: number, leaseUntil: number): Promise<TakenJob | null>;
  /** The worker is still at it. @returns false for a job that is not running any more. */
  beat(id: string, leaseUntil: number): Promise<boolean>;
  /**
   * Its worker gives it back before its end: it is the next to be taken. @param counts whether the attempt counts: not where the
   * worker ends for reasons of its own.
   */
  putBack(id: string, counts: boolean): Promise<void>;
  /**
   * Ends a job, and settles the reservation of the same id, in one step.
   *
   * @returns false for a job that was cancelled meanwhile, and stays so: nothing is settled then.
   */
  finish(id: string, state: "done" | "failed", answer: string, now: number, row: LedgerRow): Promise<boolean>;
  /**
   * Ends a job that waits or runs, and settles its reservation, in one step.
   *
   * @returns the state that it is in then; null for none of this tenant.
   */
  cancel(id: string, tenant: string, now: number, row: LedgerRow): Promise<JobState | null>;
  get(id: string, tenant: string): Promise<JobStatus | null>;
  counts(): Promise<Readonly<Record<JobState, number>>>;
  /** Forgets what ended before. */
  purge(before: number): Promise<void>;
}

export interface Shared {
  readonly limits: Limits;
  readonly queue: Queue;
}
