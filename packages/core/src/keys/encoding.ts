import { ed25519 } from "@noble/curves/ed25519.js";
import { concatBytes, hexToBytes } from "@noble/hashes/utils.js";
import { isBytes } from "../bytes.ts";
import { kindOf, OptionError } from "../errors.ts";
import { field, fromBase64, toBase64, toBase64Url } from "../receipt/untrusted.ts";

/** An Ed25519 key as a JSON Web Key (RFC 8037). */
export interface Jwk {
  readonly kty: "OKP";
  readonly crv: "Ed25519";
  /** The public key, base64url. */
  readonly x: string;
  /** The private key, base64url; only in private keys. */
  readonly d?: string;
}

/** An Ed25519 key: its 32 bytes, PEM text (SPKI or PKCS #8), or a JSON Web Key. */
export type KeyInput = Jwk | Uint8Array | string;

type Kind = "private" | "public";

const LENGTH = 32;

/** The DER of RFC 8410 is these bytes and then those of the key, as no field is of varying length. */
const der = {
  public: hexToBytes("302a300506032b6570032100"),
  private: hexToBytes("302e020100300506032b657004220420"),
};
const label = { public: "PUBLIC KEY", private: "PRIVATE KEY" };

/**
 * The 32 bytes of a public key.
 *
 * @throws OptionError for anything else, a private key among it, and for bytes that are no point of the curve.
 */
export function readPublicKey(key: KeyInput): Uint8Array {
  const bytes = readKey(key, "public");
  if (ed25519.utils.isValidPublicKey(bytes, false)) return bytes;
  throw new OptionError("publicKey", "is no Ed25519 key: its bytes are no point of the curve");
}

/**
 * The 32 bytes of a private key.
 *
 * @throws OptionError for anything else, and for a JSON Web Key whose public half is another's.
 */
export function readPrivateKey(key: KeyInput): Uint8Array {
  const bytes = readKey(key, "private");
  const shown = field(key, "x");
  if (shown === undefined || shown === toBase64Url(ed25519.getPublicKey(bytes))) return bytes;
  throw new OptionError("privateKey", "its x is not the public key of its d");
}

function readKey(key: KeyInput, kind: Kind): Uint8Array {
  const bytes = bytesOf(key, kind);
  if (bytes?.length === LENGTH) return bytes;
  const other = kind === "public" ? "private" : "public";
  if (bytesOf(key, other)?.length === LENGTH) {
    throw new OptionError(`${kind}Key`, `is the ${other} key: give the ${kind} one`);
  }
  const forms = `${LENGTH} bytes, PEM with the label ${label[kind]}, or a JWK of type OKP`;
  throw new OptionError(`${kind}Key`, `must be an Ed25519 ${kind} key: ${forms}, not ${told(key)}`);
}

/** What came in place of a key. It is never shown: it may be a key of another kind. */
function told(key: unknown): string {
  if (isBytes(key)) return `${key.length} bytes`;
  const type = field(key, "kty");
  if (type === "RSA" || type === "EC" || type === "oct") return `a JWK of type ${type}`;
  if (typeof field(key, "d") === "string") return "a private JWK";
  if (typeof key !== "string") return kindOf(key);
  if (!key.includes("-----BEGIN ")) return "a text without PEM";
  const found = /-----BEGIN ([A-Z0-9 ]{1,40})-----/.exec(key)?.[1];
  if (found === undefined) return "a PEM whose first line is damaged";
  if (found.includes("ENCRYPTED")) return `an encrypted PEM (${found}): decrypt it first`;
  if (found === label.public || found === label.private) return `a PEM of ${found} that is none of Ed25519`;
  return `a PEM of ${found}`;
}

function bytesOf(key: unknown, kind: Kind): Uint8Array | null {
  if (isBytes(key)) return Uint8Array.from(key);
  if (typeof key === "string") return fromPem(key, kind);
  if (field(key, "kty") !== "OKP" || field(key, "crv") !== "Ed25519") return null;
  // A private key is no public one, though it holds it: who hands it in should notice.
  if (kind === "public") return field(key, "d") === undefined ? fromBase64Url(field(key, "x")) : null;
  return fromBase64Url(field(key, "d"));
}

/** How much of a text is searched for a key. */
const LONGEST = 10_000;

/**
 * A key in PEM (RFC 7468): what stands before and after it is left aside. `\\n` written out, as in a variable of the
 * environment, counts as the end of a line.
 */
function fromPem(text: string, kind: Kind): Uint8Array | null {
  const lines = text.slice(0, LONGEST).replace(/(?:\\r)?\\n/g, "\n");
  const wanted = `(?:^|\n)[ \t]*-----BEGIN ${label[kind]}-----\\s([A-Za-z0-9+/=\\s]+)-----END ${label[kind]}-----`;
  const [found, another] = lines.matchAll(new RegExp(wanted, "g"));
  // Of two keys nobody could say which one is meant.
  if (found === undefined || another !== undefined) return null;
  const base64 = found[1]!;
  const head = der[kind];
  const bytes = fromBase64(base64.replace(/\s/g, ""), head.length + LENGTH);
  return bytes?.length === head.length + LENGTH && head.every((byte, i) => bytes[i] === byte)
    ? bytes.slice(head.length)
    : null;
}

/** PEM of a public key (SPKI, RFC 8410), as OpenSSL writes it. */
export const publicKeyToPem = (key: KeyInput): string => toPem(readPublicKey(key), "public");

/** PEM of a private key (PKCS #8, RFC 8410), as OpenSSL writes it. Not encrypted. */
export const privateKeyToPem = (key: KeyInput): string => toPem(readPrivateKey(key), "private");

const toPem = (bytes: Uint8Array, kind: Kind): string =>
  `-----BEGIN ${label[kind]}-----\n${toBase64(concatBytes(der[kind], bytes))}\n-----END ${label[kind]}-----\n`;

/** A public key as a JSON Web Key. */
export const publicKeyToJwk = (key: KeyInput): Jwk => ({
  kty: "OKP",
  crv: "Ed25519",
  x: toBase64Url(readPublicKey(key)),
});

/** A private key as a JSON Web Key. */
export function privateKeyToJwk(key: KeyInput): Jwk {
  const bytes = readPrivateKey(key);
  return { ...publicKeyToJwk(ed25519.getPublicKey(bytes)), d: toBase64Url(bytes) };
}

/** A value of a JSON Web Key, which has no padding (RFC 7515, section 2). */
const fromBase64Url = (text: unknown): Uint8Array | null =>
  typeof text === "string" && /^[\w-]+$/.test(text) ? fromBase64(text, LENGTH) : null;
