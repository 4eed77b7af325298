import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { symmetrize } from "../src/graph/adjacency.ts";
import { normalizedLaplacian } from "../src/graph/laplacian.ts";
import { gramMatrix, nearestNeighbors } from "../src/graph/neighbors.ts";
import type { SparseSymmetric } from "../src/kernels/kernel.ts";
import { scalar as kernel } from "../src/kernels/scalar.ts";
import { simdKernel } from "../src/kernels/simd.ts";
import type { SolveOptions } from "../src/options/types.ts";
import { pack, unitRows } from "../src/pool/matrix.ts";
import { conjugateGradients, putColumns } from "../src/solve/cg.ts";
import { solve } from "../src/solve/solve.ts";
import { ambientSpace, cheaperSpace, type Space, spanSpace } from "../src/solve/space.ts";
import { assemble, type System, shifted } from "../src/solve/system.ts";
import {
  type Dense,
  dot,
  float32,
  frobenius,
  plus,
  pools,
  randomRow,
  randomRows,
  solveDense,
  times,
  uniform,
  zeros,
} from "./support.ts";

/** The system of a pool: its graph of the 4 nearest, and pulls that differ. */
function systemOf(rows: number[][], { lamG = 1, lamC = 2, lamQ = 0 } = {}): System {
  const unit = unitRows(pack(rows, (i) => `rows[${i}]`));
  const edges = nearestNeighbors(unit, null, 4, 1e-3, "all", kernel);
  const graph = symmetrize(rows.length, edges, "union");
  const pull = Float32Array.from(rows, (_, i) => (lamQ * (i + 1)) / rows.length);
  return assemble(normalizedLaplacian(graph, "stay"), lamG, lamC, pull);
}

function dense({ n, diagonal, rowStart, columns, values }: SparseSymmetric): Dense {
  const m = zeros(n, n);
  for (let i = 0; i < n; i++) {
    m[i]![i] = diagonal[i]!;
    for (let e = rowStart[i]!; e < rowStart[i + 1]!; e++) m[i]![columns[e]!] = values[e]!;
  }
  return m;
}

const unflatten = (x: ArrayLike<number>, width: number): Dense =>
  Array.from({ length: x.length / width }, (_, i) =>
    Array.from({ length: width }, (_, c) => x[i * width + c]!),
  );

/** A right-hand side for n rows: `width` values each, a multiple of 4. */
const rhsOf = (n: number, width: number, seed: number): Float32Array =>
  Float32Array.from(randomRow(n * width, seed));

const systems = fc.tuple(
  pools({ maxN: 14 }),
  fc.record({
    lamG: fc.constantFrom(0.25, 1, 3),
    lamC: fc.constantFrom(0, 2, 5),
    lamQ: fc.constantFrom(0, 4),
  }),
);

/** What rounding to float32 may leave in `|F - M X|`. */
const slack = (m: Dense, x: Dense, f: Dense): number =>
  2 ** -21 *
  (frobenius(f) + Math.max(...m.map((row) => row.reduce((s, v) => s + Math.abs(v), 0))) * frobenius(x));

describe("the system", () => {
  test("is symmetric positive definite, with smallest eigenvalue at least lamG", () => {
    const vectors = fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 14, maxLength: 14 });
    fc.assert(
      fc.property(systems, vectors, ([{ rows }, weights], x) => {
        const m = dense(systemOf(rows, weights).matrix);
        const square = m.reduce((sum, _, i) => sum + x[i]! ** 2, 0);
        const form = m.reduce((sum, row, i) => sum + x[i]! * row.reduce((s, v, j) => s + v * x[j]!, 0), 0);
        expect(form).toBeGreaterThanOrEqual(weights.lamG * square * (1 - 1e-5));
        m.forEach((row, i) => {
          row.forEach((v, j) => {
            expect(v).toBe(m[j]![i]);
          });
        });
      }),
    );
  });

  test("an implicit Euler step's matrix is I + dt M, but for a positive factor", () => {
    fc.assert(
      fc.property(systems, fc.constantFrom(0.01, 1, 30, 1e6), ([{ rows }, weights], dt) => {
        const system = systemOf(rows, weights);
        const step = dense(shifted(system, 1, dt));
        const expected = dense(system.matrix).map((row, i) => row.map((v, j) => (i === j ? 1 : 0) + dt * v));
        const factor = step[0]![0]! / expected[0]![0]!;
        expect(factor).toBeGreaterThan(0);
        expect(frobenius(plus(step, expected, -factor))).toBeLessThanOrEqual(2 ** -21 * frobenius(step));
      }),
    );
  });
});

