import { checkIds, checkTexts, checkTrust, type LatticeInput } from "./candidates.ts";
import { type Energy, measure } from "./diagnose/energy.ts";
import {
  compareRows,
  contentOrder,
  gather,
  type Matrix,
  matrix,
  type PackedVectors,
  pack,
  packRow,
  rowNorm,
  unitRows,
  type Vector,
  type Vectors,
} from "./embeddings.ts";
import { CandidateError, OptionError, StateError, show, VectorError } from "./errors.ts";
import { type Adjacency, symmetrize } from "./graph/adjacency.ts";
import { normalizedLaplacian } from "./graph/laplacian.ts";
import { gramMatrix, nearestNeighbors } from "./graph/neighbors.ts";
import { scalar as kernel } from "./kernels/scalar.ts";
import { type Options, type Params, resolveOptions } from "./options.ts";
import { diversify, ranking } from "./rank/diversify.ts";
import { type Evidence, score } from "./rank/score.ts";
import { textScores } from "./rank/text.ts";
import { digestJson, digestTexts, digestVectors } from "./receipt/digest.ts";
import { type BundleEntry, makeReceipt, type Receipt } from "./receipt/receipt.ts";
import type { Convergence } from "./solve/cg.ts";
import { solve } from "./solve/solve.ts";
import { ambientSpace, cheaperSpace, type Space, spanSpace } from "./solve/space.ts";
import { assemble, implicitEuler, type System } from "./solve/system.ts";
import type { VectorCounts } from "./vectors.ts";

/** A document of a bundle: what the receipt says of it, and its index among the candidates. */
export interface RankedEntry extends BundleEntry {
  readonly index: number;
}

/** One step of {@link Lattice.settle}; each default is the lattice's own option. */
export interface SettleOptions {
  /** Length of the implicit Euler step, > 0. Default 1; the longer, the nearer to the minimum. */
  readonly dt?: number;
  readonly tolerance?: number;
  readonly maxIterations?: number;
}

/** What a query adds to the lattice. */
interface Query {
  /** The vector as it came, for the digest. */
  readonly raw: Matrix;
  /** In the space of the nodes: of length 1 if they are. */
  readonly vector: Float32Array;
  readonly square: number;
  readonly text: string | null;
  /** `Y_i · psi` of each node. */
  readonly products: Float64Array;
}

/** The settled state and what was read off it. */
interface Solution {
  readonly x: Float32Array;
  readonly convergence: Convergence;
  readonly energy: Energy;
  readonly evidence: Evidence;
}

declare const performance: { now(): number };

/**
 * Candidates as nodes of a graph that settle to the one minimum of
 *
 *     H(U) = lamG |U - Y|² + lamC tr(Uᵀ L U) + lamQ Σ b_i |U_i - psi|²
 *
 * where Y are their vectors, L the normalized Laplacian of their nearest-neighbour graph, psi the query and b their
 * trust. The basis is old and public: ranking on manifolds (Zhou et al. 2004), regularized retrieval scores
 * (Diaz 2007), diffusion by conjugate gradients on a neighbour graph (Iscen et al. 2017).
 *
 * {@link rerank} is the one call that most need; this class is for several queries over the same candidates, for
 * single steps, and for a look inside.
 */
export class Lattice {
  /** Every option, resolved. */
  readonly params: Params;
  /** How many candidates there are. */
  readonly n: number;
  /** Values in each vector; 0 if no candidate has one. */
  readonly d: number;

  readonly #ids: readonly string[];
  readonly #texts: readonly string[] | null;
  readonly #trust: Float32Array;
  /** The vectors as they came, in float32; zero where missing. */
  readonly #raw: Matrix;
  readonly #missing: readonly number[];
  readonly #excluded: number;
  /** `#candidate[node]`: the nodes are the candidates with a vector and some trust, in the order of their content. */
  readonly #candidate: Int32Array;
  /** The nodes' vectors Y, trust and graph. */
  readonly #vectors: Matrix;
  readonly #nodeTrust: Float32Array;
  readonly #graph: Adjacency;
  readonly #gram: Matrix | null;
  readonly #system: System;

  #query: Query | null = null;
  #space: Space | null = null;
  #state: Float32Array | null = null;
  #settled: Convergence | null = null;
  #solution: Solution | null = null;
  #elapsed = 0;

