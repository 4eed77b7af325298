/** What the routes are served by, made once at the start. */
import type { Context } from "./answer.ts";
import type { Caller } from "./http/caller.ts";

export interface Services extends Context {
  /** Who presents a key, as `Authorization: Bearer` or `X-API-Key`. @throws {Problem} 401 or 403 for a key that is not good. */
  callerOf(presented: string | null, address: string): Promise<Caller>;
  /** The public keys that receipts are signed with, as RFC 7517 has them. */
  readonly jwks: { readonly keys: readonly Record<string, unknown>[] };
  /** Whether the store answers. */
  ready(): Promise<boolean>;
}
