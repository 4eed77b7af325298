import { createPublicKey, verify } from "node:crypto";
import canonicalize from "canonicalize";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OptionError, type Receipt } from "../src/index.ts";
import { canonicalJson } from "../src/receipt/canonical.ts";
import { type AnyReceipt, contentDigest, signedContent } from "../src/receipt/receipt.ts";
import {
  type AsyncSigner,
  envelopeOf,
  PAYLOAD_TYPE,
  preAuthEncoding,
  type Signer,
  signReceipt,
  signReceiptAsync,
} from "../src/receipt/sign.ts";
import { verifyReceipt } from "../src/verify/verify.ts";
import {
  algorithms,
  latticeReceipt,
  latticeReceiptOf,
  receipt,
  receiptOf,
  signers,
  verifiers,
} from "./receipts.ts";

const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);
const payloadOf = (envelope: { payload: string }): string =>
  Buffer.from(envelope.payload, "base64").toString("utf8");

describe("canonical JSON (RFC 8785)", () => {
  const text = fc.oneof(
    fc.string(),
    fc.string({ unit: "binary" }),
    fc.constantFrom("__proto__", "toJSON", "10", "9"),
  );

  test("section 3.2.2: numbers, strings and literals", () => {
    const input = String.raw`{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],
      "string": "\u20ac$\u000F\u000aA'\u0042\u0022\u005c\\\"\/", "literals": [null, true, false]}`;
    expect(canonicalJson(JSON.parse(input))).toBe(
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        String.raw`"string":"€$\u000f\nA'B\"\\\\\"/"}`,
    );
  });

  test("section 3.2.3: keys in the order of their UTF-16 units", () => {
    const named = {
      "\u20ac": "Euro Sign",
      "\r": "Carriage Return",
      "\ufb33": "Hebrew Letter Dalet With Dagesh",
      1: "One",
      "\u{1f600}": "Emoji: Grinning Face",
      "\u0080": "Control",
      "\u00f6": "Latin Small Letter O With Diaeresis",
    };
    expect(Object.values(JSON.parse(canonicalJson(Object.entries(named).sort()))).map(String)).toHaveLength(
      7,
    );
    const order = [...canonicalJson(named).matchAll(/:"([^"]*)"/g)].map(([, name]) => name);
    expect(order).toEqual([
      "Carriage Return",
      "One",
      "Control",
      "Latin Small Letter O With Diaeresis",
      "Euro Sign",
      "Emoji: Grinning Face",
      "Hebrew Letter Dalet With Dagesh",
    ]);
  });

  test.each([
    ["0000000000000000", "0"],
    ["8000000000000000", "0"],
    ["0000000000000001", "5e-324"],
    ["8000000000000001", "-5e-324"],
    ["7fefffffffffffff", "1.7976931348623157e+308"],
    ["ffefffffffffffff", "-1.7976931348623157e+308"],
    ["4340000000000000", "9007199254740992"],
    ["c340000000000000", "-9007199254740992"],
    ["4430000000000000", "295147905179352830000"],
    ["44b52d02c7e14af5", "9.999999999999997e+22"],
    ["44b52d02c7e14af6", "1e+23"],
    ["44b52d02c7e14af7", "1.0000000000000001e+23"],
    ["444b1ae4d6e2ef4e", "999999999999999700000"],
    ["444b1ae4d6e2ef4f", "999999999999999900000"],
    ["444b1ae4d6e2ef50", "1e+21"],
    ["3eb0c6f7a0b5ed8c", "9.999999999999997e-7"],
    ["3eb0c6f7a0b5ed8d", "0.000001"],
    ["41b3de4355555553", "333333333.3333332"],
    ["41b3de4355555554", "333333333.33333325"],
    ["41b3de4355555555", "333333333.3333333"],
    ["41b3de4355555556", "333333333.3333334"],
    ["41b3de4355555557", "333333333.33333343"],
    ["becbf647612f3696", "-0.0000033333333333333333"],
    ["43143ff3c1cb0959", "1424953923781206.2"],
  ])("appendix B: %s is %s", (bits, text) => {
    expect(canonicalJson(Buffer.from(bits, "hex").readDoubleBE())).toBe(text);
  });

  test.each([Number.NaN, Infinity, -Infinity, "\ud800", "\udc00 x"])("%j has none", (value) => {
    expect(() => canonicalJson({ value })).toThrow();
    expect(() => canonicalJson([value])).toThrow();
  });

  test.each([1n, () => 1, Symbol("s"), undefined])("what is no JSON has none: %s", (value) => {
    expect(() => canonicalJson(value)).toThrow(TypeError);
    expect(() => canonicalJson([value])).toThrow(TypeError);
  });

  test("is what the library canonicalize writes of any data", () => {
    const { data } = fc.letrec<{ data: unknown }>((tie) => ({
      data: fc.oneof(
        { depthSize: "small", withCrossShrink: true },
        fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.integer(), fc.boolean(), text),
        fc.constant(null),
        fc.array(tie("data")),
        fc.dictionary(text, fc.option(tie("data"), { nil: undefined, freq: 9 })),
      ),
    }));
    fc.assert(
      fc.property(data, (value) => {
        expect(canonicalJson(value)).toBe(canonicalize(value));
      }),
      { numRuns: 1000 },
    );
  });
});

