import { createHmac } from "node:crypto";
import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { OptionError, type Receipt } from "../src/index.ts";
import { hmacSigner, hmacVerifier } from "../src/keys/index.ts";
import { type PublishedReceipt, signPublished, verifyReceiptMode } from "../src/python/signature.ts";
import { contentDigest, signedContent } from "../src/receipt/receipt.ts";
import { signReceipt } from "../src/receipt/sign.ts";
import { verifyReceipt } from "../src/verify/verify.ts";
import {
  both,
  receipt as evidenceReceipt,
  flips,
  hostile,
  latticeReceipt as receipt,
  latticeReceiptOf as receiptOf,
  secret,
  signers,
  verifiers,
} from "./receipts.ts";

const signer = signers["HMAC-SHA256"];
const verifier = verifiers["HMAC-SHA256"];
const modes = ["minimal", "extended"] as const;

const hmacOf = (text: string): string => createHmac("sha256", secret).update(text).digest("hex");
/** A receipt of the Python package with this payload, signed as this text; as JSON text. */
const python = (payload: string, signed = payload, body = ""): string =>
  `{${body}"meta": {"signature": {"algorithm": "HMAC-SHA256", "payload": ${payload}, "signature": "${hmacOf(signed)}"}}}`;
const reasonOf = (value: unknown, by = both): string => {
  const result = verifyReceipt(value, by);
  return result.ok ? "ok" : result.reason;
};

test("a receipt of the evidence is refused: the published form tells of a lattice of vectors", () => {
  expect(() => signPublished(evidenceReceipt, signer)).toThrow("receipt: must be of the profile reference");
});

describe.each(modes)("a published signature of mode %s", (mode) => {
  const signed = signPublished(receipt, signer, { mode });

  test("stands beside what was there, of which nothing changes", () => {
    const { signature, ...meta } = signed.meta;
    expect({ ...signed, meta }).toEqual(receipt);
    expect(receipt.meta).not.toHaveProperty("signature");
    expect(signature.payload.mode).toBe(mode);
    expect(contentDigest(signed)).toBe(receipt.digest);
    expect(signReceipt(signed, signers.Ed25519)).toEqual(signReceipt(receipt, signers.Ed25519));
  });

  test("vouches for the whole receipt by its digest", () => {
    const content = signedContent(receipt);
    const verified = { ok: true, covers: "receipt", receipt: content };
    expect(verifyReceipt(signed, both)).toEqual(verified);
    expect(verifyReceipt(JSON.stringify(signed), both)).toEqual(verified);
    expect(verifyReceiptMode(signed, verifier)).toEqual({ ok: true, payload: signed.meta.signature.payload });
  });

  test("what the digest covers cannot be changed; what it does not is not read", () => {
    const change = (fields: object): unknown => ({ ...signed, ...fields });
    expect(
      reasonOf(change({ bundle: signed.bundle.slice(1).map((entry, i) => ({ ...entry, rank: i + 1 })) })),
    ).toBe("digest");
    expect(reasonOf(change({ null_points: [{ edge: [0, 1], z: 9, residual: 1 }] }))).toBe("digest");
    expect(reasonOf(change({ digest: `sha256:${"0".repeat(64)}` }))).toBe("digest");
    expect(reasonOf({ meta: signed.meta })).toBe("schema");
    expect(verifyReceipt(change({ t_ms: 1e9 }), both)).toEqual(verifyReceipt(signed, both));
  });

  test("comes out as the digest has it: 0 where -0 was handed in", () => {
    const energy = { ...signed.energy, remaining: -0 };
    expect(signed.energy.remaining).toBe(0);
    const result = verifyReceipt({ ...signed, energy }, both);
    expect(result.ok && result.receipt).toEqual(signedContent(receipt));
  });

  test("no bit of its text can be flipped so that another content is accepted (all: receipts.slow.test.ts)", () => {
    const content = signedContent(receipt);
    let accepted = 0;
    for (const flipped of flips(Buffer.from(JSON.stringify(signed)), 3, 1)) {
      const result = verifyReceipt(Buffer.from(flipped).toString("utf8"), both);
      if (!result.ok) continue;
      accepted++;
      expect(result.receipt).toEqual(content);
    }
    // Timings and counts are not signed.
    expect(accepted).toBeGreaterThan(0);
  });
});

