import {
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  webcrypto,
} from "node:crypto";
import { readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { OptionError } from "../src/index.ts";
import {
  ed25519Signer,
  ed25519Verifier,
  generateKeys,
  hmacSigner,
  hmacVerifier,
  type KeyInput,
  keyIdOf,
  privateKeyToJwk,
  privateKeyToPem,
  publicKeyToJwk,
  publicKeyToPem,
  readPrivateKey,
  readPublicKey,
  type WebCryptoKey,
  webCryptoSigner,
  webCryptoVerifier,
} from "../src/keys/index.ts";
import { signReceiptAsync } from "../src/receipt/sign.ts";
import { verifyReceipt, verifyReceiptAsync } from "../src/verify/verify.ts";
import { flips, receipt } from "./receipts.ts";

interface Vector {
  readonly name: string;
  readonly message: string;
  readonly signature: string;
}
const vectors = JSON.parse(readFileSync(new URL("fixtures/keys.json", import.meta.url), "utf8")) as {
  ed25519: (Vector & { private: string; public: string })[];
  hmac: (Vector & { key: string })[];
};
const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, "hex"));
const { subtle } = webcrypto;

describe("Ed25519", () => {
  test.each(vectors.ed25519)("RFC 8032, section 7.1, $name", (vector) => {
    const message = hex(vector.message);
    expect(ed25519Signer(hex(vector.private)).sign(message)).toEqual(hex(vector.signature));
    const verifier = ed25519Verifier(hex(vector.public));
    expect(verifier.verify(message, hex(vector.signature))).toBe(true);
    expect(verifier.verify(Uint8Array.from([...message, 0]), hex(vector.signature))).toBe(false);
    for (const flipped of flips(hex(vector.signature), 8, 1)) {
      expect(verifier.verify(message, flipped)).toBe(false);
    }
  });

  const { privateKey, publicKey } = generateKeys();
  const message = hex("616263");
  const signature = ed25519Signer(privateKey).sign(message);

  test("s and s + L are not both good: a signature has one form", () => {
    const order = 2n ** 252n + 27742317777372353535851937790883648493n;
    const little = (bytes: Uint8Array) => BigInt(`0x${Buffer.from(bytes).reverse().toString("hex")}`);
    const s = little(signature.slice(32)) + order;
    const moved = Uint8Array.from(signature);
    moved.set(Buffer.from(s.toString(16).padStart(64, "0"), "hex").reverse(), 32);
    expect(ed25519Verifier(publicKey).verify(message, moved)).toBe(false);
  });

  test("a key of small order vouches for nothing", () => {
    // The neutral element: R = sB holds for every message.
    const neutral = hex(`01${"00".repeat(31)}`);
    const forged = hex(`01${"00".repeat(63)}`);
    expect(ed25519Verifier(neutral).verify(message, forged)).toBe(false);
  });

  test.each([0, 63, 65])("a signature of %d bytes is no error", (length) => {
    expect(ed25519Verifier(publicKey).verify(message, new Uint8Array(length))).toBe(false);
  });

  test("keys are copied: what is done to the bytes afterwards changes nothing", () => {
    const bytes = Uint8Array.from(privateKey);
    const signer = ed25519Signer(bytes);
    bytes.fill(0);
    expect(signer.sign(message)).toEqual(signature);
  });
});

