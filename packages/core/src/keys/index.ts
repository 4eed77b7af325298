/** Keys for signing and verifying receipts: Ed25519 and HMAC-SHA256, in JavaScript or by WebCrypto. */
import { ed25519 } from "@noble/curves/ed25519.js";
import { hmac } from "@noble/hashes/hmac.js";
import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, utf8ToBytes } from "@noble/hashes/utils.js";
import { isBytes } from "../bytes.ts";
import { kindOf, OptionError, show } from "../errors.ts";
import { type WebCryptoKey, webCrypto } from "../platform.ts";
import type { AsyncSigner, Signer } from "../receipt/sign.ts";
import type { Algorithm, AsyncVerifier, Verifier } from "../receipt/verifier.ts";
import { type KeyInput, readPrivateKey, readPublicKey } from "./encoding.ts";

export type { WebCryptoKey } from "../platform.ts";
export { signedContent } from "../receipt/receipt.ts";
export { type AsyncSigner, PAYLOAD_TYPE, type Signer } from "../receipt/sign.ts";
export type { AsyncVerifier, Verifier } from "../receipt/verifier.ts";
export {
  type Jwk,
  type KeyInput,
  privateKeyToJwk,
  privateKeyToPem,
  publicKeyToJwk,
  publicKeyToPem,
  readPrivateKey,
  readPublicKey,
} from "./encoding.ts";

export interface KeyOptions {
  /**
   * The name of the key in envelopes. Signer and verifier must agree on it. Default: for Ed25519 that of
   * {@link keyIdOf}, for others none.
   */
  readonly keyId?: string;
}

/** A new pair of Ed25519 keys. */
export interface Keys {
  /** 32 secret bytes. */
  readonly privateKey: Uint8Array;
  /** 32 bytes to give away. */
  readonly publicKey: Uint8Array;
  readonly keyId: string;
}

/** New Ed25519 keys, from the platform's random numbers. */
export function generateKeys(): Keys {
  const { secretKey, publicKey } = ed25519.keygen();
  return { privateKey: secretKey, publicKey, keyId: keyIdOf(publicKey) };
}

/**
 * The name of a public key: the first 16 hexadecimal digits of the SHA-256 of its 32 bytes. Names of different keys
 * differ, so old and new verifiers can be handed in together while keys change.
 *
 * @throws OptionError as {@link readPublicKey}.
 */
export const keyIdOf = (publicKey: KeyInput): string =>
  bytesToHex(sha256(readPublicKey(publicKey))).slice(0, 16);

/** Signs with Ed25519 (RFC 8032). @throws OptionError as {@link readPrivateKey}, and for a bad key id. */
export function ed25519Signer(privateKey: KeyInput, options: KeyOptions = {}): Signer {
  const key = readPrivateKey(privateKey);
  const { keyId = keyIdOf(ed25519.getPublicKey(key)) } = named(options);
  return { algorithm: "Ed25519", keyId, sign: (message) => ed25519.sign(message, key) };
}

/**
 * Verifies Ed25519 as RFC 8032 has it: one encoding a point, s below the order of the group, no key of small order.
 *
 * @throws OptionError as {@link readPublicKey}, and for a bad key id.
 */
export function ed25519Verifier(publicKey: KeyInput, options: KeyOptions = {}): Verifier {
  const key = readPublicKey(publicKey);
  const { keyId = keyIdOf(key) } = named(options);
  return {
    algorithm: "Ed25519",
    keyId,
    verify: (message, signature) =>
      signature.length === 64 && ed25519.verify(signature, message, key, { zip215: false }),
  };
}

/** A secret for a new signature has at least so many bytes: those of the hash (RFC 2104, section 3). */
const SECRET = 32;

/**
 * Signs with HMAC-SHA256 (RFC 2104). Whoever can verify can also sign.
 *
 * @param secret - bytes, or a text that stands for its UTF-8 bytes; 32 at least, random ones.
 * @throws OptionError for a shorter secret, and for a bad key id.
 */
