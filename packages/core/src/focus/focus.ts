import { checkObject, OptionError, StateError, show, VectorError } from "../errors.ts";
import { type FocusOptions, resolveFocus } from "./options.ts";

/** What one turn of a conversation gives. */
export interface FocusTurn {
  /** Which turn it is, from 0. */
  readonly turn: number;
  /** The vector to search with, of length 1. */
  readonly query: Float32Array;
  /**
   * What the turn puts into the spring between it and the focus y so far, before the focus moves: `½ |x - y|²`, which is 1 - cosine
   * where both have length 1. In the mode `history` it is that of the topic: `½ |h - h'|²`, of the joined turns with this one and
   * without it, for a follow-up moves them little even where its own words are new. In the mode `oscillator` the motion z that is
   * left counts too: `½ |x - y|² + ½ |z|² / stiffness`. 0 for the first turn.
   */
  readonly energy: number;
  /** How far the query has moved since the last turn: 1 - cosine, from 0 to 2. 0 for the first turn. */
  readonly shift: number;
  /** Whether the energy was above `resetAbove`, and the focus began anew at this turn. */
  readonly reset: boolean;
  /** Whether the focus has come to rest on its topic: it shifted by less than `convergedBelow`. False where a topic begins. */
  readonly converged: boolean;
}

/** A focus as `toJSON` writes it: plain data, which `JSON.stringify` keeps exactly. */
export interface FocusState {
  readonly version: 1;
  readonly options: Readonly<Required<FocusOptions>>;
  /** How many turns it has had. */
  readonly turns: number;
  /** The turn at which the topic began. */
  readonly since: number;
  /** Position, in the mode `history` the topic h; empty before the first turn. */
  readonly position: readonly number[];
  /** Velocity, in the mode `oscillator`; empty otherwise. */
  readonly velocity: readonly number[];
  /** The last query; empty before the first turn. */
  readonly query: readonly number[];
}

/**
 * The focus of a conversation. A follow-up question ("and its moons?") lacks its subject, and embeds badly; the focus carries the
 * subject along. Every turn's embedding goes in, and the vector to search with comes out. x is the turn's embedding, made of length 1.
 *
 * - `history`: the query is x + historyWeight h, where h is the embedding of the turns of the topic joined into one text. One more
 *   text to embed a turn; the best in our study.
 * - `average`: the focus y becomes lastShare x + (1 - lastShare) y.
 * - `oscillator`: x pulls the focus on a damped spring: one implicit LinOSS step of y'' = stiffness (x - y) - damping y'.
 *
 * The query has length 1 in all modes. Only +, -, *, / and square roots are used, which every engine rounds alike: the same turns give
 * the same bytes.
 */
export class QueryFocus {
  readonly options: Readonly<Required<FocusOptions>>;
  #turns = 0;
  #since = 0;
  #position: Float64Array = new Float64Array(0);
  #velocity: Float64Array = new Float64Array(0);
  #query: Float32Array = new Float32Array(0);

  /** @throws {OptionError} for an unknown option, or a value out of its range. */
  constructor(options: FocusOptions = {}) {
    this.options = resolveFocus(options);
  }

  /** The turn at which the topic began, from 0: the turns to be joined for the mode `history` are those from here on. */
  get since(): number {
    return this.#since;
  }

  /** How many turns there have been. */
  get turns(): number {
    return this.#turns;
  }

