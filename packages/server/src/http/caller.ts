/** Who asks, and what it costs them: what the routes know of keys and limits. */
import type { Left } from "../limits/fields.ts";

/** Whoever sent a request. */
export interface Caller {
  /** The public part of the key; null where none is asked for. */
  readonly keyId: string | null;
  readonly tenant: string;
  readonly scopes: readonly string[];
  /** What remains of the key's limit of bursts; null or none where it has none. */
  readonly burst?: Left | null;
}

/** Units that were set apart for a request, until it is known what becomes of it. */
export interface Reservation {
  /** The header fields that tell what remains. */
  readonly headers: Readonly<Record<string, string>>;
  /** The request was answered: its units are spent. @param share of them, such as a tenth for an answer that was kept. */
  commit(digest: string | null, share?: number): Promise<void>;
  /** It was not: they are given back. */
  refund(): Promise<void>;
}

/** What a request is counted as. */
export interface Counted {
  readonly id: string;
  readonly route: string;
  readonly n: number;
  readonly d: number;
  readonly units: number;
}
