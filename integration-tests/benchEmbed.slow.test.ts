import { appendFileSync, existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { LexicalEmbedder } from "@oscillink/lexical";
import { afterEach, describe, expect, test } from "vitest";
import { folder, output, run } from "./script.ts";
import { type OpenAIServer, type OpenAIServerOptions, openaiServer } from "./servers/openai.ts";

const EMBED = "benchmarks/embed/main.ts";
const QUALITY = "benchmarks/quality/main.ts";
const BATCH = 2;
/** Rows that are written at a time: four requests. */
const SLICE = 4 * BATCH;

const jsonl = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("");
const documents: { _id: string; title?: string; text: string }[] = [
  ...Array.from({ length: 20 }, (_, i) => ({
    _id: `d${i}`,
    title: i % 2 === 0 ? `Rope ${i}` : "",
    text: `Knot ${i} holds a line of ${"tarred ".repeat(i)}hemp.`,
  })),
  { _id: "empty", title: "", text: " " },
  { _id: "untitled", text: "A bollard stands on the quay." },
];
const queries = [
  { _id: "q0", text: "Which knot holds tarred hemp?" },
  { _id: "q1", text: "What stands on the quay?" },
];
const qrels = "query-id\tcorpus-id\tscore\nq0\td19\t1\nq1\tuntitled\t2\n";
const files = { "corpus.jsonl": jsonl(documents), "queries.jsonl": jsonl(queries), "qrels.tsv": qrels };
/** A new collection in a folder of its own; the path is its own. */
const collection = (made: Record<string, string> = files): string => {
  const named = Object.entries(made).map(([file, content]) => [`ropes/${file}`, content]);
  return join(folder(Object.fromEntries(named)), "ropes");
};

const words = documents.map(({ title = "", text }) => `${title} ${text}`.trim());
const floats = (path: string, file: string): Float32Array => {
  const bytes = readFileSync(join(path, file));
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length));
};
const rowsOf = (path: string, file: string, width: number): number[][] => {
  const values = Array.from(floats(path, file));
  return Array.from({ length: values.length / width }, (_, i) => values.slice(i * width, (i + 1) * width));
};
const closeTo = (rows: readonly number[][]) => rows.map((row) => row.map((v) => expect.closeTo(v, 6)));
const meta = (path: string) => JSON.parse(readFileSync(join(path, "meta.json"), "utf8"));
const parts = (path: string): string[] => readdirSync(path).filter((file) => file.endsWith(".part"));

const servers: OpenAIServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server[Symbol.asyncDispose]();
});
/** Vectors of 64 values that are not of length 1. */
const embedder = {
  async embedDocuments(texts: string[]): Promise<number[][]> {
    const vectors = await LexicalEmbedder.fit([], { dimensions: 64 }).embedDocuments(texts);
    return vectors.map((vector) => vector.map((value) => 3 * value));
  },
};
const start = async (options: OpenAIServerOptions = {}): Promise<OpenAIServer> => {
  const server = await openaiServer({ embedder, ...options });
  servers.push(server);
  return server;
};
const argsOf = (path: string, { url }: OpenAIServer): string[] => [
  path,
  "--url",
  url,
  "--model",
  "m",
  "--batch",
  String(BATCH),
];
const asked = (server: OpenAIServer): string[] => server.answered.flatMap(({ input }) => input);

