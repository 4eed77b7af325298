import { describe, expect, test } from "vitest";
import { bootstrapInterval, mean, meanOf, metricNames, metricsOf as metricsAt } from "./metrics.ts";
import { seeded } from "./testing.ts";

/** No document is a copy of another. */
const apart = { same: () => false, near: () => false };
/** The metrics at 5 and 10 but those without copies, which have a test of their own. */
const metricsOf = (ranking: readonly string[], gold: ReadonlyMap<string, number>) =>
  plain([5, 10], ranking, gold);
const plain = (cuts: number[], ranking: readonly string[], gold: ReadonlyMap<string, number>) => {
  const all = metricsAt(ranking, gold, cuts, apart);
  const kept = Object.entries(all).filter(([name]) => !name.endsWith("without copies"));
  // Where there are no copies, the figure without them is the figure.
  for (const k of cuts) expect(all[`nDCG@${k} without copies`]).toBe(all[`nDCG@${k}`]);
  return Object.fromEntries(kept);
};

const gold = (grades: Record<string, number>) => new Map(Object.entries(grades));
/** d1 … dn */
const ids = (n: number) => Array.from({ length: n }, (_, i) => `d${i + 1}`);

describe("metricsOf", () => {
  test("has the metrics of every cut, in their order", () => {
    const at = (k: number) => [`nDCG@${k}`, `R@${k}`, `all@${k}`, `nDCG@${k} without copies`];
    for (const cuts of [[3], [5, 10]]) {
      expect(metricNames(cuts)).toEqual(cuts.flatMap(at));
      expect(Object.keys(metricsAt(ids(10), gold({ d1: 1 }), cuts, apart))).toEqual(metricNames(cuts));
    }
  });

  test("worked by hand at 3: of two, one is found at rank 3 and one at rank 4", () => {
    expect(plain([3], ["x", "y", "a", "b"], gold({ a: 1, b: 1 }))).toEqual({
      // 1/log2(4) of 1 + 1/log2(3)
      "nDCG@3": expect.closeTo(0.5 / (1 + 1 / Math.log2(3)), 12),
      "R@3": 0.5,
      "all@3": 0,
    });
  });

  test("is 1 throughout for the ideal ranking, and 0 for one without a hit", () => {
    const found = gold({ d1: 3, d2: 2, d3: 1 });
    for (const value of Object.values(metricsOf(ids(10), found))) expect(value).toBe(1);
    for (const value of Object.values(metricsOf(["x", "y"], found))) expect(value).toBe(0);
    for (const value of Object.values(metricsOf([], found))) expect(value).toBe(0);
  });

  test("worked by hand: one of two at rank 2, the other at rank 7", () => {
    const ranking = ["x1", "a", "x2", "x3", "x4", "x5", "b", "x6", "x7", "x8"];
    const ideal = 1 + 1 / Math.log2(3);
    expect(metricsOf(ranking, gold({ a: 1, b: 1 }))).toEqual({
      "nDCG@5": expect.closeTo(1 / Math.log2(3) / ideal, 12),
      "R@5": 0.5,
      "all@5": 0,
      // log2(8) = 3
      "nDCG@10": expect.closeTo((1 / Math.log2(3) + 1 / 3) / ideal, 12),
      "R@10": 1,
      "all@10": 1,
    });
  });

  test("worked by hand: grades are gains, discounted by log2(rank + 1)", () => {
    // DCG = 1/1 + 3/1.58496 + 0 + 2/2.32193 = 3.75414; ideal = 3 + 2/1.58496 + 1/2 = 4.76186.
    const metrics = metricsOf(["one", "three", "none", "two"], gold({ three: 3, two: 2, one: 1 }));
    expect(metrics["nDCG@5"]).toBeCloseTo(0.788377, 6);
    expect(metrics["nDCG@10"]).toBe(metrics["nDCG@5"]);
  });

  test("does not count what comes after the cut", () => {
    const metrics = metricsOf(ids(12), gold({ d6: 1, d11: 1 }));
    expect(metrics).toMatchObject({ "nDCG@5": 0, "R@5": 0, "all@5": 0, "R@10": 0.5, "all@10": 0 });
  });

  test("with more gold than places: R over the places, the ideal cut, all@k not defined", () => {
    const seven = gold(Object.fromEntries(ids(7).map((id) => [id, 1])));
    expect(metricsOf(ids(10), seven)).toEqual({
      "nDCG@5": 1,
      "R@5": 1,
      "all@5": null,
      "nDCG@10": 1,
      "R@10": 1,
      "all@10": 1,
    });
    const twelve = gold(Object.fromEntries(ids(12).map((id) => [id, 1])));
    expect(metricsOf(ids(5), twelve)).toMatchObject({ "R@5": 1, "R@10": 0.5, "all@5": null, "all@10": null });
    // Exactly k is defined.
    expect(metricsOf(ids(5), gold(Object.fromEntries(ids(5).map((id) => [id, 1]))))["all@5"]).toBe(1);
  });

  test("the ideal is made of the best grades, wherever they stand in the map", () => {
    const grades = { d1: 1, d2: 1, d3: 1, d4: 1, d5: 1, d6: 3 };
    const ideal = 3 + [3, 4, 5, 6].reduce((sum, x) => sum + 1 / Math.log2(x), 0);
    const reached = [2, 3, 4, 5, 6].reduce((sum, x) => sum + 1 / Math.log2(x), 0);
    expect(metricsOf(ids(5), gold(grades))["nDCG@5"]).toBeCloseTo(reached / ideal, 12);
  });
});

