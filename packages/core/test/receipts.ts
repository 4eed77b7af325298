/** What the tests of signing and verifying share: a receipt, keys, and inputs that mean harm. */
import { createHmac } from "node:crypto";
import fc from "fast-check";
import { type Receipt, rerank } from "../src/index.ts";
import { ed25519Signer, ed25519Verifier, hmacVerifier, type Signer } from "../src/keys/index.ts";
import type { LatticeReceipt } from "../src/python/latticeReceipt.ts";
import { signPublished } from "../src/python/signature.ts";
import { signReceipt } from "../src/receipt/sign.ts";
import { randomRow, randomRows } from "./support.ts";

const requestOf = (n: number, seed: number) => ({
  query: randomRow(4, seed + 1),
  queryText: "solar sail",
  candidates: randomRows(n, 4, seed).map((embedding, i) => ({
    id: `doc ${i} ☀`,
    embedding,
    text: i % 2 ? "solar wind" : "the sail",
  })),
  k: 3,
});

/** A receipt over n candidates. */
export const receiptOf = (n = 6, seed = 1): Receipt => rerank(requestOf(n, seed)).receipt;

/** The same of the lattice of vectors. */
export const latticeReceiptOf = (n = 6, seed = 1): LatticeReceipt =>
  rerank({ ...requestOf(n, seed), profile: "reference" }).receipt;

export const receipt = receiptOf();
export const latticeReceipt = latticeReceiptOf();

const privateKey = Uint8Array.from({ length: 32 }, (_, i) => i + 1);
/** That of the golden vectors, which is too short for new signatures. */
export const secret = "golden-secret";
const goldenSigner: Signer = {
  algorithm: "HMAC-SHA256",
  sign: (message) => new Uint8Array(createHmac("sha256", secret).update(message).digest()),
};
export const signers = { Ed25519: ed25519Signer(privateKey), "HMAC-SHA256": goldenSigner };

const publicKey = "79b5562e8fe654f94078b112e8a98ba7901f853ae695bed7e0e3910bad049664";
export const verifiers = {
  Ed25519: ed25519Verifier(Uint8Array.from(Buffer.from(publicKey, "hex"))),
  "HMAC-SHA256": hmacVerifier(secret),
};
export const both = Object.values(verifiers);
export const algorithms = ["Ed25519", "HMAC-SHA256"] as const;

const envelope = signReceipt(receipt, signers.Ed25519);
const published = signPublished(latticeReceipt, signers["HMAC-SHA256"], { mode: "extended" });

/** Copies of bytes with one bit flipped: `bits` of them in every `step`-th byte. */
export function* flips(bytes: Uint8Array, step = 1, bits = 8): Generator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += step) {
    for (let bit = 0; bit < bits; bit++) {
      const flipped = Uint8Array.from(bytes);
      flipped[at]! ^= 1 << ((at / step + bit) % 8);
      yield flipped;
    }
  }
}

/** Every place in a value: the keys on the way to it. */
const placesOf = (value: unknown, way: string[] = []): string[][] => [
  way,
  ...(typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, inner]) => placesOf(inner, [...way, key]))
    : []),
];

/** A copy of a value with another at one place. */
function replaced(value: unknown, [key, ...rest]: string[], by: unknown): unknown {
  if (key === undefined) return by;
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string, unknown>;
  copy[key] = replaced(copy[key], rest, by);
  return copy;
}

const explode = (): never => {
  throw new Error("never to be seen");
};
const cycle: Record<string, unknown> = {};
cycle.meta = cycle;
const deep = (depth: number): unknown => (depth === 0 ? 1 : { meta: deep(depth - 1), payload: [] });
class Instance {
  #hidden = 1;
  get payload(): number {
    return this.#hidden;
  }
}

/** A value, made when it is needed: the tools of the tests themselves stumble over some of these. */
export type Made = () => unknown;

/** Values that break what reads them carelessly. */
const harmful: fc.Arbitrary<Made> = fc.oneof(
  fc.constantFrom<Made>(
    () => undefined,
    () => Symbol("s"),
    () => 10n,
    () => Number.NaN,
    () => -0,
    () => Infinity,
    () => "",
    () => "\ud800",
    () => "A".repeat(1000),
    () => () => 1,
    () => cycle,
    () => deep(40),
    () => new Instance(),
    () => new Date(0),
    () => new Map([["payload", 1]]),
    () => Object.create(null),
    () => JSON.parse('{"__proto__": {"payload": 1}, "constructor": 1}'),
    () => new Uint8Array(8),
    () => new Proxy({}, { get: explode, ownKeys: explode, getOwnPropertyDescriptor: explode, has: explode }),
    () => new Proxy([], { get: explode }),
    () => Object.defineProperty({}, "payload", { get: explode, enumerable: true }),
    () => ({ toJSON: explode, valueOf: explode, toString: explode }),
    () => new Array(3),
  ),
  fc
    .anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, maxDepth: 3 })
    .map((value) => () => value),
);

/** Signed receipts with a harmful value at some place. */
const broken = (whole: object): fc.Arbitrary<Made> =>
  fc.tuple(fc.constantFrom(...placesOf(whole)), harmful).map(
    ([place, value]) =>
      () =>
        replaced(whole, place, value()),
  );

/** Texts of signed receipts with characters changed, cut out or put in. */
const garbled = (text: string): fc.Arbitrary<Made> =>
  fc.tuple(fc.nat(text.length - 1), fc.nat(3), fc.string({ maxLength: 3 })).map(
    ([at, cut, put]) =>
      () =>
        text.slice(0, at) + put + text.slice(at + cut),
  );

/** What a verifier may be handed. */
export const hostile: fc.Arbitrary<Made> = fc.oneof(
  harmful,
  broken(envelope),
  broken(published),
  garbled(JSON.stringify(envelope)),
  garbled(JSON.stringify(published)),
  fc.json().map((text) => () => text),
);
