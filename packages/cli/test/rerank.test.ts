import { rerank } from "@oscillink/core";
import { LexicalEmbedder } from "@oscillink/lexical";
import { describe, expect, test } from "vitest";
import { folder, jsonl, lines, NOTES, oscillink, printed, QUESTION } from "./run.ts";

const cwd = folder({ "notes.jsonl": jsonl(NOTES), "notes.json": JSON.stringify(NOTES, null, 2) });
const rank = (...args: string[]) =>
  printed(["rerank", ...args, "--format", "json"], { cwd }).then(JSON.parse);
const ids = ({ bundle }: { bundle: { id: string }[] }) => bundle.map(({ id }) => id);

describe("rerank", () => {
  const embedder = LexicalEmbedder.fit(NOTES.map(({ text }) => text));
  const candidates = NOTES.map((note) => ({ ...note, embedding: Array.from(embedder.embed(note.text)) }));
  const query = Array.from(embedder.embed(QUESTION));
  const expected = rerank({ query, queryText: QUESTION, candidates, k: 2 });

  test("gives what core gives, to the digest", async () => {
    const { bundle, receipt } = await rank("notes.jsonl", "-q", QUESTION, "--lexical", "-k", "2");
    expect(receipt.digest).toBe(expected.receipt.digest);
    expect(ids({ bundle })).toEqual(expected.bundle.map(({ id }) => id));
    expect(bundle[0].document).toEqual(NOTES[0]);
    expect(bundle[0].why).toMatch(/^by its own evidence 1st, at \+/);
  });

  test("takes a JSON array, and a vector for the question", async () => {
    const files = folder({ "vectors.json": JSON.stringify(candidates) });
    const vector = ["-q", QUESTION, "--query-vector", JSON.stringify(query), "-k", "2"];
    const args = ["rerank", "vectors.json", ...vector, "--format", "json"];
    const { receipt } = JSON.parse(await printed(args, { cwd: files }));
    expect(receipt.digest).toBe(expected.receipt.digest);
    expect(ids(await rank("notes.json", "-q", QUESTION, "--lexical"))[0]).toBe("bank");
  });

  test("takes scores in the place of vectors, and hands other fields back", async () => {
    const scored = NOTES.map((note, i) => ({ ...note, score: 9 - i, page: i }));
    const stdin = jsonl(scored);
    const rows = lines(await printed(["rerank", "-q", QUESTION, "--format", "jsonl"], { stdin }));
    const { bundle } = rerank({ queryText: QUESTION, candidates: scored });
    expect(rows.map(({ id }) => id)).toEqual(bundle.map(({ id }) => id));
    expect(rows[0].document).toEqual(scored[0]);
  });

  test("hands the options on: flags before --option before the profile's file", async () => {
    const files = folder({ "notes.jsonl": jsonl(NOTES), "p.json": '{"textWeight": 2, "lamC": 0.1, "k": 1}' });
    const args = ["notes.jsonl", "-q", QUESTION, "--lexical", "--format", "json", "--profile", "p.json"];
    const more = [
      "--option",
      "lamC=0.2",
      "--option",
      "textWeight=3",
      "--text-weight",
      "4",
      "--copies",
      "keep",
    ];
    const { receipt } = JSON.parse(await printed(["rerank", ...args, ...more], { cwd: files }));
    expect(receipt.params).toMatchObject({ textWeight: 4, lamC: 0.2, k: 1, copies: "keep" });
    expect(
      (await rank("notes.jsonl", "-q", QUESTION, "--lexical", "--profile", "cosine")).receipt.profile,
    ).toBe("cosine");
  });

  test("prints a table in which no text can break a line or move the cursor", async () => {
    const stdin = jsonl([{ id: "a\n1", text: "one\u001B[2J\ntwo", score: 1 }]);
    const table = await printed(["rerank", "-q", "one"], { stdin });
    expect(table.split("\n")).toEqual([
      expect.stringMatching(/^rank +id +score +relevance +was +text$/),
      expect.stringMatching(/^ +1 +a 1 .*one \[2J two$/),
      "",
    ]);
  });

  test("ends with 1 if there is nothing to rank", async () => {
    const { code, stdout, stderr } = await oscillink(["rerank", "-q", "x", "--lexical", "--format", "jsonl"]);
    expect({ code, stdout, stderr }).toEqual({ code: 1, stdout: "", stderr: "nothing was found\n" });
  });
});

describe("input that is broken ends with 3, and is named", () => {
  const good = '{"id": "a", "text": "the bank", "score": 1}';
  test.each([
    ["a line that is no JSON", `${good}\n{"id" "b"}\n`, "stdin:2:7: is no JSON: colon expected"],
    ["a line that ends early", `${good}\n{"id": "b"`, "stdin:2:11: is no JSON: close brace expected"],
    ["a line that is no object", `${good}\n[1]\n`, "stdin:2:1: must be an object"],
    [
      "a field of the wrong kind",
      `${good}\n{"id": "b", "trust": "high", "score": 0}`,
      "stdin:2:22: trust: must be a number in [0, 1]",
    ],
    ["an id that comes twice", `${good}\n${good}`, 'stdin:2:8: id: "a" is also the id'],
    [
      "an element of an array",
      `[${good},\n  {"id": "b", "score": "x"}]`,
      "stdin:2:24: score: must be a finite number",
    ],
    ["an array that is no JSON", `[${good},\n  oops]`, "stdin:2:3: is no JSON: invalid symbol"],
    ["an element that is no object", `[${good}, 7]`, "stdin:1:47: must be an object"],
  ])("%s", async (_, stdin, message) => {
    const { code, stdout, stderr } = await oscillink(["rerank", "-q", "the bank"], { stdin });
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
    expect(stderr).toContain(`error: ${message}`);
  });

  test("skipped, each is named and all are counted", async () => {
    const stdin = [
      good,
      '{"id" "b"}',
      "[1]",
      '{"id": "b", "trust": 7, "score": 0}',
      '{"id": "c", "text": "bank", "score": 0}',
      "",
    ].join("\r\n");
    const args = ["rerank", "-q", "the bank", "--on-error", "skip", "--format", "jsonl"];
    const { code, stdout, stderr } = await oscillink(args, { stdin });
    expect(code).toBe(0);
    expect(lines(stdout).map(({ id }) => id)).toEqual(["a", "c"]);
    expect(stderr.match(/^skipped stdin:\d+:\d+/gm)).toEqual([
      "skipped stdin:2:7",
      "skipped stdin:3:1",
      "skipped stdin:4:22",
    ]);
    expect(stderr).toMatch(/^3 skipped$/m);
  });

  test.each([
    [
      "a file that is not there",
      ["rerank", "none.jsonl", "-q", "x", "--lexical"],
      "none.jsonl: there is no such file or folder",
    ],
    ["a folder", ["rerank", ".", "-q", "x", "--lexical"], ".: is a folder"],
    ["a file that is no text", ["rerank", "bytes", "-q", "x", "--lexical"], "bytes: is no text in UTF-8"],
    [
      "neither vectors nor scores",
      ["rerank", "notes.jsonl", "-q", "x"],
      "notes.jsonl: has neither vectors nor scores",
    ],
    [
      "vectors and no vector of the question",
      ["rerank", "vectors.jsonl", "-q", "x"],
      "vectors.jsonl: its vectors need that of the question",
    ],
    [
      "vectors beside counted words",
      ["rerank", "vectors.jsonl", "-q", "x", "--lexical"],
      "vectors.jsonl:1:23: embedding: is of a model",
    ],
    [
      "a profile that is no object",
      ["rerank", "notes.jsonl", "-q", "x", "--lexical", "--profile", "list"],
      "list: must hold an object of options",
    ],
    [
      "a profile that is no JSON",
      ["rerank", "notes.jsonl", "-q", "x", "--lexical", "--profile", "vectors.jsonl"],
      "vectors.jsonl:2:1: is no JSON",
    ],
    [
      "a place where nothing can be written",
      ["rerank", "notes.jsonl", "-q", "x", "--lexical", "--receipt", "no/r.json"],
      "no/r.json: there is no such file or folder",
    ],
  ])("%s", async (_, args, message) => {
    const files = folder({
      "notes.jsonl": jsonl(NOTES),
      "vectors.jsonl": jsonl([
        { id: "a", embedding: [1, 0] },
        { id: "b", embedding: [0, 1] },
      ]),
      list: "[]",
      bytes: new Uint8Array([0x61, 0xff]),
    });
    const { code, stdout, stderr } = await oscillink(args, { cwd: files });
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
    expect(stderr).toContain(`error: ${message}`);
  });
});

test("a server that does not answer ends it with 4, and is named", async () => {
  const args = ["rerank", "notes.jsonl", "-q", "x", "--embed", "http://127.0.0.1:9/v1", "--model", "m"];
  const { code, stdout, stderr } = await oscillink(args, { cwd });
  expect({ code, stdout }).toEqual({ code: 4, stdout: "" });
  expect(stderr).toMatch(/^error: .*http:\/\/127\.0\.0\.1:9\/v1/);
});
