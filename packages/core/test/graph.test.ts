import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type Adjacency, symmetrize } from "../src/graph/adjacency.ts";
import { normalizedLaplacian } from "../src/graph/laplacian.ts";
import { type Edges, gramMatrix, nearestNeighbors } from "../src/graph/neighbors.ts";
import { type Matrix, matrix } from "../src/kernels/matrix.ts";
import { scalar as kernel } from "../src/kernels/scalar.ts";
import { simdKernel } from "../src/kernels/simd.ts";
import { pack, unitRows } from "../src/pool/matrix.ts";
import { float32, permuted, pools, randomRows, uniform } from "./support.ts";

const simd = simdKernel()!;

const unitOf = (rows: number[][]): Matrix => unitRows(pack(rows, (i) => `rows[${i}]`));

/** Directed edges as `from>to` with their weights: comparable whatever their order. */
const asMap = ({ from, to, weight }: Edges): Record<string, number> =>
  Object.fromEntries(Array.from(from, (i, e) => [`${i}>${to[e]}`, weight[e]!] as const).sort());

/** What a row's buffer holds: {@link nearestNeighbors} leaves out a class of ties that would fill it. */
const capacity = (k: number): number => 4 * k + 64;

/** The k nearest of each row by sorting all of them: a tie with the k-th is in, a class of ties too large is out. */
function naiveNeighbors(unit: Matrix, k: number, floor: number): Record<string, number> {
  const edges: [string, number][] = [];
  for (let i = 0; i < unit.rows; i++) {
    const similarity = (j: number) =>
      Math.min(1, kernel.dot(unit.data, i * unit.stride, unit.data, j * unit.stride, unit.stride));
    const others = Array.from({ length: unit.rows }, (_, j) => ({ j, s: j === i ? -2 : similarity(j) }))
      .filter(({ s }) => s > floor)
      .sort((a, b) => b.s - a.s);
    const kth = others[k - 1]?.s ?? -2;
    const listed = others.filter(({ s }) => s >= kth);
    const kept = listed.length >= capacity(k) ? others.filter(({ s }) => s > kth) : listed;
    for (const { j, s } of kept) edges.push([`${i}>${j}`, s]);
  }
  return Object.fromEntries(edges.sort());
}

const floors = fc.constantFrom(0, 1e-3, 0.3, 0.9);

