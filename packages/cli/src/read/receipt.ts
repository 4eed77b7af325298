import {
  type Envelope,
  envelopeOf,
  explainReceipt,
  OptionError,
  type Receipt,
  type SignedReceipt,
  verifyReceipt,
} from "@oscillink/core";
import type { Verifier } from "@oscillink/core/keys";
import { InputError } from "../exit.ts";
import { parseDocument } from "./records.ts";
import { nameOf, readText } from "./text.ts";

/** A receipt of any kind that core takes: of this version or an older one, whole or its signed content. */
export type AnyReceipt = Parameters<typeof explainReceipt>[0];

/** An envelope whose content is no receipt, or none any more. */
export class SpoiltError extends InputError {}

/** What a text holds that is a receipt, or an envelope with one. */
export interface ReadReceipt {
  /** The text, for `verifyReceipt`. */
  readonly text: string;
  /** The receipt, of which nothing has been verified yet. */
  readonly receipt: AnyReceipt;
  /** The envelope that it came in; null for a receipt by itself. */
  readonly envelope: Envelope | null;
  /** The key ids of its signatures, of which none has been checked; a signature without one is `"?"`. */
  readonly signers: readonly string[];
}

/** The receipt in a file. @throws {InputError} for a file that holds none. */
export const readReceipt = async (path: string): Promise<ReadReceipt> =>
  receiptIn(await readText(path), nameOf(path));

/** The receipt in a text. @throws {InputError} for a text that holds none. */
export function receiptIn(text: string, name: string): ReadReceipt {
  const data = parseDocument(text, name) as Partial<Envelope> | null;
  const signed = typeof data?.payload === "string";
  const receipt = (signed ? decoded(data.payload!, name) : data) as Receipt | SignedReceipt;
  try {
    explainReceipt(receipt);
  } catch (cause) {
    if (!(cause instanceof OptionError)) throw cause;
    if (signed) throw new SpoiltError(`${name}: what it holds signed is no receipt`, { cause });
    throw new InputError(`${name}: holds no receipt, and no envelope with one`, { cause });
  }
  const signers =
    signed && Array.isArray(data.signatures) ? data.signatures.map(({ keyid = "?" }) => keyid) : [];
  return { text, receipt, envelope: signed ? (data as Envelope) : null, signers };
}

const decoded = (payload: string, name: string): unknown =>
  parseDocument(Buffer.from(payload, "base64").toString("utf8"), `${name}: its payload`);

/** What was found, in words; and of a receipt that is not valid, the reason. */
export type Verdict =
  | { readonly ok: true; readonly said: string; readonly receipt: AnyReceipt }
  | { readonly ok: false; readonly said: string };

/** Whether a receipt is signed with a key; without a key, whether its content has its digest. */
export function judge({ text, receipt, signers }: ReadReceipt, verifier: Verifier | null): Verdict {
  if (verifier === null) {
    if (!isIntact(receipt)) return { ok: false, said: "digest" };
    const by = signers.length === 0 ? "it is not signed" : "its signature was not checked, which takes a key";
    return { ok: true, said: `intact: its content has its digest; ${by}`, receipt };
  }
  const result = verifyReceipt(text, verifier);
  if (!result.ok) return { ok: false, said: result.reason };
  // Of a receipt of the Python package its signature covers a few figures alone.
  if (result.covers === "payload")
    return { ok: false, said: "payload: the signature covers a few figures alone" };
  const by = result.keyId === undefined ? "" : ` by the key ${result.keyId}`;
  return { ok: true, said: `valid: signed${by}`, receipt: result.receipt };
}

/** Whether the digest of a receipt is that of its content. */
function isIntact(receipt: AnyReceipt): boolean {
  try {
    envelopeOf(receipt, []);
    return true;
  } catch (error) {
    if (error instanceof OptionError) return false;
    throw error;
  }
}