  /**
   * @throws {OptionError} for an unknown option or a value out of range.
   * @throws {VectorError} for vectors of different widths or with values that are not finite.
   * @throws {CandidateError} for duplicate ids, a trust outside [0, 1], columns of different lengths, or a missing
   *   vector where `missing` is `"error"`.
   */
  constructor(input: LatticeInput, options: Options = {}) {
    const began = performance.now();
    this.params = resolveOptions(options);
    const name = input.nameOf ?? ((i) => `embeddings[${i}]`);
    this.#raw = pack(input.embeddings, name);
    this.n = this.#raw.rows;
    this.d = this.#raw.columns;
    this.#ids = checkIds(input.ids, this.n);
    this.#texts = checkTexts(input.texts, this.n);
    this.#trust = checkTrust(input.trust, this.n);

    const all = Array.from({ length: this.n }, (_, i) => i);
    this.#missing = all.filter((i) => rowNorm(this.#raw, i) === 0);
    if (this.params.missing === "error" && this.#missing.length > 0) {
      const first = this.#missing[0]!;
      throw new CandidateError(
        name(first),
        `is missing or zero, as are ${this.#missing.length - 1} more; pass vectors for all, or set missing to "append" or "drop"`,
      );
    }
    this.#excluded = all.filter((i) => this.#trust[i] === 0).length;
    const present = all.filter((i) => this.#trust[i]! > 0 && rowNorm(this.#raw, i) > 0);
    const given = gather(this.#raw, present);
    const vectors = this.params.normalize ? unitRows(given) : given;
    const order = contentOrder(
      vectors,
      present.map((i) => this.#trust[i]!),
    );
    this.#candidate = order.map((row) => present[row]!);
    this.#vectors = gather(vectors, order);
    this.#nodeTrust = Float32Array.from(this.#candidate, (i) => this.#trust[i]!);

    const { neighbors, similarityFloor, graph, lamG, lamC, lamQ } = this.params;
    const nodes = present.length;
    // A node has at most twice as many neighbours as it lists, on average, under either rule.
    const space = cheaperSpace(nodes, this.d, nodes * Math.min(2 * neighbors, nodes));
    this.#gram = space === "span" ? gramMatrix(this.#vectors, kernel) : null;
    const unit = this.params.normalize ? this.#vectors : unitRows(this.#vectors);
    const edges = nearestNeighbors(
      unit,
      this.params.normalize ? this.#gram : null,
      neighbors,
      similarityFloor,
      kernel,
    );
    this.#graph = symmetrize(nodes, edges, graph, this.#nodeTrust);
    const pull = this.#nodeTrust.map((b) => lamQ * b);
    this.#system = assemble(normalizedLaplacian(this.#graph), lamG, lamC, pull);
    this.#elapsed += performance.now() - began;
  }

  /**
   * Sets the query, its words too if `text` is given. With `lamQ = 0` the settled state stays valid: only the ranking
   * changes.
   *
   * @param vector `d` values, not all zero.
   * @throws {VectorError} for another width, a value that is not finite, or a zero vector.
   */
  setQuery(vector: Vector, text: string | null = null): this {
    const began = performance.now();
    if (text !== null && typeof text !== "string") {
      throw new CandidateError("queryText", `must be a string, not ${show(text)}`);
    }
    const raw = matrix(1, this.d || (vector?.length ?? 0));
    packRow(vector, raw, 0, "query");
    if (rowNorm(raw, 0) === 0) throw new VectorError("query", "is zero; it has no direction to rank by");
    const { data } = this.params.normalize ? unitRows(raw) : raw;
    const { stride } = raw;
    const products = Float64Array.from(this.#candidate, (_, node) =>
      kernel.dot(this.#vectors.data, node * stride, data, 0, stride),
    );
    this.#query = { raw, vector: data, square: kernel.dot(data, 0, data, 0, stride), text, products };
    this.#solution = null;
    // Only a query that pulls is part of the state.
    if (this.params.lamQ > 0) {
      this.#space = null;
      this.#state = null;
      this.#settled = null;
    }
    this.#elapsed += performance.now() - began;
    return this;
  }

  /**
   * One implicit Euler step `(I + dt M) U⁺ = U + dt F` from the present state, which starts at the candidates' vectors.
   * No step raises the energy.
   */
  settle(options: SettleOptions = {}): Convergence {
    const began = performance.now();
    const { dt = 1, ...rest } = options;
    if (!(Number.isFinite(dt) && dt > 0))
      throw new OptionError("dt", `must be a number > 0, not ${show(dt)}`);
    const { tolerance, maxIterations } = resolveOptions({ ...this.params, ...rest });
    const space = this.#spaceOf();
    const state = this.#state ?? space.start;
    const rhs = this.#rhs(space);
    for (let at = 0; at < rhs.length; at++) rhs[at] = state[at]! + Math.fround(Math.fround(dt) * rhs[at]!);
    const next = state.slice();
    const step = implicitEuler(this.#system, dt);
    this.#settled = solve(step, space, rhs, next, tolerance, maxIterations, kernel);
    this.#state = next;
    this.#elapsed += performance.now() - began;
    return this.#settled;
  }

  /** Solves for the minimum U*. Done once and kept until the query changes. */
  solve(): Convergence {
    return this.#solve().convergence;
  }

  /** The settled vectors U*, row i for candidate i; zero for a candidate that could not be ranked. */
  settledVectors(): PackedVectors {
    const space = this.#spaceOf();
    const settled = space.toVectors(this.#solve().x);
    const data = new Float32Array(this.n * this.d);
    this.#candidate.forEach((candidate, node) => {
      const start = node * settled.stride;
      data.set(settled.data.subarray(start, start + this.d), candidate * this.d);
    });
    return { data, n: this.n, d: this.d };
  }

  /** The energy of any state: row i is candidate i's vector (rows of candidates that are no nodes are ignored). */
  energyOf(vectors: Vectors): Energy {
    const query = this.#needQuery();
    const state = gather(
      pack(vectors, (i) => `vectors[${i}]`),
      this.#candidate,
    );
    return this.#measure(ambientSpace(this.#vectors, query.vector), state.data).energy;
  }

  /** The edges of the graph, each once, as candidate indices with the weight `similarity sqrt(b_i b_j)`. */
  edges(): { i: number; j: number; weight: number }[] {
    const { n, rowStart, columns, weights } = this.#graph;
    const edges = [];
    for (let a = 0; a < n; a++) {
      for (let e = rowStart[a]!; e < rowStart[a + 1]!; e++) {
        const i = this.#candidate[a]!;
        const j = this.#candidate[columns[e]!]!;
        if (i < j) edges.push({ i, j, weight: weights[e]! });
      }
    }
    return edges.sort((a, b) => a.i - b.i || a.j - b.j);
  }

  /** The k documents to hand back, best first; those that could not be ranked last, if `missing` is `"append"`. */
  bundle(): RankedEntry[] {
    const { evidence } = this.#solve();
    const began = performance.now();
    const { k, diversity, missing, textWeight } = this.params;
    const scores = score(evidence, textWeight);
    const order = ranking(scores.score, this.#candidate);
    const { stride, data } = this.#vectors;
    const norm = (node: number) => rowNorm(this.#vectors, node);
    const cosine = (a: number, b: number) =>
      kernel.dot(data, a * stride, data, b * stride, stride) / (norm(a) * norm(b));
    const chosen = diversify(order, scores.score, evidence.similarity, k, diversity, cosine);
    const bundle = chosen.map((node, place): RankedEntry => {
      const index = this.#candidate[node]!;
      return {
        index,
        id: this.#ids[index]!,
        rank: place + 1,
        inputRank: index + 1,
        score: scores.score[node]!,
        parts: {
          similarity: evidence.similarity[node]!,
          settled: evidence.settled[node]!,
          text: evidence.text?.[node] ?? null,
          trust: evidence.trust[node]!,
        },
        terms: { settled: scores.settled[node]!, text: scores.text[node]!, trust: scores.trust[node]! },
      };
    });
    if (missing === "append") {
      for (const index of this.#missing.slice(0, k - bundle.length)) {
        const rank = bundle.length + 1;
        const id = this.#ids[index]!;
        bundle.push({ index, id, rank, inputRank: index + 1, score: null, parts: null, terms: null });
      }
    }
    this.#elapsed += performance.now() - began;
    return bundle;
  }

  /**
   * The record of the present state: what came in, what was computed, and the bundle.
   *
   * @param vectors where the vectors came from, if the caller knows.
   */
  receipt(vectors: VectorCounts | null = null): Receipt {
    const bundle = this.bundle().map(({ index: _, ...entry }) => entry);
    const { energy, convergence } = this.#solve();
    const began = performance.now();
    const query = this.#needQuery();
    const space = this.#spaceOf();
    const initial = this.#measure(space, space.start).energy;
    const final = this.#state === null ? energy : this.#measure(space, this.#state).energy;
    const { total: minimum, ...terms } = energy;
    const last = this.#settled ?? convergence;
    const entries = this.#graph.columns.length;
    const nodes = this.#graph.n;
    const content = {
      params: this.params,
      inputs: {
        n: this.n,
        d: query.raw.columns,
        missing: this.#missing.length,
        excluded: this.#excluded,
        candidates: digestVectors(this.#raw),
        query: digestVectors(query.raw),
        ids: digestJson(this.#ids),
        trust: digestVectors({ rows: 1, columns: this.n, stride: this.n, data: this.#trust }),
        texts: this.#texts && digestTexts(this.#texts),
        queryText: query.text === null ? null : digestTexts([query.text]),
      },
      bundle,
      deltaH_total: initial.total - minimum,
      coh_drop_sum: initial.coherence - terms.coherence,
      anchor_pen_sum: terms.anchor,
      query_term_sum: initial.query - terms.query,
      energy: { initial: initial.total, final: final.total, minimum, terms },
      cg_iters: last.iterations,
      residual: last.residual,
      meta: {
        ustar_converged: convergence.converged,
        ustar_res: convergence.residual,
        ustar_iters: convergence.iterations,
        avg_degree: nodes > 0 ? entries / nodes : 0,
        edge_density: nodes > 1 ? entries / (nodes * (nodes - 1)) : 0,
      },
      certificate: {
        residual: convergence.residual,
        bound: convergence.residual / this.params.lamG,
      },
      kernel: { name: kernel.name, version: kernel.version },
      space: space.kind,
      vectors,
    };
    this.#elapsed += performance.now() - began;
    return makeReceipt({ ...content, t_ms: this.#elapsed });
  }

  #needQuery(): Query {
    if (this.#query === null) throw new StateError("query", "is not set; call setQuery first");
    return this.#query;
  }

  #spaceOf(): Space {
    if (this.#space === null) {
      const query = this.params.lamQ > 0 ? this.#needQuery().vector : null;
      this.#space =
        this.#gram === null
          ? ambientSpace(this.#vectors, query)
          : spanSpace(this.#vectors, this.#gram, query, kernel);
    }
    return this.#space;
  }

  /** `F = lamG Y + lamQ B 1 psiᵀ` in the coordinates of the space. */
  #rhs({ start, query, width }: Space): Float32Array {
    const { lamG, pull } = this.#system;
    const rhs = start.map((y) => lamG * y);
    if (query !== null) {
      for (let i = 0; i < pull.length; i++) kernel.axpy(pull[i]!, query, rhs.subarray(i * width), width);
    }
    return rhs;
  }

  #solve(): Solution {
    if (this.#solution !== null) return this.#solution;
    const began = performance.now();
    const query = this.#needQuery();
    const space = this.#spaceOf();
    const x = (this.#state ?? space.start).slice();
    const { tolerance, maxIterations } = this.params;
    const { matrix: m } = this.#system;
    const convergence = solve(m, space, this.#rhs(space), x, tolerance, maxIterations, kernel);
    const { energy, squares, products } = this.#measure(space, x);

    const queryNorm = Math.sqrt(query.square);
    const similarity = query.products.map((p, i) => cosineOf(p, rowNorm(this.#vectors, i) * queryNorm));
    const settled = products.map((p, i) => cosineOf(p, Math.sqrt(squares[i]!) * queryNorm));
    for (let i = 1; i < settled.length; i++) {
      // Identical nodes settle alike; only the order of summation could tell them apart in the last bit.
      if (this.#nodeTrust[i] === this.#nodeTrust[i - 1] && compareRows(this.#vectors, i, i - 1) === 0) {
        settled[i] = settled[i - 1]!;
      }
    }
    const evidence = { similarity, settled, text: this.#textScores(query.text), trust: this.#nodeTrust };
    this.#solution = { x, convergence, energy, evidence };
    this.#elapsed += performance.now() - began;
    return this.#solution;
  }

  #textScores(queryText: string | null): Float64Array | null {
    if (queryText === null || this.#texts === null || this.params.textWeight === 0) return null;
    const texts = this.#texts;
    return textScores(
      queryText,
      Array.from(this.#candidate, (i) => texts[i]!),
    );
  }

  /** Energy and lengths of a state, and its products with the query. */
  #measure(space: Space, x: Float32Array): { energy: Energy; squares: Float64Array; products: Float64Array } {
    const { vector, square, products: own } = this.#needQuery();
    const { width } = space;
    // In a span a node's product with the query is its coefficients' with those of the basis.
    const target = space.kind === "ambient" ? vector : new Float32Array(width);
    if (space.kind === "span") {
      target.set(own);
      if (space.query !== null) target[own.length] = square;
    }
    const products = own.map((_, i) => kernel.dot(x, i * width, target, 0, width));
    return { products, ...measure(this.#system, space, x, products, square, kernel) };
  }
}

function cosineOf(product: number, norms: number): number {
  return norms > 0 ? Math.max(-1, Math.min(1, product / norms)) : 0;
}