describe("HMAC-SHA256", () => {
  test.each(vectors.hmac)("RFC 4231, section $name", (vector) => {
    const [key, message] = [hex(vector.key), hex(vector.message)];
    if (key.length >= 32) expect(hmacSigner(key).sign(message)).toEqual(hex(vector.signature));
    const verifier = hmacVerifier(key);
    expect(verifier.verify(message, hex(vector.signature))).toBe(true);
    for (const flipped of flips(hex(vector.signature))) {
      expect(verifier.verify(message, flipped)).toBe(false);
    }
  });

  test("the beginning of a signature is not one, nor is one with more behind it", () => {
    const message = hex("00");
    const signature = hmacSigner("s".repeat(32)).sign(message);
    const verifier = hmacVerifier("s".repeat(32));
    expect(verifier.verify(message, signature.slice(0, 16))).toBe(false);
    expect(verifier.verify(message, new Uint8Array(0))).toBe(false);
    expect(verifier.verify(message, Uint8Array.from([...signature, 0]))).toBe(false);
  });

  test("a text stands for its UTF-8 bytes", () => {
    const message = hex("00");
    expect(hmacSigner("é☀".repeat(8)).sign(message)).toEqual(
      hmacSigner(hex("c3a9e29880".repeat(8))).sign(message),
    );
  });

  test("a secret shorter than the hash signs nothing new, and is not shown", () => {
    for (const short of ["hunter2", "s".repeat(31), new Uint8Array(31)]) {
      expect(() => hmacSigner(short)).toThrow(/^secret: must be of at least 32 bytes, not (7|31)/);
      expect(() => hmacSigner(short)).not.toThrow(/hunter/);
    }
  });

  test("what was signed with a shorter one before still verifies", () => {
    const [message, secret] = [hex("00"), "hunter2"];
    const signature = new Uint8Array(createHmac("sha256", secret).update(message).digest());
    expect(hmacVerifier(secret).verify(message, signature)).toBe(true);
    expect(hmacVerifier("hunter3").verify(message, signature)).toBe(false);
  });

  test.each([undefined, null, 7, {}, ""])("%j is no secret", (wrong) => {
    expect(() => hmacSigner(wrong as string)).toThrow(OptionError);
    expect(() => hmacVerifier(wrong as string)).toThrow(OptionError);
  });
});

describe("key ids", () => {
  const { privateKey, publicKey, keyId } = generateKeys();

  test("are by default the beginning of the public key's SHA-256", () => {
    expect(keyId).toBe(createHash("sha256").update(publicKey).digest("hex").slice(0, 16));
    expect(keyIdOf(publicKeyToPem(publicKey))).toBe(keyId);
    expect(ed25519Signer(privateKey).keyId).toBe(keyId);
    expect(ed25519Verifier(publicKey).keyId).toBe(keyId);
    expect(generateKeys().keyId).not.toBe(keyId);
  });

  test("of a secret are none: they would say something of it", () => {
    expect(hmacSigner("s".repeat(32))).not.toHaveProperty("keyId");
    expect(hmacVerifier("s".repeat(32))).not.toHaveProperty("keyId");
  });

  test("can be given", () => {
    const options = { keyId: "2026-11" };
    const made = [
      ed25519Signer(privateKey, options),
      ed25519Verifier(publicKey, options),
      hmacSigner("s".repeat(32), options),
    ];
    expect(made.map((key) => key.keyId)).toEqual(["2026-11", "2026-11", "2026-11"]);
    for (const wrong of ["", 7, null]) {
      expect(() => ed25519Signer(privateKey, { keyId: wrong as string })).toThrow(OptionError);
      expect(() => hmacVerifier("s", { keyId: wrong as string })).toThrow(OptionError);
    }
  });
});