describe("nearest neighbours", () => {
  test("are those of a full sort, ties with the k-th included", () => {
    fc.assert(
      fc.property(pools({ maxN: 16 }), fc.integer({ min: 1, max: 20 }), floors, ({ rows }, k, floor) => {
        const unit = unitOf(rows);
        expect(asMap(nearestNeighbors(unit, null, k, floor, "all", kernel))).toEqual(
          naiveNeighbors(unit, k, floor),
        );
      }),
    );
  });

  test("are the same edges, bit for bit, when the Gram matrix is at hand", () => {
    fc.assert(
      fc.property(pools({ maxN: 16 }), fc.integer({ min: 1, max: 20 }), floors, ({ rows }, k, floor) => {
        const unit = unitOf(rows);
        const gram = gramMatrix(unit, kernel);
        expect(asMap(nearestNeighbors(unit, gram, k, floor, "all", kernel))).toEqual(
          asMap(nearestNeighbors(unit, null, k, floor, "all", kernel)),
        );
      }),
    );
  });

  // Tiles are of 32 rows, and on the diagonal cut into strips of 8: one row short, full, and one row into the next.
  describe.each([1, 2, 7, 8, 9, 31, 32, 33, 64, 65])("of %i rows", (n) => {
    const generic = unitOf(randomRows(n, 7, n));
    const next = uniform(n);
    const tied = unitOf(Array.from({ length: n }, () => [1, Math.round(next()), Math.round(next())]));

    test.each([1, 5, 63, 200])("k = %i: tiles join without a seam", (k) => {
      for (const unit of [generic, tied]) {
        const expected = naiveNeighbors(unit, k, 1e-3);
        expect(asMap(nearestNeighbors(unit, null, k, 1e-3, "all", kernel))).toEqual(expected);
        expect(asMap(nearestNeighbors(unit, gramMatrix(unit, kernel), k, 1e-3, "all", kernel))).toEqual(
          expected,
        );
      }
    });

    test("the Gram matrix holds every inner product, and is symmetric bit for bit", () => {
      const gram = gramMatrix(generic, kernel);
      const { data, stride } = generic;
      for (let i = 0; i < n; i++) {
        for (let j = 0; j < n; j++) {
          const entry = gram.data[i * gram.stride + j]!;
          expect(entry).toBe(kernel.dot(data, i * stride, data, j * stride, stride));
          expect(entry).toBe(gram.data[j * gram.stride + i]);
        }
      }
    });
  });

  test("a similarity at the floor is no edge, one above it is", () => {
    // The dot product is 1/2 in every bit; rows are taken as unit ones and not scaled again.
    const rows = matrix(2, 2);
    rows.data.set([1, 0, 0, 0, 0.5, 0.75, 0, 0]);
    const edges = (floor: number) => nearestNeighbors(rows, null, 1, floor, "all", kernel).from.length;
    expect(edges(0.5)).toBe(0);
    expect(edges(0.4999)).toBe(2);
    // A floor that is no float32 counts as it is: the next float32 above it is enough.
    expect(float32(0.3)).toBeGreaterThan(0.3);
    rows.data.set([float32(0.3), 1], 4);
    expect(edges(0.3)).toBe(2);
    expect(edges(float32(0.3))).toBe(0);
  });

  /** Asserts that both kernels list the same edges, whether the Gram matrix is at hand or not. */
  function expectSameEdges(unit: Matrix, k: number, floor: number, ties: "all" | "first"): void {
    const expected = nearestNeighbors(unit, null, k, floor, ties, kernel);
    const gram = gramMatrix(unit, kernel);
    expect(gramMatrix(unit, simd)).toEqual(gram);
    for (const [known, by] of [[gram, kernel] as const, [null, simd] as const, [gram, simd] as const]) {
      expect(nearestNeighbors(unit, known, k, floor, ties, by)).toEqual(expected);
    }
  }

  describe("are the same edges by either kernel, bit for bit", () => {
    const sizes = [...Array.from({ length: 70 }, (_, i) => i + 1), 100, 257];

    test.each(sizes)("of %i rows: unlike ones, tied ones, and copies of a few", (n) => {
      const next = uniform(n);
      const few = randomRows(3, 13, n);
      const kinds = [
        randomRows(n, 13, n + 1),
        Array.from({ length: n }, () => [1, Math.round(next()), Math.round(2 * next())]),
        Array.from({ length: n }, () => few[Math.floor(1.5 * (next() + 1))]!),
      ];
      for (const [at, rows] of kinds.entries()) {
        for (const ties of ["all", "first"] as const) {
          expectSameEdges(unitOf(rows), [1, 3, 20][(n + at) % 3]!, [0, 1e-3, 0.5][n % 3]!, ties);
        }
      }
    });

    // A buffer of the k = 1 nearest holds 68: it gets full again and again.
    test.each([69, 100, 257])("of %i rows: copies but for two, and rows that come nearer and nearer", (n) => {
      const copies = unitOf(Array.from({ length: n }, (_, i) => [1, i < n - 2 ? 0 : 0.1]));
      const nearing = unitOf(Array.from({ length: n }, (_, i) => [1, (n - i) / n]));
      for (const unit of [copies, nearing]) {
        for (const k of [1, 2]) {
          for (const ties of ["all", "first"] as const) expectSameEdges(unit, k, 1e-3, ties);
        }
      }
    });

    test("of any pool", () => {
      fc.assert(
        fc.property(
          pools({ maxN: 40 }),
          fc.integer({ min: 1, max: 20 }),
          floors,
          fc.constantFrom("all", "first"),
          ({ rows }, k, floor, ties) => expectSameEdges(unitOf(rows), k, floor, ties),
        ),
      );
    });
  });

  test("orthogonal, opposite and zero rows have none, even without a floor", () => {
    const unit = unitOf([
      [1, 0],
      [0, 1],
      [-1, 0],
      [0, 0],
    ]);
    expect(asMap(nearestNeighbors(unit, null, 3, 0, "all", kernel))).toEqual({});
  });

  test("no similarity exceeds 1, though rounding takes products there", () => {
    fc.assert(
      fc.property(pools({ minN: 2, maxN: 16 }), ({ rows }) => {
        const { weight } = nearestNeighbors(unitOf(rows), null, 30, 0, "all", kernel);
        expect(Math.max(0, ...weight)).toBeLessThanOrEqual(1);
      }),
    );
  });

  describe("a class of ties that would fill a row's buffer", () => {
    const copy = [1, 0, 0];
    const near = (angle: number) => [Math.cos(angle), Math.sin(angle), 0];

    test.each([1, 2, 5])("k = %i: one copy fewer is listed, and then the whole class is left out", (k) => {
      for (const extra of [-2, -1, 0, 1, 40]) {
        const copies = capacity(k) + extra;
        // The lone rows have a neighbour nearer than the copies, so a class may fall to the buffer and not they.
        const rows = [
          ...Array.from({ length: copies }, () => copy),
          near(0.6),
          near(0.601),
          ...randomRows(12, 3, k),
        ];
        const unit = unitOf(rows);
        const edges = nearestNeighbors(unit, null, k, 1e-3, "all", kernel);
        expect(asMap(edges)).toEqual(naiveNeighbors(unit, k, 1e-3));
        // A copy has `copies - 1` others, tied at the top.
        expect(Array.from(edges.from).filter((i) => i === 0).length).toBe(
          copies - 1 < capacity(k) ? copies - 1 : 0,
        );
      }
    });

    test("is left out for all of its members alike, wherever they stand", () => {
      const rows = [
        ...Array.from({ length: 90 }, () => copy),
        ...Array.from({ length: 70 }, () => near(0.6)),
        ...randomRows(40, 3, 8),
      ];
      const places = rows.map((_, i) => i);
      fc.assert(
        fc.property(
          fc.array(fc.nat(), { minLength: 40, maxLength: 200 }),
          fc.constantFrom(1, 2, 6),
          (keys, k) => {
            const order = permuted(places, keys);
            const edges = asMap(
              nearestNeighbors(unitOf(order.map((i) => rows[i]!)), null, k, 1e-3, "all", kernel),
            );
            const named = Object.entries(edges).map(([edge, weight]) => {
              const [from, to] = edge.split(">").map(Number);
              return [`${order[from!]}>${order[to!]}`, weight] as const;
            });
            expect(Object.fromEntries(named.sort())).toEqual(
              asMap(nearestNeighbors(unitOf(rows), null, k, 1e-3, "all", kernel)),
            );
          },
        ),
        { numRuns: 25 },
      );
    });
  });
});

