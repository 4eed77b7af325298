import { type ChainReceipt, chainReceipt, publishedChainReceipt } from "./diagnose/chain.ts";
import { type Dynamics, dynamics } from "./diagnose/dynamics.ts";
import { coherenceDrops, edgeResiduals, residualsOfCosines } from "./diagnose/edges.ts";
import { type Energy, gap, type Measured, measure, type State, stateOf } from "./diagnose/energy.ts";
import { nullPoints } from "./diagnose/nullpoints.ts";
import {
  gather,
  type Matrix,
  matrix,
  type PackedVectors,
  pack,
  packRow,
  product,
  unitRows,
  type Vector,
  type Vectors,
  widthOf,
} from "./embeddings.ts";
import { CandidateError, OptionError, OscillinkError, StateError, show, VectorError } from "./errors.ts";
import type { LatticeEvent } from "./events.ts";
import { crowdedShare, degrees } from "./graph/adjacency.ts";
import type { Chain } from "./graph/path.ts";
import { kernel } from "./kernels/choose.ts";
import { connect, type Network } from "./network.ts";
import {
  checkThreshold,
  checkWeights,
  defined,
  type Options,
  type Params,
  refuse,
  resolveOptions,
} from "./options.ts";
import { checkNorm, type LatticeInput, makePool, type Pool } from "./pool.ts";
import { profiles, type Strategies } from "./profiles.ts";
import { type Choice, choose, cosineOf, wordsOfNodes } from "./rank/choose.ts";
import type { Evidence } from "./rank/score.ts";
import { type TextEvidence, textEvidence } from "./rank/text.ts";
import { digestJson, digestTexts, digestVectors } from "./receipt/digest.ts";
import type { Provenance } from "./receipt/provenance.ts";
import { type PublishedState, publishedProvenance, publishedStateSignature } from "./receipt/published.ts";
import { type BundleEntry, makeReceipt, type Receipt, recorded, significant } from "./receipt/receipt.ts";
import { leftOut, type PoolDigests, poolDigests } from "./record.ts";
import type { Convergence, SolveOptions } from "./solve/cg.ts";
import { errorBounds, solve } from "./solve/solve.ts";
import { ambientSpace, type Space, spanSpace } from "./solve/space.ts";
import { shifted } from "./solve/system.ts";
import {
  fromBuffer,
  fromJson,
  fromPython,
  type LatticeJson,
  type LatticeState,
  toBuffer,
  toJson,
} from "./state.ts";
import type { VectorCounts } from "./vectors.ts";

/** A document of a bundle: what the receipt says of it, and its index among the candidates. */
export interface RankedEntry extends BundleEntry {
  readonly index: number;
}

/** One step of {@link Lattice.settle}; what is not given is the lattice's own option. */
export interface SettleOptions extends Partial<SolveOptions> {
  /** Length of the implicit Euler step, > 0. Default 1; the longer, the nearer to the minimum. */
  readonly dt?: number;
  /** Start the solver from the present state (default), or from zero: the same step, by another way. */
  readonly warmStart?: boolean;
}

/** What {@link Lattice.receipt} is to say. */
export interface ReceiptOptions {
  /** `"full"` (default), or `"light"`: without the figures that cost a pass over the edges, which are then null. */
  readonly detail?: "full" | "light";
  /** How many null points are listed, those of the largest z. Integer >= 0, default 5; all are counted. */
  readonly nullCap?: number;
  /** From which z on an edge is a null point. Default 3. */
  readonly nullThreshold?: number;
  /** Add what the last `settle` moved. Default false. */
  readonly dynamics?: boolean;
  /** Where the vectors came from, if the caller knows. */
  readonly vectors?: VectorCounts | null;
}

/** The options of {@link Lattice.addChain}. */
export interface ChainOptions {
  /** Weight of the chain in the energy, >= 0. Default 0.2; 0 keeps the chain without a pull. */
  readonly lamP?: number;
  /** One weight > 0 a link. Default: all 1. */
  readonly weights?: readonly number[];
}

/** What a query adds to the lattice. */
interface Query {
  /** The vector as it came, for the digest. */
  readonly raw: Matrix;
  /** In the space of the nodes: of length 1 if they are. */
  readonly vector: Float32Array;
  readonly square: number;
  readonly text: string | null;
}

/** The settled state. It does not depend on the query, unless that pulls. */
interface Solution {
  readonly options: SolveOptions;
  readonly convergence: Convergence;
  readonly state: State;
  /** How far each settled vector may be from the exact one. */
  readonly bounds: Float64Array;
}

/** The choice for a query, and the solution that it was made from. */
interface Answer {
  readonly choice: Choice;
  readonly solution: Solution;
  /** The finest solution that was looked at, and the margin that it leaves; see `Choice.margin`. */
  readonly finest: Solution;
  readonly margin: number | null;
}

/** Milliseconds spent in each stage. */
export interface Timings {
  /** Judging and packing what came in. */
  readonly pack: number;
  /** The graph and the system that it makes. */
  readonly graph: number;
  readonly solve: number;
  /** What the query and the words say, the score, and the choice. */
  readonly rank: number;
  /** The figures, the digests and the record. */
  readonly receipt: number;
}

declare const performance: { now(): number };

/** The least tolerance that the solver goes on to by itself: float32 has no more to give. */
const FINEST = 1e-6;

