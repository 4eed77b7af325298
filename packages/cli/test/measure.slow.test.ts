import { readFileSync } from "node:fs";
import { join } from "node:path";
import { rerank } from "@oscillink/core";
import { describe, expect, test } from "vitest";
import { f1, figure, mean, ndcg, trapRate } from "../src/measure/metrics.ts";
import { folder, jsonl, oscillink, printed } from "./run.ts";

/** Forty questions, each with two documents that the search puts last though they have its words, a distrusted trap, and others. */
const rows = Array.from({ length: 40 }, (_, q) => {
  const query = `Which knot holds rope ${q}?`;
  const row = (id: string, text: string, label: number, score: number, trap = 0) => ({
    query,
    id: `${q}-${id}`,
    text,
    label,
    trap,
    score,
    trust: trap ? 0.1 : 1,
  });
  return [
    row("trap", `No knot was ever tied, says page ${q}.`, 0, 1, 1),
    row("other", `A bollard stands on quay ${q}.`, 0, 0.9),
    row("tar", `Tar keeps water out of hull ${q}.`, 0, 0.85),
    row("sail", `A sail is cut from cloth ${q}.`, 0, 0.8),
    row("bowline", `The bowline is the knot that holds rope ${q}.`, 1, 0.6),
    row("hitch", `Rope ${q} holds by a clove hitch, a knot.`, 1, 0.5),
  ];
}).flat();
const csv = (some: readonly (typeof rows)[number][]) =>
  [
    "query,id,text,label,trap,score,trust",
    ...some.map(
      (row) => `"${row.query}",${row.id},"${row.text}",${row.label},${row.trap},${row.score},${row.trust}`,
    ),
  ].join("\n");

const cwd = folder({
  "notes/knots.md": "Knots hold ropes.\n",
  "knots.jsonl": jsonl(rows),
  "knots.csv": csv(rows),
  "few.jsonl": jsonl(rows.slice(0, 60)),
  "one.csv": "text,label\nThe bowline holds.,1\nTar keeps water out.,0\n",
  "beir/corpus.jsonl": jsonl(rows.map(({ id, text }) => ({ _id: id, title: "", text }))),
  "beir/queries.jsonl": jsonl(
    Array.from({ length: 40 }, (_, q) => ({ _id: `q${q}`, text: `Which knot holds rope ${q}?` })),
  ),
  "beir/qrels/test.tsv": [
    "query-id\tcorpus-id\tscore",
    ...rows.filter(({ label }) => label).map(({ id }) => `q${id.split("-")[0]}\t${id}\t1`),
  ].join("\n"),
});
const bench = async (...args: string[]) =>
  JSON.parse(await printed(["bench", ...args, "--format", "json"], { cwd }));
const timeless = ({ methods, ...others }: { methods: { milliseconds: unknown }[] }) => ({
  ...others,
  methods: methods.map(({ milliseconds: _, ...figures }) => figures),
});

describe("figures, by hand", () => {
  const grades = new Map([
    ["a", 2],
    ["b", 1],
  ]);
  test("F1, trap rate, nDCG", () => {
    // One of two found in three: precision 1/3, recall 1/2.
    expect(f1(["x", "a", "y"], grades, 3)).toBeCloseTo(0.4);
    expect(trapRate(["x", "a", "y", "z"], new Set(["x", "z"]), 3)).toBeCloseTo(1 / 3);
    expect(ndcg(["b", "a"], grades, 10)).toBeCloseTo((1 + 2 / Math.log2(3)) / (2 + 1 / Math.log2(3)));
  });

  test("an interval holds its mean, is the same for a seed, and is none for one question", () => {
    const values = [0, 1, 1, 0, 1, 0, 0, 1, 1, 1];
    const { value, interval } = figure(values, mean, 1);
    expect(value).toBe(0.6);
    expect(interval![0]).toBeLessThan(0.6);
    expect(interval![1]).toBeGreaterThan(0.6);
    expect(figure(values, mean, 1)).toEqual({ value, interval });
    expect(figure([1], mean, 1).interval).toBeNull();
  });
});

