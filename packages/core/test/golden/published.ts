import { type Dense, plus, solveDense, times, zeros } from "../support.ts";
import { inputsOf, latticeOf, type Setup } from "./golden.ts";

const square = (row: readonly number[]): number => row.reduce((sum, v) => sum + v * v, 0);
const degreesOf = (A: Dense): number[] => A.map((row) => row.reduce((sum, w) => sum + w, 0));

/** `L = I - D^-1/2 A D^-1/2`, with 1 on the diagonal of isolated nodes too. */
function publishedLaplacian(A: Dense): Dense {
  const d = degreesOf(A).map((sum) => Math.max(sum, 1e-12));
  return A.map((row, i) => row.map((w, j) => (i === j ? 1 : 0) - w / Math.sqrt(d[i]! * d[j]!)));
}

const trace = (L: Dense, U: Dense): number =>
  times(L, U).reduce((sum, row, i) => sum + row.reduce((s, v, c) => s + v * U[i]![c]!, 0), 0);

/** Oscillink 0.1.13 in dense float64 matrices, for what the vectors give only as the package computed it. */
export class Published {
  readonly #A: Dense;
  readonly #M: Dense;
  readonly #F: Dense;
  readonly #parts: { readonly L: Dense; readonly path: Dense | null };
  readonly #setup: Setup;

  /** The graph is the lattice's own, whose edges are compared elsewhere. */
  constructor(setup: Setup) {
    const { Y, psi, gates } = inputsOf(setup);
    const { lamG, lamC, lamQ } = setup.params;
    const lamP = setup.chain?.lamP ?? 0;
    const n = Y.length;
    this.#setup = setup;
    this.#A = zeros(n, n);
    for (const { i, j, weight } of latticeOf(setup).edges()) {
      this.#A[i]![j] = weight;
      this.#A[j]![i] = weight;
    }
    const chain = zeros(n, n);
    const nodes = setup.chain?.nodes ?? [];
    for (let link = 0; link + 1 < nodes.length; link++) {
      chain[nodes[link]!]![nodes[link + 1]!] = 1;
      chain[nodes[link + 1]!]![nodes[link]!] = 1;
    }
    const L = publishedLaplacian(this.#A);
    const path = lamP > 0 ? publishedLaplacian(chain) : null;
    this.#parts = { L, path };
    this.#M = L.map((row, i) =>
      row.map(
        (l, j) => lamC * l + (path ? lamP * path[i]![j]! : 0) + (i === j ? lamG + lamQ * gates[i]! : 0),
      ),
    );
    this.#F = Y.map((y, i) => y.map((v, c) => lamG * v + lamQ * gates[i]! * psi[c]!));
  }

  /** `(I + dt M) U⁺ = U + dt F`. */
  step(U: Dense, dt: number): Dense {
    const matrix = this.#M.map((row, i) => row.map((v, j) => dt * v + (i === j ? 1 : 0)));
    return solveDense(matrix, plus(U, this.#F, dt));
  }

  energy(U: Dense): number {
    const { Y, psi, gates } = inputsOf(this.#setup);
    const { lamG, lamC, lamQ } = this.#setup.params;
    const { L, path } = this.#parts;
    const own = U.reduce(
      (sum, u, i) =>
        sum +
        lamG * square(u.map((v, c) => v - Y[i]![c]!)) +
        lamQ * gates[i]! * square(u.map((v, c) => v - psi[c]!)),
      0,
    );
    return own + lamC * trace(L, U) + (path ? this.#setup.chain!.lamP * trace(path, U) : 0);
  }

  /** `lamC A_ij |u_i / s_i - u_j / s_j|²`. */
  #residual(U: Dense, i: number, j: number): number {
    const d = degreesOf(this.#A);
    const difference = U[i]!.map((v, c) => v / Math.sqrt(d[i]!) - U[j]![c]! / Math.sqrt(d[j]!));
    return this.#setup.params.lamC * this.#A[i]![j]! * square(difference);
  }

  /** What a step moved. Each undirected edge stands once among the flows, with what both its directions carry. */
  dynamics(before: Dense, after: Dense) {
    const moved = plus(after, before, -1);
    const move2 = moved.map(square);
    const mean = move2.reduce((sum, m) => sum + m, 0) / move2.length;
    const flows: { edge: [number, number]; flow: number }[] = [];
    this.#A.forEach((row, i) => {
      row.forEach((w, j) => {
        const flow = i < j && w > 0 ? this.#residual(before, i, j) - this.#residual(after, i, j) : 0;
        if (flow > 0) flows.push({ edge: [i, j], flow });
      });
    });
    return {
      temperature: mean,
      move2_mean: mean,
      move2_max: Math.max(...move2),
      step_deltaH: trace(this.#M, moved),
      flow_total: flows.reduce((sum, { flow }) => sum + flow, 0),
      flows: flows.toSorted((a, b) => b.flow - a.flow),
    };
  }
}
