import { execFileSync, spawnSync } from "node:child_process";
import { createHmac } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { type RerankRequest, rerank, signReceipt } from "@oscillink/core";
import { hmacSigner } from "@oscillink/core/keys";
import { signPublished } from "@oscillink/core/python";
import { describe, expect, test } from "vitest";
import { type AnyReceipt, contentDigest } from "../packages/core/src/receipt/receipt.ts";
import { folder } from "./script.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const script = join(root, "examples/verify-python/verify.py");
const secret = "a secret of the two, long enough for a hash";
const signer = hmacSigner(secret);
const env = { ...process.env, OSCILLINK_SECRET: secret, PYTHONDONTWRITEBYTECODE: "1" };

const hasPython = spawnSync("python3", ["--version"]).status === 0;
const title = `python3 verifies${hasPython ? "" : " (skipped: there is no python3 here)"}`;

const files = folder();
let count = 0;
/** A file with this text, or with the JSON text of this value. */
const fileOf = (content: unknown): string => {
  const path = join(files, `${count++}.json`);
  writeFileSync(path, typeof content === "string" ? content : JSON.stringify(content));
  return path;
};

/** Runs the script once for each line of arguments, in one process: to start Python takes longer than to verify. */
const driver = `
import contextlib, io, json, os, runpy, sys
for line in sys.stdin:
    secret, *sys.argv[1:] = json.loads(line)
    os.environ["OSCILLINK_SECRET"], out, code = secret, io.StringIO(), 0
    try:
        with contextlib.redirect_stdout(out):
            runpy.run_path(sys.argv[0], run_name="__main__")
    except SystemExit as exit:
        code = exit.code if isinstance(exit.code, int) else 1
        if code != exit.code: print(exit.code, file=out)
    print(json.dumps([code, *out.getvalue().splitlines()[-1:]]))
`;

interface Case {
  /** What is to be verified, as JSON text or a value of which it is made; and the inputs. */
  readonly signed: unknown;
  readonly inputs?: unknown;
  readonly secret?: string;
  /** What the last line must say. It must end with 0 if that is good, else with 1. */
  readonly says: RegExp;
}

function check(cases: readonly Case[]): void {
  const lines = cases.map(({ signed, inputs, secret: given = secret }) => {
    const paths = inputs === undefined ? [signed] : [signed, inputs];
    return JSON.stringify([given, ...paths.map(fileOf)]);
  });
  const options = { env, input: lines.join("\n"), encoding: "utf8" as const };
  // `-c` leaves "-c" in the first place of sys.argv: it is to be the script's name.
  const program = `import sys; sys.argv[0] = ${JSON.stringify(script)}\n${driver}`;
  const results = execFileSync("python3", ["-c", program], options).trim().split("\n");
  expect(results).toHaveLength(cases.length);
  cases.forEach(({ says }, i) => {
    const [code, last] = JSON.parse(results[i]!) as [number, string];
    expect(last, `case ${i}`).toMatch(says);
    expect(code, `case ${i}: ${last}`).toBe(last.startsWith("good") ? 0 : 1);
  });
}

/** An entry of the fixture of receipts that an older version signed. */
interface Old {
  readonly inputs: RerankRequest & { readonly candidates: readonly { readonly embedding?: number[] }[] };
  readonly receipt: AnyReceipt;
  readonly envelope: { readonly payload: string; readonly signatures: readonly object[] };
  readonly published: object;
}

const good = /^good {2}(content has the digest 'sha256:[0-9a-f]{64}'|inputs: queryText)$/;
const wrongSignature = /^BAD {3}signature/;
const wrongContent = /^BAD {3}content/;
const wrongFigures = /^BAD {3}signed figures/;

