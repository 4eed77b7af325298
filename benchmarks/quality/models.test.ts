import { rerank } from "@oscillink/core";
import { expect, test } from "vitest";
import { rankScore } from "../../packages/server/src/models/order.ts";
import { poolsOf } from "./collection.ts";
import type { Settings } from "./methods.ts";
import { modelMethods } from "./models.ts";
import { collectionOf, queryOf, seeded, unitRow } from "./testing.ts";

const random = seeded(5);
const WORDS = "amber basalt cobalt dolomite emerald feldspar".split(" ");
const pick = (): string => WORDS[Math.floor(random() * WORDS.length)]!;
const texts = Array.from({ length: 40 }, () => `${pick()} ${pick()} ${pick()}`);
const rows = texts.map(() => unitRow(random, 8));
const ranks = new Map(texts.map((_, i) => [`d${i}`, 40 - i]));
const query = queryOf({
  id: "q",
  text: `${pick()} or ${pick()}`,
  vector: unitRow(random, 8),
  gold: new Map([["d0", 1]]),
  crossEncoder: ranks,
});
const settings: Settings = { copies: "keep", links: true };
const collection = collectionOf(texts, [query], rows);
const [pool] = poolsOf(collection, 20, "cosine");
const methods = modelMethods(collection, settings);

test("each model is given the words of the pool, and what stands in for scores", () => {
  const ranked = (scoreOf: (id: string, i: number) => number) =>
    rerank({
      copies: "keep",
      queryText: query.text,
      k: 10,
      candidates: pool!.entries.map(({ id, title, text }, i) => ({ id, title, text, score: scoreOf(id, i) })),
    }).bundle.map(({ id }) => id);
  expect(methods.order!(pool!)).toEqual(ranked((_, i) => rankScore(i)));
  expect(methods.words!(pool!)).toEqual(ranked(() => 0));
  expect(methods.cascade!(pool!)).toEqual(ranked((id) => rankScore(ranks.get(id)! - 1)));
  const orders = Object.values(methods).map((method) => method(pool!).join());
  expect(new Set(orders).size).toBe(orders.length);
});

test("a cascade is there where a cross-encoder has judged", () => {
  const plain = collectionOf(texts, [{ ...query, crossEncoder: null }], null);
  expect(Object.keys(modelMethods(plain, settings))).toEqual(["order", "words", "lexical", "scores"]);
  expect(Object.keys(methods)).toContain("cascade");
});