/**
 * Candidates as nodes of a graph that settle to the one minimum of
 *
 *     H(U) = lamG |U - Y|² + lamC tr(Uᵀ L U) + lamQ Σ b_i |U_i - psi|² + lamP tr(Uᵀ L_path U)
 *
 * where Y are their vectors, L the normalized Laplacian of their nearest-neighbour graph, psi the query, b the pull on
 * each node and L_path the Laplacian of a chain, if one was added. The basis is old and public: ranking on manifolds
 * (Zhou et al. 2004), regularized retrieval scores (Diaz 2007), diffusion by conjugate gradients on a neighbour graph
 * (Iscen et al. 2017).
 *
 * {@link rerank} is the one call that most need; this class is for several queries over the same candidates, for
 * chains, for single steps, and for a look inside. Candidates are named by their index everywhere.
 */
export class Lattice {
  #params: Params;
  #pool: Pool;
  #chain: Chain | null = null;
  #query: Query | null = null;
  #network: Network;

  #space: Space | null = null;
  /** The state that `settle` moves, and the one before its last step; null at the candidates' own vectors. */
  #state: Float32Array | null = null;
  #before: Float32Array | null = null;
  #settled: Convergence | null = null;
  #solution: Solution | null = null;
  #digests: PoolDigests | null = null;
  #answer: Answer | null = null;

  readonly #timings = { pack: 0, graph: 0, solve: 0, rank: 0, receipt: 0 };
  #solves = 0;
  #hits = 0;
  readonly #listeners = new Set<(event: LatticeEvent) => void>();
  /** How many calls of listeners are under way, one within the other. */
  #telling = 0;

  /**
   * @throws {OptionError} for an unknown option or a value out of range.
   * @throws {VectorError} for vectors of different widths or with values that are not finite.
   * @throws {CandidateError} for duplicate ids, a trust outside [0, 1], columns of different lengths, or a missing
   *   vector where `missing` is `"error"`.
   */
  constructor(input: LatticeInput, options: Options = {}) {
    this.#params = resolveOptions(options);
    this.#pool = this.#timed("pack", () => makePool(input, this.#params, this.#strategies));
    this.#network = this.#connect();
  }

  /** Milliseconds spent so far, by stage. */
  get timings(): Timings {
    return { ...this.#timings };
  }

  /** Every option, resolved. */
  get params(): Params {
    return this.#params;
  }

  /** How many candidates there are. */
  get n(): number {
    return this.#pool.n;
  }

  /** Values in each vector; 0 if no candidate has one. */
  get d(): number {
    return this.#pool.d;
  }

  /**
   * Sets the query, its words too if `text` is given. With `lamQ = 0` the settled state stays valid: only the ranking
   * changes.
   *
   * @param vector `d` values, not all zero; null where the candidates came with scores in place of vectors.
   * @throws {VectorError} for another width, a value that is not finite, or a zero vector.
   */
  setQuery(vector: Vector | null, text: string | null = null): this {
    if (text !== null && typeof text !== "string") {
      throw new CandidateError("queryText", `must be a string, not ${show(text)}`);
    }
    this.#mayChange();
    this.#query = this.#timed("rank", () => this.#ask(vector, text));
    this.#answer = null;
    // Only a query that pulls is part of the state.
    if (this.params.lamQ > 0) this.#restart();
    return this;
  }

  /** Sets the candidates' trust anew, one value in [0, 1] each. Starts the lattice over. */
  setTrust(trust: ArrayLike<number>): this {
    const pool = makePool({ ...this.#input(), trust }, this.params, this.#strategies);
    const chain = this.#chain;
    const nodes = chain?.nodes.map((node) => pool.candidate.indexOf(this.#pool.candidate[node]!)) ?? [];
    if (nodes.includes(-1)) {
      throw new CandidateError("trust", "would exclude a candidate of the chain; call clearChain first");
    }
    return this.#rebuild(() => {
      this.#pool = pool;
      this.#chain = chain && { ...chain, nodes };
    });
  }

  /** Builds the graph anew with other options. Starts the lattice over. */
  rebuildGraph(options: Pick<Options, "neighbors" | "graph" | "similarityFloor" | "rowCap">): this {
    const { neighbors, graph, similarityFloor, rowCap, ...others } = options;
    refuse(others, "neighbors, graph, similarityFloor and rowCap");
    return this.#rebuild(() => {
      this.#params = resolveOptions({ ...this.params, ...defined(options) });
    });
  }

  /**
   * Adds a chain: candidates that should agree one after the other, such as the steps of an argument. It takes the
   * place of an earlier one, and starts the lattice over.
   *
   * @param nodes at least two candidates, by index; neighbours in the chain must differ.
   * @throws {CandidateError} for a chain too short, an index out of range, or a candidate that is no node.
   * @throws {OptionError} for a lamP < 0, or weights that are not one positive number a link.
   */
  addChain(nodes: readonly number[], { lamP = 0.2, weights, ...others }: ChainOptions = {}): this {
    refuse(others, "lamP and weights");
    if (typeof lamP !== "number" || !(lamP >= 0 && lamP < Infinity)) {
      throw new OptionError("lamP", `must be a number >= 0, not ${show(lamP)}`);
    }
    const chain = { nodes: this.#nodesOf(nodes), lamP, weights: checkWeights(weights, nodes.length - 1) };
    return this.#rebuild(() => {
      this.#chain = chain;
    });
  }

