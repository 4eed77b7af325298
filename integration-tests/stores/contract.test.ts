import { afterAll, describe, expect, test } from "vitest";
import { adapterContract, corpus, cosine } from "../contract.ts";
import { hnswStore, lanceStore, memoryStore, retrieveFrom, sqliteStore } from "./makers.ts";
import { postgres } from "./postgres.ts";

const server = await postgres();
afterAll(() => server[Symbol.asyncDispose]());

describe("the corpus", () => {
  test("is of vectors of length 1, exactly, that float32 holds", () => {
    for (const { vector } of [...corpus.passages, ...corpus.questions]) {
      expect(cosine(vector, vector)).toBe(1);
      expect(vector.map(Math.fround)).toEqual(vector);
    }
  });

  test("has no two passages that are equally near to a question: each store has one order", () => {
    for (const question of corpus.questions) {
      const near = corpus.nearest(question).map(({ vector }) => cosine(question.vector, vector));
      for (let i = 1; i < near.length; i++) expect(near[i - 1]! - near[i]!).toBeGreaterThan(1e-6);
    }
  });
});

adapterContract("MemoryVectorStore", retrieveFrom(memoryStore));
adapterContract(
  "PGVectorStore on Postgres with pgvector",
  retrieveFrom((corpus) => server.makeStore(corpus)),
);
adapterContract("HNSWLib", retrieveFrom(hnswStore), { needs: "hnswlib-node" });
adapterContract("sqlite-vec", retrieveFrom(sqliteStore));
adapterContract("LanceDB", retrieveFrom(lanceStore), {
  digest: "its documents have no ids, so the receipt names them by their places",
});