describe("PEM and JWK", () => {
  test("are those of node:crypto, in both directions", () => {
    for (let run = 0; run < 20; run++) {
      const pair = generateKeyPairSync("ed25519");
      const pem = {
        public: pair.publicKey.export({ type: "spki", format: "pem" }) as string,
        private: pair.privateKey.export({ type: "pkcs8", format: "pem" }) as string,
      };
      const jwk = {
        public: pair.publicKey.export({ format: "jwk" }) as unknown as KeyInput,
        private: pair.privateKey.export({ format: "jwk" }) as unknown as KeyInput,
      };
      const [publicKey, privateKey] = [readPublicKey(pem.public), readPrivateKey(pem.private)];
      expect(readPublicKey(jwk.public)).toEqual(publicKey);
      expect(readPrivateKey(jwk.private)).toEqual(privateKey);
      expect(publicKeyToPem(publicKey)).toBe(pem.public);
      expect(privateKeyToPem(privateKey)).toBe(pem.private);
      expect(publicKeyToJwk(publicKey)).toEqual(jwk.public);
      expect(privateKeyToJwk(privateKey)).toEqual(jwk.private);
    }
  });

  test("node:crypto reads keys that were made here", () => {
    const { publicKey, privateKey } = generateKeys();
    const key = createPrivateKey(privateKeyToPem(privateKey));
    expect(createPublicKey(key).export({ format: "jwk" })).toEqual(publicKeyToJwk(publicKey));
  });

  test("line ends and space around do not matter", () => {
    const { publicKey } = generateKeys();
    expect(readPublicKey(`\n${publicKeyToPem(publicKey).replaceAll("\n", "\r\n")}  `)).toEqual(publicKey);
  });

  test("what an environment variable or a key bag makes of PEM is read, as node:crypto reads it", () => {
    const { publicKey, privateKey } = generateKeys();
    const pem = privateKeyToPem(privateKey);
    const bag = `Bag Attributes\n    friendlyName: x\n${pem}`;
    expect(createPrivateKey(bag).asymmetricKeyType).toBe("ed25519");
    for (const text of [
      bag,
      `${bag}\nafterwards`,
      pem.replaceAll("\n", "\\n"),
      pem.replaceAll("\n", "\\r\\n"),
    ]) {
      expect(readPrivateKey(text)).toEqual(privateKey);
    }
    expect(readPublicKey(publicKeyToPem(publicKey) + pem)).toEqual(publicKey);
  });

  test("bytes of another realm are bytes", () => {
    const { publicKey } = generateKeys();
    const foreign = runInNewContext("Uint8Array.from(values)", { values: [...publicKey] }) as Uint8Array;
    expect(foreign).not.toBeInstanceOf(Uint8Array);
    expect(readPublicKey(foreign)).toEqual(publicKey);
    const secret = runInNewContext("new Uint8Array(32).fill(7)") as Uint8Array;
    expect(hmacSigner(secret).sign(publicKey)).toEqual(
      hmacSigner(new Uint8Array(32).fill(7)).sign(publicKey),
    );
  });

  test("the message names the fault, and never what came", () => {
    const encrypted = generateKeyPairSync("ed25519").privateKey.export({
      type: "pkcs8",
      format: "pem",
      cipher: "aes-256-cbc",
      passphrase: "hunter2",
    });
    const old = generateKeyPairSync("rsa", { modulusLength: 1024 });
    const cases: [unknown, RegExp][] = [
      [encrypted, /an encrypted PEM \(ENCRYPTED PRIVATE KEY\): decrypt it first$/],
      [old.privateKey.export({ type: "pkcs1", format: "pem" }), /a PEM of RSA PRIVATE KEY$/],
      [
        old.privateKey.export({ type: "pkcs8", format: "pem" }),
        /a PEM of PRIVATE KEY that is none of Ed25519$/,
      ],
      [old.publicKey.export({ format: "jwk" }), /a JWK of type RSA$/],
      ["hunter2", /a text without PEM$/],
      [new Uint8Array(64), /64 bytes$/],
      [1234567, /a number$/],
    ];
    for (const [wrong, says] of cases) {
      expect(() => readPrivateKey(wrong as KeyInput)).toThrow(says);
      expect(() => readPrivateKey(wrong as KeyInput)).not.toThrow(/hunter|1234567/);
    }
  });

  const keys = generateKeys();
  const other = generateKeys();
  const rsa = generateKeyPairSync("rsa", { modulusLength: 1024 });
  const pem = publicKeyToPem(keys.publicKey);

  test.each<[string, unknown]>([
    ["31 bytes", keys.publicKey.slice(1)],
    ["a private key as PEM", privateKeyToPem(keys.privateKey)],
    ["a private key as JWK", privateKeyToJwk(keys.privateKey)],
    ["an RSA key", rsa.publicKey.export({ type: "spki", format: "pem" })],
    ["an X25519 key", generateKeyPairSync("x25519").publicKey.export({ type: "spki", format: "pem" })],
    ["a JWK of X25519", { ...publicKeyToJwk(keys.publicKey), crv: "X25519" }],
    ["a JWK without x", { kty: "OKP", crv: "Ed25519" }],
    [
      "a JWK whose x is base64",
      { kty: "OKP", crv: "Ed25519", x: Buffer.from(keys.publicKey).toString("base64") },
    ],
    ["PEM that ends early", pem.slice(0, -10)],
    ["PEM of other length", pem.replace("MCow", "MCowAAAA")],
    ["PEM with something before on its line", `x${pem}`],
    ["PEM twice", pem + pem],
    ["a text", "golden-secret"],
    ["nothing", undefined],
    ["null", null],
    // y = 2 is on no point of the curve.
    ["bytes that are no point", hex(`02${"00".repeat(31)}`)],
    ["y beyond the prime", new Uint8Array(32).fill(255)],
  ])("%s is no public key", (_, wrong) => {
    expect(() => readPublicKey(wrong as KeyInput)).toThrow(OptionError);
    expect(() => ed25519Verifier(wrong as KeyInput)).toThrow(/^publicKey: /);
  });

  test.each<[string, unknown]>([
    ["64 bytes", new Uint8Array(64)],
    ["a public key as PEM", pem],
    ["a public key as JWK", publicKeyToJwk(keys.publicKey)],
    ["a JWK of two halves", { ...privateKeyToJwk(keys.privateKey), x: publicKeyToJwk(other.publicKey).x }],
    ["an RSA key", rsa.privateKey.export({ type: "pkcs8", format: "pem" })],
    ["a text", "golden-secret"],
  ])("%s is no private key, and is not shown", (_, wrong) => {
    expect(() => readPrivateKey(wrong as KeyInput)).toThrow(OptionError);
    expect(() => ed25519Signer(wrong as KeyInput)).toThrow(/^privateKey: /);
    expect(() => ed25519Signer(wrong as KeyInput)).not.toThrow(/golden|BEGIN/);
  });

  test("no flipped bit of PEM is read as another key without notice", () => {
    for (const flipped of flips(Buffer.from(pem))) {
      const text = Buffer.from(flipped).toString("utf8");
      try {
        // Where it is read, it is that key or one whose PEM is this very text.
        const read = readPublicKey(text);
        if (Buffer.compare(read, keys.publicKey) !== 0) expect(publicKeyToPem(read)).toBe(text);
      } catch (error) {
        expect(error).toBeInstanceOf(OptionError);
      }
    }
  });

  test("nothing else that is thrown at the readers comes back", () => {
    fc.assert(
      fc.property(fc.anything(), (value) => {
        expect(() => readPublicKey(value as KeyInput)).toThrow(OptionError);
        expect(() => readPrivateKey(value as KeyInput)).toThrow(OptionError);
      }),
    );
  });
});