  /** Removes the chain. Starts the lattice over. */
  clearChain(): this {
    return this.#rebuild(() => {
      this.#chain = null;
    });
  }

  /**
   * Whether a chain of candidates holds together in the settled state: link by link, against the tension that the
   * lattice's own edges are under.
   *
   * @param nodes the chain to judge, by index; it need not be the one that was added.
   * @param options zThreshold: from which z on a link is broken, default 2.5; weights: one a link, default all 1.
   */
  chainReceipt(
    nodes: readonly number[],
    { zThreshold = 2.5, weights, ...others }: { zThreshold?: number; weights?: readonly number[] } = {},
  ): ChainReceipt {
    refuse(others, "zThreshold and weights");
    checkThreshold("zThreshold", zThreshold);
    const question = {
      nodes: this.#nodesOf(nodes),
      weights: checkWeights(weights, nodes.length - 1),
      threshold: zThreshold,
      graph: this.#network.graph,
      lamC: this.params.lamC,
      settled: this.#measure(this.#solve().state),
      start: this.#start(),
      kernel,
    };
    const answer =
      this.#strategies.baseline === "edges"
        ? chainReceipt(question)
        : publishedChainReceipt(question, this.#chain);
    return {
      ...answer,
      weakestLink: { ...answer.weakestLink, edge: this.#candidates(answer.weakestLink.edge) },
      edges: answer.edges.map((link) => ({ ...link, edge: this.#candidates(link.edge) })),
    };
  }

  /**
   * One implicit Euler step `(I + dt M) U⁺ = U + dt F` from the present state, which starts at the candidates' vectors.
   * No step raises the energy.
   */
  settle({ dt = 1, warmStart = true, ...rest }: SettleOptions = {}): Convergence {
    const began = performance.now();
    if (typeof dt !== "number" || !(dt > 0 && dt < Infinity)) {
      throw new OptionError("dt", `must be a number > 0, not ${show(dt)}`);
    }
    this.#mayChange();
    const options = this.#solveOptions(rest);
    const space = this.#spaceOf();
    const state = this.#state ?? space.start;
    // A step longer than 1 is divided by dt, so that an endless one is the minimum and not an overflow.
    const identity = dt > 1 ? 1 / dt : 1;
    const rhs = state.map((value) => identity * value);
    kernel.axpy(identity * dt, this.#rhs(space), rhs, rhs.length);
    const next = warmStart ? state.slice() : new Float32Array(state.length);
    const step = shifted(this.#network.system, identity, identity * dt);
    const { convergence } = solve(step, space, rhs, next, options, kernel);
    this.#before = state;
    this.#state = next;
    this.#settled = convergence;
    this.#tell("settle", convergence, began);
    return { ...convergence };
  }

  /**
   * Solves for the minimum U*, which is kept until the lattice changes or other options are asked for.
   *
   * @param options tolerance, maxIterations and preconditioner in place of the lattice's own.
   */
  solve(options: Partial<SolveOptions> = {}): Convergence {
    return { ...this.#solve(this.#solveOptions(options)).convergence };
  }

  /** Calls back after every settle and solve. Returns a function that ends it. */
  onEvent(listener: (event: LatticeEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The settled vectors U*, row i for candidate i; zero for a candidate that could not be ranked. */
  settledVectors(): PackedVectors {
    return this.#vectorsOf(this.#solve().state.x);
  }

  /** The vectors of the present state, which `settle` moves; at first the candidates' own. */
  stateVectors(): PackedVectors {
    return this.#vectorsOf(this.#state ?? this.#spaceOf().start);
  }

  /** The energy of any state: row i is candidate i's vector (rows of candidates that are no nodes are ignored). */
  energyOf(vectors: Vectors): Energy {
    const { vector, square } = this.#needQuery();
    const given = pack(vectors, (i) => `vectors[${i}]`);
    if (given.rows !== this.n || given.columns !== this.d) {
      const wanted = `${this.n} vectors of ${this.d} values`;
      throw new VectorError("vectors", `must be ${wanted}, not ${given.rows} of ${given.columns}`);
    }
    const { data } = gather(given, this.#pool.candidate);
    const space = ambientSpace(this.#pool.vectors, vector);
    const state = stateOf(space, data);
    const products = state.squares.map((_, i) => product(data, i * space.width, vector, 0, space.width));
    const { graph, system } = this.#network;
    return measure(system, graph, space, state, products, square, edgeResiduals(graph, state, kernel)).energy;
  }

  /** The edges of the graph, each once, as candidate indices with their weight. */
  edges(): { i: number; j: number; weight: number }[] {
    const { n, rowStart, columns, weights } = this.#network.graph;
    const edges = [];
    for (let a = 0; a < n; a++) {
      for (let e = rowStart[a]!; e < rowStart[a + 1]!; e++) {
        const [i, j] = this.#candidates([a, columns[e]!]);
        if (i < j) edges.push({ i, j, weight: weights[e]! });
      }
    }
    return edges.sort((a, b) => a.i - b.i || a.j - b.j);
  }

  /** The k documents to hand back, best first; those that could not be ranked last, if `missing` is `"append"`. */
  bundle(): RankedEntry[] {
    const { chosen, scores, evidence } = this.#choose().choice;
    const { k, missing } = this.params;
    const { terms } = scores;
    const { text } = evidence;
    const bundle = chosen.map((node, place): RankedEntry => {
      const index = this.#pool.candidate[node]!;
      const figure = (values: Float64Array) => values[node]!;
      const ifAny = (values: Float64Array | null | undefined) => (values ? figure(values) : null);
      return {
        index,
        id: this.#pool.ids[index]!,
        rank: place + 1,
        inputRank: index + 1,
        score: figure(scores.score),
        parts: {
          similarity: this.#similarity(node),
          settled: figure(evidence.settled),
          text: ifAny(text?.grams),
          phrases: ifAny(text?.phrases),
          title: ifAny(text?.title),
          feedback: ifAny(evidence.feedback),
          coherence: ifAny(evidence.coherence),
          trust: evidence.trust[node]!,
        },
        terms: {
          settled: figure(terms.settled),
          text: figure(terms.text),
          feedback: figure(terms.feedback),
          coherence: figure(terms.coherence),
          trust: figure(terms.trust),
        },
      };
    });
    if (missing === "append" && this.#strategies.nodes === "rankable") {
      for (const index of this.#pool.missing.slice(0, k - bundle.length)) {
        const rank = bundle.length + 1;
        const id = this.#pool.ids[index]!;
        bundle.push({ index, id, rank, inputRank: index + 1, score: null, parts: null, terms: null });
      }
    }
    return bundle;
  }

  /** The record of the present state: what came in, what was computed, and the bundle. */
  receipt(options: ReceiptOptions = {}): Receipt {
    const {
      detail = "full",
      nullCap = 5,
      nullThreshold = 3,
      dynamics: moved = false,
      vectors = null,
      ...others
    } = options;
    refuse(others, "detail, nullCap, nullThreshold, dynamics and vectors");
    if (detail !== "full" && detail !== "light") {
      throw new OptionError("detail", `must be "full" or "light", not ${show(detail)}`);
    }
    if (!(Number.isSafeInteger(nullCap) && nullCap >= 0)) {
      throw new OptionError("nullCap", `must be an integer >= 0, not ${show(nullCap)}`);
    }
    checkThreshold("nullThreshold", nullThreshold);
    const hits = this.#hits;
    const bundle = this.bundle().map(({ index: _, ...entry }) => recorded(entry));
    const cached = this.#hits > hits;
    const { choice, solution, finest, margin } = this.#choose();
    const { convergence, state: settled } = solution;
    const began = performance.now();
    const query = this.#needQuery();
    const space = this.#spaceOf();
    const { graph, system } = this.#network;
    const full = detail === "full";
    const start = this.#start();
    const state = this.#measure(settled);
    const present = this.#state === null ? null : this.#measure(stateOf(space, this.#state));
    const remaining = present === null ? 0 : gap(system, space, present.x, state.x, kernel);
    const { total: minimum, ...terms } = state.energy;
    const pool = this.#pool;
    const entries = graph.columns.length;
    const strain = state.residuals.map((r) => this.params.lamC * r);
    const points = full ? nullPoints(graph, strain, nullThreshold, this.#strategies.baseline) : null;
    const listed = points && [...points].sort((a, b) => b.z - a.z).slice(0, nullCap);
    const falls = this.#strategies.figures === "falls";
    const last = this.#settled ?? convergence;
    const content = {
      params: this.params,
      inputs: {
        n: pool.n,
        d: pool.scores ? 0 : query.raw.columns,
        missing: pool.missing.length,
        excluded: pool.excluded,
        ...this.#poolDigests(),
        query: pool.scores ? null : digestVectors(query.raw),
        queryText: query.text === null ? null : digestTexts([query.text]),
      },
      chain: this.#chainOfCandidates(),
      bundle,
      left_out: leftOut(pool, this.params.k, bundle, choice),
      deltaH_total: falls
        ? start.energy.total - minimum
        : present === null
          ? gap(system, space, start.x, state.x, kernel)
          : remaining,
      coh_drop_sum: !full
        ? null
        : falls
          ? start.energy.coherence - terms.coherence
          : coherenceDrops(graph, start.residuals, state.residuals, this.params.lamC).reduce(
              (sum, drop) => sum + drop,
              0,
            ),
      anchor_pen_sum: full ? terms.anchor : null,
      query_term_sum: !full ? null : falls ? start.energy.query - terms.query : terms.query,
      chain_drop_sum: full ? start.energy.chain - terms.chain : null,
      energy: {
        initial: start.energy.total,
        final: (present ?? state).energy.total,
        minimum,
        remaining,
        terms,
      },
      cg_iters: last.iterations,
      residual: last.residual,
      null_points:
        listed?.map(({ edge, z, residual }) => ({
          edge: this.#candidates(edge),
          z: significant(z),
          residual: significant(residual),
        })) ?? null,
      meta: {
        ustar_cached: cached,
        ustar_solves: this.#solves,
        ustar_cache_hits: this.#hits,
        ustar_converged: convergence.converged,
        ustar_res: convergence.residual,
        ustar_iters: convergence.iterations,
        avg_degree: graph.n > 0 ? entries / graph.n : 0,
        edge_density: graph.n > 1 ? entries / (graph.n * (graph.n - 1)) : 0,
        receipt_detail: detail,
        crowding: { share: crowdedShare(graph), passed: choice.copies.length },
        null_threshold: full && Number.isFinite(nullThreshold) ? nullThreshold : null,
        null_points_summary: points && {
          total_null_points: points.length,
          returned_null_points: listed!.length,
          null_cap_applied: listed!.length < points.length,
        },
        dynamics: moved ? this.#dynamics() : null,
        state_sig:
          this.#strategies.figures === "published" ? publishedStateSignature(this.#publishedState()) : null,
      },
      certificate: {
        residual: significant(finest.convergence.residual),
        bound: significant(finest.bounds.reduce((a, b) => Math.max(a, b), 0)),
        margin: margin !== null && Number.isFinite(margin) ? significant(margin) : null,
        orderCertified: margin !== null && margin > 0,
      },
      kernel: { name: kernel.name, version: kernel.version },
      space: space.kind,
      vectors,
    };
    const receipt = makeReceipt(content);
    this.#timings.receipt += performance.now() - began;
    const total = Object.values(this.#timings).reduce((sum, ms) => sum + ms, 0);
    return { ...receipt, t_ms: Math.round(total * 1e3) / 1e3 };
  }

  /** Digests of all that the lattice is made of, to compare it with another. */
  provenance(): Provenance {
    const { texts, titles, trust } = this.#pool;
    const { candidates, scores } = this.#poolDigests();
    const { k: _, ...params } = this.params;
    return {
      params: digestJson(params),
      shape: digestJson([this.n, this.d]),
      vectors: (scores ?? candidates)!,
      edges: digestJson(this.edges()),
      chain: digestJson(this.#chainOfCandidates()),
      query: digestJson([
        this.#query && digestVectors(this.#query.raw),
        digestTexts([this.#query?.text ?? ""]),
      ]),
      trust: digestJson(Array.from(trust)),
      texts: digestJson([digestTexts(texts ?? []), digestTexts(titles ?? [])]),
    };
  }

  /** All that the lattice is made of, as plain JSON; `JSON.stringify` calls it by itself. */
  toJSON(): LatticeJson {
    return toJson(this.#export());
  }

  /**
   * The lattice that a {@link toJSON} was taken from: its receipts have equal digests.
   *
   * @throws {StateError} if it is no lattice, or of another version; and what the constructor throws.
   */
  static fromJSON(json: unknown): Lattice {
    return Lattice.#import(fromJson(json));
  }

  /** All that the lattice is made of, in one versioned, little-endian buffer: to be stored, or handed to a worker. */
  toBuffer(): ArrayBuffer {
    return toBuffer(this.#export());
  }

  /**
   * The lattice that a {@link toBuffer} was taken from: its receipts have equal digests.
   *
   * @throws {StateError} if it is no lattice, of another version, or cut short; and what the constructor throws.
   */
  static from(buffer: ArrayBuffer | Uint8Array): Lattice {
    return Lattice.#import(fromBuffer(buffer));
  }

  /**
   * The lattice that the Python package exported as JSON, in the profile `reference`. Its own export knows no row cap, no
   * weights of a chain and no settled state; the graph is taken as stored.
   *
   * @throws {StateError} if a field is missing, or the provenance that it states is not that of its contents.
   */
  static fromPython(json: unknown): Lattice {
    const { vectors, query, trust, options, edges, chain, provenance } = fromPython(json);
    const input = { embeddings: vectors, trust, ...(edges && { edges }) };
    const lattice = new Lattice(input, { profile: "reference", ...options }).setQuery(query);
    if (chain) lattice.addChain(chain.nodes, { lamP: chain.lamP });
    if (provenance !== null && provenance !== publishedProvenance(lattice.#publishedState())) {
      throw new StateError(
        "json.provenance",
        "is not that of the vectors, query, gates, weights and edges beside it",
      );
    }
    return lattice;
  }

  #export(): LatticeState {
    const { n, d, ids, texts, titles, scores, trust, edges } = this.#pool;
    const query = this.#query;
    return {
      params: this.params,
      n,
      d,
      ids: [...ids],
      texts: texts && [...texts],
      titles: titles && [...titles],
      scores: scores && Array.from(scores, (score) => (Number.isNaN(score) ? null : score)),
      trust: Array.from(trust),
      edges: edges?.map((edge) => ({ ...edge })) ?? null,
      chain: this.#chainOfCandidates(),
      asked: query !== null,
      queryText: query?.text ?? null,
      settled: this.#settled && { ...this.#settled },
      vectors: flat(this.#rawVectors()),
      query: query === null || scores ? new Float32Array(0) : query.raw.data.slice(0, query.raw.columns),
      present: this.#state ?? new Float32Array(0),
      before: this.#before ?? new Float32Array(0),
    };
  }

  static #import(state: LatticeState): Lattice {
    try {
      return Lattice.#restore(state);
    } catch (cause) {
      if (cause instanceof OscillinkError) throw cause;
      throw new StateError("state", "is damaged: a part is missing or of another kind", { cause });
    }
  }

  static #restore(state: LatticeState): Lattice {
    const { n, d, ids, texts, titles, scores, trust, edges, chain, params, query } = state;
    const lattice = new Lattice(
      {
        ...(scores
          ? { scores: scores.map((score) => score ?? undefined) }
          : { embeddings: d > 0 ? { data: state.vectors, n, d } : new Array<null>(n).fill(null) }),
        ids,
        trust,
        ...(texts && { texts }),
        ...(titles && { titles }),
        ...(edges && { edges }),
      },
      params,
    );
    if (state.asked) lattice.setQuery(scores ? null : query, state.queryText);
    if (chain !== null) lattice.addChain(chain.nodes, { lamP: chain.lamP, weights: chain.weights });
    if (state.settled !== null) {
      const { length } = lattice.#spaceOf().start;
      if (state.present.length !== length || state.before.length !== length) {
        throw new StateError("present", `has ${state.present.length} values where ${length} are needed`);
      }
      lattice.#state = state.present;
      lattice.#before = state.before;
      lattice.#settled = state.settled;
    }
    return lattice;
  }

  /** What the lattice was made of. */
  #input(): LatticeInput {
    const { ids, texts, titles, trust, edges, scores } = this.#pool;
    const given = (score: number) => (Number.isNaN(score) ? undefined : score);
    return {
      ...(scores
        ? { scores: Array.from(scores, given) }
        : { embeddings: this.#rawVectors().map((vector) => (vector.length > 0 ? vector : null)) }),
      ids,
      trust,
      ...(texts && { texts }),
      ...(titles && { titles }),
      ...(edges && { edges }),
    };
  }

  /** The vectors as they came, one row a candidate. */
  #rawVectors(): Float32Array[] {
    const { data, stride, columns } = this.#pool.raw;
    return Array.from({ length: this.n }, (_, i) => data.subarray(i * stride, i * stride + columns));
  }

  #publishedState(): PublishedState {
    const { raw } = this.#needQuery();
    const { graph } = this.#network;
    const { neighbors, lamG, lamC, lamQ } = this.params;
    const pairs = Array.from({ length: graph.n }, (_, i) =>
      Array.from(graph.columns.subarray(graph.rowStart[i]!, graph.rowStart[i + 1]!), (j) => [i, j] as const),
    );
    return {
      vectors: flat(this.#rawVectors()),
      query: raw.data.subarray(0, raw.columns),
      gates: Float32Array.from(this.#pool.trust),
      weights: [lamG, lamC, lamQ, this.#chain?.lamP ?? 0],
      neighbors: Math.max(1, Math.min(neighbors, this.n - 1)),
      chainLength: this.#chain?.nodes.length ?? null,
      pairs: pairs.flat(),
    };
  }

  #poolDigests(): PoolDigests {
    this.#digests ??= poolDigests(this.#pool);
    return this.#digests;
  }

  get #strategies(): Strategies {
    return profiles[this.params.profile].strategies;
  }

  /** Carries out a change of what the lattice is made of, and starts over. */
  #rebuild(change: () => void): this {
    this.#mayChange();
    this.#timed("pack", change);
    this.#digests = null;
    this.#network = this.#connect();
    this.#restart();
    return this;
  }

  /** Refuses a change while listeners are told of the present state: what called them goes on with it. */
  #mayChange(): void {
    if (this.#telling)
      throw new StateError("onEvent", "its listeners must not change the lattice; do so afterwards");
  }

  #restart(): void {
    this.#space = null;
    this.#state = null;
    this.#before = null;
    this.#settled = null;
    this.#solution = null;
    this.#answer = null;
  }

  /** The graph of the pool's nodes and its system. */
  #connect(): Network {
    return this.#timed("graph", () =>
      connect(this.#pool, this.params, this.#strategies, this.#chain, kernel),
    );
  }

  #timed<T>(stage: keyof Timings, work: () => T): T {
    const began = performance.now();
    const result = work();
    this.#timings[stage] += performance.now() - began;
    return result;
  }

  #ask(vector: Vector | null, text: string | null): Query {
    const raw = this.#pool.scores ? this.#noQuery(vector) : this.#packQuery(vector);
    const { data } = this.params.normalize ? unitRows(raw) : raw;
    const square = product(data, 0, data, 0, raw.stride);
    if (!this.params.normalize && !this.#pool.scores) checkNorm("query", Math.sqrt(square));
    return { raw, vector: data, square, text };
  }

  /** `Y_i · psi`. */
  #ownProduct(node: number): number {
    const { data, stride } = this.#pool.vectors;
    return product(data, node * stride, this.#needQuery().vector, 0, stride);
  }

  /** Cosine of a node's own vector with the query, or the score that it came with. */
  #similarity(node: number): number {
    const { scores, candidate, norms } = this.#pool;
    if (scores) return scores[candidate[node]!]!;
    return cosineOf(this.#ownProduct(node), norms[node]! * Math.sqrt(this.#needQuery().square));
  }

  #packQuery(vector: Vector | null): Matrix {
    const raw = matrix(1, this.d || widthOf(vector as Vector, "query"));
    const norm = packRow(vector as Vector, raw, 0, () => "query");
    if (norm === 0) throw new VectorError("query", "is zero; it has no direction to rank by");
    return raw;
  }

  /** In place of a query among vectors of words: none. */
  #noQuery(vector: Vector | null): Matrix {
    if (vector !== null) {
      throw new VectorError("query", "must be null: the candidates came with scores and have no vectors");
    }
    if (this.params.lamQ > 0)
      throw new OptionError("lamQ", "must be 0 where there is no query vector to pull");
    return matrix(1, this.#pool.vectors.columns);
  }

  #needQuery(): Query {
    if (this.#query === null) throw new StateError("query", "is not set; call setQuery first");
    return this.#query;
  }

  #spaceOf(): Space {
    if (this.#space === null) {
      const { vectors } = this.#pool;
      const { gram } = this.#network;
      const query = this.params.lamQ > 0 ? this.#needQuery().vector : null;
      this.#space = gram === null ? ambientSpace(vectors, query) : spanSpace(vectors, gram, query, kernel);
    }
    return this.#space;
  }

  /** `F = lamG Y + lamQ B 1 psiᵀ` in the coordinates of the space. */
  #rhs({ start, query, width }: Space): Float32Array {
    const { lamG, pull } = this.#network.system;
    if (lamG === 1 && query === null) return start;
    const rhs = start.map((y) => lamG * y);
    if (query !== null) {
      for (let i = 0; i < pull.length; i++) kernel.axpy(pull[i]!, query, rhs.subarray(i * width), width);
    }
    return rhs;
  }

  #solveOptions({ tolerance, maxIterations, preconditioner, ...rest }: Partial<SolveOptions>): SolveOptions {
    refuse(rest, "tolerance, maxIterations and preconditioner");
    const given = defined({ tolerance, maxIterations, preconditioner });
    const all = resolveOptions({ ...this.params, ...(given as Partial<SolveOptions>) });
    return { tolerance: all.tolerance, maxIterations: all.maxIterations, preconditioner: all.preconditioner };
  }

  #solve({ tolerance, maxIterations, preconditioner }: SolveOptions = this.params): Solution {
    const known = this.#solution;
    if (
      known?.options.tolerance === tolerance &&
      known.options.maxIterations === maxIterations &&
      known.options.preconditioner === preconditioner
    ) {
      this.#hits++;
      return known;
    }
    const options = { tolerance, maxIterations, preconditioner };
    const began = performance.now();
    // From zero the solver takes one product with M less than from the candidates' own vectors.
    const solution = this.#solveFrom(new Float32Array(this.#spaceOf().start.length), options);
    this.#solution = solution;
    this.#answer = null;
    this.#solves++;
    this.#tell("solve", solution.convergence, began);
    // A listener may have asked for another.
    return solution;
  }

  /** Solves for U*, starting from x, which becomes the solution. */
  #solveFrom(x: Float32Array, options: SolveOptions): Solution {
    const space = this.#spaceOf();
    const { system, graph } = this.#network;
    const rhs = this.#rhs(space);
    const solved = solve(system.matrix, space, rhs, x, options, kernel, this.#rhsNorm());
    const roots = degrees(graph).map((degree) => (degree > 0 ? Math.sqrt(degree) : 1));
    const state = stateOf(space, x);
    const lengths = state.squares.map(Math.sqrt);
    const bounds = errorBounds(system.matrix, solved.residuals, lengths, system.lamG, roots);
    return { options, convergence: solved.convergence, state, bounds };
  }

  /** `|F|`, from the products that are at hand. */
  #rhsNorm(): number {
    const { norms } = this.#pool;
    const { lamG, pull } = this.#network.system;
    const query = this.params.lamQ > 0 ? this.#needQuery() : null;
    const square = (norm: number, i: number): number => {
      const own = lamG * lamG * norm * norm;
      if (query === null) return own;
      return own + 2 * lamG * pull[i]! * this.#ownProduct(i) + pull[i]! * pull[i]! * query.square;
    };
    return Math.sqrt(norms.reduce((sum, norm, i) => sum + Math.max(0, square(norm, i)), 0));
  }

  /** What the words say of each node; null where there are none, or they carry no weight. */
  #wordsSay(): TextEvidence | null {
    const { text } = this.#needQuery();
    const words = text === null || this.params.textWeight === 0 ? null : wordsOfNodes(this.#pool);
    return words && textEvidence(text!, words);
  }

  /** What is known of each node for its score. */
  #evidence({ state }: Solution, text: TextEvidence | null): Evidence {
    const { candidate, scores, nodeTrust } = this.#pool;
    const { twin } = this.#ranked();
    const { square } = this.#needQuery();
    const { coherenceWeight, lamC } = this.params;
    const queryNorm = Math.sqrt(square);
    const settled = scores
      ? Float64Array.from(candidate, (i) => scores[i]!)
      : this.#products(state).map((p, i) => cosineOf(p, Math.sqrt(state.squares[i]!) * queryNorm));
    const drops =
      coherenceWeight === 0
        ? null
        : coherenceDrops(this.#network.graph, this.#start().residuals, this.#measure(state).residuals, lamC);
    return {
      // Identical nodes settle alike; only the order of summation could tell them apart in the last bit.
      settled: settled.map((_, i) => settled[twin[i]!]!),
      text,
      feedback: null,
      coherence: drops?.map((_, i) => drops[twin[i]!]!) ?? null,
      trust: nodeTrust,
    };
  }

  /**
   * The bundle's nodes; chosen once for a solution and a query, though the bundle and its receipt both ask. As long as the
   * scores may be off by more than a gap that decided something, the solver goes on from where it was. What it finds then
   * certifies the first choice, or replaces it.
   */
  #choose(): Answer {
    const base = this.#solve();
    if (this.#answer !== null) return this.#answer;
    const text = this.#timed("rank", () => this.#wordsSay());
    let answer = this.#choiceOf(base, text);
    let last = answer;
    // Before any listener is told, who may ask for the bundle.
    this.#answer = answer;
    while (last.margin !== null && last.margin <= 0) {
      const { options, convergence, state } = last.solution;
      const share = FINEST / options.tolerance;
      // What the finest solution would leave open too, for its rounding, is not worth it.
      if (!convergence.converged || share > 0.9 || last.choice.margin!(share) <= 0) break;
      const began = performance.now();
      const maxIterations = options.maxIterations - convergence.iterations;
      const finer = { ...options, tolerance: Math.max(FINEST, options.tolerance / 10), maxIterations };
      const solution = this.#solveFrom(state.x.slice(), finer);
      const ended = performance.now();
      last = this.#choiceOf(solution, text);
      const agrees = last.choice.chosen.every((node, place) => node === answer.choice.chosen[place]);
      answer = agrees ? { ...last, choice: answer.choice, solution: answer.solution } : last;
      this.#answer = answer;
      this.#tell("solve", solution.convergence, began, ended);
    }
    return answer;
  }

  /** The pool as it is ranked: a chain tells nodes with the same vector apart. */
  #ranked(): Pool {
    const pool = this.#pool;
    return this.#chain === null ? pool : { ...pool, twin: Int32Array.from(pool.twin.keys()) };
  }

  #choiceOf(solution: Solution, text: TextEvidence | null): Answer {
    const settled = { ...solution.state, bounds: solution.bounds };
    const choice = this.#timed("rank", () =>
      choose(
        this.#ranked(),
        settled,
        this.#evidence(solution, text),
        (node) => this.#similarity(node),
        this.params,
        this.#strategies,
      ),
    );
    return { choice, solution, margin: choice.margin?.(1) ?? null, finest: solution };
  }

  /** `U_i · psi` of each node. */
  #products({ x, width }: State): Float64Array {
    const { vector, square } = this.#needQuery();
    const space = this.#spaceOf();
    const nodes = this.#pool.candidate.length;
    let target = vector;
    if (space.kind === "span") {
      // In a span a node's product with the query is its coefficients' with those of the basis.
      target = new Float32Array(width);
      for (let i = 0; i < nodes; i++) target[i] = this.#ownProduct(i);
      if (space.query !== null) target[nodes] = square;
    }
    return Float64Array.from({ length: nodes }, (_, i) => product(x, i * width, target, 0, width));
  }

  #measure(state: State): Measured {
    const { graph, system, cosines } = this.#network;
    const space = this.#spaceOf();
    const { x, squares } = state;
    const atStart = x === space.start || x.every((value, at) => value === space.start[at]);
    const residuals = cosines && atStart ? residualsOfCosines(graph) : edgeResiduals(graph, state, kernel);
    // What no query pulls at needs no products with it.
    const products = this.params.lamQ > 0 ? this.#products(state) : squares.map(() => 0);
    return measure(system, graph, space, state, products, this.#needQuery().square, residuals);
  }

  /** The candidates' own vectors, measured. */
  #start(): Measured {
    const space = this.#spaceOf();
    return this.#measure(stateOf(space, space.start));
  }

  #dynamics(): Dynamics | null {
    if (this.#state === null || this.#before === null) return null;
    const found = dynamics({
      graph: this.#network.graph,
      system: this.#network.system,
      space: this.#spaceOf(),
      lamC: this.params.lamC,
      iterations: this.#settled!.iterations,
      before: this.#measure(stateOf(this.#spaceOf(), this.#before)),
      after: this.#measure(stateOf(this.#spaceOf(), this.#state)),
      kernel,
    });
    const top_flows = found.top_flows.map(({ edge, flow }) => ({ edge: this.#candidates(edge), flow }));
    return { ...found, top_flows };
  }

  #vectorsOf(x: Float32Array): PackedVectors {
    const vectors = this.#spaceOf().toVectors(x);
    const data = new Float32Array(this.n * this.d);
    this.#pool.candidate.forEach((candidate, node) => {
      const start = node * vectors.stride;
      data.set(vectors.data.subarray(start, start + this.d), candidate * this.d);
    });
    return { data, n: this.n, d: this.d };
  }

  #candidates([a, b]: readonly [number, number]): [number, number] {
    const { candidate } = this.#pool;
    return [candidate[a]!, candidate[b]!];
  }

  /** A copy of the chain that was added, by candidate index. */
  #chainOfCandidates(): Chain | null {
    if (this.#chain === null) return null;
    const { nodes, lamP, weights } = this.#chain;
    return { nodes: nodes.map((node) => this.#pool.candidate[node]!), lamP, weights: [...weights] };
  }

  /** The nodes of a chain of candidates. */
  #nodesOf(chain: readonly number[]): number[] {
    if (!Array.isArray(chain) || chain.length < 2) {
      throw new CandidateError("chain", `must be an array of at least two candidates, not ${show(chain)}`);
    }
    return chain.map((index, place) => {
      if (!Number.isSafeInteger(index) || index < 0 || index >= this.n) {
        throw new CandidateError(
          `chain[${place}]`,
          `must be an index from 0 to ${this.n - 1}, not ${show(index)}`,
        );
      }
      if (index === chain[place + 1]) {
        throw new CandidateError(`chain[${place + 1}]`, `is candidate ${index} again; a link needs two`);
      }
      const node = this.#pool.candidate.indexOf(index);
      if (node < 0) {
        throw new CandidateError(
          `chain[${place}]`,
          `candidate ${index} has no vector or no trust, so no place`,
        );
      }
      return node;
    });
  }

  #tell(
    event: LatticeEvent["event"],
    convergence: Convergence,
    began: number,
    ended = performance.now(),
  ): void {
    const milliseconds = ended - began;
    this.#timings.solve += milliseconds;
    this.#telling++;
    try {
      for (const listener of this.#listeners) listener({ event, ...convergence, milliseconds });
    } finally {
      this.#telling--;
    }
  }
}

/** Rows, one after the other. */
function flat(rows: readonly Float32Array[]): Float32Array {
  const width = rows[0]?.length ?? 0;
  const all = new Float32Array(rows.length * width);
  rows.forEach((row, i) => {
    all.set(row, i * width);
  });
  return all;
}