  /**
   * Takes the next turn.
   *
   * @param embedding the embedding of what was asked, of any length but 0.
   * @param joinedEmbedding the embedding of the turns from `since` on, this one included, joined into one text. The mode `history`
   *   needs it from the second turn on; the others do not look at it.
   * @throws {VectorError} for a vector that is zero, not finite, or of another width than before.
   * @throws {StateError} in the mode `history` for a later turn without `joinedEmbedding`.
   */
  next(embedding: ArrayLike<number>, joinedEmbedding?: ArrayLike<number>): FocusTurn {
    const { mode, resetAbove, convergedBelow } = this.options;
    const first = this.#turns === 0;
    const x = unit("embedding", embedding, first ? undefined : this.#position.length);
    if (mode === "history" && !first && joinedEmbedding === undefined) {
      throw new StateError(
        "joinedEmbedding",
        'is missing: the mode "history" needs the embedding of all turns of the topic joined; another mode does not',
      );
    }
    // What the focus is pulled to: the topic so far with the new turn, or the turn itself.
    const target = mode === "history" && !first ? unit("joinedEmbedding", joinedEmbedding!, x.length) : x;
    const energy = first ? 0 : this.#energyOf(target);
    const reset = !first && resetAbove !== null && energy > resetAbove;
    const begins = first || reset;
    if (begins) {
      this.#position = x;
      this.#velocity = new Float64Array(mode === "oscillator" ? x.length : 0);
      this.#since = this.#turns;
    } else {
      this.#move(target);
    }
    const query = Float32Array.from(this.#queryOf(x) ?? x);
    const shift = first ? 0 : 1 - cosine(query, this.#query);
    this.#query = query;
    const turn = this.#turns++;
    return {
      turn,
      query: query.slice(),
      energy,
      shift,
      reset,
      converged: !begins && shift < convergedBelow,
    };
  }

  /** Forgets all turns; the options stay. */
  reset(): void {
    this.#turns = 0;
    this.#since = 0;
    this.#position = new Float64Array(0);
    this.#velocity = new Float64Array(0);
    this.#query = new Float32Array(0);
  }

  toJSON(): FocusState {
    return {
      version: 1,
      options: this.options,
      turns: this.#turns,
      since: this.#since,
      position: Array.from(this.#position),
      velocity: Array.from(this.#velocity),
      query: Array.from(this.#query),
    };
  }

  /**
   * The focus that `toJSON` wrote: it goes on with the same bytes.
   *
   * @throws {OptionError} for what it cannot have written.
   */
  static fromJSON(state: FocusState): QueryFocus {
    checkObject("state", state);
    if (state.version !== 1) throw new OptionError("state.version", `must be 1, not ${show(state.version)}`);
    const focus = new QueryFocus(state.options);
    const { turns, since } = state;
    const began = count("state.turns", turns) > 0;
    if (count("state.since", since) > Math.max(0, turns - 1)) {
      throw new OptionError("state.since", `must be one of the ${turns} turns, not ${since}`);
    }
    const width = began ? undefined : 0;
    focus.#position = numbers("state.position", state.position, width);
    const { length } = focus.#position;
    if (began && length === 0)
      throw new OptionError("state.position", `must not be empty after ${turns} turns`);
    focus.#velocity = numbers(
      "state.velocity",
      state.velocity,
      focus.options.mode === "oscillator" ? length : 0,
    );
    focus.#query = Float32Array.from(numbers("state.query", state.query, length));
    focus.#turns = turns;
    focus.#since = since;
    return focus;
  }

  #energyOf(x: Float64Array): number {
    let sum = 0;
    for (let i = 0; i < x.length; i++) {
      const distance = x[i]! - this.#position[i]!;
      sum += distance * distance;
    }
    let motion = 0;
    for (const v of this.#velocity) motion += v * v;
    return 0.5 * sum + (0.5 * motion) / this.options.stiffness;
  }

  #move(target: Float64Array): void {
    const { mode, lastShare, stiffness, damping, dt } = this.options;
    const y = this.#position;
    if (mode === "history") {
      this.#position = target;
    } else if (mode === "average") {
      // Opposite vectors may leave nothing: the last turn is then the focus.
      this.#position = scaled(target.map((x, i) => lastShare * x + (1 - lastShare) * y[i]!)) ?? target;
    } else {
      // The damped implicit step: z' = (z + dt k (x - y)) / (1 + dt c + dt² k), y' = y + dt z'.
      const inertia = 1 + dt * damping + dt * dt * stiffness;
      this.#velocity = this.#velocity.map((z, i) => (z + dt * stiffness * (target[i]! - y[i]!)) / inertia);
      this.#position = y.map((position, i) => position + dt * this.#velocity[i]!);
    }
  }

  /** The query of the turn x, or null where nothing is left of it. */
  #queryOf(x: Float64Array): Float64Array | null {
    const { mode, historyWeight } = this.options;
    const y = this.#position;
    return scaled(mode === "history" ? x.map((value, i) => value + historyWeight * y[i]!) : y);
  }
}

/** A vector as it came, made of length 1. */
function unit(name: string, vector: ArrayLike<number>, width: number | undefined): Float64Array {
  if (typeof vector !== "object" || vector === null || !(vector.length >= 1)) {
    throw new VectorError(name, `must be an array of at least one number, not ${show(vector)}`);
  }
  if (width !== undefined && vector.length !== width) {
    throw new VectorError(name, `must have ${width} values as the turns before, not ${vector.length}`);
  }
  const values = numbers(name, vector, vector.length, VectorError);
  const result = scaled(values);
  if (result === null) throw new VectorError(name, "must not be zero, which has no direction");
  return result;
}

/** The vector made of length 1; null for the zero vector. */
function scaled(vector: Float64Array): Float64Array | null {
  let largest = 0;
  for (const v of vector) largest = Math.max(largest, Math.abs(v));
  if (largest === 0) return null;
  // By the largest first: squares of what embedders give would neither overflow nor vanish, but those of other vectors might.
  const inside = vector.map((v) => v / largest);
  let sum = 0;
  for (const v of inside) sum += v * v;
  const length = Math.sqrt(sum);
  return inside.map((v) => v / length);
}

/** The cosine of two vectors of length 1, within [-1, 1]. */
function cosine(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!;
  return Math.min(1, Math.max(-1, sum));
}

function numbers(
  name: string,
  values: ArrayLike<number>,
  length: number | undefined,
  Kind: typeof OptionError | typeof VectorError = OptionError,
): Float64Array {
  const fits = typeof values === "object" && values !== null && values.length === (length ?? values.length);
  if (!fits) throw new Kind(name, `must be an array of ${length ?? "some"} numbers, not ${show(values)}`);
  const copy = new Float64Array(values.length);
  for (let i = 0; i < copy.length; i++) {
    const value: unknown = values[i];
    if (typeof value !== "number" || !Number.isFinite(value)) {
      throw new Kind(`${name}[${i}]`, `must be a finite number, not ${show(value)}`);
    }
    copy[i] = value;
  }
  return copy;
}

function count(name: string, value: unknown): number {
  if (Number.isSafeInteger(value) && (value as number) >= 0) return value as number;
  throw new OptionError(name, `must be an integer of at least 0, not ${show(value)}`);
}
