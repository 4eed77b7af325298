import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { type RerankRequest, rerank } from "@oscillink/core";
import { describe, expect, test } from "vitest";
import { folder, output, run } from "./script.ts";

const BENCH = "benchmarks/quality/main.ts";
const METHODS = [
  "cosine",
  "mmr",
  "msd",
  "dpp",
  "rrf",
  "weighted-sum",
  "settled-vectors",
  "vectors",
  "default",
] as const;
const metricsAt = (...cuts: number[]): string[] =>
  cuts.flatMap((k) => [`nDCG@${k}`, `R@${k}`, `all@${k}`, `nDCG@${k} without copies`]);
const METRICS = metricsAt(5, 10);
const DIMENSIONS = 12;
const DOCUMENTS = 90;

type Gold = Record<string, number>;
interface Line {
  readonly collection: string;
  readonly method: string;
  readonly queries: number;
  /** Null where the baseline finds nothing. */
  readonly gain: number | null;
  readonly difference: number;
  readonly interval: readonly [number, number];
  readonly [metric: string]: unknown;
}
interface Summary {
  readonly summary: string;
  readonly baseline: string;
  readonly collections: number;
  readonly worst: number;
  readonly [metric: string]: unknown;
}
interface Standing {
  readonly standing: string;
  readonly baseline: string;
  readonly against: string;
  readonly collections: number;
  readonly ahead: number;
  readonly behind: number;
  readonly surelyAhead: number;
  readonly surelyBehind: number;
}

// ---- Collections, made up here: 90 documents about 9 subjects, more than the 50 that are re-ranked.

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

/** The second document of each subject is written in the words of the first: a copy. */
const documents = Array.from({ length: DOCUMENTS }, (_, i) => ({
  _id: `d${i}`,
  title: i % 3 === 0 ? words[i % 9]! : "",
  text: i >= 9 && i < 18 ? "" : `Sample ${i} holds ${words[i % 9]} and ${words[Math.floor(random() * 9)]}.`,
}));
for (const [i, document] of documents.entries()) {
  if (document.text === "") document.text = `${documents[i - 9]!.text.toUpperCase()} --`;
}
/** The text that a document shares with its copy, if there is one; its id else, for one that is in no collection. */
const textOf = (id: string): string =>
  documents
    .find(({ _id }) => _id === id)
    ?.text.toLowerCase()
    .replace(" --", "") ?? id;
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

/** What a first stage of scores found for a query: 60 documents, more than the pool takes, in no order. */
const found: Record<string, { id: string; score: number; rank: number }[]> = Object.fromEntries(
  queries.map(({ id }) => {
    const order = shuffled(Array.from({ length: 60 }, (_, i) => i + 1));
    const drawn = shuffled(documents.map(({ _id }) => _id)).slice(0, 60);
    return [id, drawn.map((id, i) => ({ id, score: Math.round(1e6 * random()) / 1e6, rank: order[i]! }))];
  }),
);