describe("bench:embed", () => {
  test("writes unit rows in the order of the texts, zeros for a text that is empty", async () => {
    const [path, server] = [collection(), await start()];
    expect(await output(EMBED, argsOf(path, server))).toBe(
      `${path}: 22 documents and 2 queries, 64 dimensions, m\n`,
    );
    const lexical = LexicalEmbedder.fit([], { dimensions: 64 });
    const zeros = words.indexOf("");
    expect(zeros).toBe(20);
    const rows = rowsOf(path, "doc.f32", 64);
    expect(rows).toEqual(closeTo(await lexical.embedDocuments(words)));
    expect(rows.map((row) => Math.hypot(...row))).toEqual(
      words.map((_, i) => expect.closeTo(i === zeros ? 0 : 1, 6)),
    );
    expect(rowsOf(path, "query.f32", 64)).toEqual(
      closeTo(await lexical.embedDocuments(queries.map(({ text }) => text))),
    );
    expect(meta(path)).toEqual({
      docs: 22,
      queries: 2,
      dim: 64,
      dtype: "float32-le",
      normalized: true,
      model: "m",
      queryPrefix: "",
      documentPrefix: "",
    });
    expect(parts(path)).toEqual([]);
    expect(Math.max(...server.answered.map(({ input }) => input.length))).toBe(BATCH);
  });

  test("puts the prefixes before the texts, and asks the model for queries", async () => {
    const [path, server] = [collection(), await start()];
    const more = ["--query-prefix", "query: ", "--document-prefix", "passage: ", "--query-model", "other"];
    await output(EMBED, [...argsOf(path, server), ...more]);
    const of = (name: string) =>
      new Set(server.answered.filter(({ model }) => model === name).flatMap(({ input }) => input));
    expect(of("m")).toEqual(new Set(words.filter(Boolean).map((text) => `passage: ${text}`)));
    expect(of("other")).toEqual(new Set(queries.map(({ text }) => `query: ${text}`)));
    expect(meta(path)).toMatchObject({
      model: "m",
      queryModel: "other",
      queryPrefix: "query: ",
      documentPrefix: "passage: ",
    });
  });

  test("sends the key of the environment", async () => {
    const keys: (string | undefined)[] = [];
    const server = await start({ onRequest: ({ authorization }) => keys.push(authorization) });
    await output(EMBED, argsOf(collection(), server), { OPENAI_API_KEY: "secret" });
    expect(new Set(keys)).toEqual(new Set(["Bearer secret"]));
  });

  test("needs no server for --lexical, and bench:quality runs on what it made", async () => {
    const path = collection();
    await output(EMBED, [path, "--lexical"]);
    expect(meta(path)).toMatchObject({ dim: 2048, model: "@oscillink/lexical" });
    const lexical = LexicalEmbedder.fit(words);
    expect(rowsOf(path, "doc.f32", 2048)).toEqual(closeTo(await lexical.embedDocuments(words)));
    expect(await output(QUALITY, ["--data", dirname(path)])).toContain("ropes (2 queries)");
  });

  test("and bench:quality take BEIR's own layout", async () => {
    const { "qrels.tsv": table, ...others } = files;
    const [ours, beir] = [collection(), collection({ ...others, "qrels/test.tsv": table })];
    for (const path of [ours, beir]) await output(EMBED, [path, "--lexical"]);
    const printed = await output(QUALITY, ["--data", dirname(beir), "--json"]);
    expect(JSON.parse(printed.split("\n")[0]!)).toMatchObject({ collection: "ropes", queries: 2 });
    expect(printed).toBe(await output(QUALITY, ["--data", dirname(ours), "--json"]));
  });
});