describe("the pre-authentication encoding of DSSE", () => {
  test("is that of the protocol's test vector", () => {
    const encoded = preAuthEncoding("http://example.com/HelloWorld", utf8("hello world"));
    expect(encoded).toEqual(utf8("DSSEv1 29 http://example.com/HelloWorld 11 hello world"));
    // The vector's ECDSA key and signature: node:crypto finds the signature good over these bytes.
    const coordinate = (value: bigint) =>
      Buffer.from(value.toString(16).padStart(64, "0"), "hex").toString("base64url");
    const key = createPublicKey({
      format: "jwk",
      key: {
        kty: "EC",
        crv: "P-256",
        x: coordinate(46950820868899156662930047687818585632848591499744589407958293238635476079160n),
        y: coordinate(5640078356564379163099075877009565129882514886557779369047442380624545832820n),
      },
    });
    const signature =
      "A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA==";
    expect(
      verify("sha256", encoded, { key, dsaEncoding: "ieee-p1363" }, Buffer.from(signature, "base64")),
    ).toBe(true);
  });

  test("counts bytes, not characters", () => {
    expect(preAuthEncoding("ö", utf8("☀"))).toEqual(utf8("DSSEv1 2 ö 3 ☀"));
  });
});

const kinds = [
  { kind: "the evidence", receiptOf, receipt },
  { kind: "a lattice of vectors", receiptOf: latticeReceiptOf, receipt: latticeReceipt },
];
const both = algorithms.flatMap((algorithm) => kinds.map((one) => ({ ...one, algorithm })));

