/** What is said of a receipt that somebody hands in: whether this server signed it, and why what was chosen was chosen. */
import { createPublicKey, verify as verifyBytes } from "node:crypto";
import {
  type Envelope,
  envelopeOf,
  explainReceipt,
  OscillinkError,
  type Receipt,
  verifyReceipt,
} from "@oscillink/core";
import type { Verifier } from "@oscillink/core/keys";
import type { explainPage } from "@oscillink/explain";
import { isRecord } from "../compute/shape.ts";
import { Problem } from "../http/problem.ts";

/** What a verification found. */
export type Verdict =
  | {
      readonly ok: true;
      readonly covers: string;
      readonly keyId: string | null;
      readonly digest: string | null;
      readonly said: string;
    }
  | { readonly ok: false; readonly reason: string; readonly said: string };

/** Verifies by Node itself. @param pems the public keys, by id. */
export const verifiersOf = (pems: Readonly<Record<string, string>>): Verifier[] =>
  Object.entries(pems).map(([keyId, pem]) => {
    const key = createPublicKey(pem);
    return {
      ...{ algorithm: "Ed25519", keyId },
      verify: (message, signature) => verifyBytes(null, message, key, signature),
    };
  });

/**
 * @param body an envelope; or `{ receipt, signatures }`, as answers hold them.
 * @throws {Problem} 422 for what is neither.
 */
export function verdictOf(body: unknown, verifiers: readonly Verifier[]): Verdict {
  if (verifiers.length === 0) throw new Problem(404, "This server signs no receipts.");
  const signed = signedIn(body);
  if (signed === FORGED) {
    return {
      ok: false,
      reason: "digest",
      said: "not valid: what the receipt says is not what its digest says",
    };
  }
  const found = verifyReceipt(signed, verifiers);
  if (!found.ok) return { ok: false, reason: found.reason, said: `not valid: ${found.reason}` };
  const digest = found.covers === "receipt" ? found.receipt.digest : null;
  const { covers, keyId = null } = found;
  return {
    ok: true,
    covers,
    keyId,
    digest,
    said: `valid: signed by this server with the key ${keyId ?? "of its secret"}`,
  };
}

/** The sentences of an explanation, as JSON. */
export const explanationOf = (body: unknown): string =>
  explained(() => JSON.stringify({ lines: explainReceipt(receiptIn(body)) }));

/** The page of an explanation. */
export const pageOf = (body: unknown, write: typeof explainPage, pem: string | undefined): string =>
  explained(() => {
    const { candidates } = isRecord(body) ? body : {};
    const given = Array.isArray(candidates) ? { candidates } : {};
    const signed = signedIn(body);
    return write((signed === FORGED ? receiptIn(body) : signed) as Envelope, {
      ...given,
      ...(pem !== undefined && { key: pem }),
    });
  });

function explained(work: () => string): string {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof OscillinkError)) throw error;
    const detail = error.message.slice(error.parameter.length + 2);
    throw new Problem(422, "The receipt cannot be explained.", { faults: [{ pointer: "/receipt", detail }] });
  }
}

/** A receipt whose digest is not that of its content: there is nothing that could have been signed. */
const FORGED = Symbol("forged");

/** What is signed: an envelope as it came, or that of a receipt and its signatures. */
function signedIn(body: unknown): unknown {
  if (!isRecord(body)) throw noReceipt("must be an object");
  if (isRecord(body.envelope)) return body.envelope;
  if (typeof body.payload === "string") return body;
  if (!isRecord(body.receipt))
    throw noReceipt("must be a receipt, as an answer holds it, or an envelope in `envelope`");
  if (!Array.isArray(body.signatures)) return body.receipt;
  try {
    return envelopeOf(body.receipt as unknown as Receipt, body.signatures);
  } catch {
    return FORGED;
  }
}

function receiptIn(body: unknown): Receipt {
  const { receipt } = isRecord(body) ? body : {};
  if (isRecord(receipt)) return receipt as unknown as Receipt;
  throw noReceipt("must be a receipt, as an answer holds it");
}

const noReceipt = (detail: string) =>
  new Problem(422, "The request holds no receipt.", { faults: [{ pointer: "/receipt", detail }] });
