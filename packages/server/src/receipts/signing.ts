/** The keys that receipts are signed with: made at the first start, and kept in the data folder, the public halves of former ones too. */
import { createPrivateKey, createPublicKey, type KeyObject } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { OptionError } from "@oscillink/core";
import {
  generateKeys,
  keyIdOf,
  privateKeyToPem,
  publicKeyToJwk,
  publicKeyToPem,
  readPrivateKey,
} from "@oscillink/core/keys";
import { ConfigError } from "../config/load.ts";

/** A key that signs, and all that verify. */
export interface Signing {
  /** PKCS #8 as PEM. */
  readonly pem: string;
  readonly keyId: string;
  /** By id, as PEM: that of the present key, and of those before. */
  readonly publicPems: Readonly<Record<string, string>>;
  /** The same as RFC 7517 has them. */
  readonly jwks: { readonly keys: readonly Record<string, unknown>[] };
}

/**
 * @param file a private key of the operator's own, as PEM or JSON Web Key; empty: one that is made in the data folder.
 * @throws {ConfigError} for a file that holds no such key.
 */
export function openSigning(data: string, file: string): Signing {
  const folder = join(data, "receipt-keys");
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const own = join(folder, "private.pem");
  if (file === "" && !existsSync(own)) {
    // Whoever comes second takes the key of the first.
    writeOnce(own, privateKeyToPem(generateKeys().privateKey), 0o600);
  }
  const bytes = readKey(file || own);
  const pem = privateKeyToPem(bytes);
  const publicKey = publicBytes(createPublicKey(createPrivateKey(pem)));
  const keyId = keyIdOf(publicKey);
  writeOnce(join(folder, `${keyId}.public.pem`), publicKeyToPem(publicKey), 0o644);
  const files = readdirSync(folder).filter((name) => name.endsWith(".public.pem"));
  const publicPems = Object.fromEntries(
    files.sort().map((name) => {
      const text = readFileSync(join(folder, name), "utf8");
      return [keyIdOf(publicBytes(createPublicKey(text))), text];
    }),
  );
  const keys = Object.entries(publicPems).map(([kid, text]) => ({
    ...publicKeyToJwk(publicBytes(createPublicKey(text))),
    ...{ kid, use: "sig", alg: "EdDSA" },
  }));
  return { pem, keyId, publicPems, jwks: { keys } };
}

function readKey(file: string): Uint8Array {
  let text: string;
  try {
    text = readFileSync(file, "utf8");
  } catch {
    throw new ConfigError([`signingKey: ${file} cannot be read`]);
  }
  try {
    return readPrivateKey(text.trimStart().startsWith("{") ? JSON.parse(text) : text);
  } catch (error) {
    const why = error instanceof OptionError ? error.message.slice(error.parameter.length + 2) : "is no JSON";
    throw new ConfigError([`signingKey: ${file}: ${why}`]);
  }
}

const publicBytes = (key: KeyObject): Uint8Array =>
  Buffer.from((key.export({ format: "jwk" }) as { x: string }).x, "base64url");

function writeOnce(path: string, text: string, mode: number): void {
  try {
    writeFileSync(path, text, { mode, flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
}
