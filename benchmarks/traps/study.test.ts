import { rerank } from "@oscillink/core";
import { describe, expect, test } from "vitest";
import golden from "./fixtures/study.json" with { type: "json" };
import { CLUSTER, K, makeTrial, N, type Trial } from "./generator.ts";
import { choose, methods, moments, outcomeOf, python, TRUST, trustedByCosine } from "./study.ts";

const trials = Array.from({ length: 40 }, (_, t) => makeTrial(t));
const method = (name: string) => methods[name]!;
const outcomes = (name: string) => trials.map((trial) => outcomeOf(trial, choose(trial, method(name), K)));

describe("trial by trial, as the Python package", () => {
  const pairs = golden.trials.map((expected, t) => [trials[t]!, expected] as const);

  test("the truth and the baseline", () => {
    for (const [trial, { truth, cosine }] of pairs) {
      expect(trustedByCosine(trial).slice(0, K)).toEqual(truth);
      expect(choose(trial, method("cosine"), K)).toEqual(cosine);
      expect(choose(trial, method("filter, cosine"), K)).toEqual(truth);
    }
  });

  test("the reference profile, with gates and without, ranked by settled cosine and as its bundle", () => {
    for (const [trial, { gated, ungated }] of pairs) {
      expect(choose(trial, method("reference + gates"), K)).toEqual(gated.ranked);
      expect(choose(trial, method("reference"), K)).toEqual(ungated.ranked);
      expect(choose(trial, method("reference bundle + gates"), K)).toEqual(gated.bundle);
      const { options } = method("reference bundle + gates");
      expect(choose(trial, { options, trust: 1 }, K)).toEqual(ungated.bundle);
    }
  });

  test("deltaH of the reference profile", () => {
    const deltaH = ({ query, vectors, traps }: Trial, trust: number) => {
      const candidates = vectors.map((embedding, i) => ({ embedding, trust: traps.has(i) ? trust : 1 }));
      return rerank({ ...method("reference").options, query, candidates }).receipt.deltaH_total;
    };
    for (const [trial, { gated, ungated }] of pairs) {
      // Float32 against float64, 427 and 614 rounded to 4 decimals.
      expect(Math.abs(deltaH(trial, TRUST) - gated.deltaH)).toBeLessThan(2e-4);
      expect(Math.abs(deltaH(trial, 1) - ungated.deltaH)).toBeLessThan(2e-4);
    }
  });
});

describe("over 40 trials", () => {
  test.each(Object.keys(python))("%s: the Python package's figures", (name) => {
    const all = outcomes(name);
    for (const figure of ["trapRate", "f1"] as const) {
      const [mean, deviation] = moments(all.map((o) => o[figure]));
      expect(mean).toBeCloseTo(python[name]![figure][0], 10);
      expect(deviation).toBeCloseTo(python[name]![figure][1], 4);
    }
  });

  test("the bar, trap rate 0 and F1 >= 0.97 at trust 0.01, is cleared by cosine + trust: F1 is 1 in every trial", () => {
    expect(method("cosine + trust").trust).toBe(0.01);
    for (const { trapRate, f1 } of outcomes("cosine + trust")) expect([trapRate, f1]).toEqual([0, 1]);
  });

  test("default + trust chooses no trap and nothing outside the query's cluster; its F1 clears the bar too", () => {
    expect(method("default + trust")).toEqual({ options: {}, trust: 0.01 });
    const all = outcomes("default + trust");
    for (const { trapRate, inCluster } of all) expect([trapRate, inCluster]).toEqual([0, 1]);
    expect(moments(all.map(({ f1 }) => f1))[0]).toBeGreaterThanOrEqual(0.97);
  });

  test("what settling costs in F1 goes with lamC", () => {
    const f1 = (lamC: number) => {
      const chosen = (trial: Trial) => choose(trial, { options: { lamC }, trust: TRUST }, K);
      return moments(trials.map((trial) => outcomeOf(trial, chosen(trial)).f1))[0];
    };
    expect(f1(0)).toBe(1);
    expect(f1(20)).toBeLessThan(f1(0.5));
  });

  test("traps fall further the less they are trusted, and no trial is an exception", () => {
    for (const trial of trials) {
      const meanRank = (trust: number) => {
        const ranks = choose(trial, { options: {}, trust }, N).flatMap((i, at) =>
          trial.traps.has(i) ? [at] : [],
        );
        return moments(ranks)[0];
      };
      const ranks = [1, 0.95, 0.9, 0.5, 0.2].map(meanRank);
      expect(ranks).toEqual(ranks.toSorted((a, b) => a - b));
      expect(new Set(ranks).size).toBe(ranks.length);
      expect(choose(trial, { options: {}, trust: 0 }, N)).toHaveLength(N - trial.traps.size);
    }
  });
});

describe("an outcome", () => {
  // Cosines with the query: .9, .8, …, .1 for documents 0 to 8; 0 is a trap, so 1 to 5 are the truth.
  const vectors = [...[9, 8, 7, 6, 5, 4, 3, 2, 1].map((c) => [c / 10, Math.sqrt(1 - (c / 10) ** 2)])];
  const outside = Array.from({ length: CLUSTER }, () => [-1, 0]);
  const trial: Trial = {
    query: Float32Array.of(2, 0),
    vectors: [...vectors, ...outside].map((row) => Float32Array.from(row)),
    traps: new Set([0]),
  };

  test("worked by hand", () => {
    expect(trustedByCosine(trial).slice(0, 7)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect(outcomeOf(trial, [5, 4, 3, 2, 1])).toEqual({
      trapRate: 0,
      f1: 1,
      inCluster: 1,
      place: 3,
      lowest: 5,
    });
    // A trap, two of the truth, one that is merely in the cluster, and document 40, outside it.
    expect(outcomeOf(trial, [0, 1, 2, 8, CLUSTER])).toEqual({
      trapRate: 0.2,
      f1: 0.4,
      inCluster: 0.6,
      place: (1 + 2 + 8 + 40) / 4,
      lowest: 40,
    });
  });

  test("of traps alone has no place", () => {
    const all = new Set([0, 1, 2, 3, 4]);
    expect(outcomeOf({ ...trial, traps: all }, [0, 1, 2, 3, 4])).toEqual({
      trapRate: 1,
      f1: 0,
      inCluster: 0,
      place: null,
      lowest: null,
    });
  });

  test("breaks ties by index", () => {
    expect(trustedByCosine(trial).slice(-CLUSTER)).toEqual(outside.map((_, i) => 9 + i));
  });
});

test("moments are those of the population", () => {
  expect(moments([1, 3])).toEqual([2, 1]);
  expect(moments([5])).toEqual([5, 0]);
});
