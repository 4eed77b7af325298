/** What must not be lost: keys, what they were charged, what was asked under an idempotency key, and who changed what. */

export const SCOPES = ["rerank", "search", "jobs", "feedback", "admin"] as const;
export type Scope = (typeof SCOPES)[number];

/** Limits of one key, each over the configured one; null leaves that. */
export interface KeyLimits {
  readonly units: number | null;
  readonly unitsMonth: number | null;
  readonly burst: number | null;
}

/** A key as it is kept: of its secrets there are hashes alone. */
export interface KeyRecord {
  /** The public part. */
  readonly id: string;
  /** Whose it is: what one tenant has, no other sees. */
  readonly tenant: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  readonly status: "active" | "suspended" | "revoked";
  /** In milliseconds since 1970, as all times here. */
  readonly created: number;
  readonly expires: number | null;
  readonly limits: KeyLimits;
  /** Two at most, while one takes the place of the other. */
  readonly secrets: readonly { readonly mac: string; readonly until: number | null }[];
}

export interface Keys {
  get(id: string): Promise<KeyRecord | null>;
  add(record: KeyRecord): Promise<void>;
  /** Changes what is there, in one step: of two changes at once, none is lost. @returns the record as it is then; null for no such key. */
  update(id: string, change: (record: KeyRecord) => KeyRecord): Promise<KeyRecord | null>;
  list(): Promise<readonly KeyRecord[]>;
}

/** A request that was counted, once it is known what became of it. */
export interface LedgerRow {
  readonly id: string;
  readonly at: number;
  readonly tenant: string;
  readonly keyId: string;
  readonly route: string;
  readonly n: number;
  readonly d: number;
  /** What was charged: 0 for what was given back. */
  readonly units: number;
  readonly outcome: "charged" | "refunded";
  readonly durationMs: number;
  readonly digest: string | null;
}

export interface Ledger {
  /** Rows from a time on, oldest first. */
  rows(since: number): AsyncIterable<LedgerRow>;
  /** Charged units by key, from one time to another. */
  sums(
    since: number,
    until: number,
  ): Promise<readonly { readonly keyId: string; readonly units: number; readonly requests: number }[]>;
  /** Removes rows from before a time, a thousand at most, so that others have their turn. @returns how many there were. */
  forget(before: number): Promise<number>;
}

/** An answer that was kept for its idempotency key. */
export interface Kept {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

interface IdempotencyScope {
  readonly tenant: string;
  readonly route: string;
  readonly key: string;
}

export interface Idempotency {
  /**
   * Begins a request under a key: `new` for the first, who must finish or abandon it before its lease ends; `running` while another
   * is at it; `other` where the key stands for another body; else what was answered.
   */
  begin(
    scope: IdempotencyScope,
    fingerprint: string,
    now: number,
  ): Promise<
    | { readonly state: "new"; readonly lease: number }
    | { readonly state: "running" }
    | { readonly state: "other" }
    | { readonly state: "done"; readonly kept: Kept }
  >;
  /** Keeps the answer. Does nothing once the lease has ended: the key may be another's then. */
  finish(scope: IdempotencyScope, lease: number, kept: Kept, now: number): Promise<void>;
  /** Nothing is kept, and the key may be used again. Does nothing once the lease has ended. */
  abandon(scope: IdempotencyScope, lease: number): Promise<void>;
}

interface AuditEntry {
  readonly at: number;
  /** A key's id; `command`, or `nobody`. */
  readonly who: string;
  readonly what: string;
  /** The id of what it was done to, or the route that was refused. */
  readonly about: string;
}

interface AuditRow extends AuditEntry {
  /** How often it was; more than 1 for refusals alone. */
  readonly count: number;
}

export interface Audit {
  add(row: AuditEntry): Promise<void>;
  /**
   * Counts a refusal. Those of an hour that say the same are one row, and the latest `mostRefusals` rows of refusals are kept: whoever
   * tries keys all day cannot fill the store. What `add` wrote stays.
   */
  refuse(row: AuditEntry, mostRefusals: number): Promise<void>;
  rows(limit: number): Promise<readonly AuditRow[]>;
}

/** What is known of a profile for one key. */
export interface Arm {
  readonly profile: string;
  readonly count: number;
  readonly sum: number;
  readonly squares: number;
}

/** An answer that may still get feedback. */
export interface Remembered {
  readonly digest: string;
  readonly keyId: string;
  readonly profile: string;
  /** The ids of the bundle, best first. */
  readonly ids: readonly string[];
  /** The ids of the other documents that it was about. */
  readonly others: readonly string[];
  readonly at: number;
}

export interface Learning {
  remember(answer: Remembered): Promise<void>;
  /** An answer of this key that got no feedback yet; null for none. */
  find(digest: string, keyId: string): Promise<Remembered | null>;
  /** As `find`; it gets no feedback after this, however often it is given. */
  take(digest: string, keyId: string): Promise<Remembered | null>;
  reward(keyId: string, profile: string, reward: number): Promise<void>;
  arms(keyId: string): Promise<readonly Arm[]>;
  reset(keyId: string): Promise<void>;
  pinned(keyId: string): Promise<string | null>;
  /** @param profile null: none. */
  pin(keyId: string, profile: string | null): Promise<void>;
}

export interface Durable {
  readonly keys: Keys;
  readonly ledger: Ledger;
  readonly idempotency: Idempotency;
  readonly audit: Audit;
  readonly learning: Learning;
}
