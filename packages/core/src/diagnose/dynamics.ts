import type { Adjacency } from "../graph/adjacency.ts";
import type { Kernel } from "../kernels/kernel.ts";
import { product } from "../kernels/scalar.ts";
import type { Space } from "../solve/space.ts";
import type { System } from "../solve/system.ts";
import { gap, type Measured } from "./energy.ts";

/** What the last step of `settle` moved, from U to U⁺. The published names, where the meaning is the published one. */
export interface Dynamics {
  /** Mean of `|U⁺_i - U_i|²` over the nodes; the published name for `move2_mean`. */
  readonly temperature: number;
  readonly move2_mean: number;
  readonly move2_max: number;
  /** `H(U) - H(U⁺)`: what the step gained. */
  readonly energy_drop: number;
  /** `tr((U⁺ - U)ᵀ M (U⁺ - U))`: the step's own length in the energy's metric, which is not what it gained. */
  readonly step_deltaH: number;
  /** Iterations for each unit of `step_deltaH`; null for a step that moved nothing. */
  readonly viscosity_step: number | null;
  /** What the disagreement of edges fell by, summed over the edges where it fell. */
  readonly flow_total: number;
  /** The edges where it fell most: at most 16, each once. */
  readonly top_flows: readonly { readonly edge: readonly [number, number]; readonly flow: number }[];
  /**
   * Hops from the nodes that moved at least a tenth as far as the furthest to the most remote node within reach: 0 when
   * all moved alike. (The published rule is not documented; this one gives the values of its test vectors.)
   */
  readonly radius: number;
}

/** The step to describe. */
interface Step {
  readonly graph: Adjacency;
  readonly system: System;
  readonly space: Space;
  readonly lamC: number;
  readonly iterations: number;
  readonly before: Measured;
  readonly after: Measured;
  readonly kernel: Kernel;
}

export function dynamics(step: Step): Dynamics {
  const { graph, system, space, lamC, iterations, before, after, kernel } = step;
  const { width } = space;
  const { n, rowStart, columns } = graph;

  const moved = after.x.slice();
  kernel.axpy(-1, before.x, moved, moved.length);
  const metric = space.metric(moved);
  const move2 = Float64Array.from({ length: n }, (_, i) =>
    Math.max(0, product(moved, i * width, metric, i * width, width)),
  );
  const largest = move2.reduce((a, b) => Math.max(a, b), 0);
  const mean = n > 0 ? move2.reduce((sum, m) => sum + m, 0) / n : 0;

  const flows: { edge: [number, number]; flow: number }[] = [];
  for (let i = 0; i < n; i++) {
    for (let e = rowStart[i]!; e < rowStart[i + 1]!; e++) {
      const flow = lamC * (before.residuals[e]! - after.residuals[e]!);
      if (columns[e]! > i && flow > 0) flows.push({ edge: [i, columns[e]!], flow });
    }
  }
  flows.sort((a, b) => b.flow - a.flow);

  const stepDeltaH = gap(system, space, after.x, before.x, kernel);
  return {
    temperature: mean,
    move2_mean: mean,
    move2_max: largest,
    energy_drop: before.energy.total - after.energy.total,
    step_deltaH: stepDeltaH,
    viscosity_step: stepDeltaH > 0 ? iterations / stepDeltaH : null,
    flow_total: flows.reduce((sum, { flow }) => sum + flow, 0),
    top_flows: flows.slice(0, 16),
    radius: reach(
      graph,
      move2.map((m) => (m >= 0.01 * largest ? 1 : 0)),
    ),
  };
}

/** The largest number of hops from the marked nodes to a node within reach. */
function reach({ n, rowStart, columns }: Adjacency, marked: Float64Array): number {
  const seen = Uint8Array.from(marked);
  let front = Array.from({ length: n }, (_, i) => i).filter((i) => seen[i]);
  for (let hops = 0; ; hops++) {
    const next: number[] = [];
    for (const i of front) {
      for (let e = rowStart[i]!; e < rowStart[i + 1]!; e++) {
        const j = columns[e]!;
        if (!seen[j]) next.push(j);
        seen[j] = 1;
      }
    }
    if (next.length === 0) return hops;
    front = next;
  }
}
