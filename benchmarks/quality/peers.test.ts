import { describe, expect, test } from "vitest";
import { type Entry, type Lists, type Pool, poolsOf } from "./collection.ts";
import { crossEncoder, rankFusion, settledVectors, weightedSum } from "./peers.ts";
import { collectionOf, dot, poolOf, queryOf, seeded, unitRow } from "./testing.ts";

const WORDS = "amber basalt cobalt dolomite emerald feldspar garnet hematite ilmenite jade".split(" ");
const random = seeded(11);
const pick = (): string => WORDS[Math.floor(random() ** 2 * WORDS.length)]!;
const texts = Array.from({ length: 60 }, () => `${pick()} ${pick()} ${pick()}`);
const rows = texts.map(() => unitRow(random, 8));
const queries = Array.from({ length: 12 }, (_, i) =>
  queryOf({
    id: `q${i}`,
    text: i === 11 ? "zinc" : `${pick()} and ${pick()}`,
    vector: unitRow(random, 8),
    gold: new Map([["d0", 1]]),
    excluded: new Set(i % 3 === 0 ? ["d4", "d5"] : []),
  }),
);
const collection = collectionOf(texts, queries, rows);
const SIZE = 15;
const pools = (lists: Lists): Pool[] => poolsOf(collection, SIZE, lists);
const both = [...pools("cosine"), ...pools("union")];

/** BM25 of every text; the texts hold no stop words and no two words with one stem. */
function naiveScores(query: string): Map<string, number> {
  const bags = texts.map((text) => text.split(" "));
  const terms = [...new Set(query.split(" ").filter((word) => word !== "and"))];
  return new Map(
    bags.map((bag, i) => {
      const parts = terms.map((term) => {
        const count = bag.filter((word) => word === term).length;
        const having = bags.filter((other) => other.includes(term)).length;
        const idf = Math.log(1 + (bags.length - having + 0.5) / (having + 0.5));
        // All are of one length, the mean one.
        return (idf * count * 2.2) / (count + 1.2);
      });
      return [`d${i}`, parts.reduce((sum, part) => sum + part, 0)];
    }),
  );
}

/** The two lists of a query, from what the searches say. */
function naiveLists({ query }: Pool): { vector: string[]; words: string[] } {
  const candidates = collection.documents.map(({ id }) => id).filter((id) => !query.excluded.has(id));
  const cosine = (id: string) => dot(rows[Number(id.slice(1))]!, query.vector!);
  const scores = naiveScores(query.text);
  const byWords = candidates.filter((id) => scores.get(id)! > 0);
  return {
    vector: candidates.toSorted((a, b) => cosine(b) - cosine(a)).slice(0, SIZE),
    words: byWords.toSorted((a, b) => round(scores.get(b)!) - round(scores.get(a)!)).slice(0, SIZE),
  };
}

/** Sums in another order differ in the last digits, which must not part equal scores. */
const round = (value: number): number => Math.round(value * 1e9) / 1e9;
const ids = (entries: readonly Entry[]): string[] => entries.map(({ id }) => id);
/** The ids of a pool by falling score, equal ones as they came. */
const by = ({ entries }: Pool, score: (id: string) => number): string[] =>
  ids(entries).sort((a, b) => round(score(b)) - round(score(a)));

describe("the pool", () => {
  test("is the first stage's list, or its union with the keyword list", () => {
    for (const pool of both) {
      const { vector, words } = naiveLists(pool);
      const more = words.filter((id) => !vector.includes(id));
      expect(ids(pool.entries)).toEqual(pool.lists === "union" ? [...vector, ...more] : vector);
      expect(pool.listed).toBe(SIZE);
      expect(pool.keywords.list).toEqual(words);
      for (const { id, embedding } of pool.entries) expect(embedding).toEqual(rows[Number(id.slice(1))]);
      const scores = naiveScores(pool.query.text);
      for (const id of [...ids(pool.entries), ...words]) {
        expect(pool.keywords.scores.get(id)).toBeCloseTo(scores.get(id)!, 12);
      }
    }
    expect(pools("union").filter(({ entries }) => entries.length > SIZE).length).toBeGreaterThan(8);
  });

  test("is as large as it is to be, with as many as there are", () => {
    for (const size of [2, 3, 60, 1000]) {
      const [pool] = poolsOf(collection, size, "cosine");
      expect(pool!.entries).toHaveLength(Math.min(size, 58));
    }
  });

  test("unites what a first stage of scores found with the keyword list", () => {
    const run = new Map([
      ["d7", 0.2],
      ["d9", 0.9],
      ["d4", 1],
    ]);
    const query = queryOf({ text: WORDS[9]!, gold: new Map([["d0", 1]]), excluded: new Set(["d4"]), run });
    const [pool] = poolsOf(collectionOf(texts, [query]), 4, "union");
    const scores = naiveScores(WORDS[9]!);
    const words = [...scores.keys()]
      .filter((id) => scores.get(id)! > 0 && id !== "d4")
      .sort((a, b) => round(scores.get(b)!) - round(scores.get(a)!))
      .slice(0, 4);
    expect(words.length).toBeGreaterThan(1);
    expect(ids(pool!.entries)).toEqual([...new Set(["d9", "d7", ...words])]);
    expect(pool!.entries.map(({ score }) => score).slice(0, 3)).toEqual([0.9, 0.2, undefined]);
    expect(pool!.listed).toBe(2);
  });
});

