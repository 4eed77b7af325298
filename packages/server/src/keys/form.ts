/** How a key is written: `osk_<environment>_<id>_<secret><checksum>`, in base64url. */
import { createHmac, randomBytes, timingSafeEqual } from "node:crypto";
import { crc32 } from "node:zlib";

/** A key as its owner has it. */
export interface Presented {
  /** 16 random bytes, which name it in logs and lists. */
  readonly id: string;
  /** 32 random bytes. */
  readonly secret: string;
}

const [ID, SECRET, CHECKSUM] = [22, 43, 6];
const FORM = new RegExp(`^osk_([a-z0-9]{1,16})_([\\w-]{${ID}})_([\\w-]{${SECRET}})([\\w-]{${CHECKSUM}})$`);

/** Without - and _: an id stands on command lines, where the first would begin an option. */
export function newId(): string {
  for (;;) {
    const id = randomBytes(16).toString("base64url");
    if (/^[A-Za-z0-9]+$/.test(id)) return id;
  }
}
export const newSecret = (): string => randomBytes(32).toString("base64url");

/** @param environment tells keys of a test from others, such as `live`. */
export function writeKey({ id, secret }: Presented, environment = "live"): string {
  const body = `osk_${environment}_${id}_${secret}`;
  return body + checksumOf(body);
}

/** Null for what is no key: a wrong checksum is a slip of the hand, and nobody looks it up. */
export function readKey(text: string): Presented | null {
  const [, environment, id, secret, checksum] = FORM.exec(text) ?? [];
  if (id === undefined || secret === undefined) return null;
  return checksumOf(`osk_${environment}_${id}_${secret}`) === checksum ? { id, secret } : null;
}

function checksumOf(body: string): string {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(crc32(body));
  return bytes.toString("base64url");
}

/** What is kept of a secret. It has 256 random bits, so that no slow hash is needed. */
export const macOf = (secret: string, pepper: string): string =>
  createHmac("sha256", pepper).update(secret).digest("base64url");

export const sameMac = (a: string, b: string): boolean =>
  a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b));