const request: RerankRequest = {
  query: [0.1, -0.7, 1e-7],
  queryText: "Straße 光 \ud83d\ude00",
  candidates: [
    { id: "\ud83d\ude00", embedding: [1 / 3, 0.2, 0.3], text: "one half: \ud83d.", title: "T" },
    { id: "\ufb33 \u0080\u2028", embedding: [5e-324, 1e-40, -1e10], text: '\n\t\u0000"\\/' },
    { id: "", embedding: null, text: "光" },
    { id: "d", embedding: [0.1, 1.1, 0.3], trust: 0.1 },
  ],
};
const { receipt } = rerank({ ...request, k: 3 });

/** The published form tells of the lattice of vectors. */
const lattice = rerank({ ...request, k: 3, profile: "reference" }).receipt;

/** A receipt that says something else, with the digest to it. */
const saying = (fields: object, of: AnyReceipt = receipt): AnyReceipt => {
  const draft = { ...of, ...fields };
  return { ...draft, digest: contentDigest(draft) };
};

const forms: [string, AnyReceipt, (receipt: AnyReceipt) => object][] = [
  ["a DSSE envelope", receipt, (of) => signReceipt(of, signer)],
  ["a DSSE envelope of a lattice of vectors", lattice, (of) => signReceipt(of, signer)],
  ["the published form, minimal", lattice, (of) => signPublished(of, signer)],
  ["the published form, extended", lattice, (of) => signPublished(of, signer, { mode: "extended" })],
];