describe("conjugate gradients", () => {
  test("agree with Gaussian elimination as far as the residual says", () => {
    fc.assert(
      fc.property(
        systems,
        fc.constantFrom(4, 8, 64, 72, 132),
        fc.nat(),
        ([{ rows }, weights], width, seed) => {
          const { matrix } = systemOf(rows, weights);
          const rhs = rhsOf(rows.length, width, seed);
          const x = new Float32Array(rhs.length);
          const reached = conjugateGradients(
            matrix,
            rhs,
            x,
            width,
            { tolerance: 1e-5, maxIterations: 100, preconditioner: "jacobi" },
            kernel,
          );
          const m = dense(matrix);
          const [f, u] = [unflatten(rhs, width), unflatten(x, width)];
          const rounding = slack(m, u, f);
          expect(reached.converged).toBe(true);
          // |x - x*| <= |r| / smallest eigenvalue.
          expect(frobenius(plus(u, solveDense(m, f), -1))).toBeLessThanOrEqual(
            (reached.residual + rounding) / weights.lamG,
          );
        },
      ),
      { numRuns: 60 },
    );
  });

  test("the reported residual is that of the result, recomputed, and converged says whether it meets the goal", () => {
    fc.assert(
      fc.property(
        systems,
        fc.constantFrom(1e-7, 1e-5, 1e-2, 0.5),
        fc.integer({ min: 1, max: 12 }),
        fc.nat(),
        ([{ rows }, weights], tolerance, maxIterations, seed) => {
          const { matrix } = systemOf(rows, weights);
          const rhs = rhsOf(rows.length, 8, seed);
          const x = rhsOf(rows.length, 8, seed + 1);
          const reached = conjugateGradients(
            matrix,
            rhs,
            x,
            8,
            { tolerance: tolerance, maxIterations: maxIterations, preconditioner: "jacobi" },
            kernel,
          );
          const m = dense(matrix);
          const [f, u] = [unflatten(rhs, 8), unflatten(x, 8)];
          const true_ = frobenius(plus(f, times(m, u), -1));
          expect(Math.abs(reached.residual - true_)).toBeLessThanOrEqual(slack(m, u, f));
          // Not the recursion's own, which drifts: the very figure that one more product with M gives.
          const product = new Float32Array(x.length);
          kernel.multiply(matrix, x, product, 8);
          const r = rhs.map((v, at) => v - product[at]!);
          expect(reached.residual).toBeCloseTo(Math.sqrt(kernel.dot(r, 0, r, 0, r.length)), 12);
          expect(reached.iterations).toBeLessThanOrEqual(maxIterations);
          const goal = tolerance * frobenius(f);
          if (reached.converged) expect(true_).toBeLessThanOrEqual(goal + slack(m, u, f));
          // It ends before only where float32 has no more to give.
          else if (reached.iterations < maxIterations) expect(true_).toBeLessThanOrEqual(4 * slack(m, u, f));
        },
      ),
    );
  });

  test("one iteration is reported as not converged, and the residual is honest", () => {
    const rows = randomRows(40, 12, 3);
    const { matrix } = systemOf(rows, { lamG: 0.1, lamC: 5 });
    const rhs = rhsOf(40, 12, 4);
    const x = new Float32Array(rhs.length);
    const reached = conjugateGradients(
      matrix,
      rhs,
      x,
      12,
      { tolerance: 1e-5, maxIterations: 1, preconditioner: "jacobi" },
      kernel,
    );
    expect(reached).toMatchObject({ iterations: 1, converged: false });
    const f = unflatten(rhs, 12);
    const left = frobenius(plus(f, times(dense(matrix), unflatten(x, 12)), -1));
    expect(reached.residual).toBeCloseTo(left, 4);
    expect(left).toBeGreaterThan(1e-5 * frobenius(f));
  });

  test("a zero right-hand side has the zero solution, from zero at no cost and from anywhere", () => {
    const { matrix } = systemOf(randomRows(9, 4, 5));
    const rhs = new Float32Array(36);
    const x = new Float32Array(36);
    expect(
      conjugateGradients(
        matrix,
        rhs,
        x,
        4,
        { tolerance: 1e-5, maxIterations: 100, preconditioner: "jacobi" },
        kernel,
      ),
    ).toEqual({
      iterations: 0,
      residual: 0,
      converged: true,
    });
    expect(x).toEqual(rhs);
    const start = rhsOf(9, 4, 6);
    const size = frobenius(unflatten(start, 4));
    conjugateGradients(
      matrix,
      rhs,
      start,
      4,
      { tolerance: 1e-5, maxIterations: 100, preconditioner: "jacobi" },
      kernel,
    );
    expect(frobenius(unflatten(start, 4))).toBeLessThan(1e-6 * size);
  });

  test("started at the solution they stay there", () => {
    const { matrix } = systemOf(randomRows(20, 6, 7));
    const rhs = rhsOf(20, 8, 8);
    const x = new Float32Array(rhs.length);
    conjugateGradients(
      matrix,
      rhs,
      x,
      8,
      { tolerance: 1e-6, maxIterations: 100, preconditioner: "jacobi" },
      kernel,
    );
    const again = x.slice();
    expect(
      conjugateGradients(
        matrix,
        rhs,
        again,
        8,
        { tolerance: 1e-5, maxIterations: 100, preconditioner: "jacobi" },
        kernel,
      ).iterations,
    ).toBe(0);
    expect(again).toEqual(x);
  });

  test("no nodes need no work", () => {
    const { matrix } = systemOf([]);
    const none = new Float32Array(0);
    expect(
      conjugateGradients(
        matrix,
        none,
        none,
        4,
        { tolerance: 1e-5, maxIterations: 100, preconditioner: "jacobi" },
        kernel,
      ),
    ).toMatchObject({
      residual: 0,
      converged: true,
    });
  });

  test.each([-100, -70, -40, 40, 70, 100])(
    "a right-hand side times 2^%i has the solution times as much, and its residual: no silent under- or overflow",
    (exponent) => {
      const scale = 2 ** exponent;
      const { matrix } = systemOf(randomRows(12, 6, 9));
      const rhs = rhsOf(12, 8, 10);
      const x = new Float32Array(rhs.length);
      const reached = conjugateGradients(
        matrix,
        rhs,
        x,
        8,
        { tolerance: 1e-5, maxIterations: 100, preconditioner: "jacobi" },
        kernel,
      );
      const scaledX = new Float32Array(rhs.length);
      const scaled = conjugateGradients(
        matrix,
        rhs.map((v) => v * scale),
        scaledX,
        8,
        { tolerance: 1e-5, maxIterations: 100, preconditioner: "jacobi" },
        kernel,
      );
      expect(scaled.converged).toBe(true);
      expect(Number.isFinite(scaled.residual)).toBe(true);
      const difference = plus(unflatten(scaledX, 8), unflatten(x, 8), -scale);
      expect(frobenius(difference) / scale).toBeLessThanOrEqual(2 * reached.residual + 1e-6);
    },
  );
});