describe("bench", () => {
  test("finds in words what the scores of the search missed, and alone knows trust", async () => {
    const { methods, ...about } = await bench("knots.jsonl", "-k", "2");
    expect(about).toEqual({
      dataset: "knots.jsonl",
      questions: 40,
      embedding: "none, the scores that came",
      k: 2,
      seed: 1,
    });
    const of = Object.fromEntries(methods.map((row: { method: string }) => [row.method, row]));
    expect(Object.keys(of)).toEqual(["cosine", "MMR", "RRF", "default", "hybrid"]);
    expect(of.cosine).toMatchObject({ f1: { value: 0 }, trapRate: { value: 0.5 } });
    expect(of.default).toMatchObject({ f1: { value: 1, interval: [1, 1] }, trapRate: { value: 0 } });
    expect(of.default.milliseconds.value).toBeGreaterThan(0);
  });

  test("reads CSV as JSON lines, and gives the same again", async () => {
    const { dataset: _, ...others } = timeless(await bench("knots.jsonl")) as Record<string, unknown>;
    expect(timeless(await bench("knots.csv"))).toMatchObject(others);
    expect(timeless(await bench("knots.csv"))).toEqual(timeless(await bench("knots.csv")));
  });

  test("takes a BEIR folder, keeps its vectors, and compares options with the default", async () => {
    const args = ["beir", "--lexical", "--index", "beir.db", "--text-weight", "0"];
    const first = timeless(await bench(...args));
    expect(first).toMatchObject({ questions: 40, embedding: "lexical" });
    expect(first.methods.map((row) => (row as unknown as { method: string }).method).at(-1)).toBe("yours");
    expect(timeless(await bench(...args))).toEqual(first);
    await printed(["search", "notes", "knots", "--lexical", "--index", "beir.db"], { cwd });
    expect(timeless(await bench(...args))).toEqual(first);
  });

  test("prints a table, without columns that the dataset has nothing for", async () => {
    const { code, stdout, stderr } = await oscillink(["bench", "one.csv", "-q", "Which knot holds?"], {
      cwd,
    });
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).toMatch(
      /^1 question, vectors: lexical\nmethod +F1@5 +nDCG@10 +ms\ncosine +0\.667 +1\.000 +\d/,
    );
  });

  test.each([
    [
      "no question",
      ["one.csv"],
      "one.csv:2 (column query): query: must be there, as a field or as --query TEXT",
    ],
    [
      "a label that is none",
      ["label.csv", "-q", "x"],
      "label.csv:3 (column label): label: must be a number, or true or false",
    ],
    ["a row that is too short", ["short.csv", "-q", "x"], "short.csv:3: is no row"],
    ["no text", ["text.jsonl", "-q", "x"], "text.jsonl:1:1: text: must be there"],
    ["nothing that answers", ["none.csv", "-q", "x"], "none.csv: no question has a document that answers"],
    ["a folder that is no collection", ["sub"], "corpus.jsonl: there is no such file or folder"],
    ["nothing there", ["gone.csv"], "gone.csv: there is no such file or folder"],
  ])("ends with 3 and the place: %s", async (_, args, message) => {
    const files = folder({
      "one.csv": "text,label\na,1\n",
      "label.csv": "text,label\na,1\nb,perhaps\n",
      "short.csv": "id,text,label\n1,a,1\n2,b\n",
      "text.jsonl": '{"label": 1}\n',
      "none.csv": "text,label\na,0\n",
      "sub/readme.md": "",
    });
    const { code, stdout, stderr } = await oscillink(["bench", ...args], { cwd: files });
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
    expect(stderr).toContain(`${message}`);
  });

  test("skips broken rows where it is told to", async () => {
    const files = folder({ "some.csv": "text,label\nThe bowline,1\nb,perhaps\n" });
    const { code, stderr } = await oscillink(["bench", "some.csv", "-q", "bowline", "--on-error", "skip"], {
      cwd: files,
    });
    expect({ code, stderr }).toEqual({
      code: 0,
      stderr: "skipped some.csv:3 (column label): label: must be a number, or true or false\n1 skipped\n",
    });
  });
});

describe("tune", () => {
  test("writes a profile that the other commands and core read", async () => {
    const printedText = await printed(["tune", "knots.jsonl", "--out", "knots.profile.json"], { cwd });
    expect(printedText).toMatch(
      /^40 questions, vectors: none, the scores that came\nsetting +nDCG@10 +gain +95 %\nevidence /,
    );
    expect(printedText).toMatch(/a gain of \+0\.\d{3} \(\+/);
    const profile = JSON.parse(readFileSync(join(cwd, "knots.profile.json"), "utf8"));
    const { receipt } = rerank({ ...profile, queryText: rows[0]!.query, candidates: rows.slice(0, 6) });
    const args = ["rerank", "-q", rows[0]!.query, "--profile", "knots.profile.json", "--format", "json"];
    const asked = JSON.parse(await printed(args, { cwd, stdin: jsonl(rows.slice(0, 6)) }));
    expect(asked.receipt.digest).toBe(receipt.digest);
    expect(asked.receipt.params).toMatchObject(profile);
  });

  test("writes nothing where no gain is sure, and ends with 1", async () => {
    // What answers stands first already.
    const sorted = rows
      .map((row) => ({ ...row, score: row.label, trap: 0 }))
      .sort((a, b) => b.label - a.label);
    const files = folder({ "sorted.jsonl": jsonl(sorted) });
    const { code, stdout } = await oscillink(["tune", "sorted.jsonl", "--out", "p.json"], { cwd: files });
    expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringContaining("nothing was written") });
    expect(() => readFileSync(join(files, "p.json"))).toThrow("ENOENT");
  });

  test("says how many questions are missing, and ends with 3", async () => {
    const { code, stderr } = await oscillink(["tune", "few.jsonl"], { cwd });
    expect({ code, stderr }).toEqual({ code: 3, stderr: expect.stringContaining("label 20 more") });
  });
});
