import { describe, expect, test } from "vitest";
import { VectorError } from "../../src/index.ts";
import {
  type ChainAnswer,
  EXACT,
  expectClose,
  expectEdges,
  expectSample,
  inputsOf,
  type LatticeCase,
  latticeOf,
  load,
  MARGIN,
  type Point,
  REFERENCE,
  rowsOf,
  type Terms,
  Z,
} from "./golden.ts";

const { cases } = load<{ cases: LatticeCase[] }>("lattice_cases");

const terms = ["anchor", "coherence", "query", "chain", "total"] as const;
const alphas = ["0.0", "0.5", "1.0"] as const;

const valuesOf = (energy: Terms): number[] => terms.map((term) => energy[term]);

describe.each(cases)("profile reference is oscillink 0.1.13: $name", (setup) => {
  const { exact, reference } = setup;
  const { Y, psi, gates } = inputsOf(setup);
  const { lamG, lamQ } = setup.params;

  test("state_sig, which covers the edges, is its own, byte for byte", () => {
    expect(latticeOf(setup).receipt().meta.state_sig).toBe(reference.state_sig);
  });

  test("edges before and after the row cap, and their counts", () => {
    expectEdges(latticeOf(setup, { rowCap: null }), reference.A_mutual, EXACT, "mutual");
    const lattice = latticeOf(setup);
    expectEdges(lattice, exact.A_capped, EXACT, "capped");
    const { avg_degree, edge_density } = lattice.figures().meta;
    expectClose(
      [avg_degree, edge_density],
      [reference.receipt.avg_degree, reference.receipt.edge_density],
      1e-12,
      "counts",
    );
  });

  test("the settled vectors, and one step on the way there", () => {
    const lattice = latticeOf(setup);
    const settled = rowsOf(lattice.settledVectors());
    expectSample(settled, exact.Ustar, EXACT, "U*");
    expectSample(settled, reference.Ustar, REFERENCE, "U* of the package");
    expect(lattice.settle({ dt: 1 }).converged).toBe(true);
    expectSample(rowsOf(lattice.stateVectors()), exact.Uplus_dt1, EXACT, "U+");
  });

  test("the energies of the vectors, of U* and of the step, term by term", () => {
    const lattice = latticeOf(setup);
    expectClose(valuesOf(lattice.energyOf(Y)), valuesOf(exact.H_Y), EXACT, "H(Y)");
    const settled = lattice.settledVectors();
    expectClose(valuesOf(lattice.energyOf(settled)), valuesOf(exact.H_Ustar), EXACT, "H(U*)");
    lattice.settle({ dt: 1 });
    expectClose(valuesOf(lattice.energyOf(lattice.stateVectors())), valuesOf(exact.H_Uplus), EXACT, "H(U+)");
    const { energy } = lattice.figures();
    expectClose(
      [energy.initial, energy.final, energy.minimum],
      [exact.H_Y.total, exact.H_Uplus.total, exact.H_Ustar.total],
      EXACT,
      "the receipt's energies",
    );
    const { total: _, ...minimum } = exact.H_Ustar;
    expectClose(
      terms.slice(0, 4).map((term) => energy.terms[term as "anchor"]),
      Object.values(minimum),
      EXACT,
      "the receipt's terms",
    );
  });

  test("deltaH_total before and after a step, and the three sums", () => {
    const lattice = latticeOf(setup);
    const before = lattice.figures();
    expectClose([before.deltaH_total], [exact.deltaH_Y], EXACT, "deltaH(Y)");
    expectClose([before.deltaH_total], [reference.deltaH_before], REFERENCE, "deltaH of the package");
    lattice.settle({ dt: 1 });
    const after = lattice.figures();
    expectClose([after.deltaH_total], [exact.deltaH_Uplus], EXACT, "deltaH(U+)");
    expect(after.energy.remaining).toBe(after.deltaH_total);
    // Its own step stops at a residual of 1e-3.
    expectClose([after.deltaH_total], [reference.receipt.deltaH_total], 1e-3, "deltaH of the package's step");
    for (const receipt of [before, after]) {
      for (const sum of ["coh_drop_sum", "anchor_pen_sum", "query_term_sum"] as const) {
        expectClose([receipt[sum]!], [exact[sum]], EXACT, sum);
        expectClose([receipt[sum]!], [reference.receipt[sum]], REFERENCE, `${sum} of the package`);
      }
    }
  });

  test("the terms of each node", () => {
    const all = latticeOf(setup, { k: Y.length }).bundle();
    const byIndex = all.toSorted((a, b) => a.index - b.index);
    const drops = byIndex.map(({ parts }) => parts!.coherence!);
    expectClose(drops, exact.coh_drop, EXACT, "coh_drop");
    expectClose(drops, reference.coh_drop, REFERENCE, "coh_drop of the package");
    // The other two are those of the settled vectors.
    const settled = rowsOf(latticeOf(setup).settledVectors());
    const square = (a: number[], b: number[]) => a.reduce((sum, v, c) => sum + (v - b[c]!) ** 2, 0);
    const anchor = settled.map((u, i) => lamG * square(u, Y[i]!));
    const query = settled.map((u, i) => lamQ * gates[i]! * square(u, psi));
    expectClose(anchor, exact.anchor_pen, EXACT, "anchor_pen");
    expectClose(query, exact.query_term, EXACT, "query_term");
    expectClose(anchor, reference.anchor_pen, REFERENCE, "anchor_pen of the package");
    expectClose(query, reference.query_term, REFERENCE, "query_term of the package");
  });

  test("the null points", () => {
    // A row whose largest z is the threshold's, but for rounding, may be listed or not.
    const open = new Set([...exact.row_max_z.keys()].filter((i) => Math.abs(exact.row_max_z[i]![1] - 3) < Z));
    const decided = (points: readonly Point[]) =>
      points.filter(({ edge }) => !open.has(edge[0])).toSorted(byRow);
    const { null_points, meta } = latticeOf(setup).figures({ nullCap: 1000 });
    const points = decided(null_points!);
    if (open.size === 0) {
      expect(meta.null_points_summary!.total_null_points).toBe(
        reference.receipt.null_points_summary.total_null_points,
      );
    }
    for (const [expected, tolerance] of [
      [decided(exact.null_points), EXACT],
      [decided(reference.receipt.null_points), REFERENCE],
    ] as const) {
      expect(points.map(({ edge }) => edge)).toEqual(expected.map(({ edge }) => edge));
      expectClose(
        points.map(({ residual }) => residual),
        expected.map(({ residual }) => residual),
        tolerance,
        "residual",
      );
      expectClose(
        points.map(({ z }) => z),
        expected.map(({ z }) => z),
        Z,
        "z",
      );
    }
  });

  test.each(alphas)("the bundle for alpha %s", (alpha) => {
    const coherenceWeight = Number(alpha);
    const { score_all, order, min_step_gap } = exact.bundle[alpha];
    const all = latticeOf(setup, { coherenceWeight, k: Y.length }).bundle();
    // What all rows have alike has no z but rounding's.
    const level = exact.coh_drop.every((drop) => Math.abs(drop - exact.coh_drop[0]!) < 1e-12);
    const scores = all.toSorted((a, b) => a.index - b.index).map(({ score }) => score!);
    if (!level || coherenceWeight === 0) expectClose(scores, score_all, Z, "score");
    const bundle = latticeOf(setup, { coherenceWeight }).bundle();
    expect(bundle).toEqual(all.slice(0, 5));
    if (min_step_gap !== null && min_step_gap <= MARGIN) return;
    expect(bundle.map(({ index }) => index)).toEqual(order.slice(0, 5));
    const published = reference.bundle_k5[alpha];
    expect(bundle.map(({ index }) => index)).toEqual(published.map(({ id }) => id));
    expectClose(
      bundle.map(({ score }) => score!),
      published.map(({ score }) => score),
      Z,
      "score of the package",
    );
    expectClose(
      bundle.map(({ parts }) => parts!.settled!),
      published.map(({ align }) => align),
      REFERENCE,
      "align of the package",
    );
  });
});