describe.each(both)("signing a receipt of $kind with $algorithm", ({ algorithm, receiptOf, receipt }) => {
  const signer = signers[algorithm];
  const envelope = signReceipt(receipt, signer);

  test("gives an envelope whose payload is the canonical JSON of the signed content", () => {
    expect(envelope.payloadType).toBe(PAYLOAD_TYPE);
    expect(payloadOf(envelope)).toBe(canonicalize(signedContent(receipt)));
    expect(envelope.signatures).toEqual([
      { ...(signer.keyId && { keyid: signer.keyId }), sig: expect.any(String) },
    ]);
    const message = preAuthEncoding(PAYLOAD_TYPE, utf8(payloadOf(envelope)));
    expect(Buffer.from(envelope.signatures[0]!.sig, "base64")).toEqual(Buffer.from(signer.sign(message)));
  });

  test("covers what the digest covers, and the digest", () => {
    const content = JSON.parse(payloadOf(envelope)) as Record<string, unknown> & { meta: object };
    const uncovered = ["t_ms", "kernel", "vectors"];
    expect(Object.keys(content).sort()).toEqual(
      Object.keys(receipt)
        .filter((name) => !uncovered.includes(name))
        .sort(),
    );
    const uncoveredMeta = ["ustar_cached", "ustar_solves", "ustar_cache_hits"];
    expect(Object.keys(content.meta).sort()).toEqual(
      Object.keys(receipt.meta)
        .filter((name) => !uncoveredMeta.includes(name))
        .sort(),
    );
  });

  test("is the same for two runs on the same input", () => {
    const again = {
      ...receiptOf(),
      t_ms: 1e6,
      kernel: { name: "another", version: 9 },
      vectors: { fromStore: 1, reembedded: 2 },
    };
    const { meta } = again;
    const counted = {
      ...again,
      meta: { ...meta, ustar_solves: 99, ustar_cache_hits: 9, ustar_cached: false },
    };
    expect(signReceipt(counted as AnyReceipt, signer)).toEqual(envelope);
    expect(signReceipt(receiptOf(7), signer)).not.toEqual(envelope);
  });

  test("a later signer gives the same envelope", async () => {
    const later: AsyncSigner = { ...signer, sign: async (message) => signer.sign(message) };
    await expect(signReceiptAsync(receipt, later)).resolves.toEqual(envelope);
    await expect(signReceiptAsync(receipt, signer)).resolves.toEqual(envelope);
  });

  test("signatures kept beside the receipt make the envelope again", () => {
    expect(envelopeOf(receipt, envelope.signatures)).toEqual(envelope);
    expect(envelopeOf(signedContent(receipt), envelope.signatures)).toEqual(envelope);
    const other = envelopeOf(receiptOf(7), envelope.signatures);
    expect(verifyReceipt(other, verifiers[algorithm])).toEqual({ ok: false, reason: "signature" });
  });
});

describe("signing refuses", () => {
  const signer = signers["HMAC-SHA256"];

  test.each<[string, unknown]>([
    ["a changed figure", { ...receipt, deltaH_total: receipt.deltaH_total + 1e-9 }],
    ["a changed digest", { ...receipt, digest: `sha256:${"0".repeat(64)}` }],
    ["another bundle", { ...receipt, bundle: receipt.bundle.slice(1) }],
    ["a figure that is no number", { ...receipt, deltaH_total: Number.NaN }],
    ["half of a surrogate pair", { ...receipt, profile: "\ud800" }],
    ["null", null],
    ["a text", JSON.stringify(receipt)],
    ["an envelope", signReceipt(receipt, signer)],
  ])("%s", (_, wrong) => {
    expect(() => signReceipt(wrong as Receipt, signer)).toThrow(OptionError);
    expect(() => signReceipt(wrong as Receipt, signer)).toThrow(/^receipt: /);
    expect(() => envelopeOf(wrong as Receipt, [])).toThrow(OptionError);
  });

  test("content over 1 MiB, which would not be read again", () => {
    const big = receiptOf(6000);
    expect(big.null_points!.length).toBeGreaterThan(0);
    const withPoints = (length: number): Receipt => {
      const longer = { ...big, null_points: Array.from({ length }, () => big.null_points![0]!) };
      return { ...longer, digest: contentDigest(longer) };
    };
    expect(() => signReceipt(withPoints(30_000), signer)).toThrow(/^receipt: its content is of \d+ bytes/);
    expect(() => signReceipt(withPoints(3_000), signer)).not.toThrow();
  });

  test.each<[string, unknown]>([
    ["no signer", undefined],
    ["another algorithm", { ...signer, algorithm: "none" }],
    ["an inherited name for one", { ...signer, algorithm: "constructor" }],
    ["a signature that is too short", { ...signer, sign: () => new Uint8Array(31) }],
    ["a signature that is a text", { ...signer, sign: () => "00" }],
    ["a key id that is no text", { ...signer, keyId: 7 }],
  ])("%s", async (_, wrong) => {
    expect(() => signReceipt(receipt, wrong as Signer)).toThrow(OptionError);
    await expect(signReceiptAsync(receipt, wrong as Signer)).rejects.toThrow(OptionError);
  });

  test("a signer that answers later, and says which function takes it", () => {
    const later = { ...signer, sign: async (message: Uint8Array) => signer.sign(message) };
    expect(() => signReceipt(receipt, later as unknown as Signer)).toThrow(/signReceiptAsync/);
  });
});
