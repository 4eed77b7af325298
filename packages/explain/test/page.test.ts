import { createHash } from "node:crypto";
import {
  CandidateError,
  explainReceipt,
  OptionError,
  OscillinkError,
  type Receipt,
  rerank,
  signReceipt,
} from "@oscillink/core";
import {
  ed25519Signer,
  generateKeys,
  privateKeyToPem,
  publicKeyToJwk,
  publicKeyToPem,
} from "@oscillink/core/keys";
import { describe, expect, test } from "vitest";
import { explainPage } from "../src/index.ts";
import { chainReceipt, documents, HOSTILE, hostileDocuments, receiptOf, requestOf } from "./world.ts";

const candidates = documents(50);
const receipt = receiptOf(candidates);
const keys = generateKeys();
const count = (text: string, part: string) => text.split(part).length - 1;

/** What the page says to a reader, without tags. */
const saidBy = (page: string): string =>
  page
    .slice(page.indexOf("<main>"), page.indexOf("</main>"))
    .replace(/<textarea.*?<\/textarea>/gs, "")
    .replace(/<[^>]*>/g, " ")
    .replaceAll("&#39;", "'")
    .replaceAll("&quot;", '"')
    .replace(/\s+/g, " ");

describe("the page of a receipt", () => {
  const page = explainPage(receipt, { candidates });

  test("is the same for the same receipt, signed or as it was made", () => {
    expect(explainPage(receipt, { candidates })).toBe(page);
    const signed = explainPage(signReceipt(receipt, ed25519Signer(keys.privateKey)), { candidates });
    const facts = (of: string) =>
      of.slice(of.indexOf('<div data-facts="chosen">'), of.indexOf('<section id="signature"'));
    expect(facts(signed)).toBe(facts(page));
  });

  test("says every sentence that core says of it", () => {
    const said = saidBy(page);
    const [asked, , ...lines] = explainReceipt(receipt);
    expect(said.toLowerCase()).toContain(asked!.toLowerCase());
    for (const line of lines) {
      const sentence = line.replace(/^(kept|left out) .*?\): /, "").replace(/^digest sha256:/, "");
      expect(said.toLowerCase()).toContain(sentence.toLowerCase());
    }
    for (const { id } of [...receipt.bundle, ...receipt.left_out]) expect(said).toContain(id);
  });

  test("names every parameter, every digest, the context and the candidates' titles", () => {
    const said = saidBy(page);
    for (const name of Object.keys(receipt.params)) expect(said).toContain(name);
    for (const value of Object.values(receipt.inputs)) {
      if (typeof value === "string") expect(said).toContain(value.replace("sha256:", ""));
    }
    expect(said).toContain("q-1");
    for (const { inputRank } of receipt.bundle) expect(said).toContain(candidates[inputRank - 1]!.title);
    expect(count(said, "as in the candidates given")).toBe(6);
  });

  test("allows its own script and style by their digests, and loads nothing", () => {
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)![1]!;
    const digest = (text: string) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
    const inner = (tag: string) => new RegExp(`<${tag}>(.*?)</${tag}>`, "s").exec(page)![1]!;
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain(`script-src ${digest(inner("script"))}`);
    expect(policy).toContain(`style-src ${digest(inner("style"))}`);
    expect(policy).not.toContain("unsafe");
    expect(page).not.toMatch(/(?:src|href)\s*=\s*"(?!data:,")/);
    expect(page).not.toMatch(/@import|url\((?!#)/);
    expect(page).not.toContain("WebAssembly");
  });

  test("of 200 candidates it has at most 400 KB", () => {
    const many = documents(200, 384);
    const size = Buffer.byteLength(explainPage(receiptOf(many), { candidates: many }));
    console.log(`a page of 200 candidates: ${size} bytes`);
    expect(size).toBeLessThan(400_000);
  });
});