const byRow = (a: Point, b: Point): number => a.edge[0] - b.edge[0];

describe.each(cases.filter(({ exact }) => exact.chain_receipt))(
  "profile reference judges chains as oscillink 0.1.13: $name",
  (setup) => {
    const { chain, z_th, out } = setup.exact.chain_receipt!;

    test("the links, the weakest, the gain and the verdict", () => {
      const answer = latticeOf(setup).chainReceipt(chain, { zThreshold: z_th });
      for (const [expected, tolerance] of [
        [out, EXACT],
        [setup.reference.chain_receipt!.out, REFERENCE],
      ] as const) {
        expect(answer.edges.map(({ link, edge }) => [link, edge])).toEqual(
          expected.edges.map(({ k, edge }) => [k, edge]),
        );
        const values = (pick: (link: ChainAnswer["edges"][number]) => number) => expected.edges.map(pick);
        expectClose(
          answer.edges.map((e) => e.rStruct!),
          values((e) => e.r_struct),
          tolerance,
          "r_struct",
        );
        expectClose(
          answer.edges.map((e) => e.rPath),
          values((e) => e.r_path),
          tolerance,
          "r_path",
        );
        expectClose(
          answer.edges.map((e) => e.zStruct!),
          values((e) => e.z_struct),
          Z,
          "z_struct",
        );
        expectClose(
          answer.edges.map((e) => e.zPath),
          values((e) => e.z_path),
          Z,
          "z_path",
        );
        expectClose([answer.coherenceGain], [expected.coherence_gain], tolerance, "coherence_gain");
        expect(answer.verdict).toBe(expected.verdict);
        expect(answer.weakestLink.link).toBe(expected.weakest_link.k);
        expect(answer.weakestLink.edge).toEqual(expected.weakest_link.edge);
        expectClose([answer.weakestLink.z], [expected.weakest_link.zscore], Z, "z of the weakest");
      }
    });
  },
);

test("a zero query has no direction, and is refused wherever the ranking is not the published one", () => {
  const setup = cases.find(({ name }) => name === "n12_d8_zero_psi")!;
  expect(inputsOf(setup).psi.every((v) => v === 0)).toBe(true);
  for (const profile of ["evidence", "cosine"] as const) {
    expect(() => latticeOf(setup, { profile })).toThrow(VectorError);
    expect(() => latticeOf(setup, { profile })).toThrow("query");
  }
});

test("a link that its edge strains more than its place in the chain decides the verdict, as there", () => {
  const lattice = latticeOf(cases.find(({ name }) => name === "n12_d8")!);
  // Around a triangle every candidate has two links, of which none stands out.
  const triangles = lattice.edges().flatMap(({ i, j }) => [...Array(12).keys()].map((a) => [i, j, a, i]));
  let decided = 0;
  for (const chain of triangles.filter(([i, j, a]) => a !== i && a !== j)) {
    const { edges, weakestLink } = lattice.addChain(chain).chainReceipt(chain);
    const path = Math.max(...edges.map(({ zPath }) => zPath));
    const worst = Math.max(path, ...edges.map(({ zStruct }) => zStruct!));
    expect(weakestLink.z).toBe(worst);
    expect(lattice.chainReceipt(chain, { zThreshold: path }).verdict).toBe(worst === path);
    if (worst > path) decided++;
  }
  expect(decided).toBeGreaterThan(0);
});