describe("nDCG without copies", () => {
  /** What comes before a hyphen is the text. */
  const textOf = (id: string) => id.split("-")[0]!;
  const same = (a: string, b: string) => textOf(a) === textOf(b);
  /** Texts of the same letters in other case are near copies. */
  const near = (a: string, b: string) => textOf(a).toLowerCase() === textOf(b).toLowerCase();
  const copies = { same, near };
  const figure = (ranking: readonly string[], grades: Record<string, number>, k = 5) =>
    metricsAt(ranking, gold(grades), [k], copies)[`nDCG@${k} without copies`]!;

  test("worked by hand: the second of two copies gains nothing, and takes its place", () => {
    const ranking = ["a-1", "a-2", "b-1"];
    const grades = { "a-1": 1, "a-2": 1, "b-1": 1 };
    // 1 + 1/log2(4) of 1 + 1/log2(3): two texts are relevant.
    expect(figure(ranking, grades)).toBeCloseTo(1.5 / (1 + 1 / Math.log2(3)), 12);
    expect(metricsAt(ranking, gold(grades), [5], copies)["nDCG@5"]).toBe(1);
    expect(figure(["a-2", "b-1", "a-1"], grades)).toBe(1);
  });

  test("a copy has its own grade, whichever comes first; the ideal takes the best of them", () => {
    const grades = { "a-1": 3, "a-2": 1 };
    expect(figure(["a-1", "a-2"], grades)).toBe(1);
    expect(figure(["a-2", "a-1"], grades)).toBeCloseTo(1 / 3, 12);
    // One that was not judged spends its text.
    expect(figure(["a-3", "a-1"], grades)).toBe(0);
  });

  test("a near copy gains nothing after one of its grade; with another grade it is another document", () => {
    const grades = { "a-1": 1, "A-1": 1, "b-1": 1 };
    expect(figure(["a-1", "A-1", "b-1"], grades)).toBeCloseTo(1.5 / (1 + 1 / Math.log2(3)), 12);
    expect(figure(["A-1", "b-1", "a-1"], grades)).toBe(1);
    expect(figure(["a-1", "A-1"], { "a-1": 2, "A-1": 1 })).toBe(1);
    // One that was not judged spends nothing.
    expect(figure(["A-2", "a-1"], { "a-1": 1 })).toBeCloseTo(1 / Math.log2(3), 12);
  });

  test("what stands after the cut counts neither as gain nor as what copies are of", () => {
    const grades = { "a-1": 1, "b-1": 1, "b-2": 1 };
    expect(figure(["a-1", "x", "b-1"], grades, 2)).toBeCloseTo(1 / (1 + 1 / Math.log2(3)), 12);
  });

  test("is what the definition says, on any ranking", () => {
    const random = seeded(5);
    const below = (n: number) => Math.floor(random() * n);
    for (let round = 0; round < 200; round++) {
      const all = Array.from({ length: 12 }, (_, i) => `${below(6)}-${i}`);
      const grades = Object.fromEntries(all.filter(() => random() < 0.4).map((id) => [id, 1 + below(3)]));
      if (Object.keys(grades).length === 0) continue;
      const ranking = all.filter(() => random() < 0.7);
      const k = 1 + below(8);
      const seen = new Set<string>();
      let gain = 0;
      for (let rank = 1; rank <= Math.min(k, ranking.length); rank++) {
        const id = ranking[rank - 1]!;
        if (!seen.has(textOf(id))) gain += (grades[id] ?? 0) / Math.log2(rank + 1);
        seen.add(textOf(id));
      }
      const best = new Map<string, number>();
      for (const [id, grade] of Object.entries(grades)) {
        if (grade > (best.get(textOf(id)) ?? 0)) best.set(textOf(id), grade);
      }
      const ideal = [...best.values()]
        .sort((a, b) => b - a)
        .slice(0, k)
        .reduce((sum, grade, i) => sum + grade / Math.log2(i + 2), 0);
      expect(figure(ranking, grades, k)).toBeCloseTo(gain / ideal, 12);
    }
  });
});

