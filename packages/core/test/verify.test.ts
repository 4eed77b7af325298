import canonicalize from "canonicalize";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OptionError } from "../src/index.ts";
import { ed25519Signer, ed25519Verifier, generateKeys, hmacSigner, hmacVerifier } from "../src/keys/index.ts";
import { contentDigest, type SignedReceipt, signedContent } from "../src/receipt/receipt.ts";
import { type Envelope, PAYLOAD_TYPE, preAuthEncoding, signReceipt } from "../src/receipt/sign.ts";
import { toBase64 } from "../src/receipt/untrusted.ts";
import type { AsyncVerifier, Verifier } from "../src/receipt/verifier.ts";
import { verifyReceipt, verifyReceiptAsync } from "../src/verify/verify.ts";
import {
  algorithms,
  both,
  flips,
  hostile,
  latticeReceipt,
  receipt,
  receiptOf,
  signers,
  verifiers,
} from "./receipts.ts";

const hmac = signers["HMAC-SHA256"];
const utf8 = (text: string): Uint8Array => new TextEncoder().encode(text);

/** An envelope of any text, with a good signature. */
function sealed(text: Uint8Array | string): Envelope {
  const bytes = typeof text === "string" ? utf8(text) : text;
  const sig = toBase64(hmac.sign(preAuthEncoding(PAYLOAD_TYPE, bytes)));
  return { payloadType: PAYLOAD_TYPE, payload: toBase64(bytes), signatures: [{ sig }] };
}

const content = signedContent(receipt);
const latticeContent = signedContent(latticeReceipt);
const text = canonicalize(content)!;
/** The content with other fields, and the digest that goes with them. */
function redigested(fields: object): SignedReceipt {
  const other = { ...content, ...fields } as SignedReceipt;
  return { ...other, digest: contentDigest(other) };
}
const reasonOf = (signed: unknown, by: Verifier | readonly Verifier[] = verifiers["HMAC-SHA256"]) => {
  const result = verifyReceipt(signed, by);
  return result.ok ? "ok" : result.reason;
};

describe.each(algorithms)("a receipt signed with %s", (algorithm) => {
  const envelope = signReceipt(receipt, signers[algorithm]);
  const verifier = verifiers[algorithm];
  const good = {
    ok: true,
    covers: "receipt",
    receipt: content,
    ...(verifier.keyId && { keyId: verifier.keyId }),
  };

  test("is verified as an object and as text, now and later", async () => {
    expect(verifyReceipt(envelope, verifier)).toEqual(good);
    expect(verifyReceipt(JSON.stringify(envelope, null, 2), both)).toEqual(good);
    const later: AsyncVerifier = { ...verifier, verify: async (...given) => verifier.verify(...given) };
    await expect(verifyReceiptAsync(envelope, later)).resolves.toEqual(good);
    await expect(verifyReceiptAsync(envelope, [later, ...both])).resolves.toEqual(good);
  });

  test("no bit of its signature can be flipped, nor of its payload (all of them: receipts.slow.test.ts)", () => {
    const payload = flips(Buffer.from(envelope.payload, "base64"), algorithm === "Ed25519" ? 32 : 1, 1);
    for (const flipped of payload) {
      expect(reasonOf({ ...envelope, payload: toBase64(flipped) }, verifier)).toBe("signature");
    }
    const [signature] = envelope.signatures;
    for (const flipped of flips(Buffer.from(signature!.sig, "base64"))) {
      const signatures = [{ ...signature, sig: toBase64(flipped) }];
      expect(reasonOf({ ...envelope, signatures }, verifier)).toBe("signature");
    }
  });

  test("no bit of its text can be flipped, but in what is not signed", () => {
    const accepted: Envelope[] = [];
    for (const flipped of flips(utf8(JSON.stringify({ ...envelope, payload: "" })))) {
      const changed = Buffer.from(flipped).toString("utf8");
      const whole = changed.replace('"payload":""', `"payload":"${envelope.payload}"`);
      if (verifyReceipt(whole, verifier).ok) accepted.push(JSON.parse(whole) as Envelope);
    }
    // "keyid" by another name is no keyid, and a signature without one is tried with every key.
    for (const { payloadType, payload, signatures } of accepted) {
      expect([payloadType, payload, signatures[0]!.sig, signatures[0]!.keyid]).toEqual([
        PAYLOAD_TYPE,
        envelope.payload,
        envelope.signatures[0]!.sig,
        undefined,
      ]);
    }
    expect(accepted.length > 0).toBe(algorithm === "Ed25519");
  });
});

