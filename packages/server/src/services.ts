/** What the routes are served by, made once at the start. */
import type { Context } from "./answer.ts";
import type { Caller } from "./http/caller.ts";
import type { Jobs } from "./jobs/jobs.ts";
import type { Keyring } from "./keys/keyring.ts";
import type { Store } from "./search/store.ts";
import type { State } from "./state/state.ts";

export interface Services extends Context {
  readonly state: State;
  readonly keyring: Keyring;
  readonly jobs: Jobs;
  /** What the tool `search` asks; null where none is set up. */
  readonly search: Store | null;
  /** Who presents a key, from an address. @throws {Problem} 401, 403 or 429 for one who may not ask. */
  callerOf(presented: string | null, address: string): Promise<Caller>;
  /** The public keys that receipts are signed with, as RFC 7517 has them. */
  readonly jwks: { readonly keys: readonly Record<string, unknown>[] };
}
