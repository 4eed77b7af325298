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
import { type Asked, isRecord } from "../compute/shape.ts";
import { Problem } from "../http/problem.ts";
import { ownRerank } from "../own/rerank.ts";

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
  const found =
    signed === FORGED ? ({ ok: false, reason: "digest" } as const) : verifyReceipt(signed, verifiers);
  if (!found.ok) {
    const { reason } = found;
    return { ok: false, reason, said: `not valid: ${REASONS[reason] ?? reason}` };
  }
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

/** Why a receipt is not valid, in words. */
const REASONS: Readonly<Record<string, string>> = {
  "no-signature": "it carries no signature",
  signature: "the signature is not that of this receipt",
  key: "it was signed with a key that this server does not know",
  algorithm: "its signature is of another kind than this server's",
  schema: "it is no receipt",
  digest: "what the receipt says is not what its digest says",
  version: "it is of a version that is not known here",
};

/**
 * The sentences of an explanation, and the verdict as one, as JSON.
 *
 * @throws {Problem} 422 for a receipt that was changed: it explains nothing.
 */
export const explanationOf = (body: unknown, verifiers: readonly Verifier[]): string =>
  explained(() => {
    mustBeWhole(body);
    const said =
      verifiers.length === 0
        ? "not verified: this server signs no receipts"
        : verdictOf(body, verifiers).said;
    return JSON.stringify({ said, lines: explainReceipt(receiptIn(body)) });
  });

/** The page of an explanation. @throws as {@link explanationOf}. */
export const pageOf = (body: unknown, write: typeof explainPage, pem: string | undefined): string =>
  explained(() => {
    const signed = mustBeWhole(body);
    const { candidates, query, queryText } = body as Record<string, unknown>;
    const given = Array.isArray(candidates)
      ? (ownRerank.read({ candidates, query, queryText }) as Asked).request
      : {};
    return write(signed as Envelope, {
      ...("candidates" in given && { candidates: given.candidates }),
      ...("query" in given && { query: given.query }),
      ...("query" in given && typeof queryText === "string" && { queryText }),
      ...(pem !== undefined && { key: pem }),
    });
  });

/** What is signed, or the receipt where nothing is. @throws OptionError for a receipt whose content is not that of its digest. */
function mustBeWhole(body: unknown): unknown {
  const signed = signedIn(body);
  const { receipt } = handedIn(body);
  // An envelope is judged by whoever reads it.
  if (signed === FORGED || signed === receipt) envelopeOf(receipt as Receipt, []);
  return signed === FORGED ? receipt : signed;
}

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
  const { envelope, payload, receipt, signatures } = handedIn(body);
  if (isRecord(envelope)) return envelope;
  if (typeof payload === "string") return body;
  if (!isRecord(receipt))
    throw noReceipt("must be a receipt, as an answer holds it, or an envelope in `envelope`");
  return Array.isArray(signatures) ? envelopeIn(receipt, signatures) : receipt;
}

function envelopeIn(receipt: object, signatures: Parameters<typeof envelopeOf>[1]): Envelope | typeof FORGED {
  try {
    return envelopeOf(receipt as Receipt, signatures);
  } catch {
    return FORGED;
  }
}

/** The object that holds the receipt: the body, or what the compatible forms have in `oscillink`. */
function handedIn(body: unknown): Readonly<Record<string, unknown>> {
  if (!isRecord(body)) throw noReceipt("must be an object");
  return isRecord(body.oscillink) && !("receipt" in body) ? body.oscillink : body;
}

function receiptIn(body: unknown): Receipt {
  const { receipt } = handedIn(body);
  if (isRecord(receipt)) return receipt as unknown as Receipt;
  throw noReceipt("must be a receipt, as an answer holds it");
}

const noReceipt = (detail: string) =>
  new Problem(422, "The request holds no receipt.", { faults: [{ pointer: "/receipt", detail }] });