/** A random system: rows i with `i % 4 = 3` have no entry, the others some; diagonals that differ or do not. */
function randomSystem(n: number, seed: number, diagonals: "differ" | "equal"): SparseSymmetric {
  const next = uniform(seed);
  const m = zeros(n, n);
  for (let i = 0; i < n; i++) {
    for (let j = i + 1; j < n; j++) {
      if (i % 4 === 3 || j % 4 === 3 || next() > 0) continue;
      m[i]![j] = float32(next() / n);
      m[j]![i] = m[i]![j]!;
    }
  }
  const rows = m.map((row) => row.flatMap((v, j) => (v === 0 ? [] : [{ j, v }])));
  return {
    n,
    // Larger than the sum of the row's entries, so that the system is positive definite.
    diagonal: Float32Array.from(rows, () => (diagonals === "equal" ? 3 : 1.5 + (next() + 1) ** 3)),
    rowStart: Int32Array.from({ length: n + 1 }, (_, i) => rows.slice(0, i).flat().length),
    columns: Int32Array.from(rows.flat(), ({ j }) => j),
    values: Float32Array.from(rows.flat(), ({ v }) => v),
  };
}

const isolated = ({ n, rowStart }: SparseSymmetric): number[] =>
  Array.from({ length: n }, (_, i) => i).filter((i) => rowStart[i] === rowStart[i + 1]);