describe("the lattice", () => {
  const nodes = (page: string) => count(page, '<g class="node ');

  test("has a node for every candidate with a vector, the edges of core, links, and a chain", () => {
    const page = explainPage(receipt, { candidates });
    expect(nodes(page)).toBe(50);
    expect(count(page, '<line class="link"')).toBe(5);
    expect(count(page, '<line class="edge')).toBe(
      Math.round((receipt.meta.avg_degree * receipt.inputs.n) / 2),
    );
    const chained = explainPage(chainReceipt(candidates), { candidates });
    expect(count(chained, '<line class="step"')).toBe(2);
    expect(saidBy(chained)).toContain("doc-0");
  });

  test("marks as many null points as the receipt has", () => {
    const points = receipt.null_points!.length;
    expect(points).toBeGreaterThan(0);
    expect(count(explainPage(receipt, { candidates }), '<line class="edge null-point"')).toBe(points);
  });

  test("draws 200 of more, those of the bundle among them", () => {
    const many = documents(260);
    const page = explainPage(receiptOf(many), { candidates: many });
    expect(nodes(page)).toBe(200);
    expect(count(page, '<g class="node chosen"')).toBe(5);
    expect(saidBy(page)).toContain("the other 60");
  });

  const withoutVectors = candidates.map(({ embedding: _, ...document }) => document);
  const scored = withoutVectors.map((document, i) => ({ ...document, score: 50 - i }));
  test.each([
    ["no candidates", receipt, undefined, "the candidates were not given"],
    ["candidates without vectors", receipt, withoutVectors, "without their vectors"],
    [
      "scores in place of vectors",
      rerank({ queryText: "lamps", candidates: scored }).receipt,
      scored,
      "scores in place of vectors",
    ],
    [
      "the profile reference",
      rerank({ ...requestOf(candidates), profile: "reference" }).receipt,
      candidates,
      "Receipts of schema 2",
    ],
  ] as const)("is left out for %s, and the page says why", (_, of, given, why) => {
    const page = explainPage(of as Receipt, given && { candidates: given });
    expect(nodes(page)).toBe(0);
    expect(saidBy(page)).toContain(why);
  });

  test("of candidates that were changed says which input is another", () => {
    const changed = candidates.map((document, i) =>
      i === 3 ? { ...document, text: "something else" } : document,
    );
    const page = explainPage(receipt, { candidates: changed });
    expect(count(saidBy(page), "other than in the candidates given")).toBe(1);
    expect(page).toMatch(/texts<\/th><td><code>[0-9a-f]{64}<\/code><span data-candidate class="differs">/);
  });
});

describe("with the query beside the candidates everything is computed again", () => {
  const { query, queryText } = requestOf(candidates);
  const asked = { candidates, query: query!, queryText: queryText! };
  const without = (page: string) => count(page, "settled evidence");

  test("the page says that the same came out, and every node has its size", () => {
    const page = explainPage(receipt, asked);
    expect(saidBy(page)).toContain("the same, bit for bit");
    expect(without(page)).toBeGreaterThanOrEqual(50);
    expect(without(explainPage(receipt, { candidates }))).toBeLessThan(50);
    const sizes = /place 1, was \d+, settled evidence (\S+?)"/.exec(page)![1]!;
    expect(sizes).toBe(`+${receipt.bundle[0]!.score!.toFixed(2)}`);
    // The receipt of a chain, which is of the vectors alone.
    const bare = candidates.map(({ id, embedding }) => ({ id, embedding }));
    const chained = explainPage(chainReceipt(candidates), { candidates: bare, query: bare[0]!.embedding! });
    expect(saidBy(chained)).toContain("the same, bit for bit");
  });

  test("or that another question was asked", () => {
    const said = saidBy(explainPage(receipt, { ...asked, queryText: "something else" }));
    expect(said).toContain("it is not the same (replay-inputs: inputs.queryText)");
  });
});