describe("the mean of a metric", () => {
  test("leaves out the queries for which it is not defined", () => {
    const all = [{ m: 1 }, { m: null }, { m: 0 }, { m: 0.5 }];
    expect(meanOf(all, "m")).toBe(0.5);
  });

  test("is NaN if it is defined for none", () => {
    expect(meanOf([{ m: null }], "m")).toBeNaN();
    expect(meanOf([], "m")).toBeNaN();
    expect(mean([])).toBeNaN();
  });

  test("of numbers is their sum over their count", () => {
    expect(mean([1, 2, 6])).toBe(3);
  });
});

describe("bootstrapInterval", () => {
  const sample = (n: number, seed: number): number[] => {
    const random = seeded(seed);
    return Array.from({ length: n }, () => random() + random() + random() - 1.5);
  };

  test.each([0, 0.25, -0.5])("of the same difference everywhere is that difference: %d", (value) => {
    expect(bootstrapInterval(new Array(30).fill(value))).toEqual([value, value]);
    expect(bootstrapInterval([value])).toEqual([value, value]);
  });

  test("of two queries is all that can be drawn", () => {
    // Means 0, 1/2 and 1 with 1/4, 1/2 and 1/4: both ends are far more likely than 2.5 %.
    expect(bootstrapInterval([0, 1])).toEqual([0, 1]);
  });

  test("worked by hand: one win in ten", () => {
    // The wins in a resample are binomial (10, 0.1): P(0) = 0.349, P(<= 2) = 0.930, P(<= 3) = 0.987.
    expect(bootstrapInterval([1, 0, 0, 0, 0, 0, 0, 0, 0, 0])).toEqual([0, 0.3]);
  });

  test("is the same for the same seed, and another for another", () => {
    const differences = sample(40, 1);
    expect(bootstrapInterval(differences)).toEqual(bootstrapInterval(differences, 1));
    expect(bootstrapInterval(differences, 7)).toEqual(bootstrapInterval([...differences], 7));
    expect(bootstrapInterval(differences, 7)).not.toEqual(bootstrapInterval(differences, 8));
  });

  test("holds the mean, moves with the differences, and mirrors", () => {
    const differences = sample(50, 2);
    const [low, high] = bootstrapInterval(differences);
    expect(low).toBeLessThan(mean(differences));
    expect(high).toBeGreaterThan(mean(differences));
    const [lower, higher] = bootstrapInterval(differences.map((d) => d + 2));
    expect(lower).toBeCloseTo(low + 2, 10);
    expect(higher).toBeCloseTo(high + 2, 10);
    const mirrored = bootstrapInterval(differences.map((d) => -d));
    expect(mirrored).toEqual([expect.closeTo(-high, 10), expect.closeTo(-low, 10)]);
  });

  test("is as wide as the normal one, and half as wide for four times the queries", () => {
    const width = (n: number) => {
      const differences = sample(n, 3);
      const [low, high] = bootstrapInterval(differences);
      const m = mean(differences);
      const deviation = Math.sqrt(mean(differences.map((d) => (d - m) ** 2)));
      return [high - low, (2 * 1.96 * deviation) / Math.sqrt(n)] as const;
    };
    const [[few, normalFew], [many, normalMany]] = [width(100), width(400)];
    expect(Math.abs(few / normalFew - 1)).toBeLessThan(0.08);
    expect(Math.abs(many / normalMany - 1)).toBeLessThan(0.08);
    expect(few / many).toBeGreaterThan(1.6);
    expect(few / many).toBeLessThan(2.5);
  });

  test("holds the true mean, 0, in about 95 of 100 samples", () => {
    let held = 0;
    for (let seed = 0; seed < 200; seed++) {
      const [low, high] = bootstrapInterval(sample(40, 1000 + seed));
      if (low <= 0 && high >= 0) held++;
    }
    // Of 200, 190 are expected with a deviation of 3; a percentile bootstrap of 40 is a little narrow.
    expect(held).toBeGreaterThanOrEqual(178);
    expect(held).toBeLessThanOrEqual(199);
  });

  test("leaves its input alone", () => {
    const differences = Object.freeze([0.3, -0.1, 0.2]);
    expect(() => bootstrapInterval(differences)).not.toThrow();
  });
});
