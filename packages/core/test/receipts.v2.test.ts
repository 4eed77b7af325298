/**
 * Receipts that an older version wrote and signed, in the profiles hybrid, settled and cosine, of which the first two are no
 * longer computed: fixtures/receipts.v2.json. An archive of them must stay good for as long as anyone may ask.
 */
import { readFileSync } from "node:fs";
import { Ajv } from "ajv";
import { describe, expect, test } from "vitest";
import schema from "../schema/receipt.v2.json" with { type: "json" };
import { hmacVerifier } from "../src/keys/index.ts";
import type { LatticeReceipt } from "../src/python/latticeReceipt.ts";
import { type PublishedSignature, verifyReceiptMode } from "../src/python/signature.ts";
import { contentDigest, signedContent } from "../src/receipt/receipt.ts";
import { type Envelope, PAYLOAD_TYPE } from "../src/receipt/sign.ts";
import { explainReceipt } from "../src/verify/explain.ts";
import { type ReplayInputs, replayReceipt } from "../src/verify/replay.ts";
import { verifyReceipt } from "../src/verify/verify.ts";
import { algorithms, both, flips, verifiers } from "./receipts.ts";

interface Old {
  readonly name: string;
  readonly inputs: ReplayInputs;
  readonly receipt: LatticeReceipt;
  /** What was explained of it then. */
  readonly lines: readonly string[];
  /** Signed then, first with Ed25519, then with HMAC-SHA256. */
  readonly envelope: Envelope;
  /** The published signature of mode extended that was made then. */
  readonly published: PublishedSignature;
}

const { cases } = JSON.parse(readFileSync(new URL("fixtures/receipts.v2.json", import.meta.url), "utf8")) as {
  readonly cases: readonly Old[];
};

const validate = new Ajv({ allowUnionTypes: true }).compile(schema);

test("the fixture has a receipt of each profile that wrote schema 2 by vectors", () => {
  expect(new Set(cases.map(({ receipt }) => receipt.profile))).toEqual(
    new Set(["hybrid", "settled", "cosine"]),
  );
  expect(new Set(cases.map(({ receipt }) => receipt.schema))).toEqual(new Set(["oscillink-receipt/2"]));
});

describe.each(cases)("an old receipt: $name", ({ inputs, receipt, lines, envelope, published }) => {
  const content = signedContent(receipt);

  test("has the digest of its content, and is one by the schema", () => {
    expect(contentDigest(receipt)).toBe(receipt.digest);
    expect(validate(receipt), JSON.stringify(validate.errors)).toBe(true);
  });

  test.each(algorithms)("verifies as it was signed then with %s, and no changed one does", (algorithm) => {
    const at = algorithms.indexOf(algorithm);
    const { payloadType, payload } = envelope;
    expect(payloadType).toBe(PAYLOAD_TYPE);
    const signed = { payloadType, payload, signatures: [envelope.signatures[at]!] };
    const { keyId } = verifiers[algorithm];
    const good = { ok: true, covers: "receipt", receipt: content, ...(keyId && { keyId }) };
    expect(verifyReceipt(signed, both)).toEqual(good);
    expect(verifyReceipt(JSON.stringify(signed), verifiers[algorithm])).toEqual(good);
    const bytes = Buffer.from(payload, "base64");
    for (const flipped of flips(bytes, Math.ceil(bytes.length / 20), 1)) {
      const changed = { ...signed, payload: Buffer.from(flipped).toString("base64") };
      expect(verifyReceipt(changed, both)).toEqual({ ok: false, reason: "signature" });
    }
  });

  test("verifies with the published signature that it was given then", () => {
    const signed = { ...receipt, meta: { ...receipt.meta, signature: published } };
    const verifier = verifiers["HMAC-SHA256"];
    expect(verifyReceipt(signed, both)).toEqual({ ok: true, covers: "receipt", receipt: content });
    expect(verifyReceipt(JSON.stringify(signed), hmacVerifier("another"))).toMatchObject({ ok: false });
    expect(verifyReceipt({ ...signed, cg_iters: 99 }, both)).toEqual({ ok: false, reason: "digest" });
    expect(verifyReceiptMode(signed, verifier, { requireMode: "extended" })).toEqual({
      ok: true,
      payload: published.payload,
    });
  });

  test("is explained in the words of then, whole or as it was signed", () => {
    expect(explainReceipt(receipt)).toEqual(lines);
    expect(explainReceipt(content)).toEqual(lines);
    const verified = verifyReceipt(envelope, both);
    expect(verified.ok && verified.covers === "receipt" && explainReceipt(verified.receipt)).toEqual(lines);
  });

  test("is not computed again: its replay says that the profile is another version's", () => {
    const refused = { ok: false, reason: "version", differences: ["profile"] };
    expect(replayReceipt(receipt, inputs)).toEqual(refused);
    expect(replayReceipt(content, inputs)).toEqual(refused);
    // Other inputs change nothing of that; a receipt that was changed is refused for it first.
    expect(replayReceipt(receipt, { candidates: [] })).toEqual(refused);
    expect(replayReceipt({ ...receipt, deltaH_total: 7 }, inputs)).toMatchObject({ reason: "digest" });
  });
});