export function hmacSigner(secret: Uint8Array | string, options: KeyOptions = {}): Signer {
  const key = readSecret(secret);
  if (key.length < SECRET) {
    const what = `must be of at least ${SECRET} bytes, not ${key.length}: make one with crypto.getRandomValues(new Uint8Array(${SECRET}))`;
    throw new OptionError("secret", what);
  }
  return { algorithm: "HMAC-SHA256", ...named(options), sign: (message) => hmac(sha256, key, message) };
}

/**
 * Verifies HMAC-SHA256, in a time that does not depend on where signatures differ. A secret that is too short for new
 * signatures still verifies those that were made with it.
 *
 * @throws OptionError for an empty secret, and for a bad key id.
 */
export function hmacVerifier(secret: Uint8Array | string, options: KeyOptions = {}): Verifier {
  const key = readSecret(secret);
  return {
    algorithm: "HMAC-SHA256",
    ...named(options),
    verify: (message, signature) => equal(hmac(sha256, key, message), signature),
  };
}

function readSecret(secret: Uint8Array | string): Uint8Array {
  if (typeof secret !== "string" && !isBytes(secret)) {
    throw new OptionError("secret", `must be a text or a Uint8Array, not ${kindOf(secret)}`);
  }
  if (secret.length > 0) return typeof secret === "string" ? utf8ToBytes(secret) : Uint8Array.from(secret);
  throw new OptionError("secret", "must not be empty: anyone could sign with it");
}

/** Compares all bytes, whatever the first ones say. */
function equal(a: Uint8Array, b: Uint8Array): boolean {
  let difference = a.length ^ b.length;
  for (let i = 0; i < a.length; i++) difference |= a[i]! ^ (b[i] ?? 0);
  return difference === 0;
}

/**
 * Signs with a key of WebCrypto, of Ed25519 or of HMAC with SHA-256, which may be one that cannot be exported.
 *
 * @throws OptionError for a key of another algorithm or without the usage `sign`.
 */
export function webCryptoSigner(key: WebCryptoKey, options: KeyOptions = {}): AsyncSigner {
  return {
    algorithm: algorithmOf(key, "sign"),
    ...named(options),
    sign: async (message) => new Uint8Array(await webCrypto().sign(key.algorithm.name, key, message)),
  };
}

/**
 * Verifies with a key of WebCrypto. How strictly a platform reads Ed25519 signatures that no honest signer makes is its
 * own affair; {@link ed25519Verifier} is the same everywhere.
 *
 * @throws OptionError for a key of another algorithm or without the usage `verify`.
 */
export function webCryptoVerifier(key: WebCryptoKey, options: KeyOptions = {}): AsyncVerifier {
  return {
    algorithm: algorithmOf(key, "verify"),
    ...named(options),
    verify: (message, signature) => webCrypto().verify(key.algorithm.name, key, signature, message),
  };
}

function algorithmOf(key: WebCryptoKey, usage: "sign" | "verify"): Algorithm {
  const { name, hash } = (key?.algorithm ?? {}) as { name?: string; hash?: { name?: string } };
  const algorithm =
    name === "Ed25519" ? name : name === "HMAC" && hash?.name === "SHA-256" ? "HMAC-SHA256" : null;
  if (algorithm !== null && key.usages.includes(usage)) return algorithm;
  const what = `must be a CryptoKey of Ed25519 or of HMAC with SHA-256 and with the usage ${usage}`;
  throw new OptionError("key", `${what}, not ${name === undefined ? kindOf(key) : show(name)}`);
}

/** The key id of options, where there is one. An empty one would count as none in an envelope. */
function named({ keyId }: KeyOptions): KeyOptions {
  if (keyId === undefined) return {};
  if (typeof keyId === "string" && keyId !== "") return { keyId };
  throw new OptionError("keyId", `must be a text that is not empty, not ${kindOf(keyId)}`);
}
