import { envelopeOf, explainReceipt, OptionError, type Receipt, type SignedReceipt } from "@oscillink/core";
import { InputError } from "../exit.ts";
import { parseDocument } from "./records.ts";
import { nameOf, readText } from "./text.ts";

/** A receipt of any kind that core takes: of this version or an older one, whole or its signed content. */
export type AnyReceipt = Parameters<typeof explainReceipt>[0];

/** A file that holds a receipt, or an envelope with one. */
export interface ReceiptFile {
  readonly name: string;
  /** What the file holds, for `verifyReceipt`. */
  readonly text: string;
  /** The receipt, of which nothing has been verified yet. */
  readonly receipt: AnyReceipt;
  /** The key ids of its signatures, of which none has been checked; a signature without one is `"?"`. */
  readonly signers: readonly string[];
}

/** @throws {InputError} for a file that holds no receipt. */
export async function readReceipt(path: string): Promise<ReceiptFile> {
  const name = nameOf(path);
  const text = await readText(path);
  const data = parseDocument(text, name) as Partial<Envelope> | null;
  const signed = typeof data?.payload === "string";
  const receipt = (signed ? decoded(data.payload!, name) : data) as Receipt | SignedReceipt;
  try {
    explainReceipt(receipt);
  } catch (cause) {
    if (!(cause instanceof OptionError)) throw cause;
    throw new InputError(`${name}: holds no receipt, and no envelope with one`, { cause });
  }
  const signers =
    signed && Array.isArray(data.signatures) ? data.signatures.map(({ keyid = "?" }) => keyid) : [];
  return { name, text, receipt, signers };
}

interface Envelope {
  readonly payload: string;
  readonly signatures: readonly { readonly keyid?: string }[];
}

const decoded = (payload: string, name: string): unknown =>
  parseDocument(Buffer.from(payload, "base64").toString("utf8"), `${name}: its payload`);

/** Whether the digest of a receipt is that of its content. */
export function isIntact(receipt: AnyReceipt): boolean {
  try {
    envelopeOf(receipt, []);
    return true;
  } catch (error) {
    if (error instanceof OptionError) return false;
    throw error;
  }
}
