import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { CandidateError, OptionError, VectorError } from "../src/errors.ts";
import { Lattice } from "../src/lattice.ts";
import { wordVectors } from "../src/pool/wordVectors.ts";
import { compareProvenance } from "../src/receipt/provenance.ts";
import { rerank } from "../src/rerank.ts";
import { permuted } from "./support.ts";

const words = ["solar", "sail", "orbit", "tax", "form", "moon", "tide", "gate"];
const texts = fc.array(fc.constantFrom(...words), { maxLength: 10 }).map((w) => w.join(" "));
const candidatesOf = fc.array(
  fc.record({ score: fc.integer({ min: -20, max: 20 }).map((s) => s / 4), text: texts, title: texts }),
  { minLength: 1, maxLength: 12 },
);
const named = <C>(candidates: readonly C[]) =>
  candidates.map((candidate, i) => ({ id: `#${i}`, ...candidate }));

describe("vectors made of words", () => {
  test("have length 1, and the cosines of the naive TF-IDF over the pool", () => {
    fc.assert(
      fc.property(fc.array(texts, { minLength: 1, maxLength: 8 }), (pool) => {
        const { data, stride, rows } = wordVectors(pool);
        const bags = pool.map((text) => text.split(" ").filter(Boolean));
        const weight = (bag: string[], word: string) => {
          const tf = bag.filter((w) => w === word).length;
          const df = bags.filter((other) => other.includes(word)).length;
          return (tf / (tf + 1.2)) * Math.log(1 + pool.length / df);
        };
        const product = (a: string[], b: string[]) =>
          words
            .filter((w) => a.includes(w) && b.includes(w))
            .reduce((s, w) => s + weight(a, w) * weight(b, w), 0);
        for (let i = 0; i < rows; i++) {
          for (let j = 0; j < rows; j++) {
            let actual = 0;
            for (let c = 0; c < stride; c++) actual += data[i * stride + c]! * data[j * stride + c]!;
            const norm = Math.sqrt(product(bags[i]!, bags[i]!) * product(bags[j]!, bags[j]!));
            const expected = norm > 0 ? product(bags[i]!, bags[j]!) / norm : i === j ? 1 : 0;
            expect(actual).toBeCloseTo(expected, 5);
          }
        }
      }),
    );
  });
});

describe("a pool without vectors", () => {
  test("without words of the query, and without links, keeps the order of its scores", () => {
    fc.assert(
      fc.property(candidatesOf, (candidates) => {
        const { bundle, receipt } = rerank({ candidates, k: 20, lamC: 0, linkWeight: 0, copies: "keep" });
        const order = [...candidates.keys()].sort(
          (a, b) => candidates[b]!.score - candidates[a]!.score || a - b,
        );
        expect(bundle.map(({ inputRank }) => inputRank - 1)).toEqual(order);
        expect(receipt.inputs).toMatchObject({ d: 0, candidates: null, query: null });
        expect(receipt.inputs.scores).toMatch(/^sha256:/);
      }),
    );
  });

  test("is free of the scores' scale and offset", () => {
    fc.assert(
      fc.property(candidatesOf, (candidates) => {
        const changed = candidates.map((candidate) => ({ ...candidate, score: 8 * candidate.score + 1024 }));
        const scores = (from: typeof candidates) =>
          rerank({ queryText: "solar sail", candidates: from, k: 20 }).bundle.map(({ id, score }) => [
            id,
            score,
          ]);
        scores(changed).forEach(([id, score], place) => {
          const [sameId, same] = scores(candidates)[place]!;
          expect(score).toBeCloseTo(same as number, 6);
          if (Math.abs((score as number) - (same as number)) === 0) expect(id).toBe(sameId);
        });
      }),
    );
  });

  test("does not depend on the order in which its candidates came, up to ties", () => {
    fc.assert(
      fc.property(candidatesOf, fc.array(fc.nat(), { minLength: 12, maxLength: 12 }), (candidates, keys) => {
        const all = named(candidates);
        const scores = (from: typeof all) =>
          Object.fromEntries(
            rerank({ queryText: "solar sail", candidates: from, k: 20 }).bundle.map(({ id, score }) => [
              id,
              score,
            ]),
          );
        const [came, shuffled] = [scores(all), scores(permuted(all, keys))];
        for (const id of Object.keys(came)) expect(shuffled[id]).toBeCloseTo(came[id]!, 5);
      }),
    );
  });

  test("the words move a document up that the scores put last", () => {
    const candidates = [0.9, 0.89, 0.88, 0.5, 0.87, 0.86].map((score, i) => ({
      score,
      text: i === 3 ? "the solar sail of the ship" : `a form for tax ${i}`,
    }));
    expect(rerank({ queryText: "solar sail", candidates, k: 6, textWeight: 2 }).bundle[0]!.inputRank).toBe(4);
  });

  test("puts candidates without a score last, as missing says", () => {
    const candidates = [{ text: "a" }, { score: 1, text: "b" }, { score: 2, text: "c" }];
    expect(rerank({ candidates }).bundle.map(({ id }) => id)).toEqual(["2", "1", "0"]);
    expect(rerank({ candidates }).receipt.inputs.missing).toBe(1);
    expect(rerank({ candidates, missing: "drop" }).bundle).toHaveLength(2);
    expect(() => rerank({ candidates, missing: "error" })).toThrow(/candidates\[0\]\.score/);
  });

  test("survives JSON and a buffer, and its receipt covers the scores", () => {
    const input = {
      scores: [3, undefined, 1],
      texts: ["solar sail", "sail", "tax"],
      titles: ["A", "B", "C"],
    };
    const lattice = new Lattice(input).setQuery(null, "sail");
    for (const copy of [
      Lattice.fromJSON(JSON.parse(JSON.stringify(lattice))),
      Lattice.from(lattice.toBuffer()),
    ]) {
      expect(copy.receipt().digest).toBe(lattice.receipt().digest);
      expect(compareProvenance(copy.provenance(), lattice.provenance()).same).toBe(true);
    }
    const other = new Lattice({ ...input, scores: [3, undefined, 2] }).setQuery(null, "sail");
    expect(other.receipt().digest).not.toBe(lattice.receipt().digest);
    expect(other.provenance().vectors).not.toBe(lattice.provenance().vectors);
  });

  test("with neither vector nor score, or with what it cannot use, is refused by name", () => {
    expect(() => rerank({ candidates: [{ text: "a" }] })).toThrow(VectorError);
    expect(() => rerank({ candidates: [{ score: Number.NaN }] })).toThrow(CandidateError);
    expect(() => rerank({ candidates: [{ score: "1" as never }] })).toThrow(/candidates\[0\]\.score/);
    expect(() => rerank({ candidates: [{ score: 1 }], lamQ: 1 })).toThrow(OptionError);
    expect(() => new Lattice({ scores: [1] }).setQuery([1])).toThrow(VectorError);
    expect(rerank({ candidates: [] }).bundle).toEqual([]);
  });
});
