import { describe, expect, test } from "vitest";
import { type Point, placed, principalPlane } from "../src/graph/layout.ts";
import { random } from "./world.ts";

const distance = ([a, b]: Point, [c, d]: Point) => Math.hypot(a - c, b - d);

describe("the first two principal components", () => {
  /** Vectors of length 1 in a plane of five dimensions. */
  const angles = [0.1, 0.4, 0.5, 1.2, 1.9, 2.4];
  const flat = angles.map((a) => [0, Math.cos(a), 0, Math.sin(a), 0]);

  test("keep all distances of vectors that lie in a plane", () => {
    const points = principalPlane(flat);
    for (let i = 0; i < flat.length; i++) {
      for (let j = 0; j < i; j++) {
        const exact = 2 * Math.abs(Math.sin((angles[i]! - angles[j]!) / 2));
        expect(distance(points[i]!, points[j]!)).toBeCloseTo(exact, 6);
      }
    }
  });

  test("do not ask how long the vectors are", () => {
    const points = principalPlane(flat.map((row, i) => row.map((x) => (i + 1) * x)));
    principalPlane(flat).forEach(([x, y], i) => {
      expect(points[i]![0]).toBeCloseTo(x, 9);
      expect(points[i]![1]).toBeCloseTo(y, 9);
    });
  });

  test("are centred, across each other, and the first is the wider one", () => {
    const next = random(7);
    const points = principalPlane(Array.from({ length: 30 }, () => Array.from({ length: 8 }, next)));
    const sum = (of: (point: Point) => number) => points.reduce((all, point) => all + of(point), 0);
    expect(sum(([x]) => x)).toBeCloseTo(0, 9);
    expect(sum(([, y]) => y)).toBeCloseTo(0, 9);
    expect(sum(([x, y]) => x * y)).toBeCloseTo(0, 6);
    expect(sum(([x]) => x * x)).toBeGreaterThan(sum(([, y]) => y * y));
  });

  test("of one vector, or of equal ones, are points all the same", () => {
    for (const same of [
      [[1, 0]],
      [
        [1, 0],
        [1, 0],
        [1, 0],
      ],
      [[0, 0]],
    ]) {
      for (const point of principalPlane(same)) expect(point.every((x) => Math.abs(x) < 1e-6)).toBe(true);
    }
  });
});

test("discs are placed in the frame, and apart from each other where there is room", () => {
  const next = random(3);
  const points = Array.from({ length: 60 }, (): Point => [next() * next(), next()]);
  const frame = { width: 960, height: 560, margin: 34 };
  const radii = points.map(() => 8);
  const places = placed([...points, points[0]!], [...radii, 8], frame);
  for (const [i, place] of places.entries()) {
    expect(place[0]).toBeGreaterThanOrEqual(34);
    expect(place[0]).toBeLessThanOrEqual(926);
    expect(place[1]).toBeGreaterThanOrEqual(34);
    expect(place[1]).toBeLessThanOrEqual(526);
    for (let j = 0; j < i; j++) expect(distance(place, places[j]!)).toBeGreaterThan(15.5);
  }
});