describe("what may have been written by anyone", () => {
  const hostile = hostileDocuments();
  const bound = { context: { [HOSTILE[0]!.slice(0, 40)]: HOSTILE[1]! } };
  const { receipt: harmful } = rerank({ ...requestOf(hostile), ...bound });
  const page = explainPage(signReceipt(harmful, ed25519Signer(keys.privateKey, { keyId: HOSTILE[0]! })), {
    candidates: hostile,
  });

  test("ends no element and begins none", () => {
    const plain = explainPage(signReceipt(receiptOf(documents(12)), ed25519Signer(keys.privateKey)), {
      candidates: documents(12),
    });
    for (const tag of ["<script", "</script", "<style", "</textarea", "<svg", "<html", "</body"]) {
      expect(count(page, tag), tag).toBe(count(plain, tag));
    }
    for (const tag of ["<img", "<iframe", "<!--"]) expect(count(page, tag), tag).toBe(0);
  });

  test("turns no direction of writing, and hides nothing", () => {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for.
    expect(page).not.toMatch(/[\u0000-\u0008\u202a-\u202e\u2066-\u2069\u200b]/);
    expect(saidBy(page)).toContain("\\u202egnp.exe");
  });

  test("any value at any place of a receipt gives a page, or an error of this package", () => {
    const whole = receiptOf(documents(4), 2);
    const values = [null, -1, "<b>", ["<b>"], { "<b>": "<b>" }];
    let pages = 0;
    for (const place of placesOf(whole)) {
      for (const value of values) {
        try {
          const made = explainPage(replaced(whole, place, value) as Receipt);
          expect(made.slice(made.indexOf("<main>"))).not.toContain("<b>");
          pages++;
        } catch (error) {
          if (!(error instanceof OscillinkError))
            throw new Error(`${place.join(".")}: ${value}`, { cause: error });
        }
      }
    }
    expect(pages).toBeGreaterThan(100);
  });
});

const placesOf = (value: unknown, way: readonly string[] = []): (readonly string[])[] => [
  ...(way.length > 0 ? [way] : []),
  ...(typeof value === "object" && value !== null
    ? Object.entries(value).flatMap(([key, inner]) => placesOf(inner, [...way, key]))
    : []),
];

function replaced(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by;
  const copy = (Array.isArray(value) ? [...value] : { ...(value as object) }) as Record<string, unknown>;
  copy[key] = replaced(copy[key], rest, by);
  return copy;
}

describe("what is refused", () => {
  const refusal = (work: () => unknown): OscillinkError => {
    try {
      work();
    } catch (error) {
      return error as OscillinkError;
    }
    throw new Error("it was accepted");
  };

  test.each([
    ["no receipt", () => explainPage({} as Receipt), OptionError, "receipt"],
    ["null", () => explainPage(null as unknown as Receipt), OptionError, "receipt"],
    [
      "an envelope of something else",
      () => explainPage({ payload: btoa("{}"), payloadType: "x", signatures: [] } as unknown as Receipt),
      OptionError,
      "receipt",
    ],
    ["an unknown option", () => explainPage(receipt, { colour: "red" } as object), OptionError, "colour"],
    [
      "a private key, which no page may hold",
      () => explainPage(receipt, { key: privateKeyToPem(keys.privateKey) }),
      OptionError,
      "key",
    ],
    [
      "another number of candidates",
      () => explainPage(receipt, { candidates: candidates.slice(1) }),
      CandidateError,
      "candidates",
    ],
    [
      "other candidates",
      () => explainPage(receipt, { candidates: candidates.map((one, i) => ({ ...one, id: `x${i}` })) }),
      CandidateError,
      /^candidates\[\d+\]\.id$/,
    ],
  ] as const)("%s", (_, work, kind, parameter) => {
    const error = refusal(work);
    expect(error).toBeInstanceOf(kind);
    expect(error.parameter).toMatch(parameter);
  });

  test("a key may be given in every form, and a secret stands in no page", () => {
    const pem = publicKeyToPem(keys.publicKey);
    for (const key of [keys.publicKey, pem, publicKeyToJwk(keys.publicKey)]) {
      expect(explainPage(signReceipt(receipt, ed25519Signer(keys.privateKey)), { key })).toContain(
        pem.trim(),
      );
    }
  });
});
