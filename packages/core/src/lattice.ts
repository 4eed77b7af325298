import type { ChainReceipt } from "./diagnose/chain.ts";
import type { Energy } from "./diagnose/energy.ts";
import { type LatticeFigures, latticeFigures } from "./diagnose/figures.ts";
import { type ChainReceiptOptions, judgeChain } from "./diagnose/judgeChain.ts";
import { energyOfVectors } from "./diagnose/measure.ts";
import { checkFunction, checkObject, refuseUnknown } from "./errors.ts";
import type { LatticeEvent, Timings } from "./events.ts";
import { type ChainOptions, makeChain, moveChain } from "./graph/chain.ts";
import { edgesOfCandidates } from "./graph/network.ts";
import {
  checkStep,
  type ReceiptOptions,
  resolveReceiptOptions,
  resolveSolveOptions,
  type SettleOptions,
  sameSolve,
} from "./options/calls.ts";
import { defined, resolveOptions } from "./options/options.ts";
import { profiles } from "./options/profiles.ts";
import type { Options, Params, SolveOptions } from "./options/types.ts";
import { now } from "./platform.ts";
import type { Edge, LatticeInput, Numbers } from "./pool/input.ts";
import type { PackedVectors, Vector, Vectors } from "./pool/matrix.ts";
import { inputOf, makePool } from "./pool/pool.ts";
import { makeQuery } from "./pool/query.ts";
import type { PublishedAnswer } from "./python/rank.ts";
import type { Answer, RankedEntry } from "./rank/bundle.ts";
import { type Provenance, provenanceOf } from "./receipt/provenance.ts";
import type { Receipt } from "./receipt/receipt.ts";
import type { Convergence } from "./solve/cg.ts";
import { makeProblem, type Problem, strategiesOf } from "./solve/problem.ts";
import { asked, type Solution, settleVectors, step, vectorsOf } from "./solve/vectors.ts";
import { answerOf, ask, begin, bundleOf, receiptOf, type Standing } from "./standing.ts";
import {
  fromBuffer,
  fromJson,
  type LatticeJson,
  type LatticeState,
  toBuffer,
  toJson,
} from "./stored/format.ts";
import { restoring, stateToStore, storedInput, storedSteps } from "./stored/restore.ts";

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
  #standing: Standing;
  readonly #timings = { pack: 0, graph: 0, solve: 0, rank: 0, receipt: 0 };
  readonly #counts = { solves: 0, hits: 0 };
  readonly #listeners = new Set<(event: LatticeEvent) => void>();

  /**
   * @throws {OptionError} for an unknown option or a value out of range.
   * @throws {VectorError} for vectors of different widths or with values that are not finite.
   * @throws {CandidateError} for duplicate ids, a trust outside [0, 1], columns of different lengths, or a missing
   *   vector where `missing` is `"error"`.
   */
  constructor(input: LatticeInput, options: Options = {}) {
    const params = resolveOptions(options);
    const { strategies } = profiles[params.profile];
    const pool = this.#timed("pack", () => makePool(input, params, strategies));
    const problem = this.#timed("graph", () => makeProblem(pool, params, null));
    this.#standing = begin(problem, null);
  }

  /** Milliseconds spent so far, by stage. */
  get timings(): Timings {
    return { ...this.#timings };
  }

  /** Every option, resolved. */
  get params(): Params {
    return this.#standing.problem.params;
  }

  /** How many candidates there are. */
  get n(): number {
    return this.#standing.problem.pool.n;
  }

  /** Values in each vector; 0 if no candidate has one. */
  get d(): number {
    return this.#standing.problem.pool.d;
  }

  /**
   * Sets the query, its words too if `text` is given. With `lamQ = 0` the settled state stays valid: only the ranking
   * changes.
   *
   * @param vector `d` values, not all zero (but in the profile `reference`); null where candidates came with scores instead.
   * @throws {VectorError} for another width, a value that is not finite, or a zero vector.
   * @throws {OptionError} for a text that is no string.
   */
  setQuery(vector: Vector | null, text: string | null = null): this {
    const { pool, params } = this.#standing.problem;
    const query = this.#timed("rank", () => makeQuery(pool, params, vector ?? null, text));
    this.#standing = ask(this.#standing, query);
    return this;
  }

  /** Sets the candidates' trust anew, one value in [0, 1] each. Starts the lattice over. */
  setTrust(trust: Numbers): this {
    const { pool: before, params, chain } = this.#standing.problem;
    const strategies = strategiesOf(this.#standing.problem);
    const pool = this.#timed("pack", () => makePool({ ...inputOf(before), trust }, params, strategies));
    return this.#rebuild({ pool, chain: chain && moveChain(chain, before, pool) });
  }

  /** Builds the graph anew with other options. Starts the lattice over. */
  rebuildGraph(options: Pick<Options, "neighbors" | "graph" | "similarityFloor" | "rowCap">): this {
    const { neighbors, graph, similarityFloor, rowCap, ...others } = checkObject("options", options);
    refuseUnknown(others, ["neighbors", "graph", "similarityFloor", "rowCap"]);
    return this.#rebuild({ params: resolveOptions({ ...this.params, ...defined(options) }) });
  }

  /**
   * Adds a chain: candidates that should agree one after the other, such as the steps of an argument. It takes the
   * place of an earlier one, and starts the lattice over.
   *
   * @param nodes at least two candidates, by index; neighbours in the chain must differ.
   * @throws {CandidateError} for a chain too short, an index out of range, or a candidate that is no node.
   * @throws {OptionError} for a lamP out of its range, or weights that are not one number of theirs a link.
   */
  addChain(nodes: readonly number[], options: ChainOptions = {}): this {
    return this.#rebuild({ chain: makeChain(this.#standing.problem.pool, nodes, options, this.params.lamG) });
  }

  /** Removes the chain. Starts the lattice over. */
  clearChain(): this {
    return this.#rebuild({ chain: null });
  }

  /**
   * Whether a chain of candidates holds together in the settled state: link by link, against the tension that the
   * lattice's own edges are under.
   *
   * @param nodes the chain to judge, by index; it need not be the one that was added.
   */
  chainReceipt(nodes: readonly number[], options: ChainReceiptOptions = {}): ChainReceipt {
    const { vectors, query, space } = this.#standing;
    const settled = () => ({ space: space(), solution: this.#solve() });
    return judgeChain(vectors(), query, settled, nodes, options);
  }

  /**
   * One implicit Euler step `(I + dt M) U⁺ = U + dt F` from the present state, which starts at the candidates' vectors.
   * No step raises the energy.
   */
  settle(options: SettleOptions = {}): Convergence {
    const began = now();
    const { dt = 1, warmStart = true, ...rest } = checkObject("options", options);
    checkStep(dt);
    const how = resolveSolveOptions(this.params, rest);
    const standing = this.#standing;
    const space = standing.space();
    const from = standing.moved?.state ?? space.start;
    const moved = step(standing.vectors(), space, from, dt, warmStart, how);
    this.#standing = { ...standing, moved };
    this.#tell("settle", moved.convergence, now() - began);
    return { ...moved.convergence };
  }

  /**
   * Solves for the minimum U*, which is kept until the lattice changes or other options are asked for.
   *
   * @param options tolerance, maxIterations and preconditioner in place of the lattice's own.
   */
  solve(options: Partial<SolveOptions> = {}): Convergence {
    return { ...this.#solve(resolveSolveOptions(this.params, options)).convergence };
  }

  /**
   * Calls back after every settle and solve, when the lattice holds its result. Returns a function that ends it. A
   * listener may change the lattice: what called it goes on with what it had found.
   */
  onEvent(listener: (event: LatticeEvent) => void): () => void {
    checkFunction("listener", listener);
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  /** The settled vectors U*, row i for candidate i; zero for a candidate that could not be ranked. */
  settledVectors(): PackedVectors {
    const { vectors, space } = this.#standing;
    return vectorsOf(vectors(), space(), this.#solve().state.x);
  }

  /** The vectors of the present state, which `settle` moves; at first the candidates' own. */
  stateVectors(): PackedVectors {
    const { vectors, moved, space } = this.#standing;
    return vectorsOf(vectors(), space(), moved?.state ?? space().start);
  }

  /** The energy of any state: row i is candidate i's vector (rows of candidates that are no nodes are ignored). */
  energyOf(vectors: Vectors): Energy {
    return energyOfVectors(this.#standing.vectors(), asked(this.#standing.query), vectors);
  }

  /** The edges of the graph, each once, as candidate indices with their weight. */
  edges(): Edge[] {
    const { pool, network } = this.#standing.problem;
    return edgesOfCandidates(pool, network.graph);
  }

  /** The k documents to hand back, best first; those that could not be ranked last, if `missing` is `"append"`. */
  bundle(): RankedEntry[] {
    return bundleOf(this.#standing, this.#answer());
  }

  /**
   * The record of the ranking: what came in, what was computed, and the bundle. In the profile `reference` that of the lattice
   * of vectors, a `LatticeReceipt`.
   */
  receipt(options: ReceiptOptions = {}): Receipt {
    const resolved = resolveReceiptOptions(options);
    const standing = this.#standing;
    const { hits } = this.#counts;
    const answer = this.#answer();
    const counts = {
      ustar_cached: this.#counts.hits > hits,
      ustar_solves: this.#counts.solves,
      ustar_cache_hits: this.#counts.hits,
    };
    const receipt = this.#timed("receipt", () => receiptOf(standing, answer, counts, resolved));
    const total = Object.values(this.#timings).reduce((sum, ms) => sum + ms, 0);
    return { ...receipt, t_ms: Math.round(total * 1e3) / 1e3 } as Receipt;
  }

  /** What is told of the lattice of vectors, in any profile: energies, null points, and what the last step moved. */
  figures(options: ReceiptOptions = {}): LatticeFigures {
    const resolved = resolveReceiptOptions(options);
    const { vectors, query, space, moved } = this.#standing;
    return latticeFigures(vectors(), query, space(), this.#solve(), moved, resolved);
  }

  /** Digests of all that the lattice is made of, to compare it with another. */
  provenance(): Provenance {
    const { problem, query, digests } = this.#standing;
    return provenanceOf(problem, query, digests());
  }

  /** All that the lattice is made of, as plain JSON; `JSON.stringify` calls it by itself. */
  toJSON(): LatticeJson {
    const { problem, query, moved } = this.#standing;
    return toJson(stateToStore(problem, query, moved));
  }

  /**
   * The lattice that a {@link toJSON} was taken from: its receipts have equal digests.
   *
   * @throws {StateError} if it is no lattice, or of another version; and what the constructor throws.
   */
  static fromJSON(json: unknown): Lattice {
    return Lattice.#restore(fromJson(json));
  }

  /** All that the lattice is made of, in one versioned, little-endian buffer: to be stored, or handed to a worker. */
  toBuffer(): ArrayBuffer {
    const { problem, query, moved } = this.#standing;
    return toBuffer(stateToStore(problem, query, moved));
  }

  /**
   * The lattice that a {@link toBuffer} was taken from: its receipts have equal digests.
   *
   * @throws {StateError} if it is no lattice, of another version, or cut short; and what the constructor throws.
   */
  static from(buffer: ArrayBuffer | Uint8Array): Lattice {
    return Lattice.#restore(fromBuffer(buffer));
  }

  static #restore(state: LatticeState): Lattice {
    return restoring(() => {
      const lattice = new Lattice(storedInput(state), state.params);
      const { asked, scores, query, queryText, chain, settled } = state;
      if (asked) lattice.setQuery(scores ? null : query, queryText);
      if (chain !== null) lattice.addChain(chain.nodes, { lamP: chain.lamP, weights: chain.weights });
      const standing = lattice.#standing;
      const moved = settled === null ? null : storedSteps(state, standing.space().start.length);
      lattice.#standing = { ...standing, moved };
      return lattice;
    });
  }

  /** Puts another part in what the lattice is made of, and starts over. */
  #rebuild(change: Partial<Pick<Problem, "params" | "pool" | "chain">>): this {
    const { params, pool, chain } = { ...this.#standing.problem, ...change };
    const problem = this.#timed("graph", () => makeProblem(pool, params, chain));
    this.#standing = begin(problem, this.#standing.query);
    return this;
  }

  #solve(options: SolveOptions = this.params): Solution {
    const standing = this.#standing;
    const known = standing.solution;
    if (known !== null && sameSolve(known.options, options)) {
      this.#counts.hits++;
      return known;
    }
    const began = now();
    const space = standing.space();
    // From zero the solver takes one product with M less than from the candidates' own vectors.
    const zero = new Float32Array(space.start.length);
    const solution = settleVectors(standing.vectors(), standing.query, space, zero, options);
    this.#standing = { ...standing, solution, answer: this.#published ? null : standing.answer };
    this.#counts.solves++;
    this.#tell("solve", solution.convergence, now() - began);
    return solution;
  }

  get #published(): boolean {
    return strategiesOf(this.#standing.problem).score === "published";
  }

  /** Ranked and chosen once for a query, though the bundle and its receipt both ask. */
  #answer(): Answer | PublishedAnswer {
    const before = this.#standing;
    const question = asked(before.query);
    const solution = this.#published ? this.#solve() : null;
    // A listener of the solve may have changed the lattice: the answer is then to what it was before.
    const same = this.#standing.problem === before.problem && this.#standing.query === before.query;
    if (same && this.#standing.answer !== null) return this.#standing.answer;
    const found = this.#timed("rank", () => answerOf(before, question, solution));
    if (same) this.#standing = { ...this.#standing, answer: found };
    return found;
  }

  #timed<T>(stage: keyof Timings, work: () => T): T {
    const began = now();
    const result = work();
    this.#timings[stage] += now() - began;
    return result;
  }

  #tell(event: LatticeEvent["event"], convergence: Convergence, milliseconds: number): void {
    this.#timings.solve += milliseconds;
    for (const listener of this.#listeners) listener({ event, ...convergence, milliseconds });
  }
}