test("reciprocal rank fusion adds 1 / (60 + rank) over both lists", () => {
  for (const pool of both) {
    const { vector, words } = naiveLists(pool);
    const part = (list: string[], id: string) => (list.includes(id) ? 1 / (60 + list.indexOf(id) + 1) : 0);
    expect(rankFusion(pool)).toEqual(by(pool, (id) => part(vector, id) + part(words, id)));
  }
});

test("the weighted sum is half the one and half the other, each from 0 to 1 over the pool", () => {
  let apart = 0;
  for (const pool of both) {
    const { vector, words } = naiveLists(pool);
    const all = naiveScores(pool.query.text);
    const own = ids(pool.entries);
    const cosine = (id: string) => dot(rows[Number(id.slice(1))]!, pool.query.vector!);
    // What a list lacks takes its lowest; in a pool of the one list, every score of the other is known.
    const similarity = (id: string) => cosine(vector.includes(id) ? id : vector.at(-1)!);
    const keyword = (id: string) =>
      all.get(pool.lists === "union" && words.length > 0 && !words.includes(id) ? words.at(-1)! : id)!;
    const scaled = (of: (id: string) => number, id: string) => {
      const values = own.map(of);
      const [low, high] = [Math.min(...values), Math.max(...values)];
      return high === low ? 0 : (of(id) - low) / (high - low);
    };
    const expected = by(pool, (id) => (scaled(similarity, id) + scaled(keyword, id)) / 2);
    expect(weightedSum(pool)).toEqual(expected);
    if (JSON.stringify(expected) !== JSON.stringify(rankFusion(pool))) apart++;
  }
  expect(apart).toBeGreaterThan(both.length / 2);
});

test("peers without anything to go by keep the order of the pool", () => {
  const entries = ["a", "b", "c"].map((id) => ({ id, title: "", text: "", score: 0.5 }));
  const pool = poolOf(entries);
  expect(rankFusion(pool)).toEqual(["a", "b", "c"]);
  expect(weightedSum(pool)).toEqual(["a", "b", "c"]);
  for (const peer of [rankFusion, weightedSum, settledVectors, crossEncoder])
    expect(peer(poolOf([]))).toEqual([]);
});

test("the cross-encoder's ranks order what it judged", () => {
  const entries = ["a", "b", "c"].map((id) => ({ id, title: "", text: "", score: 0.5 }));
  const ranks = new Map([
    ["c", 1],
    ["a", 2],
    ["elsewhere", 3],
  ]);
  expect(crossEncoder(poolOf(entries, { crossEncoder: ranks }))).toEqual(["c", "a"]);
  expect(crossEncoder(poolOf(entries))).toEqual([]);
});

/** The cosine of each settled vector with the query, from the dense system (I + 2 L) U = Y. */
function naiveSettled(vectors: readonly Float32Array[], query: Float32Array): number[] {
  const n = vectors.length;
  const near = vectors.map((row, i) =>
    [...vectors.keys()]
      .filter((j) => j !== i)
      .sort((a, b) => dot(row, vectors[b]!) - dot(row, vectors[a]!))
      .slice(0, 30),
  );
  const weight = (i: number, j: number) =>
    near[i]!.includes(j) || near[j]!.includes(i) ? Math.max(0, dot(vectors[i]!, vectors[j]!)) : 0;
  const degrees = vectors.map((_, i) => vectors.reduce((sum, _, j) => sum + weight(i, j), 0));
  // Each row of the matrix with its row of Y beside it, brought to the unit matrix by Gauss and Jordan.
  const table = vectors.map((row, i) => [
    ...vectors.map((_, j) => {
      const coupling = weight(i, j) / Math.sqrt(degrees[i]! * degrees[j]!);
      return i === j ? 1 + 2 : -2 * coupling;
    }),
    ...row,
  ]);
  for (let p = 0; p < n; p++) {
    table[p] = table[p]!.map((value) => value / table[p]![p]!);
    for (let i = 0; i < n; i++) {
      const factor = table[i]![p]!;
      if (i !== p) table[i] = table[i]!.map((value, c) => value - factor * table[p]![c]!);
    }
  }
  return table.map((row) => {
    const settled = row.slice(n);
    return settled.reduce((sum, v, c) => sum + v * query[c]!, 0) / Math.hypot(...settled);
  });
}

test.each([50, 12])("the settled vectors are ranked by their cosine with the query (%i documents)", (n) => {
  for (const { query } of pools("cosine").slice(0, 4)) {
    const entries = rows.slice(0, n).map((embedding, i) => ({ id: `d${i}`, title: "", text: "", embedding }));
    const cosines = naiveSettled(rows.slice(0, n), query.vector!);
    const ranked = settledVectors(poolOf(entries, query));
    expect(ranked.toSorted()).toEqual(ids(entries).toSorted());
    // Neighbours in the order may be nearer than float32 tells them apart.
    const found = ranked.map((id) => cosines[Number(id.slice(1))]!);
    for (let i = 1; i < n; i++) expect(found[i]).toBeLessThanOrEqual(found[i - 1]! + 1e-4);
    const plain = entries.toSorted(
      (a, b) => dot(b.embedding, query.vector!) - dot(a.embedding, query.vector!),
    );
    expect(ranked).not.toEqual(ids(plain));
  }
});