describe("keys", () => {
  const [first, second] = [generateKeys(), generateKeys()];
  const envelope = signReceipt(receipt, ed25519Signer(second.privateKey));
  const verifierOf = ({ publicKey }: { publicKey: Uint8Array }) => ed25519Verifier(publicKey);

  test("old and new can be handed in together; the key id chooses", () => {
    const result = verifyReceipt(envelope, [verifierOf(first), verifierOf(second)]);
    expect(result).toMatchObject({ ok: true, keyId: second.keyId });
    const asked: string[] = [];
    const watched = [first, second].map((keys): Verifier => {
      const verifier = verifierOf(keys);
      return { ...verifier, verify: (...given) => asked.push(keys.keyId) > 0 && verifier.verify(...given) };
    });
    expect(verifyReceipt(envelope, watched).ok).toBe(true);
    expect(asked).toEqual([second.keyId]);
  });

  test("a key id is a hint: the name of a known key on another's signature does not help", () => {
    const [signature] = envelope.signatures;
    const renamed = { ...envelope, signatures: [{ ...signature!, keyid: first.keyId }] };
    expect(reasonOf(renamed, [verifierOf(first), verifierOf(second)])).toBe("signature");
    expect(reasonOf(envelope, verifierOf(first))).toBe("key");
    const impostor = ed25519Verifier(first.publicKey, { keyId: second.keyId });
    expect(reasonOf(envelope, impostor)).toBe("signature");
  });

  test.each([{}, { keyid: "" }])("a signature that names no key is tried with all: %j", (keyid) => {
    const nameless = { ...envelope, signatures: [{ ...keyid, sig: envelope.signatures[0]!.sig }] };
    expect(verifyReceipt(nameless, [verifierOf(first), verifierOf(second)])).toMatchObject({
      ok: true,
      keyId: second.keyId,
    });
    expect(reasonOf(nameless, verifierOf(first))).toBe("signature");
  });

  test("a verifier without a key id is tried with every signature", () => {
    const long = "s".repeat(32);
    const named = signReceipt(receipt, hmacSigner(long, { keyId: "2026" }));
    expect(reasonOf(named, hmacVerifier(long))).toBe("ok");
    expect(reasonOf(named, hmacVerifier(long, { keyId: "2026" }))).toBe("ok");
    expect(reasonOf(named, hmacVerifier(long, { keyId: "2025" }))).toBe("key");
  });

  test("one good signature of several is enough", () => {
    const other = signReceipt(receipt, signers["HMAC-SHA256"]).signatures;
    const signatures = [...envelope.signatures, ...other];
    for (const list of [signatures, signatures.toReversed()]) {
      const several = { ...envelope, signatures: list };
      expect(reasonOf(several)).toBe("ok");
      expect(reasonOf(several, verifierOf(second))).toBe("ok");
      expect(reasonOf(several, hmacVerifier("other"))).toBe("signature");
    }
  });

  test("a verifier of the other algorithm never sees a signature", () => {
    const nameless = { ...envelope, signatures: [{ sig: envelope.signatures[0]!.sig }] };
    expect(reasonOf(nameless, verifiers["HMAC-SHA256"])).toBe("algorithm");
    expect(reasonOf(sealed(text), verifierOf(first))).toBe("algorithm");
  });

  test.each<[string, unknown]>([
    ["none", []],
    ["undefined", undefined],
    ["a secret", "golden-secret"],
    ["a signer", signers.Ed25519],
    ["an unknown algorithm", { ...verifiers.Ed25519, algorithm: "toString" }],
    ["a key id that is no text", { ...verifiers.Ed25519, keyId: 7 }],
  ])("%s in place of verifiers is an error", async (_, wrong) => {
    expect(() => verifyReceipt(envelope, wrong as Verifier)).toThrow(OptionError);
    await expect(verifyReceiptAsync(envelope, wrong as Verifier)).rejects.toThrow(OptionError);
  });

  test("a promise is no answer: a verifier that answers later is not taken for one that says yes", () => {
    const later = { ...verifiers["HMAC-SHA256"], verify: async () => false };
    expect(() => verifyReceipt(sealed(text), later as unknown as Verifier)).toThrow(/verifyReceiptAsync/);
  });

  test("an error of a verifier is passed on", async () => {
    const failing = {
      ...verifiers["HMAC-SHA256"],
      verify: () => {
        throw new Error("no connection");
      },
    };
    expect(() => verifyReceipt(sealed(text), failing)).toThrow("no connection");
    await expect(verifyReceiptAsync(sealed(text), failing)).rejects.toThrow("no connection");
  });
});

