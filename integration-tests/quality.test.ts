import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type Options, rerank } from "@oscillink/core";
import { describe, expect, test } from "vitest";
import { folder, output, run } from "./script.ts";

const BENCH = "benchmarks/quality/main.ts";
const METHODS = ["cosine", "mmr", "settled", "default"] as const;
const METRICS = ["nDCG@5", "R@5", "all@5", "nDCG@10", "R@10", "all@10"] as const;
const DIMENSIONS = 12;
const DOCUMENTS = 90;

type Gold = Record<string, number>;
interface Line {
  readonly collection: string;
  readonly method: string;
  readonly queries: number;
  readonly difference: number;
  readonly interval: readonly [number, number];
  readonly [metric: string]: unknown;
}
interface Summary {
  readonly summary: string;
  readonly collections: number;
  readonly worst: number;
  readonly [metric: string]: unknown;
}

// ---- Two collections, made up here: 90 documents about 9 subjects, more than the 50 that are re-ranked.

/** Numbers in [0, 1) that are the same in every run (mulberry32). */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const random = seeded(20261120);
const noise = (): number[] => Array.from({ length: DIMENSIONS }, () => random() - 0.5);
const unit = (vector: readonly number[]): number[] => {
  const length = Math.hypot(...vector);
  return vector.map((value) => Math.fround(value / length));
};
const subjects = Array.from({ length: 9 }, noise);
const words = [
  "amber",
  "basalt",
  "cobalt",
  "dolomite",
  "emerald",
  "feldspar",
  "garnet",
  "hematite",
  "ilmenite",
];
const near = (subject: number): number[] => {
  const jitter = noise();
  return unit(subjects[subject]!.map((value, c) => value + 0.9 * jitter[c]!));
};

const documents = Array.from({ length: DOCUMENTS }, (_, i) => ({
  _id: `d${i}`,
  title: i % 3 === 0 ? words[i % 9]! : "",
  text: `Sample ${i} holds ${words[i % 9]} and ${words[Math.floor(random() * 9)]}.`,
}));
const vectors = documents.map((_, i) => near(i % 9));

interface Query {
  readonly id: string;
  readonly text: string;
  readonly vector: readonly number[];
  readonly gold: Gold;
  readonly excluded: readonly string[];
}

const ofSubject = (subject: number): string[] =>
  documents.filter((_, i) => i % 9 === subject).map(({ _id }) => _id);
const graded = (ids: readonly string[], grade: (i: number) => number): Gold =>
  Object.fromEntries(ids.map((id, i) => [id, grade(i)]));

const queries: readonly Query[] = [
  // Graded gold, one to four of a subject's ten documents.
  ...Array.from({ length: 14 }, (_, q) => {
    const subject = q % 9;
    const ids = ofSubject(subject).slice(q % 5, (q % 5) + 1 + (q % 4));
    return {
      id: `q${q}`,
      text: `Which sample holds ${words[subject]} and ${words[(q * 4) % 9]}?`,
      vector: near(subject),
      gold: graded(ids, (i) => 1 + ((q + i) % 3)),
      excluded: [],
    };
  }),
  // Asked with a document's own vector: the document itself is no candidate, and neither is one of its subject.
  {
    id: "self",
    text: "What is like sample 4?",
    vector: vectors[4]!,
    gold: graded(ofSubject(4).slice(2, 6), () => 1),
    excluded: ["d4", "d13"],
  },
  // More gold than fits into 5, then into 10.
  {
    id: "seven",
    text: "amber",
    vector: near(0),
    gold: graded(ofSubject(0).slice(0, 7), (i) => 1 + (i % 2)),
    excluded: [],
  },
  {
    id: "twelve",
    text: "basalt",
    vector: near(1),
    gold: graded([...ofSubject(1), "d2", "d3"], (i) => 3 - (i % 3)),
    excluded: [],
  },
  // Gold that no ranking can reach.
  { id: "lost", text: "garnet", vector: near(6), gold: { nowhere: 2, elsewhere: 1 }, excluded: [] },
  // Judged, but nothing relevant; not judged at all.
  { id: "nothing", text: "ilmenite", vector: near(8), gold: { d8: 0, d17: 0 }, excluded: [] },
  { id: "unjudged", text: "emerald", vector: near(4), gold: {}, excluded: [] },
];