describe.skipIf(!hasPython)(title, () => {
  test("what make.ts makes, as the README of the example says", () => {
    execFileSync(process.execPath, [join(root, "examples/verify-python/make.ts"), files], { env });
    for (const name of ["envelope.json", "published.json"]) {
      const run = (...more: string[]) =>
        spawnSync("python3", [script, join(files, name), ...more], { env, encoding: "utf8" });
      expect(run(join(files, "inputs.json"))).toMatchObject({ status: 0, stderr: "" });
      expect(run(fileOf({ candidates: [] }))).toMatchObject({ status: 1, stderr: "" });
      expect(run("not there")).toMatchObject({ status: 1, stderr: "" });
    }
  });

  describe.each(forms)("%s", (_, receipt, sign) => {
    const options = receipt.profile === "reference" ? ({ profile: "reference", lamQ: 0 } as const) : {};
    test("of odd ids, texts and vectors, with the inputs", () => {
      check([
        { signed: sign(receipt), says: good },
        { signed: sign(receipt), inputs: request, says: good },
      ]);
    });

    test("of scores in place of vectors, of titles alone, of nothing", () => {
      const candidates = [{ id: "a", score: 0.1 }, { title: "blue" }, { score: -1e-7, title: "red" }];
      const requests: RerankRequest[] = [
        { queryText: "blue", candidates },
        { query: [1], candidates: [{ embedding: null }], missing: "append" },
        { query: [1, 2], candidates: [] },
      ];
      check(
        requests.map((inputs) => ({
          signed: sign(rerank({ ...inputs, ...options }).receipt),
          inputs,
          says: /^good {2}inputs/,
        })),
      );
    });

    test("odd numbers and keys", () => {
      const numbers = [1e21, 1e-7, -0, 5e-324, 0.1, 123456789012345680000, 1e-6, 1.5e300, -2.5, 2 ** 53, 100];
      const keys = { "\ufb33": 1, "\ud83d\ude00": 2, "\u20ac": 3, a: 4, "\r": 5, 1: 6, "\u0080": 7, ö: 8 };
      check(
        numbers.map((deltaH_total) => ({
          signed: sign(saying({ deltaH_total, numbers, keys }, receipt)),
          says: good,
        })),
      );
    });

    test("nothing that was changed", () => {
      const text = JSON.stringify(sign(receipt));
      const [first, ...rest] = request.candidates!;
      const with1 = (fields: object): object => ({
        ...request,
        candidates: [{ ...first, ...fields }, ...rest],
      });
      const harmful = [null, 7, "x", [], {}, { payload: 7 }, { meta: { signature: [] } }, receipt];
      check([
        { signed: text, inputs: { ...request, query: [0.1, -0.7, 2e-7] }, says: /^BAD {3}inputs: query$/ },
        { signed: text, inputs: { ...request, queryText: "x" }, says: /^BAD {3}inputs: queryText$/ },
        { signed: text, inputs: { ...request, candidates: rest }, says: /^BAD {3}inputs: n$/ },
        { signed: text, inputs: with1({ id: "x" }), says: /^BAD {3}inputs: ids$/ },
        { signed: text, inputs: with1({ text: "x" }), says: /^BAD {3}inputs: texts$/ },
        { signed: text, inputs: with1({ title: "x" }), says: /^BAD {3}inputs: titles$/ },
        { signed: text, inputs: with1({ trust: 0.5 }), says: /^BAD {3}inputs: trust$/ },
        { signed: text, inputs: with1({ embedding: null }), says: /^BAD {3}inputs: candidates$/ },
        { signed: text, inputs: with1({ embedding: [1] }), says: /^BAD {3}error/ },
        { signed: text, secret: "another secret", says: wrongSignature },
        { signed: text, secret: "", says: /^OSCILLINK_SECRET is not set/ },
        { signed: text.replace("{", '{"payload":"e30=",'), says: /^BAD/ },
        { signed: text.slice(0, -1), says: /^BAD {3}JSONDecodeError/ },
        { signed: "[".repeat(100_000), says: /^BAD {3}RecursionError/ },
        ...harmful.map((value) => ({ signed: JSON.stringify(value), says: /^BAD/ })),
      ]);
    });
  });

  describe("several lists", () => {
    const items = [
      { id: "a", embedding: [1, 0.5], text: "red", score: 0.3 },
      { id: "b", embedding: [0.2, 1], text: "green", score: 0.2, links: ["a"] },
      { id: "c", embedding: null, text: "blue", score: 7 },
    ];
    const [a, b, c] = items as [(typeof items)[0], (typeof items)[0], (typeof items)[0]];
    const lists = [
      { name: "vectors", items: [b, a] },
      { name: "bm25", items: [c, { ...a, text: "another red", title: "Red", trust: 0.5 }] },
      { name: "hand", items: [{ id: "c" }, { id: "d", embedding: [1, 1] }, b] },
    ];
    const of = (given: RerankRequest) => signReceipt(rerank(given).receipt, signer);

    test("with vectors, of scores alone, with the vectors' list last or none", () => {
      const later = lists.map((list, l) => ({ ...list, similarity: l === 2 }));
      const requests: RerankRequest[] = [
        { query: [1, 0], queryText: "red", lists },
        { queryText: "red", lists },
        { query: [1, 0], lists: later },
        { queryText: "blue", lists: later },
        { query: [1, 0], lists: lists.map((list) => ({ ...list, similarity: false })) },
        { query: [1, 0], lists: lists.slice(0, 1) },
        { query: [1, 0], lists: [] },
      ];
      check(requests.map((inputs) => ({ signed: of(inputs), inputs, says: /^good {2}inputs/ })));
    });

    test("none of which was changed", () => {
      const given = { query: [1, 0], lists };
      const signed = of(given);
      const [first, second, third] = lists as [(typeof lists)[0], (typeof lists)[0], (typeof lists)[0]];
      const changed = (...other: object[]) => ({ query: [1, 0], lists: other });
      check([
        { signed, inputs: given, says: good },
        { signed, inputs: changed(first, second), says: /^BAD {3}inputs: n$/ },
        { signed, inputs: changed(first, third, second), says: /^BAD {3}inputs: (lists|ids)$/ },
        { signed, inputs: changed(first, { ...second, name: "x" }, third), says: /^BAD {3}inputs: lists$/ },
        {
          signed,
          inputs: changed(first, { ...second, items: [{ ...c, score: 8 }, ...second.items.slice(1)] }, third),
          says: /^BAD {3}inputs: lists$/,
        },
        {
          signed,
          inputs: changed({ ...first, items: [b, a, c] }, second, third),
          says: /^BAD {3}inputs: found$/,
        },
        {
          signed,
          inputs: changed({ ...first, items: [{ ...b, links: ["c"] }, a] }, second, third),
          says: /^BAD {3}inputs: links$/,
        },
        { signed, inputs: { query: [1, 0] }, says: /^BAD {3}TypeError/ },
      ]);
    });
  });

  test("links of candidates; a receipt of the second schema does not look at them", () => {
    const linked = {
      query: [1, 0],
      candidates: [
        { embedding: [1, 0], links: ["1"] },
        { embedding: [0, 1], text: "x" },
      ],
    };
    const inputs = {
      ...linked,
      candidates: [linked.candidates[0], { ...linked.candidates[1], links: ["0"] }],
    };
    const signed = signReceipt(rerank(linked).receipt, signer);
    const second = signReceipt(rerank({ ...linked, profile: "reference" }).receipt, signer);
    check([
      { signed, inputs: linked, says: good },
      { signed, inputs, says: /^BAD {3}inputs: links$/ },
      { signed: second, inputs: linked, says: good },
      { signed: second, inputs, says: good },
    ]);
  });

  test("what an older version wrote and signed", () => {
    const text = readFileSync(join(root, "packages/core/test/fixtures/receipts.v2.json"), "utf8");
    const { cases } = JSON.parse(text) as { cases: Old[] };
    expect(cases.length).toBeGreaterThan(5);
    check(
      cases.flatMap(({ inputs, receipt: old, envelope, published }) => {
        const signed = { ...old, meta: { ...old.meta, signature: published } };
        const given = { secret: "golden-secret", inputs };
        const { candidates } = inputs;
        const fewer = {
          ...inputs,
          candidates: [...candidates.slice(1), { embedding: candidates[0]?.embedding }],
        };
        const [, hmac] = envelope.signatures;
        return [
          { ...given, signed: envelope, says: good },
          { ...given, signed: { ...envelope, signatures: [hmac] }, says: good },
          { ...given, signed, says: good },
          { ...given, signed: { ...signed, residual: 0.5 }, says: wrongContent },
          { ...given, signed: { ...envelope, payload: `e30=` }, says: wrongSignature },
          { ...given, signed: envelope, inputs: fewer, says: /^BAD {3}inputs: (n|ids|candidates)$/ },
        ];
      }),
    );
  });

  test("no envelope whose payload or signature was changed", () => {
    const envelope = signReceipt(receipt, signer);
    const bytes = Buffer.from(envelope.payload, "base64");
    const text = bytes.toString();
    const resigned = (payload: string, type = envelope.payloadType as string): object => {
      const message = `DSSEv1 ${type.length} ${type} ${Buffer.byteLength(payload)} ${payload}`;
      const sig = createHmac("sha256", secret).update(message).digest("base64");
      return { payloadType: type, payload: Buffer.from(payload).toString("base64"), signatures: [{ sig }] };
    };
    const flipped = Array.from({ length: 50 }, (_, i) => {
      const copy = Buffer.from(bytes);
      copy[Math.floor((i * copy.length) / 50)]! ^= 1 << (i % 8);
      return { signed: { ...envelope, payload: copy.toString("base64") }, says: wrongSignature };
    });
    check([
      ...flipped,
      { signed: resigned(text), says: good },
      { signed: resigned(`${text} `), says: /^BAD {3}payload is canonical JSON$/ },
      { signed: resigned(text.replace("{", '{"chain":1,')), says: /^BAD {3}ValueError.*twice/ },
      { signed: resigned(text, "application/json"), says: /^BAD {3}payload type$/ },
      { signed: resigned(text.replace("receipt/3", "receipt/4")), says: /^BAD {3}schema$/ },
      { signed: resigned(text.replace('"rank":1', '"rank":2')), says: wrongContent },
      { signed: resigned('{"x":NaN}'), says: /^BAD {3}ValueError/ },
      { signed: resigned('{"x":1e999}'), says: /^BAD {3}ValueError/ },
      { signed: resigned('{"x":"\\ud800"}'), says: /^BAD {3}Unicode/ },
      { signed: { ...envelope, signatures: [] }, says: wrongSignature },
      { signed: { ...envelope, signatures: [{ sig: "" }, ...envelope.signatures] }, says: good },
    ]);
  });

  test("no receipt of the published form whose body was changed", () => {
    const signed = signPublished(lattice, signer);
    const { signature, payload } = signed.meta.signature;
    const { digest: _, ...without } = payload;
    const body = (fields: object): object => ({ ...signed, ...fields });
    const block = (fields: object): object =>
      body({ meta: { ...signed.meta, signature: { ...signed.meta.signature, ...fields } } });
    const other = saying({ bundle: [] }, lattice);
    // The digest that was signed, where it does not belong.
    const forged = body({ bundle: [], meta: { ...signed.meta, digest: lattice.digest } }) as AnyReceipt;
    check([
      { signed: body({ t_ms: 1, vectors: { fromStore: 1, reembedded: 2 } }), says: good },
      { signed: body({ bundle: [] }), says: wrongContent },
      { signed: body({ residual: 0.5 }), says: wrongContent },
      { signed: body({ deltaH_total: 0.5 }), says: wrongFigures },
      { signed: body({ bundle: [], digest: other.digest }), says: wrongFigures },
      { signed: { ...forged, digest: contentDigest(forged) }, says: wrongFigures },
      { signed: block({ signature: signature.toUpperCase().replace(/^./, "g") }), says: /^BAD/ },
      { signed: block({ signature: createHmac("sha256", "").digest("hex") }), says: wrongSignature },
      { signed: block({ algorithm: "none" }), says: /^BAD {3}algorithm$/ },
      { signed: block({ payload: without }), says: wrongSignature },
    ]);
  });

  test("a receipt of the Python package, and says that it covers little", () => {
    const payload = '{"deltaH_total": 4.0, "mode": "minimal", "sig_v": 1, "state_sig": "ab"}';
    const signature = createHmac("sha256", secret).update(payload).digest("hex");
    const of = (deltaH: string): string =>
      `{"deltaH_total": ${deltaH}, "meta": {"signature": {"algorithm": "HMAC-SHA256", "payload": ${payload}, "signature": "${signature}"}}}`;
    check([
      { signed: of("4.0"), says: /^good {2}no digest was signed: nothing else of this receipt is covered$/ },
      { signed: of("4.0"), inputs: request, says: /^BAD {3}no digest was signed/ },
      { signed: of("5.0"), says: wrongFigures },
    ]);
  });

  test("and writes every number as JavaScript does", () => {
    const view = new DataView(new ArrayBuffer(8));
    const some = Array.from({ length: 20_000 }, (_, i) => {
      view.setUint32(0, Math.imul(i + 1, 0x9e3779b1));
      view.setUint32(4, Math.imul(i + 1, 0x85ebca6b));
      return view.getFloat64(0);
    }).filter(Number.isFinite);
    const powers = Array.from({ length: 640 }, (_, i) => [
      10 ** (i - 330),
      1.5 * 10 ** (i - 330),
      123e-9 * 10 ** (i - 330),
    ]);
    const numbers = [
      ...some,
      ...powers.flat().filter(Number.isFinite),
      -0,
      0,
      1,
      -1,
      2 ** 53,
      Number.MAX_VALUE,
    ];
    const program =
      "import json, sys; sys.path.insert(0, sys.argv[1]); import verify\nprint(verify.canonical(json.load(sys.stdin)))";
    const python = execFileSync("python3", ["-c", program, join(script, "..")], {
      input: JSON.stringify(numbers),
      env,
      encoding: "utf8",
      maxBuffer: 2 ** 24,
    });
    expect(python.trim().split(",")).toEqual(JSON.stringify(numbers).split(","));
  });
});