describe("the symmetric graph", () => {
  const graphOf = (rows: number[][], k: number, rule: "union" | "mutual") => {
    const edges = nearestNeighbors(unitOf(rows), null, k, 1e-3, "all", kernel);
    return { edges, graph: symmetrize(rows.length, edges, rule) };
  };

  const entries = ({ n, rowStart, columns, weights }: Adjacency): Record<string, number> => {
    const found: [string, number][] = [];
    for (let i = 0; i < n; i++) {
      for (let e = rowStart[i]!; e < rowStart[i + 1]!; e++) found.push([`${i}>${columns[e]}`, weights[e]!]);
    }
    return Object.fromEntries(found);
  };

  test("union is what either lists, mutual what both do; weights are the similarities", () => {
    fc.assert(
      fc.property(pools({ maxN: 14 }), fc.integer({ min: 1, max: 6 }), ({ rows }, k) => {
        for (const rule of ["union", "mutual"] as const) {
          const { edges, graph } = graphOf(rows, k, rule);
          const listed = asMap(edges);
          const expected: Record<string, number> = {};
          for (let i = 0; i < rows.length; i++) {
            for (let j = 0; j < rows.length; j++) {
              const forth = listed[`${i}>${j}`];
              const back = listed[`${j}>${i}`];
              const kept = rule === "union" ? (forth ?? back) : forth && back;
              if (kept === undefined) continue;
              expected[`${i}>${j}`] = kept;
            }
          }
          expect(entries(graph)).toEqual(expected);
        }
      }),
    );
  });

  test("so it is for any lists, with hubs that all list and nodes that none does", () => {
    const lists = fc.integer({ min: 1, max: 20 }).chain((n) =>
      fc.record({
        n: fc.constant(n),
        // Row i lists j where its chance is above what j asks for: 0 makes a hub, 99 a node that none lists.
        chance: fc.array(fc.nat(99), { minLength: n * n, maxLength: n * n }),
        least: fc.array(fc.constantFrom(0, 50, 90, 99), { minLength: n, maxLength: n }),
      }),
    );
    fc.assert(
      fc.property(lists, ({ n, chance, least }) => {
        const all = Array.from({ length: n * n }, (_, at) => ({ i: Math.floor(at / n), j: at % n, at }));
        const listed = all.filter(({ i, j, at }) => i !== j && chance[at]! > least[j]!);
        const weight = (i: number, j: number) => float32(1 / (1 + Math.min(i, j) * n + Math.max(i, j)));
        const edges = {
          from: Int32Array.from(listed, ({ i }) => i),
          to: Int32Array.from(listed, ({ j }) => j),
          weight: Float32Array.from(listed, ({ i, j }) => weight(i, j)),
        };
        const names = (i: number, j: number) => listed.some((edge) => edge.i === i && edge.j === j);
        for (const rule of ["union", "mutual"] as const) {
          const kept = all.filter(({ i, j }) =>
            rule === "union" ? names(i, j) || names(j, i) : names(i, j) && names(j, i),
          );
          expect(symmetrize(n, edges, rule)).toEqual({
            n,
            rowStart: Int32Array.from({ length: n + 1 }, (_, row) => kept.filter(({ i }) => i < row).length),
            columns: Int32Array.from(kept, ({ j }) => j),
            weights: Float32Array.from(kept, ({ i, j }) => weight(i, j)),
          });
        }
      }),
    );
  });

  test("is symmetric bit for bit, without loops, columns ascending", () => {
    fc.assert(
      fc.property(pools({ maxN: 14 }), fc.integer({ min: 1, max: 6 }), ({ rows }, k) => {
        for (const rule of ["union", "mutual"] as const) {
          const { graph } = graphOf(rows, k, rule);
          const found = entries(graph);
          for (const [edge, weight] of Object.entries(found)) {
            const [i, j] = edge.split(">");
            expect(i).not.toBe(j);
            expect(found[`${j}>${i}`]).toBe(weight);
          }
          for (let i = 0; i < graph.n; i++) {
            const row = graph.columns.subarray(graph.rowStart[i]!, graph.rowStart[i + 1]!);
            expect(row).toEqual(row.toSorted());
            expect(new Set(row).size).toBe(row.length);
          }
        }
      }),
    );
  });

  test("mutual is a part of union, with the same weights", () => {
    fc.assert(
      fc.property(pools({ maxN: 14 }), fc.integer({ min: 1, max: 6 }), ({ rows }, k) => {
        const union = entries(graphOf(rows, k, "union").graph);
        expect(union).toMatchObject(entries(graphOf(rows, k, "mutual").graph));
      }),
    );
  });
});