const options: SolveOptions = { tolerance: 1e-5, maxIterations: 100, preconditioner: "jacobi" };

describe("conjugate gradients on any system", () => {
  const cases = fc.record({
    n: fc.integer({ min: 1, max: 12 }),
    // A part of a block, one and a little, two, and two and a little.
    width: fc.constantFrom(4, 36, 64, 100, 132),
    seed: fc.nat(),
    diagonals: fc.constantFrom("differ" as const, "equal" as const),
    // Of the right-hand side, of which a few columns stay 0.
    scale: fc.constantFrom(0, 1, 2 ** -80, 2 ** 80),
    // Of the start, times that of the right-hand side.
    start: fc.constantFrom(0, 0, 1, 2 ** -20),
    options: fc.constantFrom<SolveOptions>(
      options,
      { ...options, preconditioner: "none" },
      { ...options, tolerance: 1e-7, maxIterations: 7 },
      { ...options, tolerance: 0.5 },
      { ...options, maxIterations: 1 },
    ),
  });
  type Case = typeof cases extends fc.Arbitrary<infer T> ? T : never;

  const given = ({ n, width, seed, scale, start }: Case) => ({
    rhs: rhsOf(n, width, seed).map((v, at) => (at % width === seed % width ? 0 : v * scale)),
    x: rhsOf(n, width, seed + 1).map((v) => v * start * (scale || 1)),
  });

  function solved(
    { n, width, seed, diagonals, options }: Case,
    rhs: Float32Array,
    start: Float32Array,
    by = kernel,
  ) {
    const matrix = randomSystem(n, seed, diagonals);
    const x = start.slice();
    const residuals = new Float32Array(x.length);
    const reached = conjugateGradients(matrix, rhs, x, width, options, by, (block) =>
      putColumns(block, residuals),
    );
    return { matrix, reached, x, residuals };
  }

  test("both kernels give the same bits", () => {
    const simd = simdKernel()!;
    fc.assert(
      fc.property(cases, (one) => {
        const { rhs, x } = given(one);
        expect(solved(one, rhs, x, simd)).toEqual(solved(one, rhs, x, kernel));
      }),
    );
  });

  test("the residuals are F - M X, recomputed in float64, and their norm the residual", () => {
    fc.assert(
      fc.property(cases, (one) => {
        const { rhs, x: start } = given(one);
        const { matrix, x, residuals, reached } = solved(one, rhs, start);
        const { width } = one;
        const m = dense(matrix);
        const [f, u, r] = [rhs, x, residuals].map((values) => unflatten(values, width)) as [
          Dense,
          Dense,
          Dense,
        ];
        const rounding = slack(m, u, f);
        expect(frobenius(plus(r, plus(f, times(m, u), -1), -1))).toBeLessThanOrEqual(rounding);
        expect(Math.abs(frobenius(r) - reached.residual)).toBeLessThanOrEqual(2 ** -20 * reached.residual);
        expect(reached.converged).toBe(reached.residual <= one.options.tolerance * frobenius(f) * (1 + 1e-6));
      }),
    );
  });

  test("from zero, rows without entries are F divided by the diagonal, to the last bit or next to it", () => {
    fc.assert(
      fc.property(cases, (one) => {
        const { rhs } = given(one);
        const { matrix, x } = solved(one, rhs, new Float32Array(rhs.length));
        for (const i of isolated(matrix)) {
          for (let at = i * one.width; at < (i + 1) * one.width; at++) {
            const exact = rhs[at]! / matrix.diagonal[i]!;
            expect(Math.abs(x[at]! - exact)).toBeLessThanOrEqual(2 ** -23 * Math.abs(exact));
          }
        }
      }),
    );
  });

  test.each(["differ", "equal"] as const)(
    "and to the last bit as long as no search starts again: %s",
    (diagonals) => {
      for (const scale of [1, 2 ** -80, 2 ** 80]) {
        for (let seed = 0; seed < 20; seed++) {
          const matrix = randomSystem(12, seed, diagonals);
          const rhs = rhsOf(12, 36, seed).map((v) => v * scale);
          const x = new Float32Array(rhs.length);
          conjugateGradients(matrix, rhs, x, 36, options, kernel);
          for (const i of isolated(matrix)) {
            const row = rhs.slice(i * 36, (i + 1) * 36);
            expect(x.slice(i * 36, (i + 1) * 36)).toEqual(row.map((v) => v / matrix.diagonal[i]!));
          }
        }
      }
    },
  );

  test("a system of isolated rows alone takes no iteration from zero", () => {
    const matrix = { ...randomSystem(5, 1, "differ"), rowStart: new Int32Array(6) };
    const rhs = rhsOf(5, 68, 2);
    const x = new Float32Array(rhs.length);
    const residuals = new Float32Array(rhs.length).fill(1);
    const reached = conjugateGradients(matrix, rhs, x, 68, options, kernel, (block) =>
      putColumns(block, residuals),
    );
    expect(reached).toMatchObject({ iterations: 0, converged: true });
    expect(x).toEqual(rhs.map((v, at) => v / matrix.diagonal[Math.floor(at / 68)]!));
    expect(residuals).toEqual(
      rhs.map((v, at) => v - float32(matrix.diagonal[Math.floor(at / 68)]! * x[at]!)),
    );
  });

  test("the result does not depend on a block's neighbours: columns solved apart are the same", () => {
    const matrix = randomSystem(11, 3, "differ");
    const rhs = rhsOf(11, 132, 4);
    const all = new Float32Array(rhs.length);
    conjugateGradients(matrix, rhs, all, 132, options, kernel);
    const columnsOf = (values: Float32Array, first: number, width: number) =>
      Float32Array.from(unflatten(values, 132).flatMap((row) => row.slice(first, first + width)));
    for (const [first, width] of [
      [0, 64],
      [64, 64],
      [128, 4],
    ] as const) {
      const x = new Float32Array(11 * width);
      conjugateGradients(matrix, columnsOf(rhs, first, width), x, width, options, kernel);
      expect(x).toEqual(columnsOf(all, first, width));
    }
  });
});