describe("a receipt of the Python package", () => {
  const minimal = '{"deltaH_total": 4.0, "mode": "minimal", "sig_v": 1, "state_sig": "ab"}';
  const extended =
    '{"deltaH_total": 1e-06, "graph": {"deterministic_k": true, "k": 4, "neighbor_seed": 7}, "mode": "extended", ' +
    '"params": {"lamC": 1, "lamG": 1.0, "lamP": 0.0, "lamQ": 1e+16}, "sig_v": 1, "state_sig": "ab", ' +
    '"ustar_converged": true, "ustar_iters": 5, "ustar_res": 1e-07}';

  test.each([minimal, extended])("is verified, with what the signature covers and no more: %s", (payload) => {
    const text = python(payload, payload, '"bundle": ["not signed"], ');
    const covered = { ok: true, covers: "payload", receipt: JSON.parse(payload) };
    expect(verifyReceipt(text, both)).toEqual(covered);
  });

  test.each([minimal, extended])(
    "O9 is verified after JavaScript has lost its decimal points: %s",
    (payload) => {
      const parsed: unknown = JSON.parse(python(payload));
      expect(JSON.stringify(parsed)).not.toContain(".0,");
      expect(reasonOf(parsed)).toBe("ok");
      expect(reasonOf(JSON.stringify(parsed))).toBe("ok");
    },
  );

  test("what comes out is what was signed, not what was handed in: -0 for 0", () => {
    const payload = '{"deltaH_total": 0, "mode": "minimal", "sig_v": 1, "state_sig": "ab"}';
    const shown = JSON.parse(python(payload.replace("0,", "-0.0,"), payload)) as unknown;
    const result = verifyReceipt(shown, both);
    expect(result.ok && Object.is(result.receipt.deltaH_total, 0)).toBe(true);
  });

  test("is verified where the platform hides the source of numbers", () => {
    const parse = JSON.parse;
    const spy = vi
      .spyOn(JSON, "parse")
      .mockImplementation((text, reviver) => parse(text, reviver && ((key, value) => reviver(key, value))));
    try {
      for (const payload of [minimal, extended]) expect(reasonOf(python(payload))).toBe("ok");
    } finally {
      spy.mockRestore();
    }
  });

  test("numbers of fields unknown here are taken from the source", () => {
    const text =
      '{"big": 12345678901234567890, "deltaH_total": 1.0, "more": [2.0, 3, -0.0, 0, 1e+22], "word": "\\u00e9\\u007f\\ud83d"}';
    expect(reasonOf(python(text))).toBe("ok");
    expect(reasonOf(python(text.replace("2.0", "2"), text))).toBe("signature");
    // Spellings that Python reads as the same floats.
    expect(reasonOf(python(text.replace("1e+22", "1.0E22").replace("2.0", "200e-2"), text))).toBe("ok");
  });

  test("O6 whose figures are not those that were signed is refused", () => {
    const wrong = (body: object): unknown => {
      const { meta } = JSON.parse(python(extended)) as { meta: object };
      const { meta: more, ...top } = body as { meta?: object };
      return { ...top, meta: { ...meta, ...more } };
    };
    expect(reasonOf(wrong({}))).toBe("ok");
    expect(reasonOf(wrong({ deltaH_total: 1e-6, meta: { ustar_iters: 5, ustar_converged: true } }))).toBe(
      "ok",
    );
    for (const body of [
      { deltaH_total: 2e-6 },
      { deltaH_total: "1e-06" },
      { meta: { state_sig: "ac" } },
      { meta: { ustar_iters: 6 } },
      { meta: { ustar_res: 0 } },
      { meta: { ustar_converged: false } },
    ]) {
      expect(reasonOf(wrong(body))).toBe("digest");
      expect(verifyReceiptMode(wrong(body), verifier)).toEqual({ ok: false, reason: "digest" });
    }
  });

  test.each<[string, unknown, string]>([
    ["no signature", { meta: {} }, "no-signature"],
    ["no meta", {}, "no-signature"],
    ["no text for one", signatureOf({ signature: 7 }), "signature"],
    ["upper-case digits", signatureOf({ signature: hmacOf(minimal).toUpperCase() }), "signature"],
    ["another algorithm", signatureOf({ algorithm: "none" }), "algorithm"],
    ["no payload", signatureOf({ payload: null }), "schema"],
    ["a payload of 100 kB", signatureOf({ payload: { x: "x".repeat(1e5) } }), "schema"],
    ["another payload", signatureOf({ payload: { sig_v: 1 } }), "signature"],
    ["no object", 7, "schema"],
    ["a list", [], "schema"],
  ])("%s is refused", (_, value, reason) => {
    expect(reasonOf(value)).toBe(reason);
    const result = verifyReceiptMode(value, verifier);
    expect(result.ok ? "ok" : result.reason).toBe(reason);
  });

  function signatureOf(fields: object): unknown {
    const { meta } = JSON.parse(python(minimal)) as { meta: { signature: object } };
    return { meta: { signature: { ...meta.signature, ...fields } } };
  }

  test("needs a verifier of HMAC-SHA256, and the right one", () => {
    expect(reasonOf(python(minimal), [verifiers.Ed25519])).toBe("algorithm");
    expect(reasonOf(python(minimal), [hmacVerifier("other")])).toBe("signature");
    const named = verifyReceipt(python(minimal), [
      hmacVerifier("other"),
      hmacVerifier(secret, { keyId: "2026" }),
    ]);
    expect(named).toMatchObject({ ok: true, keyId: "2026" });
  });
});

