/** Whether the record in the page is what was signed, by the browser's own cryptography. */
import { type Envelope, envelopeOf, OscillinkError, verifyReceiptAsync } from "@oscillink/core";
import { type AsyncVerifier, keyIdOf, readPublicKey, webCryptoVerifier } from "@oscillink/core/keys";
import { type AnyReceipt, field } from "../read.ts";

/** What was found, in words; and the verified content, for the page to be compared with. */
export type Verdict =
  | { readonly kind: "intact" | "valid"; readonly said: string; readonly content: AnyReceipt }
  | { readonly kind: "not-valid" | "unknown"; readonly said: string };

/** How the text of a key is read. */
export type KeyKind = "base64" | "hex" | "public" | "text";

const REASONS: Readonly<Record<string, string>> = {
  algorithm: "its signature is of another kind than this key",
  key: "its signature names another key",
  signature: "the signature is not that of this record under this key",
  schema: "the record is no receipt",
  digest: "the digest is not that of the content",
  version: "it is of a version that is not known here",
  "no-signature": "it carries no signature",
};

export async function verify(
  text: string,
  signatures: Envelope["signatures"],
  keyText: string,
  kind: KeyKind,
): Promise<Verdict> {
  let receipt: AnyReceipt;
  let envelope: Envelope;
  try {
    receipt = JSON.parse(text);
    // It refuses a content whose digest is another.
    envelope = envelopeOf(receipt, signatures);
  } catch (error) {
    const why =
      error instanceof OscillinkError ? "the digest is not that of the content" : "the record is no JSON";
    return { kind: "not-valid", said: `Not valid: ${why}.` };
  }
  const published = field(receipt, "meta", "signature") !== undefined;
  if (signatures.length === 0 && !published) {
    return { kind: "intact", said: "Not signed. Its content has its digest.", content: receipt };
  }
  if (keyText.trim() === "") {
    const said = "Intact: its content has its digest. The signature was not verified: paste the key below.";
    return { kind: "intact", said, content: receipt };
  }
  let key: Key;
  try {
    key = await readKey(keyText, kind);
  } catch (error) {
    return { kind: "unknown", said: `The signature was not verified: ${(error as Error).message}.` };
  }
  const verified = await verifyReceiptAsync(signatures.length > 0 ? envelope : text, key.verifier);
  if (!verified.ok)
    return { kind: "not-valid", said: `Not valid: ${REASONS[verified.reason] ?? verified.reason}.` };
  if (verified.covers === "payload") {
    return { kind: "unknown", said: "The signature is good, and covers a few figures of the record alone." };
  }
  return { kind: "valid", said: `Valid: signed with ${key.name}.`, content: verified.receipt };
}

interface Key {
  readonly verifier: AsyncVerifier;
  readonly name: string;
}

/** @throws with a message that can be shown: keys are never part of it. */
async function readKey(text: string, kind: KeyKind): Promise<Key> {
  if (globalThis.crypto?.subtle === undefined) {
    throw new Error("browsers verify in pages from disk or over https alone; open it there");
  }
  const { subtle } = crypto;
  if (kind !== "public") {
    const hmac = { name: "HMAC", hash: "SHA-256" };
    const key = await subtle.importKey("raw", secretOf(text, kind), hmac, false, ["verify"]);
    return { verifier: webCryptoVerifier(key), name: "the secret that was pasted" };
  }
  const bytes = readPublicKey(text.trimStart().startsWith("{") ? JSON.parse(text) : text);
  const key = await subtle
    .importKey("raw", Uint8Array.from(bytes), "Ed25519", false, ["verify"])
    .catch(() => {
      throw new Error("this browser knows no Ed25519; a newer one does");
    });
  return { verifier: webCryptoVerifier(key), name: `the key ${keyIdOf(bytes)}` };
}

function secretOf(text: string, kind: KeyKind): Uint8Array<ArrayBuffer> {
  if (kind === "text") return new TextEncoder().encode(text);
  const compact = text.replace(/\s/g, "");
  if (kind === "base64") {
    return Uint8Array.from(atob(compact.replaceAll("-", "+").replaceAll("_", "/")), (unit) =>
      unit.charCodeAt(0),
    );
  }
  if (!/^([0-9a-f]{2})+$/i.test(compact)) throw new Error("the secret is no hexadecimal text");
  return Uint8Array.from(compact.match(/../g)!, (pair) => Number.parseInt(pair, 16));
}