describe("the two spaces", () => {
  const pair = (rows: number[][], query: number[] | null): [Space, Space] => {
    const vectors = unitRows(pack(rows, (i) => `rows[${i}]`));
    const psi = query && unitRows(pack([query], () => "query")).data;
    return [ambientSpace(vectors, psi), spanSpace(vectors, gramMatrix(vectors, kernel), psi, kernel)];
  };

  /** `F = lamG Y + pull psi` in a space's coordinates. */
  function rhsIn({ start, query, width }: Space, { lamG, pull }: System): Float32Array {
    return start.map((y, at) => lamG * y + pull[Math.floor(at / width)]! * (query?.[at % width] ?? 0));
  }

  const cases = fc.tuple(pools({ maxN: 14, maxD: 20 }), fc.boolean());

  test("write down the same vectors to start with", () => {
    fc.assert(
      fc.property(cases, ([{ rows, query }, pulls]) => {
        for (const space of pair(rows, pulls ? query : null)) {
          const { data, stride } = unitRows(pack(rows, (i) => `rows[${i}]`));
          const start = unflatten(space.toVectors(space.start).data, stride);
          expect(frobenius(plus(start, unflatten(data, stride), -1))).toBe(0);
        }
      }),
    );
  });

  test("the metric gives the inner products of the vectors", () => {
    fc.assert(
      fc.property(cases, fc.nat(), ([{ rows, query }, pulls], seed) => {
        for (const space of pair(rows, pulls ? query : null)) {
          const { width } = space;
          const x = rhsOf(rows.length, width, seed);
          const z = rhsOf(rows.length, width, seed + 1);
          // The padding of a row is no coordinate.
          for (let at = 0; at < x.length; at++) {
            if (at % width >= (space.kind === "span" ? rows.length + (pulls ? 1 : 0) : rows[0]!.length)) {
              x[at] = 0;
              z[at] = 0;
            }
          }
          const xg = unflatten(space.metric(x), width);
          const [u, v] = [space.toVectors(x), space.toVectors(z)];
          for (let i = 0; i < rows.length; i++) {
            for (let j = 0; j < rows.length; j++) {
              const product = dot(unflatten(u.data, u.stride)[i]!, unflatten(v.data, v.stride)[j]!);
              expect(Math.abs(dot(xg[i]!, unflatten(z, width)[j]!) - product)).toBeLessThan(
                1e-5 * (1 + width) ** 2,
              );
            }
          }
        }
      }),
      { numRuns: 40 },
    );
  });

  test("settle to the same vectors, with the same residual of the vectors, pulled by a query or not", () => {
    fc.assert(
      fc.property(cases, ([{ rows, query }, pulls]) => {
        const system = systemOf(rows, { lamQ: pulls ? 2 : 0 });
        const solved = pair(rows, pulls ? query : null).map((space) => {
          const rhs = rhsIn(space, system);
          const x = space.start.slice();
          const { convergence: reached, residuals } = solve(
            system.matrix,
            space,
            rhs,
            x,
            { tolerance: 1e-5, maxIterations: 100, preconditioner: "jacobi" },
            kernel,
          );
          const [u, f] = [space.toVectors(x), space.toVectors(rhs)].map((m) => unflatten(m.data, m.stride));
          return { reached, residuals, u: u!, f: f! };
        });
        const m = dense(system.matrix);
        for (const { reached, residuals, u, f } of solved) {
          const rounding = 4 * slack(m, u, f);
          const left = frobenius(plus(f, times(m, u), -1));
          expect(reached.converged).toBe(true);
          expect(left).toBeLessThanOrEqual(1e-5 * frobenius(f) + rounding);
          expect(left).toBeLessThanOrEqual(reached.residual + rounding);
          expect(Math.hypot(...residuals)).toBeCloseTo(reached.residual, 6);
          expect(residuals).toHaveLength(rows.length);
          expect(frobenius(plus(u, solveDense(m, f), -1))).toBeLessThanOrEqual(
            1e-5 * frobenius(f) + rounding,
          );
        }
      }),
    );
  });

  test("the choice follows the number of products, and a Gram matrix of more than 512 rows is never kept", () => {
    // Few candidates of many dimensions are written over each other, many of few dimensions are not.
    expect(cheaperSpace(50, 1536, 50 * 50)).toBe("span");
    expect(cheaperSpace(1000, 16, 1000 * 60)).toBe("ambient");
    // 12 n³ products in the span of a complete graph, 10 n² d without: they meet at n = 5/6 d.
    expect(cheaperSpace(9, 12, 9 * 9)).toBe("span");
    expect(cheaperSpace(10, 12, 10 * 10)).toBe("ambient");
    expect(cheaperSpace(512, 1e9, 512 * 60)).toBe("span");
    expect(cheaperSpace(513, 1e9, 513 * 60)).toBe("ambient");
    expect(cheaperSpace(0, 0, 0)).toBe("ambient");
  });
});
