import { utf8ToBytes } from "@noble/hashes/utils.js";
import { fromUtf8 } from "../platform.ts";
import { checkPublished, type PublishedPayload } from "../python/signature.ts";
import { canonicalJson } from "../receipt/canonical.ts";
import { readContent } from "../receipt/read.ts";
import type { AnySigned } from "../receipt/receipt.ts";
import { PAYLOAD_TYPE, preAuthEncoding } from "../receipt/sign.ts";
import { field, fromBase64, MAX_PAYLOAD, readUntrusted, toBase64 } from "../receipt/untrusted.ts";
import {
  type AsyncVerifier,
  decide,
  decideAsync,
  listVerifiers,
  type Reason,
  type Refused,
  refused,
  SIGNATURE_LENGTH,
  type Verification,
  type Verifier,
} from "../receipt/verifier.ts";

/** An envelope holds no more signatures than these. */
const MAX_SIGNATURES = 16;

/** More bytes than in a signature of any algorithm. */
const MAX_SIGNATURE = 256;

/** What a verification found. Trust `receipt`, and nothing else of what was handed in. */
export type Verified =
  | {
      readonly ok: true;
      /** The signature covers the whole receipt. */
      readonly covers: "receipt";
      readonly receipt: AnySigned;
      /** The key id of the verifier that found the signature good, if it has one. */
      readonly keyId?: string;
    }
  | {
      readonly ok: true;
      /** A receipt of the Python package: the signature covers a few of its figures, which are these. */
      readonly covers: "payload";
      readonly receipt: PublishedPayload;
      readonly keyId?: string;
    }
  | Refused;

/**
 * Whether a receipt was signed with one of the keys, and what it says then. Takes an envelope or a receipt of the
 * published schema (`meta.signature`), as an object or as its JSON text. What it returns was read from verified bytes;
 * it never throws for what `signed` is, and reads each property of an object once.
 *
 * For a change of keys, hand in the verifiers of the old and of the new key: the key id of a signature chooses among
 * them. A signature without one is tried with all.
 *
 * @throws OptionError if `verifiers` are none. An error of a verifier is passed on.
 */
export const verifyReceipt = (signed: unknown, verifiers: Verifier | readonly Verifier[]): Verified =>
  decide(checkSigned(signed, listVerifiers(verifiers)));

/** As {@link verifyReceipt}, with verifiers of either kind. */
export const verifyReceiptAsync = async (
  signed: unknown,
  verifiers: AsyncVerifier | Verifier | readonly (AsyncVerifier | Verifier)[],
): Promise<Verified> => decideAsync(checkSigned(signed, listVerifiers(verifiers)));

function* checkSigned<V extends AsyncVerifier | Verifier>(
  signed: unknown,
  verifiers: readonly V[],
): Verification<Verified, V> {
  const input = readUntrusted(signed);
  if (input === null) return refused("schema");
  const isEnvelope = ["payload", "payloadType", "signatures"].some(
    (name) => field(input.data, name) !== undefined,
  );
  if (isEnvelope) return yield* checkEnvelope(input.data, verifiers);

  const published = yield* checkPublished(input, verifiers);
  if (!published.ok) return published;
  const { content, payload, ...found } = published;
  return content === null
    ? { ...found, covers: "payload", receipt: payload }
    : { ...found, covers: "receipt", receipt: content };
}

function* checkEnvelope<V extends AsyncVerifier | Verifier>(
  envelope: unknown,
  verifiers: readonly V[],
): Verification<Verified, V> {
  const signatures = field(envelope, "signatures") ?? [];
  const payload = field(envelope, "payload");
  if (!Array.isArray(signatures) || signatures.length > MAX_SIGNATURES) return refused("schema");
  if (signatures.length === 0) return refused("no-signature");
  const bytes = fromBase64(payload, MAX_PAYLOAD);
  if (bytes === null || field(envelope, "payloadType") !== PAYLOAD_TYPE) {
    return refused("schema");
  }

  const message = preAuthEncoding(PAYLOAD_TYPE, bytes);
  // The reason of the signature that came furthest. A malformed one is some other signer's affair.
  let reason: Reason = "schema";
  for (const given of signatures as unknown[]) {
    const keyId = field(given, "keyid") ?? "";
    const signature = fromBase64(field(given, "sig"), MAX_SIGNATURE);
    if (signature === null || typeof keyId !== "string") continue;
    if (reason === "schema") reason = "key";
    for (const verifier of verifiers) {
      // The id only says which keys to try; that it is the right one is for the signature to say.
      if (keyId !== "" && verifier.keyId !== undefined && verifier.keyId !== keyId) continue;
      if (signature.length !== SIGNATURE_LENGTH[verifier.algorithm]) {
        if (reason === "key") reason = "algorithm";
        continue;
      }
      reason = "signature";
      if (!(yield { verifier, message, signature })) continue;
      const receipt = parsePayload(bytes);
      if (typeof receipt === "string") return refused(receipt);
      return {
        ok: true,
        covers: "receipt",
        receipt,
        ...(verifier.keyId !== undefined && { keyId: verifier.keyId }),
      };
    }
  }
  return refused(reason);
}

/** The receipt of verified bytes. They must be its canonical JSON, byte for byte: no key twice, no -0, nothing beside. */
function parsePayload(bytes: Uint8Array): AnySigned | Reason {
  try {
    const content = readContent(JSON.parse(fromUtf8(bytes)));
    if (typeof content === "string") return content;
    const canonical = utf8ToBytes(canonicalJson(content));
    return toBase64(canonical) === toBase64(bytes) ? content : "schema";
  } catch {
    return "schema";
  }
}