const floats = (rows: readonly (readonly number[])[]): Uint8Array => {
  const bytes = new DataView(new ArrayBuffer(4 * rows.length * DIMENSIONS));
  rows.flat().forEach((value, i) => {
    bytes.setFloat32(4 * i, value, true);
  });
  return new Uint8Array(bytes.buffer);
};
const jsonl = (rows: readonly object[]): string => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

function collection(name: string, asked: readonly Query[]): Record<string, string | Uint8Array> {
  const rows = (header: string, lines: readonly string[]) => [header, ...lines, ""].join("\n");
  const excluded = asked.flatMap(({ id, excluded }) => excluded.map((document) => `${id}\t${document}`));
  const files: Record<string, string | Uint8Array> = {
    "corpus.jsonl": jsonl(documents),
    "queries.jsonl": jsonl(asked.map(({ id, text }) => ({ _id: id, text }))),
    "qrels.tsv": rows(
      "query-id\tcorpus-id\tscore",
      asked.flatMap(({ id, gold }) => Object.entries(gold).map(([doc, grade]) => `${id}\t${doc}\t${grade}`)),
    ),
    "doc.f32": floats(vectors),
    "query.f32": floats(asked.map(({ vector }) => vector)),
    "meta.json": JSON.stringify({ docs: DOCUMENTS, queries: asked.length, dim: DIMENSIONS }),
  };
  if (excluded.length > 0) files["exclude.tsv"] = rows("query-id\tcorpus-id", excluded);
  return Object.fromEntries(Object.entries(files).map(([file, content]) => [`${name}/${file}`, content]));
}

const isJudged = ({ gold }: Query) => Object.values(gold).some((grade) => grade > 0);
const collections: Record<string, readonly Query[]> = {
  minerals: queries,
  // Not one query whose gold fits into 5.
  rich: queries.filter(({ id }) => id === "seven" || id === "twelve"),
};

const data = folder({
  ...collection("minerals", collections.minerals!),
  ...collection("rich", collections.rich!),
  "vectorless/meta.json": JSON.stringify({ docs: 1, queries: 1, dim: 0 }),
});
const runs = folder();

const printed = await output(BENCH, ["--data", data, "--json", "--runs", runs]);
const parsed: (Line | Summary | { collection: string; skipped: string })[] = printed
  .trimEnd()
  .split("\n")
  .map((line) => JSON.parse(line));
const lines = parsed.filter((line): line is Line => "method" in line);
const summaries = parsed.filter((line): line is Summary => "summary" in line);

/** The rankings that the benchmark wrote: query -> ids. */
const ranking = (name: string, method: string): Map<string, string[]> =>
  new Map(
    readFileSync(join(runs, `${name}.${method}.jsonl`), "utf8")
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line))
      .map(({ query, ids }) => [query, ids]),
  );

// ---- The metrics again, from their definitions.

function naive(metric: string, ids: readonly string[], gold: Gold): number | null {
  const k = Number(metric.split("@")[1]);
  const relevant = Object.entries(gold).filter(([, grade]) => grade > 0);
  const hits = relevant.filter(([id]) => ids.indexOf(id) >= 0 && ids.indexOf(id) < k);
  if (metric.startsWith("all")) {
    if (relevant.length > k) return null;
    return hits.length === relevant.length ? 1 : 0;
  }
  if (metric.startsWith("R")) return hits.length / Math.min(relevant.length, k);
  let gain = 0;
  for (const [id, grade] of hits) gain += (grade * Math.LN2) / Math.log(ids.indexOf(id) + 2);
  const grades = relevant.map(([, grade]) => grade).sort((a, b) => b - a);
  let ideal = 0;
  for (let rank = 1; rank <= Math.min(k, grades.length); rank++) {
    ideal += (grades[rank - 1]! * Math.LN2) / Math.log(rank + 1);
  }
  return gain / ideal;
}

