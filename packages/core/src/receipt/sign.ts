import { concatBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { isBytes } from "../bytes.ts";
import { kindOf, OptionError, show } from "../errors.ts";
import { canonicalJson } from "./canonical.ts";
import { type AnyReceipt, type AnySigned, contentDigest, signedContent } from "./receipt.ts";
import { isRecord, MAX_PAYLOAD, toBase64 } from "./untrusted.ts";
import { type Algorithm, SIGNATURE_LENGTH } from "./verifier.ts";

/** The DSSE payload type of a receipt: canonical JSON (RFC 8785) of its signed content. */
export const PAYLOAD_TYPE = "application/vnd.oscillink.receipt+json";

/** One signature of an envelope, in the names of DSSE. */
export interface Signature {
  /** Which key it is of. A hint to find the key: the signature does not cover it. */
  readonly keyid?: string;
  /** The signature in base64. */
  readonly sig: string;
}

/** A signed receipt as a DSSE envelope (github.com/secure-systems-lab/dsse, envelope.md). */
export interface Envelope {
  readonly payloadType: typeof PAYLOAD_TYPE;
  /** The signed content in base64. */
  readonly payload: string;
  readonly signatures: readonly Signature[];
}

/** Signs with one key. */
export interface Signer {
  readonly algorithm: Algorithm;
  /** Goes into the envelope, so that a verifier finds the key; see {@link Signature}. */
  readonly keyId?: string;
  /** 64 bytes for Ed25519, 32 for HMAC-SHA256. */
  sign(message: Uint8Array): Uint8Array;
}

/** A signer that answers later: a key of WebCrypto, or of a key service. */
export interface AsyncSigner extends Pick<Signer, "algorithm" | "keyId"> {
  sign(message: Uint8Array): Promise<Uint8Array>;
}

/**
 * Signs a receipt. The same receipt and key give the same envelope, byte for byte.
 *
 * @throws OptionError for a receipt whose digest is not that of its content, or whose content is over 1 MiB, and for a
 * signer that does not give a signature of its algorithm.
 */
export function signReceipt(receipt: AnyReceipt, signer: Signer): Envelope {
  const payload = payloadOf(receipt);
  checkSigner(signer);
  return envelope(payload, [signatureOf(signer, signer.sign(preAuthEncoding(PAYLOAD_TYPE, payload)))]);
}

/** As {@link signReceipt}, with a signer of either kind. */
export async function signReceiptAsync(receipt: AnyReceipt, signer: AsyncSigner | Signer): Promise<Envelope> {
  const payload = payloadOf(receipt);
  checkSigner(signer);
  return envelope(payload, [signatureOf(signer, await signer.sign(preAuthEncoding(PAYLOAD_TYPE, payload)))]);
}

/**
 * The envelope of a receipt and of signatures that were kept beside it: the payload follows from the receipt.
 *
 * @throws OptionError for a receipt whose digest is not that of its content. Signatures are not judged; see
 * {@link verifyReceipt}.
 */
export const envelopeOf = (receipt: AnyReceipt | AnySigned, signatures: readonly Signature[]): Envelope =>
  envelope(payloadOf(receipt), signatures);

const envelope = (payload: Uint8Array, signatures: readonly Signature[]): Envelope => ({
  payloadType: PAYLOAD_TYPE,
  payload: toBase64(payload),
  signatures: [...signatures],
});

/** What is signed of a type and a payload: DSSE's pre-authentication encoding (protocol.md), lengths in bytes. */
export function preAuthEncoding(type: string, payload: Uint8Array): Uint8Array {
  const name = utf8ToBytes(type);
  const text = utf8ToBytes(` ${payload.length} `);
  return concatBytes(utf8ToBytes(`DSSEv1 ${name.length} `), name, text, payload);
}

function payloadOf(receipt: AnyReceipt | AnySigned): Uint8Array {
  const payload = utf8ToBytes(canonicalJson(checkReceipt(receipt)));
  if (payload.length <= MAX_PAYLOAD) return payload;
  const what = `its content is of ${payload.length} bytes, and ${MAX_PAYLOAD} is the most that is read again: ask for a light receipt`;
  throw new OptionError("receipt", what);
}

/** The signed content of a receipt. @throws OptionError if its digest is not that of its content. */
export function checkReceipt(receipt: AnyReceipt | AnySigned): AnySigned {
  if (!isRecord(receipt) || !isRecord(receipt.meta)) {
    throw new OptionError("receipt", `must be a receipt, not ${show(receipt)}`);
  }
  const content = signedContent(receipt);
  const found = digestOf(content);
  if (found === content.digest) return content;
  const what = `its digest ${show(content.digest)} is not that of its content, ${show(found)}: sign it as it was made`;
  throw new OptionError("receipt", what);
}

function digestOf(content: AnySigned): string {
  try {
    return contentDigest(content);
  } catch (cause) {
    throw new OptionError("receipt", "its content is no canonical JSON (RFC 8785)", { cause });
  }
}

/** @throws OptionError for what is no signer. */
export function checkSigner(signer: AsyncSigner | Signer): void {
  const known = Object.hasOwn(SIGNATURE_LENGTH, signer?.algorithm) && typeof signer.sign === "function";
  if (known && (signer.keyId === undefined || typeof signer.keyId === "string")) return;
  const what = `must be a signer such as ed25519Signer(privateKey) makes, not ${kindOf(signer)}`;
  throw new OptionError("signer", what);
}

function signatureOf({ algorithm, keyId }: AsyncSigner | Signer, signature: Uint8Array): Signature {
  checkSignature(algorithm, signature);
  return { ...(keyId !== undefined && { keyid: keyId }), sig: toBase64(signature) };
}

/** @throws OptionError if a signer gave something other than a signature of its algorithm. */
export function checkSignature(algorithm: Algorithm, signature: unknown): asserts signature is Uint8Array {
  const length = SIGNATURE_LENGTH[algorithm];
  if (isBytes(signature) && signature.length === length) return;
  const later = signature instanceof Promise ? ": use signReceiptAsync for a signer that answers later" : "";
  throw new OptionError(
    "signer",
    `must give ${length} bytes for ${algorithm}, gave ${kindOf(signature)}${later}`,
  );
}
