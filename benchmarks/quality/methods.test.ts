import { type RerankRequest, rerank, resolveOptions } from "@oscillink/core";
import { describe, expect, test } from "vitest";
import { type Pool, poolsOf } from "./collection.ts";
import { gridMethods, methodsFor, optionsOf, requestOf, type Settings } from "./methods.ts";
import { collectionOf, dot, queryOf, seeded, unitRow } from "./testing.ts";

const WORDS = "amber basalt cobalt dolomite emerald feldspar garnet hematite ilmenite jade".split(" ");
const random = seeded(3);
const pick = (): string => WORDS[Math.floor(random() * WORDS.length)]!;
const texts = Array.from({ length: 80 }, () => `${pick()} ${pick()} ${pick()}`);
const rows = texts.map(() => unitRow(random, 8));
const queries = Array.from({ length: 6 }, (_, i) =>
  queryOf({
    id: `q${i}`,
    text: `${pick()} and ${pick()}`,
    vector: unitRow(random, 8),
    gold: new Map([["d0", 1]]),
    excluded: new Set(["d1", "d2", "d3", "d4"]),
  }),
);
const collection = collectionOf(texts, queries, rows);
const settings: Settings = { copies: "keep", links: true };
const ids = (pool: Pool): string[] => pool.entries.map(({ id }) => id);

describe("what core is asked", () => {
  const [pool] = poolsOf(collection, 8, "union");
  const { query } = pool!;

  test("is to rank the candidates, by their vectors alone or with their words", () => {
    const [plain] = poolsOf(collection, 8, "cosine");
    const asked = requestOf(plain!, true);
    expect(asked).toEqual({ query: query.vector, queryText: query.text, candidates: plain!.entries });
    const mute = plain!.entries.map(({ id, embedding }) => ({ id, embedding }));
    expect(requestOf(plain!, false)).toEqual({ query: query.vector, candidates: mute });
  });

  test("is to unite both lists by id, the first stage's first, BM25's with its scores", () => {
    const { lists, ...rest } = requestOf(pool!, true) as unknown as {
      lists: { name: string; items: { id: string; score?: number; embedding: Float32Array }[] }[];
    };
    expect(rest).toEqual({ query: query.vector, queryText: query.text });
    expect(lists.map(({ name }) => name)).toEqual(["vector", "bm25"]);
    const [vector, words] = lists.map(({ items }) => items);
    expect(vector).toEqual(pool!.entries.slice(0, 8));
    expect(words!.map(({ id }) => id)).toEqual(pool!.keywords.list);
    expect(new Set([...vector!, ...words!].map(({ id }) => id))).toEqual(new Set(ids(pool!)));
    expect(pool!.entries.length).toBeGreaterThan(8);
    words!.forEach(({ id, score, embedding }, i) => {
      expect(score).toBe(pool!.keywords.scores.get(id));
      expect(score).toBeGreaterThan(0);
      expect(score).toBeLessThanOrEqual(words![i - 1]?.score ?? Number.POSITIVE_INFINITY);
      expect(embedding).toEqual(rows[Number(id.slice(1))]);
    });
  });

  test("has no keyword list where the words are left out", () => {
    const mute = pool!.entries.map(({ id, embedding }) => ({ id, embedding }));
    expect(requestOf(pool!, false)).toEqual({ query: query.vector, candidates: mute });
  });

  test("is what the command line sets", () => {
    expect(optionsOf({ copies: "last", links: true })).toEqual({ copies: "last" });
    expect(optionsOf({ copies: "keep", links: false })).toEqual({ copies: "keep", linkWeight: 0 });
  });
});

test("the first stage is its own list, whatever the keyword list adds", () => {
  for (const lists of ["cosine", "union"] as const) {
    for (const pool of poolsOf(collection, 5, lists)) {
      expect(methodsFor(collection, settings, null).cosine!(pool)).toEqual(ids(pool).slice(0, 5));
    }
  }
});

test("an expansion ranks again, with the neighbours of the best that were not there", () => {
  const methods = methodsFor(collection, settings, { seeds: 2, neighbours: 5 });
  expect(Object.keys(methods)).toContain("expanded");
  let moved = 0;
  for (const pool of poolsOf(collection, 12, "cosine")) {
    const { text, vector, excluded } = pool.query;
    const ranked = (candidates: readonly string[], k: number) => {
      const found = candidates.map(documentOf);
      const request = { query: vector, queryText: text, candidates: found, k, copies: "keep" };
      return rerank(request as RerankRequest).bundle.map(({ id }) => id);
    };
    const neighbours = (id: string) => {
      const row = rows[Number(id.slice(1))]!;
      const others = collection.documents.map((document) => document.id).filter((other) => other !== id);
      const near = (other: string) => dot(row, rows[Number(other.slice(1))]!);
      return others.sort((a, b) => near(b) - near(a)).slice(0, 5);
    };
    const best = ranked(ids(pool), 2);
    const added = best.flatMap(neighbours).filter((id) => !excluded.has(id));
    const expected = ranked([...new Set([...ids(pool), ...added])], 10);
    expect(methods.expanded!(pool)).toEqual(expected);
    if (expected.some((id) => !ids(pool).includes(id))) moved++;
  }
  expect(moved).toBeGreaterThan(0);
});

function documentOf(id: string) {
  const i = Number(id.slice(1));
  return { ...collection.documents[i]!, embedding: rows[i]! };
}

test("the cross-encoder is compared where it has judged, with vectors or without", () => {
  const judged = { ...queries[0]!, run: new Map([["d7", 1]]), crossEncoder: new Map([["d7", 1]]) };
  const names = (vectors: readonly Float32Array[] | null, query = queries[0]!) =>
    Object.keys(methodsFor(collectionOf(texts, [query], vectors), settings, null));
  expect(names(null)).toEqual(["first-stage", "rrf", "weighted-sum", "default"]);
  expect(names(null, judged)).toEqual([...names(null), "cross-encoder"]);
  expect(names(rows, judged)).toEqual([...names(rows), "cross-encoder"]);
});

test("every setting of the grid is one that core can follow, and another than the default", () => {
  const grid = gridMethods(settings);
  const known = resolveOptions({}) as unknown as Record<string, unknown>;
  const names = Object.keys(grid);
  expect(names[0]).toBe("default");
  expect(names.length).toBeGreaterThan(12);
  for (const name of names.slice(1)) {
    for (const pair of name.split(", ")) {
      const [option, value] = pair.split(" ") as [string, string];
      expect(known).toHaveProperty(option);
      expect(known[option], name).not.toBe(Number(value));
    }
  }
});