describe("a run of bench:embed that fails", () => {
  /** Two slices of documents are written; the server refuses what comes then. */
  const interrupted = async () => {
    const path = collection();
    const fine = 1 + 2 * 4;
    const server = await start({ faults: [...Array(fine).fill(null), ...Array(8).fill({ status: 400 })] });
    const { code, stdout, stderr } = await run(EMBED, argsOf(path, server));
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toContain(`${server.url}: 400`);
    expect(stderr).toContain("the same command goes on from there");
    return path;
  };

  test("leaves no file under its name", async () => {
    const path = await interrupted();
    expect(readdirSync(path).sort()).toEqual([...Object.keys(files).sort(), ...parts(path)].sort());
    expect(parts(path)).toEqual([expect.stringMatching(/^doc\.f32\.[0-9a-f]{12}\.part$/)]);
    const { code, stderr } = await run(QUALITY, ["--data", dirname(path)]);
    expect(code).toBe(1);
    expect(stderr).toContain("no collections");
  });

  test.each([
    ["", 0],
    [", also if its last write was cut in a row", 7],
  ])("goes on where it was, and ends with the same bytes%s", async (_, more) => {
    const [path, whole] = [await interrupted(), collection()];
    const [server, other] = [await start(), await start()];
    appendFileSync(join(path, parts(path)[0]!), new Uint8Array(more));
    await output(EMBED, argsOf(path, server));
    await output(EMBED, argsOf(whole, other));
    for (const file of ["doc.f32", "query.f32", "meta.json"]) {
      expect(readFileSync(join(path, file)).equals(readFileSync(join(whole, file))), file).toBe(true);
    }
    // The first text again, to see that the model is the same one, and those that were left.
    const left = words.slice(2 * SLICE).filter(Boolean);
    const first = queries[0]!.text;
    expect(asked(server).sort()).toEqual(
      [words[0], ...left, first, ...queries.map(({ text }) => text)].sort(),
    );
  });

  test("is not continued by another model of that name", async () => {
    const path = await interrupted();
    const other = {
      embedDocuments: async (texts: string[]) =>
        texts.map((_, i) => Array.from({ length: 64 }, (_, c) => Math.sin(c + i))),
    };
    const { code, stderr } = await run(EMBED, argsOf(path, await start({ embedder: other })));
    expect(code).toBe(1);
    expect(stderr).toContain("its vectors are of another model");
    expect(existsSync(join(path, "doc.f32"))).toBe(false);
  });

  test("is not continued with another prefix or other texts", async () => {
    const path = await interrupted();
    const server = await start();
    await output(EMBED, [...argsOf(path, server), "--document-prefix", "passage: "]);
    expect(new Set(asked(server)).size).toBe(words.length - 1 + queries.length);
  });

  test("because the width changes, writes nothing under its name", async () => {
    const path = collection();
    const growing = {
      embedDocuments: async (texts: string[]) =>
        texts.map((text) => Array<number>(text.includes("quay") ? 5 : 4).fill(1)),
    };
    const { code, stderr } = await run(EMBED, argsOf(path, await start({ embedder: growing })));
    expect(code).toBe(1);
    expect(stderr).toMatch(/5 values/);
    expect(existsSync(join(path, "meta.json"))).toBe(false);
  });

  test("because queries and documents have different widths, writes nothing under its name", async () => {
    const path = collection();
    const differing = {
      embedDocuments: async (texts: string[]) =>
        texts.map((text) => Array<number>(text.endsWith("?") ? 5 : 4).fill(1)),
    };
    const { code, stderr } = await run(EMBED, argsOf(path, await start({ embedder: differing })));
    expect(code).toBe(1);
    expect(stderr).toContain("documents have 4 values and queries 5");
    expect(existsSync(join(path, "doc.f32"))).toBe(false);
  });

  test.each([
    ["no server and no --lexical", [], files, /--url and --model, or --lexical/],
    ["a server without a model", ["--url", "http://127.0.0.1:9/v1"], files, /--url and --model/],
    ["a server and --lexical", ["--lexical", "--url", "http://127.0.0.1:9/v1"], files, /cannot be used with/],
    ["a batch of none", ["--lexical", "--batch", "0"], files, /from 1 to 2048/],
    ["no judgements", ["--lexical"], { ...files, "qrels.tsv": undefined }, /there is no .*test\.tsv/],
    ["no queries", ["--lexical"], { ...files, "queries.jsonl": undefined }, /there is no .*queries\.jsonl/],
    ["nothing but blanks", ["--lexical"], { ...files, "queries.jsonl": '{"_id":"q0","text":""}' }, /no text/],
  ])("because of %s says so", async (_, args, made, message) => {
    const there = Object.entries(made).filter(([, content]) => content !== undefined);
    const path = collection(Object.fromEntries(there) as Record<string, string>);
    const { code, stdout, stderr } = await run(EMBED, [path, ...args]);
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    expect(stderr).toMatch(message);
  });

  test("because there are vectors keeps them", async () => {
    const path = collection();
    await output(EMBED, [path, "--lexical"]);
    const before = floats(path, "doc.f32");
    const { code, stderr } = await run(EMBED, argsOf(path, await start()));
    expect(code).toBe(1);
    expect(stderr).toContain("has vectors of @oscillink/lexical");
    expect(floats(path, "doc.f32")).toEqual(before);
  });
});

describe("bench:quality refuses", () => {
  test.each(["doc.f32", "query.f32"])("a %s that does not fit its texts", async (file) => {
    const path = collection();
    await output(EMBED, [path, "--lexical"]);
    const bytes = readFileSync(join(path, file));
    writeFileSync(join(path, `${file}.new`), bytes.subarray(4));
    renameSync(join(path, `${file}.new`), join(path, file));
    const { code, stderr } = await run(QUALITY, ["--data", dirname(path)]);
    expect(code).toBe(1);
    expect(stderr).toContain(`${file} has ${bytes.length - 4} bytes instead of ${bytes.length}`);
  });
});