/** The mean over the queries for which the metric is defined; null if there is none. */
function naiveMean(name: string, method: string, metric: string): number | null {
  const rankings = ranking(name, method);
  const values = collections[name]!.filter(isJudged)
    .map(({ id, gold }) => naive(metric, rankings.get(id)!, gold))
    .filter((value) => value !== null);
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** The candidates of a query by falling cosine, as `rerank` takes them. */
const nearest = (query: string) => {
  const { vector, excluded } = queries.find(({ id }) => id === query)!;
  const cosine = (embedding: readonly number[]) =>
    vector.reduce((sum, value, c) => sum + value * embedding[c]!, 0);
  return documents
    .map(({ _id, title, text }, i) => ({
      id: _id,
      text: title === "" ? text : `${title} ${text}`,
      embedding: vectors[i]!,
    }))
    .filter(({ id }) => !excluded.includes(id))
    .sort((a, b) => cosine(b.embedding) - cosine(a.embedding));
};

const close = (value: number | null) => (value === null ? null : expect.closeTo(value, 12));
const each = (of: (metric: string) => unknown) => Object.fromEntries(METRICS.map((m) => [m, of(m)]));
const cases = Object.keys(collections).flatMap((name) => METHODS.map((method) => [name, method] as const));

describe("the quality benchmark", () => {
  test("prints a line for each collection and method, and one for each method over all", () => {
    expect(lines.map(({ collection, method }) => [collection, method])).toEqual(cases);
    expect(summaries.map(({ summary }) => summary)).toEqual(METHODS);
    expect(parsed).toHaveLength(cases.length + METHODS.length + 1);
  });

  test("says that it skips a collection without vectors", () => {
    expect(parsed).toContainEqual({ collection: "vectorless", skipped: "no vectors" });
    expect(readdirSync(runs).filter((file) => file.startsWith("vectorless"))).toEqual([]);
  });

  test("leaves out queries without anything relevant", () => {
    const judged = collections.minerals!.filter(isJudged).map(({ id }) => id);
    expect(judged).toHaveLength(queries.length - 2);
    for (const method of METHODS) {
      expect([...ranking("minerals", method).keys()]).toEqual(judged);
    }
    expect(lines.map((line) => line.queries)).toEqual([18, 18, 18, 18, 2, 2, 2, 2]);
  });

  test.each(cases)(
    "writes rankings of ten different documents of the collection (%s, %s)",
    (name, method) => {
      const known = new Set(documents.map(({ _id }) => _id));
      for (const [query, ids] of ranking(name, method)) {
        expect(ids).toHaveLength(10);
        expect(new Set(ids).size).toBe(10);
        expect(ids.every((id) => known.has(id))).toBe(true);
        const { excluded } = collections[name]!.find(({ id }) => id === query)!;
        expect(ids.filter((id) => excluded.includes(id))).toEqual([]);
      }
    },
  );

  test.each(cases)("prints what its rankings amount to (%s, %s)", (name, method) => {
    const line = lines.find((l) => l.collection === name && l.method === method)!;
    const expected = each((metric) => close(naiveMean(name, method, metric)));
    expect(each((metric) => line[metric])).toEqual(expected);
  });

  test("knows all@5 of no query whose gold does not fit, and says null where none is left", () => {
    for (const line of lines) {
      if (line.collection === "rich") {
        expect(line["all@5"]).toBeNull();
        expect(line["all@10"]).not.toBeNull();
      } else expect(line["all@5"]).not.toBeNull();
    }
    for (const summary of summaries) expect(summary["all@5"]).not.toBeNull();
  });

  test.each(cases)("prints the gain in nDCG@10 with an interval around it (%s, %s)", (name, method) => {
    const { difference, interval } = lines.find((l) => l.collection === name && l.method === method)!;
    const of = (which: string) => naiveMean(name, which, "nDCG@10")!;
    expect(difference).toBeCloseTo(of(method) - of("cosine"), 12);
    const [low, high] = interval;
    if (method === "cosine") expect([difference, low, high]).toEqual([0, 0, 0]);
    else {
      expect(low).toBeLessThanOrEqual(difference);
      expect(high).toBeGreaterThanOrEqual(difference);
      expect(high - low).toBeLessThan(1);
    }
  });

  test.each(METHODS)("sums up the gains over cosine in percent (%s)", (method) => {
    const gains = (metric: string) =>
      Object.keys(collections)
        .map((name) => [naiveMean(name, method, metric), naiveMean(name, "cosine", metric)] as const)
        .filter(([, baseline]) => baseline !== null && baseline > 0)
        .map(([value, baseline]) => 100 * (value! / baseline! - 1));
    const mean = (values: readonly number[]) =>
      values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
    const summary = summaries.find((line) => line.summary === method)!;
    expect(summary.collections).toBe(2);
    const expected = each((metric) => {
      const value = mean(gains(metric));
      return value === null ? null : expect.closeTo(value, 9);
    });
    expect(each((metric) => summary[metric])).toEqual(expected);
    expect(summary.worst).toBeCloseTo(Math.min(...gains("nDCG@10")), 9);
  });

  test("ranks by cosine as the vectors say, the excluded documents left out", () => {
    for (const [query, ids] of ranking("minerals", "cosine")) {
      expect(ids).toEqual(
        nearest(query)
          .slice(0, 10)
          .map(({ id }) => id),
      );
    }
    // Without exclude.tsv it would have been the first.
    expect(ranking("minerals", "cosine").get("self")).not.toContain("d4");
  });

  test.each([
    ["mmr", { profile: "cosine", diversity: 0.5 }, false],
    ["settled", {}, false],
    ["default", {}, true],
  ] as [string, Options, boolean][])("ranks the nearest 50 as rerank does (%s)", (method, options, words) => {
    for (const [query, ids] of ranking("minerals", method)) {
      const { text, vector } = queries.find(({ id }) => id === query)!;
      const candidates = nearest(query).slice(0, 50);
      const queryText = words ? { queryText: text } : {};
      const { bundle } = rerank({ ...options, ...queryText, query: vector, candidates, k: 10 });
      expect(ids).toEqual(bundle.map(({ id }) => id));
    }
  });

  test("compares four methods that differ", () => {
    const rankings = METHODS.map((method) => JSON.stringify([...ranking("minerals", method)]));
    expect(new Set(rankings).size).toBe(4);
  });

  test("prints and writes the same bytes twice", async () => {
    const again = join(folder(), "new", "folder");
    expect(await output(BENCH, ["--data", data, "--json", "--runs", again])).toBe(printed);
    expect(readdirSync(again)).toEqual(readdirSync(runs));
    expect(readdirSync(runs)).toHaveLength(cases.length);
    for (const file of readdirSync(runs)) {
      expect(readFileSync(join(again, file), "utf8")).toBe(readFileSync(join(runs, file), "utf8"));
    }
  });

  test("prints the same figures for people, and writes no files unless asked", async () => {
    const before = readdirSync(data);
    const plain = await output(BENCH, ["--data", data]);
    expect(plain).toContain("vectorless: skipped, it has no vectors");
    expect(plain).toContain("minerals (18 queries)");
    const rows = plain.split("\n");
    for (const line of lines) {
      const start = rows.findIndex((row) => row.startsWith(`${line.collection} (`));
      const row = rows.slice(start).find((r) => r.trim().startsWith(`${line.method} `))!;
      expect(row).toContain(`nDCG@10 ${(line["nDCG@10"] as number).toFixed(4)}`);
      if (line.method !== "cosine") expect(row).toContain(Math.abs(line.difference).toFixed(4));
    }
    for (const { summary, worst } of summaries) {
      expect(
        rows.some((row) => row.trim().startsWith(summary) && row.endsWith(`| ${worst.toFixed(1)}`)),
      ).toBe(true);
    }
    expect(readdirSync(data)).toEqual(before);
  });

  test("needs to be told where the collections are", async () => {
    const { code, stdout, stderr } = await run(BENCH, ["--json"]);
    expect(code).toBeGreaterThan(0);
    expect(stdout).toBe("");
    expect(stderr).toMatch(/required option '--data <folder>'/);
  });

  test("prints no summary of nothing", async () => {
    const empty = folder({ "only/meta.json": '{"dim": 0}' });
    expect(await output(BENCH, ["--data", empty, "--json"])).toBe(
      '{"collection":"only","skipped":"no vectors"}\n',
    );
    expect(existsSync(join(empty, "only.cosine.jsonl"))).toBe(false);
  });
});
