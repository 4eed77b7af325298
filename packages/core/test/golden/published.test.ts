import { createHmac } from "node:crypto";
import { describe, expect, test } from "vitest";
import { hmacVerifier } from "../../src/keys/index.ts";
import { pythonFloat } from "../../src/python/json.ts";
import { type SignatureMode, verifyReceiptMode } from "../../src/python/signature.ts";
import { round6 } from "../../src/python/state.ts";
import { verifyReceipt } from "../../src/verify/verify.ts";
import { load } from "./golden.ts";

const { cases } = load<{
  cases: {
    name: string;
    mode?: string;
    secret?: string;
    secret_hex?: string;
    signed_bytes_utf8: string;
    block_json_text: string;
  }[];
}>("signatures");
const golden = load<{
  secret: string;
  verify_receipt: { name: string; receipt_json_text: string; secret: string; expected: boolean }[];
  mode_receipts: Record<string, string>;
  verify_receipt_mode: {
    receipt: string;
    require_mode: SignatureMode | null;
    minimal_subset: boolean;
    required_sig_v: number | null;
    ok: boolean;
    payload_mode: string | null;
  }[];
}>("verify_receipt");
const python = load<{
  json_float_repr: { bits_hex: string; python_repr: string }[];
  np_round6_float32: { x: number[]; rounded: number[]; rounded_python_json: string };
}>("python_json");

describe("signatures", () => {
  test.each(cases)("$name", ({ secret, secret_hex, signed_bytes_utf8, block_json_text }) => {
    const key = secret ?? Buffer.from(secret_hex!, "hex");
    const { signature, payload } = JSON.parse(block_json_text) as { signature: string; payload: object };
    expect(createHmac("sha256", key).update(signed_bytes_utf8).digest("hex")).toBe(signature);
    const text = `{"meta": {"signature": ${block_json_text}}}`;
    const found = { ok: true, covers: "payload", receipt: payload };
    expect(verifyReceipt(text, hmacVerifier(key))).toEqual(found);
    // As an object the numbers have lost their spelling.
    expect(verifyReceipt(JSON.parse(text), hmacVerifier(key))).toEqual(found);
  });
});

describe("verify_receipt", () => {
  /** O6: figures of the body that contradict the signed payload. The published verification does not look at them. */
  const refusedHere = ["BODY_deltaH_tampered", "BODY_meta_state_sig_tampered", "BODY_everything_replaced"];

  test("differs from the published one in these rows, and only in these", () => {
    const differing = golden.verify_receipt.filter(({ receipt_json_text, secret, expected }) => {
      // No verifier can be made of the empty secret, so nothing is accepted with it.
      const ok = secret !== "" && verifyReceipt(receipt_json_text, hmacVerifier(secret)).ok;
      return ok !== expected;
    });
    expect(differing.map(({ name }) => name)).toEqual(refusedHere);
    expect(golden.verify_receipt.length).toBeGreaterThan(20);
  });

  test.each(refusedHere)("%s: the body is not the signed one", (name) => {
    const row = golden.verify_receipt.find((other) => other.name === name)!;
    expect(verifyReceipt(row.receipt_json_text, hmacVerifier(row.secret))).toEqual({
      ok: false,
      reason: "digest",
    });
  });
});

test("verify_receipt_mode: all 144 rows", () => {
  const verifier = hmacVerifier(golden.secret);
  expect(golden.verify_receipt_mode).toHaveLength(144);
  for (const row of golden.verify_receipt_mode) {
    const options = {
      requireMode: row.require_mode,
      minimalSubset: row.minimal_subset,
      requiredSigV: row.required_sig_v,
    };
    const text = golden.mode_receipts[row.receipt]!;
    for (const receipt of [text, JSON.parse(text) as unknown]) {
      const result = verifyReceiptMode(receipt, verifier, options);
      const mode = result.ok ? result.payload.mode : null;
      expect({ ok: result.ok, mode }, JSON.stringify(row)).toEqual({ ok: row.ok, mode: row.payload_mode });
    }
  }
});

describe("Python's texts", () => {
  test.each(python.json_float_repr)("float $bits_hex is $python_repr", ({ bits_hex, python_repr }) => {
    expect(pythonFloat(Buffer.from(bits_hex, "hex").readDoubleBE())).toBe(python_repr);
  });

  test("numpy's rounding to six decimals", () => {
    const { x, rounded, rounded_python_json } = python.np_round6_float32;
    expect(x.map(round6)).toEqual(rounded);
    expect(`[${x.map(round6).map(pythonFloat).join(", ")}]`).toBe(rounded_python_json);
  });
});