describe("the text that is signed", () => {
  /** What Python's `json.dumps(json.loads(text), sort_keys=True)` gives, for numbers and nothing else. */
  const signedBy = (fields: object): string => {
    const { meta: _, ...rest } = receipt;
    const draft = { ...rest, ...fields, meta: receipt.meta } as unknown as Receipt;
    const whole = { ...draft, digest: contentDigest(draft) };
    const messages: string[] = [];
    const spy = {
      ...signer,
      sign: (message: Uint8Array) => {
        messages.push(Buffer.from(message).toString());
        return signer.sign(message);
      },
    };
    const signed = signPublished(whole, spy);
    expect(reasonOf(JSON.stringify(signed))).toBe("ok");
    return messages[0]!;
  };

  test.each([
    [4, "4"],
    [0, "0"],
    [-0, "0"],
    [1e16, "10000000000000000"],
    [1e21, "1e+21"],
    [1e-6, "1e-06"],
    [0.0001, "0.0001"],
    [2.5, "2.5"],
  ])("has %d as Python reads it in the text of JSON.stringify: %s", (deltaH_total, spelled) => {
    const text = signedBy({ deltaH_total });
    expect(text).toBe(
      `{"deltaH_total": ${spelled}, "digest": "${JSON.parse(text).digest}", "mode": "minimal", "sig_v": 1, "state_sig": "${receipt.meta.state_sig}"}`,
    );
  });
});

describe("signPublished refuses", () => {
  test.each<[string, unknown, unknown, object]>([
    ["a changed receipt", { ...receipt, deltaH_total: 1 }, signer, {}],
    ["no receipt", null, signer, {}],
    ["Ed25519", receipt, signers.Ed25519, {}],
    ["no signer", receipt, undefined, {}],
    ["another mode", receipt, signer, { mode: "full" }],
    ["an unknown option", receipt, signer, { secret }],
  ])("%s", (_, of, by, options) => {
    expect(() => signPublished(of as Receipt, by as typeof signer, options)).toThrow(OptionError);
  });

  test("an empty secret, as no key can be made of it", () => {
    for (const empty of ["", new Uint8Array(0)]) {
      expect(() => hmacSigner(empty)).toThrow(/empty/);
      expect(() => hmacVerifier(empty)).toThrow(/empty/);
    }
  });
});

test("verifyReceiptMode throws for an unknown option, and never for its input", () => {
  const options = { required: 1 } as object;
  expect(() => verifyReceiptMode(receipt, verifier, options)).toThrow(OptionError);
  const signed: PublishedReceipt = signPublished(receiptOf(), signer, { mode: "extended" });
  fc.assert(
    fc.property(
      hostile,
      fc.constantFrom(...modes, null),
      fc.boolean(),
      (make, requireMode, minimalSubset) => {
        const result = verifyReceiptMode(make(), verifier, { requireMode, minimalSubset });
        if (result.ok) expect(result.payload).toEqual(signed.meta.signature.payload);
      },
    ),
    { numRuns: 500 },
  );
});