describe("with a good signature, still refused", () => {
  test.each<[string, Uint8Array | string, string]>([
    ["space between tokens", JSON.stringify(content, null, 1), "schema"],
    [
      "keys in another order",
      JSON.stringify(Object.fromEntries(Object.entries(content).reverse())),
      "schema",
    ],
    ["a key twice", text.replace('"profile"', '"profile":"evidence","profile"'), "schema"],
    [
      "-0",
      canonicalize(redigested({ iterations: 0 }))!.replace('"iterations":0,', '"iterations":-0,'),
      "schema",
    ],
    ["another spelling of a number", text.replace('"k":3', '"k":3.0'), "schema"],
    [
      "1e21 written out",
      canonicalize(redigested({ iterations: 1e21 }))!.replace("1e+21", `1${"0".repeat(21)}`),
      "schema",
    ],
    ["an escape too many", text.replace('"evidence"', String.raw`"\u0065vidence"`), "schema"],
    ["a byte order mark", `\ufeff${text}`, "schema"],
    ["no UTF-8", Uint8Array.from([...utf8(text).slice(0, -1), 0xff, 0x7d]), "schema"],
    ["a lone surrogate", text.replace('"evidence"', String.raw`"\ud800"`), "schema"],
    ["NaN", text.replace(/"iterations":[^,]*,/, '"iterations":NaN,'), "schema"],
    ["no JSON", "no JSON", "schema"],
    ["nothing", "", "schema"],
    ["a list", "[]", "schema"],
    ["null", "null", "schema"],
    ["another schema", canonicalize(redigested({ schema: "invoice/1" }))!, "schema"],
    ["a later schema", canonicalize(redigested({ schema: "oscillink-receipt/4" }))!, "version"],
    ["a field that the digest does not cover", canonicalize({ ...content, t_ms: 1 })!, "schema"],
    [
      "a count that it does not cover",
      canonicalize({ ...content, meta: { ...content.meta, ustar_solves: 1 } })!,
      "schema",
    ],
    ["no bundle", canonicalize(redigested({ bundle: null }))!, "schema"],
    ["a text for a figure", canonicalize(redigested({ deltaH_total: "1" }))!, "schema"],
    ["another digest", text.replace(content.digest, `sha256:${"0".repeat(64)}`), "digest"],
    ["a figure that the digest does not have", canonicalize({ ...content, deltaH_total: 1 })!, "digest"],
  ])("%s", (_, payload, reason) => {
    expect(payload).not.toBe(text);
    expect(reasonOf(sealed(payload))).toBe(reason);
  });

  test("the same text unchanged is accepted, so the cases above are refused for what they say", () => {
    expect(reasonOf(sealed(text))).toBe("ok");
    expect(reasonOf(sealed(canonicalize(redigested({ iterations: 1e21 }))!))).toBe("ok");
    expect(reasonOf(sealed(canonicalize(redigested({ residual: 0 }))!))).toBe("ok");
  });
});