describe("WebCrypto", () => {
  const { privateKey, publicKey } = generateKeys();
  const hmacKey = (usages: ("sign" | "verify")[], hash = "SHA-256") =>
    subtle.importKey("raw", Buffer.from("secret".repeat(6)), { name: "HMAC", hash }, false, usages);

  test("and JavaScript sign the same and accept each other's receipts", async () => {
    const keys = {
      sign: await subtle.importKey(
        "jwk",
        privateKeyToJwk(privateKey) as webcrypto.JsonWebKey,
        "Ed25519",
        false,
        ["sign"],
      ),
      verify: await subtle.importKey(
        "jwk",
        publicKeyToJwk(publicKey) as webcrypto.JsonWebKey,
        "Ed25519",
        false,
        ["verify"],
      ),
    };
    const cases = [
      [
        webCryptoSigner(keys.sign),
        webCryptoVerifier(keys.verify),
        ed25519Signer(privateKey),
        ed25519Verifier(publicKey),
      ],
      [
        webCryptoSigner(await hmacKey(["sign"])),
        webCryptoVerifier(await hmacKey(["verify"])),
        hmacSigner("secret".repeat(6)),
        hmacVerifier("secret".repeat(6)),
      ],
    ] as const;
    for (const [laterSigner, laterVerifier, signer, verifier] of cases) {
      const [theirs, ours] = [
        await signReceiptAsync(receipt, laterSigner),
        await signReceiptAsync(receipt, signer),
      ];
      expect(theirs.signatures[0]!.sig).toBe(ours.signatures[0]!.sig);
      expect(theirs.signatures[0]).not.toHaveProperty("keyid");
      expect(verifyReceipt(theirs, verifier).ok).toBe(true);
      expect((await verifyReceiptAsync(ours, laterVerifier)).ok).toBe(true);
      const message = new TextEncoder().encode("message");
      const signature = signer.sign(message);
      await expect(laterVerifier.verify(message, signature)).resolves.toBe(true);
      for (const flipped of flips(signature, 4, 1)) {
        expect(await laterVerifier.verify(message, flipped)).toBe(verifier.verify(message, flipped));
      }
    }
    expect(webCryptoSigner(keys.sign, { keyId: "a" }).keyId).toBe("a");
  });

  test("refuses keys of another kind or use", async () => {
    const ecdsa = await subtle.generateKey({ name: "ECDSA", namedCurve: "P-256" }, false, ["sign", "verify"]);
    const wrong: unknown[] = [
      ecdsa.privateKey,
      await hmacKey(["sign"], "SHA-512"),
      await hmacKey(["verify"]),
      undefined,
      {},
    ];
    for (const key of wrong) expect(() => webCryptoSigner(key as WebCryptoKey)).toThrow(OptionError);
    expect(() => webCryptoVerifier(ecdsa.publicKey)).toThrow(/ECDSA/);
  });
});
