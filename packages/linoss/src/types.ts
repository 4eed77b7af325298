/** A vector as it may come in: an array of numbers, typed or not. It is never changed. */
export type Vector = ArrayLike<number>;

/** A matrix as it may come in: an array of its rows, all of one length. It is never changed. */
export type Matrix = readonly Vector[];

/** The diagonal of an n x n matrix: one number for all of it (or a vector of that one), a vector of n, or the diagonal matrix itself. */
export type Diagonal = number | Vector | Matrix;

/**
 * How a step is discretised. `"implicit"` (IM) is stable for every time step, and dissipates energy. `"implicit_explicit"` (IMEX)
 * is symplectic: without damping it keeps the energy on average, and is stable for dt² A < 4 + 2 dt G. Upper and lower case are
 * the same, and a hyphen stands for an underscore.
 */
export type Mode = "implicit" | "IM" | "im" | "implicit_explicit" | "implicit-explicit" | "IMEX" | "imex";

/** What drives a step: the forcing is `B u`. Without B it is u itself. */
export interface Forcing {
  /** A vector of n: the forcing is B times u, value by value. A matrix of n x m: u has m values. Needs u. */
  readonly B?: Diagonal;
  /** A number, or a vector: of n without B and with a vector B, of m with an n x m matrix B. Default 0. */
  readonly u?: number | Vector;
}

/** Options of a step. */
export interface DampedStepOptions extends Forcing {
  /** Default `"implicit"`. */
  readonly mode?: Mode;
  /**
   * A result to write into, of an earlier step for example: a step with vectors or numbers for A and G then allocates nothing. Its
   * y and z may be those that come in.
   */
  readonly out?: StepResult;
}

/** Options of a step that may be damped. `damping` and `G` are two names of one thing: at most one of them may be given. */
export interface StepOptions extends DampedStepOptions {
  /** Damping, 1/time, at least 0: see {@link dampedLinossStep}. Not given: the undamped step. */
  readonly damping?: Diagonal;
  /** The same as `damping`. */
  readonly G?: Diagonal;
}

/** What a step did to the energy. */
export interface StepMetrics {
  mode: "implicit" | "implicit_explicit";
  energyBefore: number;
  energyAfter: number;
  /** After less before. */
  deltaEnergy: number;
  /** Whether G was given. An implicit step dissipates energy without it too. */
  dampingMode: "none" | "explicit_g";
  /** The diagonal of G; null where none was given. */
  damping: Float64Array | null;
}

/** The state after a step. */
export interface StepResult {
  /** Positions. */
  readonly y: Float64Array;
  /** Velocities. */
  readonly z: Float64Array;
  readonly metrics: StepMetrics;
}