describe("envelopes", () => {
  const envelope = sealed(text);
  const { sig } = envelope.signatures[0]!;
  const many = (n: number) => ({ ...envelope, signatures: Array.from({ length: n }, () => ({ sig })) });

  test.each<[string, unknown, string]>([
    ["no signatures", { ...envelope, signatures: [] }, "no-signature"],
    ["no list of them", { payloadType: PAYLOAD_TYPE, payload: envelope.payload }, "no-signature"],
    ["a receipt that was not signed", receipt, "no-signature"],
    ["one that was not signed, as text", JSON.stringify(receipt), "no-signature"],
    ["17 signatures", many(17), "schema"],
    ["16 signatures", many(16), "ok"],
    ["another type", { ...envelope, payloadType: "application/json" }, "schema"],
    ["no type", { payload: envelope.payload, signatures: envelope.signatures }, "schema"],
    ["a type in other letters", { ...envelope, payloadType: PAYLOAD_TYPE.toUpperCase() }, "schema"],
    ["a payload with a space", sealedWith((payload) => ` ${payload}`), "schema"],
    ["a payload with a line break", sealedWith((payload) => `${payload}\n`), "schema"],
    ["both alphabets", sealedWith((payload) => payload.replace(/^./, "/").replace(/.=/, "_=")), "schema"],
    ["a signature without its padding", { ...envelope, signatures: [{ sig: sig.replace(/=+$/, "") }] }, "ok"],
    ["no text for one", { ...envelope, signatures: [{ sig: 7 }] }, "schema"],
    ["a key id that is no text", { ...envelope, signatures: [{ sig, keyid: 7 }] }, "schema"],
    ["a short signature", { ...envelope, signatures: [{ sig: "AAAA" }] }, "algorithm"],
    ["fields beside", { ...envelope, note: "not signed", signatures: [{ sig, cert: "x" }] }, "ok"],
  ])("%s", (_, signed, reason) => {
    expect(reasonOf(signed)).toBe(reason);
    expect(reasonOf(typeof signed === "string" ? JSON.parse(signed) : JSON.stringify(signed))).toBe(reason);
  });

  function sealedWith(change: (payload: string) => string): Envelope {
    // A text whose base64 has padding and a slash, so that each change changes something.
    const padded = [`${text} `, `${text}  `, text, `${text}???`].map(sealed).find(({ payload }) => {
      return payload.endsWith("=");
    })!;
    const payload = change(padded.payload);
    expect(payload).not.toBe(padded.payload);
    return { ...padded, payload };
  }

  test("in the URL-safe alphabet of base64, with padding or without, is read as in the standard one", () => {
    const alphabets: ((base64: string) => string)[] = [
      (base64) => base64.replaceAll("+", "-").replaceAll("/", "_"),
      (base64) => Buffer.from(base64, "base64").toString("base64url"),
    ];
    // Of 40 receipts some have each of the letters that differ.
    const letters = new Set<string>();
    for (let i = 0; i < 40; i++) {
      const one = sealed(canonicalize(redigested({ version: `~~~???>>>${"?".repeat(i)}` }))!);
      for (const alphabet of alphabets) {
        const payload = alphabet(one.payload);
        const signatures = one.signatures.map((own) => ({ sig: alphabet(own.sig) }));
        for (const letter of payload + signatures[0]!.sig) letters.add(letter);
        expect(reasonOf({ ...one, payload, signatures })).toBe("ok");
      }
    }
    expect(letters).toContain("-");
    expect(letters).toContain("_");
    expect(letters).not.toContain("/");
  });

  test("a malformed signature of someone else does not hide a good one", () => {
    for (const malformed of [
      { sig: 7 },
      { sig: "*" },
      { sig, keyid: 7 },
      {},
      null,
      "x",
      { sig: "A".repeat(999) },
    ]) {
      expect(reasonOf({ ...envelope, signatures: [malformed, ...envelope.signatures] })).toBe("ok");
      expect(reasonOf({ ...envelope, signatures: [...envelope.signatures, malformed] })).toBe("ok");
      expect(reasonOf({ ...envelope, signatures: [malformed] })).toBe("schema");
    }
  });

  test("stray bits behind the last byte of base64 are not read as the same bytes", () => {
    const stray = sig.replace(/.=$/, (end) => `${String.fromCharCode(end.charCodeAt(0) + 1)}=`);
    expect(Buffer.from(stray, "base64")).toEqual(Buffer.from(sig, "base64"));
    expect(reasonOf({ ...envelope, signatures: [{ sig: stray }] })).toBe("schema");
  });
});