function shuffled<T>(items: readonly T[]): T[] {
  return items
    .map((item) => ({ item, place: random() }))
    .sort((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

/** The same files with the scores of a first stage in place of the vectors. */
function scored(
  name: string,
  asked: readonly Query[],
  crossEncoder: boolean,
): Record<string, string | Uint8Array> {
  const files = collection(name, asked);
  delete files[`${name}/doc.f32`];
  delete files[`${name}/query.f32`];
  files[`${name}/meta.json`] = JSON.stringify({ docs: DOCUMENTS, queries: asked.length, dim: 0 });
  const table = (column: "score" | "rank") =>
    [`query-id\tcorpus-id\t${column}`]
      .concat(asked.flatMap((q) => found[q.id]!.map((hit) => `${q.id}\t${hit.id}\t${hit[column]}`)))
      .join("\n");
  files[`${name}/run.tsv`] = table("score");
  if (crossEncoder) files[`${name}/crossencoder.tsv`] = table("rank");
  return files;
}

const isJudged = ({ gold }: Query) => Object.values(gold).some((grade) => grade > 0);
const collections: Record<string, readonly Query[]> = {
  minerals: queries,
  // Not one query whose gold fits into 5.
  rich: queries.filter(({ id }) => id === "seven" || id === "twelve"),
};

const scoredCollections: Record<string, readonly Query[]> = {
  scored: queries,
  // Without a cross-encoder.
  unaided: queries.slice(0, 6),
};

const data = folder({
  ...collection("minerals", collections.minerals!),
  ...collection("rich", collections.rich!),
  ...scored("scored", scoredCollections.scored!, true),
  ...scored("unaided", scoredCollections.unaided!, false),
  "vectorless/meta.json": JSON.stringify({ docs: 1, queries: 1, dim: 0 }),
  // Neither is a collection.
  "README.md": "# Collections\n",
  "notes/todo.md": "None.\n",
});
const runs = folder();
const shallow = folder();

const parse = (text: string): Record<string, unknown>[] =>
  text
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
const bench = (...args: string[]) => output(BENCH, ["--data", data, "--json", ...args]);
const [printed, printedShallow, printedRobust, printedLoo] = await Promise.all([
  bench("--runs", runs),
  bench("--pool", "20", "--k", "10,3", "--runs", shallow),
  bench("--robust"),
  bench("--loo"),
]);
const parsed = parse(printed);
const lines = parsed.filter((line): line is Line => "method" in line);
const summaries = parsed.filter((line): line is Summary => "summary" in line);
const standings = parsed.filter((line): line is Record<string, unknown> & Standing => "standing" in line);
const rivals = parsed.filter(
  (line): line is Record<string, unknown> & Line => "against" in line && "collection" in line,
);

/** The rankings that the benchmark wrote: query -> ids. */
const ranking = (name: string, method: string, written = runs): Map<string, string[]> =>
  new Map(
    parse(readFileSync(join(written, `${name}.${method}.jsonl`), "utf8")).map(({ query, ids }) => [
      query as string,
      ids as string[],
    ]),
  );

// ---- The metrics again, from their definitions.

function naive(metric: string, ids: readonly string[], gold: Gold): number | null {
  const k = Number.parseInt(metric.split("@")[1]!, 10);
  const relevant = Object.entries(gold).filter(([, grade]) => grade > 0);
  if (metric.endsWith("without copies")) {
    // What a copy of a better document gains is nothing; one text counts once, with its best grade.
    const once = ids.map((id, i) =>
      ids.slice(0, i).some((other) => textOf(other) === textOf(id)) ? "" : id,
    );
    const best = relevant.filter(
      ([id, grade], i) =>
        !relevant.some(
          ([other, more], j) => textOf(other) === textOf(id) && (more > grade || (more === grade && j < i)),
        ),
    );
    const gains = once.slice(0, k).map((id) => gold[id] ?? 0);
    const sum = (grades: readonly number[]) =>
      grades.reduce((all, grade, i) => all + (grade * Math.LN2) / Math.log(i + 2), 0);
    return (
      sum(gains) /
      sum(
        best
          .map(([, grade]) => grade)
          .sort((a, b) => b - a)
          .slice(0, k),
      )
    );
  }
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
function naiveMean(name: string, method: string, metric: string, written = runs): number | null {
  const rankings = ranking(name, method, written);
  return average(
    (collections[name] ?? scoredCollections[name]!)
      .filter(isJudged)
      .map(({ id, gold }) => naive(metric, rankings.get(id)!, gold))
      .filter((value) => value !== null),
  );
}

function average(values: readonly number[]): number | null {
  return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** By how many percent a method is above another, on each collection where both are known. */
const naiveGains = (names: readonly string[], method: string, baseline: string, metric: string): number[] =>
  names
    .map((name) => [naiveMean(name, method, metric), naiveMean(name, baseline, metric)] as const)
    .filter(([, value]) => value !== null && value > 0)
    .map(([value, from]) => 100 * (value! / from! - 1));

type Words = "none" | "apart";
/** Title and text as a method sees them. */
const wordsOf = ({ title, text }: { title: string; text: string }, words: Words) =>
  words === "none" ? {} : { title, text };

/** The candidates of a query by falling cosine, as `rerank` takes them. */
const nearest = (query: string, words: Words = "none", seen = (row: readonly number[]) => row) => {
  const { vector, excluded } = queries.find(({ id }) => id === query)!;
  const dot = (a: readonly number[], b: readonly number[]) =>
    a.reduce((sum, value, c) => sum + value * b[c]!, 0);
  const cosine = (row: readonly number[]) =>
    dot(seen(row), seen(vector)) / Math.sqrt(dot(seen(row), seen(row)));
  return documents
    .map((document, i) => ({ id: document._id, ...wordsOf(document, words), embedding: vectors[i]! }))
    .filter(({ id }) => !excluded.includes(id))
    .sort((a, b) => cosine(b.embedding) - cosine(a.embedding));
};

/** What a first stage of scores found, best first. */
const scoredPool = (query: string) =>
  found[query]!.filter(({ id }) => !queries.find((q) => q.id === query)!.excluded.includes(id))
    .sort((a, b) => b.score - a.score)
    .slice(0, 50);

/** What core makes of a request, copies left where they are unless the request says otherwise. */
const rerankedIds = (request: object): string[] =>
  rerank({ copies: "keep", ...request } as RerankRequest).bundle.map(({ id }) => id);

const close = (value: number | null) => (value === null ? null : expect.closeTo(value, 12));
const each = (of: (metric: string) => unknown) => Object.fromEntries(METRICS.map((m) => [m, of(m)]));
const methodsOf = (name: string): readonly string[] => {
  if (name in collections) return METHODS;
  const methods = ["first-stage", "rrf", "weighted-sum", "default"];
  return name === "scored" ? [...methods, "cross-encoder"] : methods;
};
const cases = ["minerals", "rich", "scored", "unaided"].flatMap((name) =>
  methodsOf(name).map((method) => [name, method] as const),
);
const summarized = [
  ...METHODS.map((method) => [method, "cosine", ["minerals", "rich"]] as const),
  ["first-stage", "first-stage", ["scored", "unaided"]] as const,
  ["rrf", "first-stage", ["scored", "unaided"]] as const,
  ["weighted-sum", "first-stage", ["scored", "unaided"]] as const,
  ["default", "first-stage", ["scored", "unaided"]] as const,
  ["cross-encoder", "first-stage", ["scored"]] as const,
];

describe("the quality benchmark", () => {
  test("prints a line for each collection and method, and one for each method over all", () => {
    expect(lines.map(({ collection, method }) => [collection, method])).toEqual(cases);
    expect(summaries.map(({ summary, baseline }) => [summary, baseline])).toEqual(
      summarized.map(([method, baseline]) => [method, baseline]),
    );
    const names = ["minerals", "rich", "scored", "unaided"];
    expect(rivals.map(({ collection, against }) => [collection, against])).toEqual(
      names.map((name) => [name, "weighted-sum"]),
    );
    expect(standings.map(({ standing, baseline, against }) => [standing, baseline, against])).toEqual(
      ["cosine", "first-stage"].flatMap((baseline) =>
        [baseline, "weighted-sum"].map((against) => ["default", baseline, against]),
      ),
    );
    expect(parsed).toHaveLength(cases.length + summarized.length + rivals.length + standings.length + 1);
  });

  test("says that it skips a collection without vectors and scores", () => {
    expect(parsed).toContainEqual({ collection: "vectorless", skipped: "no vectors and no run.tsv" });
    expect(readdirSync(runs).filter((file) => file.startsWith("vectorless"))).toEqual([]);
  });

  test("leaves out queries without anything relevant", () => {
    const judged = collections.minerals!.filter(isJudged).map(({ id }) => id);
    expect(judged).toHaveLength(queries.length - 2);
    for (const method of METHODS) {
      expect([...ranking("minerals", method).keys()]).toEqual(judged);
    }
    const asked: Record<string, number> = { minerals: 18, rich: 2, scored: 18, unaided: 6 };
    expect(lines.map((line) => line.queries)).toEqual(lines.map((line) => asked[line.collection]));
  });

  test.each(cases)(
    "writes rankings of ten different documents of the collection (%s, %s)",
    (name, method) => {
      const known = new Set(documents.map(({ _id }) => _id));
      for (const [query, ids] of ranking(name, method)) {
        expect(ids).toHaveLength(10);
        expect(new Set(ids).size).toBe(10);
        expect(ids.every((id) => known.has(id))).toBe(true);
        const { excluded } = queries.find(({ id }) => id === query)!;
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
    for (const { baseline, ...summary } of summaries) {
      if (baseline === "cosine") expect(summary["all@5"]).not.toBeNull();
    }
  });

  test.each(cases)("prints the gain in nDCG@10 with an interval around it (%s, %s)", (name, method) => {
    const row = lines.find((l) => l.collection === name && l.method === method)!;
    const { difference, interval, gain } = row;
    const of = (which: string) => naiveMean(name, which, "nDCG@10")!;
    const baseline = methodsOf(name)[0]!;
    expect(difference).toBeCloseTo(of(method) - of(baseline), 12);
    const percent = 100 * (of(method) / of(baseline) - 1);
    expect(gain).toEqual(Number.isFinite(percent) ? expect.closeTo(percent, 9) : null);
    const [low, high] = interval;
    if (method === baseline) expect([difference, low, high]).toEqual([0, 0, 0]);
    else {
      expect(low).toBeLessThanOrEqual(difference);
      expect(high).toBeGreaterThanOrEqual(difference);
      expect(high - low).toBeLessThan(1);
    }
  });

  test("prints how far the default is from the weighted sum, with an interval around it", () => {
    for (const { collection, difference, interval } of rivals) {
      const of = (method: string) => naiveMean(collection, method, "nDCG@10")!;
      expect(difference).toBeCloseTo(of("default") - of("weighted-sum"), 12);
      expect(interval[0]).toBeLessThanOrEqual(difference);
      expect(interval[1]).toBeGreaterThanOrEqual(difference);
    }
  });

  test("counts the collections on which the default is ahead, and behind", () => {
    for (const { baseline, against, collections, ...counts } of standings) {
      const names = baseline === "cosine" ? ["minerals", "rich"] : ["scored", "unaided"];
      const rows = names.map((name) =>
        against === "weighted-sum"
          ? rivals.find(({ collection }) => collection === name)!
          : lines.find(({ collection, method }) => collection === name && method === "default")!,
      );
      const count = (holds: (row: Line) => boolean) => rows.filter(holds).length;
      expect(collections).toBe(names.length);
      expect(counts).toMatchObject({
        ahead: count(({ difference }) => difference > 0),
        behind: count(({ difference }) => difference < 0),
        surelyAhead: count(({ interval }) => interval[0] > 0),
        surelyBehind: count(({ interval }) => interval[1] < 0),
      });
    }
  });

  test("tells copies apart: some rankings hold two of one text", () => {
    const differ = lines.filter((line) => line["nDCG@10"] !== line["nDCG@10 without copies"]);
    expect(differ.length).toBeGreaterThan(0);
  });

  test.each(summarized)("sums up the gains in percent (%s over %s)", (method, baseline, names) => {
    const gains = (metric: string) => naiveGains(names, method, baseline, metric);
    const summary = summaries.find((line) => line.summary === method && line.baseline === baseline)!;
    expect(summary.collections).toBe(names.length);
    const expected = each((metric) => {
      const value = average(gains(metric));
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
    ["mmr", { profile: "cosine", diversity: 0.5 }, "none"],
    ["msd", { profile: "cosine", diversity: 0.5, diversityMethod: "msd" }, "none"],
    ["dpp", { profile: "cosine", diversity: 0.5, diversityMethod: "dpp" }, "none"],
    ["vectors", {}, "none"],
    ["default", {}, "apart"],
  ] as [string, object, Words][])("ranks the nearest 50 as rerank does (%s)", (method, settings, words) => {
    for (const [query, ids] of ranking("minerals", method)) {
      const { text, vector } = queries.find(({ id }) => id === query)!;
      const candidates = nearest(query, words).slice(0, 50);
      const queryText = words === "none" ? {} : { queryText: text };
      expect(ids).toEqual(rerankedIds({ ...settings, ...queryText, query: vector, candidates, k: 10 }));
    }
  });

  test("compares methods that differ", () => {
    const of = (method: string) => JSON.stringify([...ranking("minerals", method)]);
    expect(new Set(METHODS.map(of)).size).toBe(METHODS.length);
  });

  test("ranks what a first stage found by its scores, and by the cross-encoder's ranks", () => {
    for (const [query, ids] of ranking("scored", "first-stage")) {
      const pool = scoredPool(query);
      expect(ids).toEqual(pool.slice(0, 10).map(({ id }) => id));
      const judged = pool.toSorted((a, b) => a.rank - b.rank).slice(0, 10);
      expect(ranking("scored", "cross-encoder").get(query)).toEqual(judged.map(({ id }) => id));
    }
  });

  test.each(["scored", "unaided"])("ranks scores and words as rerank does (%s)", (name) => {
    for (const [query, ids] of ranking(name, "default")) {
      const candidates = scoredPool(query).map(({ id, score }) => {
        const words = wordsOf(documents.find((document) => document._id === id)!, "apart");
        return { id, ...words, score };
      });
      const queryText = queries.find(({ id }) => id === query)!.text;
      expect(ids).toEqual(rerankedIds({ queryText, candidates, k: 10 }));
    }
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
    expect(plain).toContain("vectorless: skipped, it has no vectors and no run.tsv");
    expect(plain).toContain("minerals (18 queries)");
    const rows = plain.split("\n");
    for (const line of lines) {
      const start = rows.findIndex((row) => row.startsWith(`${line.collection} (`));
      const row = rows.slice(start).find((r) => r.startsWith(`  ${line.method} `))!;
      const figures = METRICS.map((metric) => (line[metric] as number | null)?.toFixed(4) ?? "-");
      const shown = row.trim().split(/\s+/);
      expect(shown.slice(1, 1 + METRICS.length)).toEqual(figures);
      if (line.method === methodsOf(line.collection)[0]) expect(shown).toHaveLength(1 + METRICS.length);
      else
        expect(shown[1 + METRICS.length]).toBe((line.difference < 0 ? "" : "+") + line.difference.toFixed(4));
    }
    for (const { collection, difference } of rivals) {
      const start = rows.findIndex((row) => row.startsWith(`${collection} (`));
      const row = rows.slice(start).find((r) => r.startsWith("  default against weighted-sum: "))!;
      expect(row.split(" ")[5]).toBe((difference < 0 ? "" : "+") + difference.toFixed(4));
    }
    for (const baseline of ["cosine", "first-stage"]) {
      const start = rows.findIndex((row) => row.startsWith(`nDCG@10, % over ${baseline}`));
      const methods = rows[start]!.slice(30).trim().split(/\s+/);
      const own = summarized.filter(([method, from]) => from === baseline && method !== baseline);
      expect(methods).toEqual(own.map(([method]) => method));
      const shown = (name: string) =>
        rows
          .slice(start)
          .find((row) => row.startsWith(`  ${name} `))!
          .slice(30)
          .trim()
          .split(/\s+/);
      for (const name of baseline === "cosine" ? ["minerals", "rich"] : ["scored", "unaided"]) {
        const gains = methods.map((method) =>
          lines.find((l) => l.collection === name && l.method === method),
        );
        expect(shown(name)).toEqual(gains.map((line) => line?.gain?.toFixed(1) ?? "-"));
      }
      const of = (method: string) => summaries.find((l) => l.summary === method && l.baseline === baseline)!;
      expect(shown("mean")).toEqual(methods.map((method) => (of(method)["nDCG@10"] as number).toFixed(1)));
      expect(shown("worst")).toEqual(methods.map((method) => of(method).worst.toFixed(1)));
    }
    const counted = rows.flatMap((row, i) =>
      row.startsWith("nDCG@10, default against") ? [i + 1, i + 2] : [],
    );
    expect(counted.map((i) => rows[i]!.trim().split(/\s+/))).toEqual(
      standings.map(({ against, ahead, surelyAhead, behind, surelyBehind }) =>
        [against, ahead, surelyAhead, behind, surelyBehind].map(String),
      ),
    );
    for (const { summary, baseline, worst, ...rest } of summaries) {
      const start = rows.findIndex((row) => row.startsWith(`% over ${baseline}, mean of`));
      const row = rows.slice(start).find((r) => r.trim().startsWith(`${summary} `))!;
      const figures = METRICS.map((metric) => (rest[metric] as number | null)?.toFixed(1) ?? "-");
      expect(row.trim().split(/\s+/)).toEqual([summary, ...figures, worst.toFixed(1)]);
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
      '{"collection":"only","skipped":"no vectors and no run.tsv"}\n',
    );
    expect(existsSync(join(empty, "only.cosine.jsonl"))).toBe(false);
  });

  test("skips a collection that judges nothing", async () => {
    const unjudged = folder(collection("idle", [queries.at(-1)!]));
    expect(await output(BENCH, ["--data", unjudged, "--json"])).toBe(
      '{"collection":"idle","skipped":"no query with gold"}\n',
    );
  });

  test.each([
    ["an unknown cut", ["--k", "5,7"], /--k.*a list of 3, 5 and 10/],
    ["a pool of one", ["--pool", "1"], /--pool.*an integer from 2/],
    ["a part of a document", ["--pool", "20.5"], /--pool.*an integer from 2/],
    ["an unknown list", ["--lists", "bm25"], /--lists.*Allowed choices are cosine, union/],
    ["another place for copies", ["--copies", "first"], /--copies.*Allowed choices are keep, last/],
    ["neither on nor off", ["--links", "maybe"], /--links.*Allowed choices are on, off/],
    ["half an expansion", ["--expand", "3"], /--expand.*two integers from 1, as in 3x10/],
    ["an expansion by nothing", ["--expand", "3x0"], /--expand.*two integers from 1, as in 3x10/],
    ["an expansion of a study", ["--expand", "3x4", "--loo"], /'--expand.*cannot be used with.*'--loo'/],
    ["files of a study", ["--robust", "--runs", "x"], /'--runs <folder>' cannot be used with.*'--robust'/],
    ["a folder without collections", ["--data", folder({ "README.md": "" })], /no collections in/],
    ["a folder that is not there", ["--data", "/nowhere/at/all"], /no collections in \/nowhere\/at\/all/],
    ["one collection for --loo", ["--loo", "--data", folder(collection("one", queries))], /needs two/],
    [
      "a run of unknown documents",
      ["--data", folder({ ...scored("odd", queries.slice(0, 1), false), "odd/corpus.jsonl": "" })],
      /odd\/run.tsv names d\d+, which corpus.jsonl lacks/,
    ],
  ])("refuses %s", async (_, args, message) => {
    const { code, stderr } = await run(BENCH, ["--data", data, ...args]);
    expect(code).toBeGreaterThan(0);
    expect(stderr).toMatch(message);
  });
});

describe("--pool and --k", () => {
  const parsed = parse(printedShallow);

  test("cut the metrics at the numbers of the list, in order", () => {
    const METRICS_OF_BOTH = metricsAt(3, 10);
    for (const line of parsed) {
      if ("method" in line || "summary" in line) {
        expect(Object.keys(line).filter((key) => key.includes("@"))).toEqual(METRICS_OF_BOTH);
      }
    }
    const lines = parsed.filter((line): line is Line => "method" in line);
    expect(lines.map(({ collection, method }) => [collection, method])).toEqual(cases);
    for (const line of lines) {
      for (const metric of METRICS_OF_BOTH) {
        const expected = close(naiveMean(line.collection, line.method, metric, shallow));
        expect(line[metric]).toEqual(expected);
      }
    }
  });

  test("re-rank as many documents as the pool holds", () => {
    for (const [query, ids] of ranking("minerals", "default", shallow)) {
      const { text, vector } = queries.find(({ id }) => id === query)!;
      const candidates = nearest(query, "apart").slice(0, 20);
      expect(ids).toEqual(rerankedIds({ queryText: text, query: vector, candidates, k: 10 }));
    }
    for (const [query, ids] of ranking("scored", "cross-encoder", shallow)) {
      const pool = scoredPool(query).slice(0, 20);
      const judged = pool.sort((a, b) => a.rank - b.rank).slice(0, 10);
      expect(ids).toEqual(judged.map(({ id }) => id));
    }
  });

  test("leave the first ranks of the first stage as they are", () => {
    for (const [name, method] of [
      ["minerals", "cosine"],
      ["scored", "first-stage"],
    ] as const) {
      expect([...ranking(name, method, shallow)]).toEqual([...ranking(name, method)]);
    }
  });
});

describe("--copies, --expand and --lists", () => {
  const written = folder();
  const asked = (query: string) => {
    const { text, vector, excluded } = queries.find(({ id }) => id === query)!;
    return { queryText: text, query: vector, excluded };
  };

  test("hand copies to core", async () => {
    await bench("--copies", "last", "--runs", written);
    for (const [query, ids] of ranking("minerals", "default", written)) {
      const { excluded: _, ...request } = asked(query);
      const candidates = nearest(query, "apart").slice(0, 50);
      expect(ids).toEqual(rerankedIds({ ...request, copies: "last", candidates, k: 10 }));
    }
    const [kept, last] = [runs, written].map((at) => JSON.stringify([...ranking("minerals", "default", at)]));
    expect(kept).not.toBe(last);
    // The first stage is what it is.
    expect([...ranking("minerals", "cosine", written)]).toEqual([...ranking("minerals", "cosine")]);
  });

  test("add the neighbours of the best, and rank again", async () => {
    const grown = folder();
    const added = parse(await bench("--pool", "10", "--expand", "3x6", "--runs", grown));
    const methods = added.filter((line) => line.collection === "minerals" && "method" in line);
    expect(methods.map(({ method }) => method)).toEqual([...METHODS, "expanded"]);
    let more = 0;
    for (const [query, ids] of ranking("minerals", "expanded", grown)) {
      const pool = nearest(query, "apart").slice(0, 10);
      const known = new Set(pool.map(({ id }) => id));
      const { excluded, ...request } = asked(query);
      expect(ids.filter((id) => excluded.includes(id))).toEqual([]);
      const best = rerankedIds({ ...request, candidates: pool, k: 3 });
      const near = best.flatMap((id) => {
        const own = vectors[documents.findIndex(({ _id }) => _id === id)]!;
        const others = documents.map(({ _id }) => _id).filter((other) => other !== id);
        const cosine = (other: string) => {
          const row = vectors[documents.findIndex(({ _id }) => _id === other)]!;
          return own.reduce((sum, value, c) => sum + value * row[c]!, 0);
        };
        return others.sort((a, b) => cosine(b) - cosine(a)).slice(0, 6);
      });
      const all = nearest(query, "apart").filter(({ id }) => known.has(id) || near.includes(id));
      expect(ids).toEqual(rerankedIds({ ...request, candidates: all, k: 10 }));
      more += ids.filter((id) => !known.has(id)).length;
    }
    expect(more).toBeGreaterThan(0);
  });

  test.skipIf(!takesLists())("ask core for the union (needs a core that takes lists)", async () => {
    const united = folder();
    const printed = parse(await bench("--pool", "12", "--lists", "union", "--runs", united));
    for (const name of ["minerals", "rich", "scored", "unaided"]) {
      expect(printed.filter((line) => line.collection === name && "method" in line)).toHaveLength(
        methodsOf(name).length,
      );
      const first = methodsOf(name)[0]!;
      const own = [...ranking(name, first, united)].map(([query, ids]) => [query, ids.slice(0, 10)]);
      expect(own).toEqual([...ranking(name, first)]);
    }
    // Some of what is ranked was found by its words alone.
    const found = [...ranking("minerals", "default", united)].flatMap(([query, ids]) => {
      const list = nearest(query)
        .slice(0, 12)
        .map(({ id }) => id);
      return ids.filter((id) => !list.includes(id));
    });
    expect(found.length).toBeGreaterThan(0);
  });
});

/** Whether this core unites result lists. */
function takesLists(): boolean {
  const items = [{ id: "a", text: "amber", embedding: [1, 0] }];
  try {
    return (
      rerank({ query: [1, 0], lists: [{ name: "vector", items }] } as object as RerankRequest).bundle
        .length === 1
    );
  } catch {
    return false;
  }
}

const NAMES = ["minerals", "rich"];

describe("--robust", () => {
  interface Row {
    readonly robust: string;
    readonly collections: number;
    readonly baseline: number;
    readonly default: number;
    readonly gain: number;
    readonly worst: number;
    readonly ratio: number;
  }
  const rows = parse(printedRobust).filter((line): line is Record<string, unknown> & Row => "robust" in line);
  const row = (name: string) => rows.find(({ robust }) => robust === name)!;

  test("prints one line for each perturbation, and what it skips", () => {
    expect(rows.map(({ robust }) => robust)).toEqual([
      "plain",
      "10 % random documents",
      "rotated",
      "times 1000",
      "times 0.001",
      "common offset",
      "half the dimensions",
      "int8",
    ]);
    for (const { collections, ...figures } of rows) {
      expect(collections).toBe(2);
      expect(Object.values(figures).slice(1).every(Number.isFinite)).toBe(true);
      expect(figures.worst).toBeLessThanOrEqual(figures.gain);
      expect(figures.ratio).toBeCloseTo(figures.gain / row("plain").gain, 12);
    }
    expect(parse(printedRobust).filter((line) => "skipped" in line)).toEqual([
      { collection: "scored", skipped: "no vectors" },
      { collection: "unaided", skipped: "no vectors" },
      { collection: "vectorless", skipped: "no vectors and no run.tsv" },
    ]);
  });

  test("without a perturbation, is the comparison", () => {
    const gains = naiveGains(NAMES, "default", "cosine", "nDCG@10");
    const of = (method: string) => average(NAMES.map((name) => naiveMean(name, method, "nDCG@10")!))!;
    expect(row("plain").gain).toBeCloseTo(average(gains)!, 9);
    expect(row("plain").worst).toBeCloseTo(Math.min(...gains), 9);
    expect(row("plain").baseline).toBeCloseTo(of("cosine"), 12);
    expect(row("plain").default).toBeCloseTo(of("default"), 12);
    expect(row("plain").ratio).toBe(1);
  });

  test.each(["rotated", "times 1000", "times 0.001"])("changes nothing that cosines tell (%s)", (name) => {
    expect(row(name).baseline).toBeCloseTo(row("plain").baseline, 12);
    expect(row(name).gain).toBeCloseTo(row("plain").gain, 6);
  });

  test.each([
    ["half the dimensions", (v: readonly number[]) => v.slice(0, DIMENSIONS / 2)],
    [
      "int8",
      (v: readonly number[]) => {
        const largest = Math.max(...v.map(Math.abs));
        return v.map((value) => Math.round((value / largest) * 127));
      },
    ],
  ] as [string, (v: readonly number[]) => readonly number[]][])(
    "compares with the cosine of the perturbed vectors, on the pool of the plain ones (%s)",
    (name, seen) => {
      const values = NAMES.map((collection) =>
        average(
          collections[collection]!.filter(isJudged).map(({ id, gold }) => {
            const pool = new Set(
              nearest(id)
                .slice(0, 50)
                .map((candidate) => candidate.id),
            );
            const ids = nearest(id, "none", seen).map((candidate) => candidate.id);
            const inPool = ids.filter((candidate) => pool.has(candidate));
            return naive("nDCG@10", inPool, gold)!;
          }),
        ),
      );
      expect(row(name).baseline).toBeCloseTo(average(values.map((value) => value!))!, 9);
    },
  );

  test("prints a table for people, and the same twice", async () => {
    const plain = await output(BENCH, ["--data", data, "--robust"]);
    for (const { robust, baseline, default: standard, gain, worst, ratio } of rows) {
      const means = [baseline.toFixed(4), standard.toFixed(4)];
      const figures = [...means, gain.toFixed(1), worst.toFixed(1), ratio.toFixed(2)];
      const found = plain.split("\n").find((line) => line.startsWith(`  ${robust} `))!;
      expect(found.slice(`  ${robust}`.length).trim().split(/\s+/)).toEqual(figures);
    }
    expect(await bench("--robust")).toBe(printedRobust);
  });
});

describe("--loo", () => {
  interface Setting {
    readonly setting: string;
    readonly gains: Record<string, number>;
    readonly mean: number;
    readonly worst: number;
  }
  interface HeldOut {
    readonly heldOut: string;
    readonly picked: string;
    readonly gain: number;
    readonly default: number;
  }
  const parsed = parse(printedLoo);
  const settings = parsed.filter((line): line is Record<string, unknown> & Setting => "setting" in line);
  const heldOut = parsed.filter((line): line is Record<string, unknown> & HeldOut => "heldOut" in line);

  test("tries the default first, and at least six settings around it", () => {
    expect(settings[0]!.setting).toBe("default");
    expect(settings.length).toBeGreaterThan(6);
    expect(new Set(settings.map(({ setting }) => setting)).size).toBe(settings.length);
    for (const [i, name] of NAMES.entries()) {
      const gains = naiveGains(NAMES, "default", "cosine", "nDCG@10");
      expect(settings[0]!.gains[name]).toBeCloseTo(gains[i]!, 9);
    }
    for (const { gains, mean, worst } of settings) {
      expect(Object.keys(gains)).toEqual(NAMES);
      expect(mean).toBeCloseTo(average(Object.values(gains))!, 9);
      expect(worst).toBe(Math.min(...Object.values(gains)));
    }
  });

  test("a setting is what its name says", () => {
    for (const { setting, gains } of settings.slice(1, 4)) {
      const overrides = Object.fromEntries(
        setting.split(", ").map((pair) => [pair.split(" ")[0]!, Number(pair.split(" ")[1])]),
      );
      const value = average(
        queries.filter(isJudged).map(({ id, text, vector, gold }) => {
          const candidates = nearest(id, "apart").slice(0, 50);
          const request = { ...overrides, query: vector, queryText: text, candidates, k: 10 };
          return naive("nDCG@10", rerankedIds(request), gold)!;
        }),
      )!;
      const baseline = naiveMean("minerals", "cosine", "nDCG@10")!;
      expect(gains.minerals).toBeCloseTo(100 * (value / baseline - 1), 9);
    }
  });

  test("picks on the one what it reports on the other", () => {
    expect(heldOut.map((line) => line.heldOut)).toEqual(NAMES);
    for (const line of heldOut) {
      const other = NAMES.find((name) => name !== line.heldOut)!;
      const eligible = settings.filter(({ gains }) => gains[other]! >= -1);
      const best = Math.max(...eligible.map(({ gains }) => gains[other]!));
      const picked = eligible.find(({ gains }) => gains[other] === best) ?? settings[0]!;
      expect(line.picked).toBe(picked.setting);
      expect(line.gain).toBe(picked.gains[line.heldOut]);
      expect(line.default).toBe(settings[0]!.gains[line.heldOut]);
    }
    const summary = parsed.at(-1)!;
    const gains = heldOut.map((line) => line.gain);
    const standard = heldOut.map((line) => line.default);
    expect(summary).toEqual({
      summary: "loo",
      collections: 2,
      mean: expect.closeTo(average(gains)!, 9),
      worst: Math.min(...gains),
      default: expect.closeTo(average(standard)!, 9),
      worstDefault: Math.min(...standard),
    });
  });

  test("prints tables for people", async () => {
    const plain = await output(BENCH, ["--data", data, "--loo"]);
    for (const line of heldOut) {
      const shown = plain.split("\n").find((row) => row.startsWith(`  ${line.heldOut} `))!;
      expect(shown.trim().replaceAll(/\s+/g, " ")).toBe(
        `${line.heldOut} ${line.gain.toFixed(1)} ${line.default.toFixed(1)} ${line.picked}`,
      );
    }
    for (const { setting, mean, worst } of settings) {
      const shown = plain.split("\n").find((row) => row.startsWith(`  ${setting}  `))!;
      const figures = shown
        .slice(setting.length + 2)
        .trim()
        .split(/\s+/);
      expect(figures).toEqual([mean.toFixed(1), worst.toFixed(1)]);
    }
  });
});
