/** Requests that may be sent twice, and count once: the header field Idempotency-Key (draft-ietf-httpapi-idempotency-key-header). */
import { createHash } from "node:crypto";
import type { Idempotency, Kept } from "../state/durable.ts";
import { Problem } from "./problem.ts";

export interface IdempotentCall {
  /** The field as it came; undefined for none. */
  readonly field: string | string[] | undefined;
  readonly tenant: string;
  readonly route: string;
  readonly body: Uint8Array;
}

/**
 * Does a piece of work once for each key: the second time its answer comes from what was kept. What fails is not kept.
 *
 * @throws {Problem} 400 for a key that is none, 409 while the first is at it, 422 for another body under the same key.
 */
export async function onceFor(
  { field, tenant, route, body }: IdempotentCall,
  store: Idempotency,
  work: () => Promise<Kept>,
): Promise<Kept> {
  if (field === undefined) return work();
  // The draft wants a string in quotes; many clients send it bare.
  const [, key] = /^"?([\x21\x23-\x5b\x5d-\x7e]{1,255})"?$/.exec(String(field)) ?? [];
  if (key === undefined)
    throw new Problem(400, "Idempotency-Key must be of 1 to 255 visible characters, in quotes or bare.");
  const scope = { tenant, route, key };
  const fingerprint = createHash("sha256").update(body).digest("base64");
  const begun = await store.begin(scope, fingerprint, Date.now());
  if (begun.state === "done") return begun.kept;
  if (begun.state === "running") {
    throw new Problem(409, "A request with this Idempotency-Key is being worked on.", {
      headers: { "Retry-After": "1" },
    });
  }
  if (begun.state === "other") throw new Problem(422, "This Idempotency-Key was sent with another body.");
  let kept: Kept;
  try {
    kept = await work();
  } catch (error) {
    await store.abandon(scope, begun.lease);
    throw error;
  }
  await store.finish(scope, begun.lease, kept, Date.now());
  return kept;
}