describe("the normalized Laplacian", () => {
  const cases = pools({ maxN: 14 }).chain((pool) =>
    fc.tuple(
      fc.constant(pool),
      fc.integer({ min: 1, max: 6 }),
      fc.constantFrom("union" as const, "mutual" as const),
      fc.infiniteStream(fc.integer({ min: -100, max: 100 })).map((s) => [...s.take(pool.rows.length)]),
    ),
  );

  /** The Laplacian of a pool as a dense matrix, and the graph's degrees. */
  function dense(rows: number[][], k: number, rule: "union" | "mutual") {
    const edges = nearestNeighbors(unitOf(rows), null, k, 1e-3, "all", kernel);
    const graph = symmetrize(rows.length, edges, rule);
    const { n, rowStart, columns, weights, diagonal } = normalizedLaplacian(graph, "stay");
    const L = Array.from({ length: n }, (_, i) =>
      Array.from({ length: n }, (_, j) => (i === j ? diagonal[i]! : 0)),
    );
    const degree = new Array<number>(n).fill(0);
    for (let i = 0; i < n; i++) {
      for (let e = rowStart[i]!; e < rowStart[i + 1]!; e++) {
        L[i]![columns[e]!]! -= weights[e]!;
        degree[i]! += graph.weights[e]!;
      }
    }
    return { L, degree };
  }

  test("x' L x lies in [0, 2] x' x (Chung 1997, lemma 1.7)", () => {
    fc.assert(
      fc.property(cases, ([{ rows }, k, rule, x]) => {
        const { L } = dense(rows, k, rule);
        const square = x.reduce((sum, v) => sum + v * v, 0);
        const form = L.reduce((sum, row, i) => sum + x[i]! * row.reduce((s, l, j) => s + l * x[j]!, 0), 0);
        expect(form).toBeGreaterThanOrEqual(-1e-6 * square);
        expect(form).toBeLessThanOrEqual((2 + 1e-6) * square);
      }),
    );
  });

  test("the square roots of the degrees are in its kernel, and a lone node's row is zero", () => {
    fc.assert(
      fc.property(cases, ([{ rows }, k, rule]) => {
        const { L, degree } = dense(rows, k, rule);
        L.forEach((row, i) => {
          const product = row.reduce((sum, l, j) => sum + l * Math.sqrt(degree[j]!), 0);
          expect(Math.abs(product)).toBeLessThanOrEqual(1e-6 * Math.sqrt(degree[i]!));
          if (degree[i] === 0) expect(row.every((l) => l === 0)).toBe(true);
        });
      }),
    );
  });

  test("does not change when all weights are scaled", () => {
    fc.assert(
      fc.property(cases, ([{ rows }, k, rule]) => {
        const edges = nearestNeighbors(unitOf(rows), null, k, 1e-3, "all", kernel);
        const graph = symmetrize(rows.length, edges, rule);
        // A power of four: its square root is exact.
        const scaled = { ...graph, weights: graph.weights.map((w) => w * 2 ** -10) };
        expect(normalizedLaplacian(scaled, "stay")).toEqual(normalizedLaplacian(graph, "stay"));
      }),
    );
  });

  test("O16 an isolated node keeps its vector: L_ii = 0; the published rule is 1", () => {
    const lone = {
      n: 2,
      rowStart: new Int32Array(3),
      columns: new Int32Array(0),
      weights: new Float32Array(0),
    };
    expect([...normalizedLaplacian(lone, "stay").diagonal]).toEqual([0, 0]);
    expect([...normalizedLaplacian(lone, "shrink").diagonal]).toEqual([1, 1]);
  });
});