describe("hostile input", () => {
  test("is refused, whatever it is, and throws nothing", async () => {
    await fc.assert(
      fc.asyncProperty(hostile, async (make) => {
        const signed = make();
        for (const result of [verifyReceipt(signed, both), await verifyReceiptAsync(signed, both)]) {
          // What was signed may come out again, as when a field beside was hit; nothing else may.
          if (result.ok) expect([content, latticeContent]).toContainEqual(result.receipt);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("a getter that answers differently the second time is read once", () => {
    const other = sealed(canonicalize(redigested({ deltaH_total: 7 }))!);
    const reads: string[] = [];
    const shifty = (name: keyof Envelope, first: unknown) =>
      Object.defineProperty({ ...other }, name, {
        enumerable: true,
        get: () => (reads.push(name) === 1 ? first : other[name]),
      });
    expect(reasonOf(shifty("payload", sealed(text).payload))).toBe("signature");
    expect(reads).toEqual(["payload"]);
    reads.length = 0;
    expect(reasonOf(shifty("signatures", sealed(text).signatures))).toBe("signature");
    expect(reads).toEqual(["signatures"]);
  });

  test("properties of a prototype are none", () => {
    expect(reasonOf(Object.create(sealed(text)))).toBe("no-signature");
    expect(reasonOf(JSON.parse(`{"__proto__": ${JSON.stringify(sealed(text))}}`))).toBe("no-signature");
    const polluted = Object.prototype as { keyid?: string };
    polluted.keyid = "other";
    try {
      expect(reasonOf(sealed(text), hmacVerifier("golden-secret", { keyId: "mine" }))).toBe("ok");
    } finally {
      delete polluted.keyid;
    }
  });

  const lazy = (length: number): unknown[] => {
    const list: unknown[] = [];
    list.length = length;
    return list;
  };
  const bomb = Array.from({ length: 60 }).reduce<unknown>((inner) => [inner, inner], "x");
  const halved = Array.from({ length: 25 }).reduce<unknown>((inner) => [inner, inner], "x");

  test.each<[string, unknown]>([
    ["a million brackets", "[".repeat(1e6)],
    ["a million closed brackets", "[".repeat(1e6) + "]".repeat(1e6)],
    [
      "two million characters",
      { payload: "A".repeat(2e6), payloadType: PAYLOAD_TYPE, signatures: [{ sig: "" }] },
    ],
    ["ten million", "A".repeat(1e7)],
    ["four billion empty places", lazy(2 ** 32 - 1)],
    ["2^60 places in 60 lists", bomb],
    ["2^25 places in 25 lists", halved],
    ["ten million bytes", new Uint8Array(1e7)],
    ["a text as an object", new String("x".repeat(1e6))],
  ])("%s are refused in no time", (_, signed) => {
    const start = performance.now();
    expect(verifyReceipt(signed, both)).toEqual({ ok: false, reason: "schema" });
    expect(performance.now() - start).toBeLessThan(200);
  });

  test("a payload over 1 MiB is refused, one below is read", () => {
    const note = (length: number) => canonicalize(redigested({ profile: "x".repeat(length) }))!;
    expect(reasonOf(sealed(note(2 ** 20 - 8000)))).toBe("ok");
    expect(reasonOf(sealed(note(2 ** 20)))).toBe("schema");
  });

  test("what comes out shares nothing with what went in", () => {
    const envelope = signReceipt(receiptOf(), signers.Ed25519);
    const result = verifyReceipt(envelope, verifiers.Ed25519);
    (envelope as { payload: string }).payload = "";
    expect(result.ok && result.receipt).toEqual(content);
  });
});
