/** @packageDocumentation LinOSS: oscillators as state-space dynamics. See the README. */
export { type ClosedFormOptions, dampedOscillatorClosedForm } from "./closedForm.ts";
export { convergenceWindow, deltaEnergy, energy } from "./energy.ts";
export {
  InvalidDampingError,
  InvalidShapeError,
  InvalidValueError,
  LinOSSError,
  UnsupportedModeError,
} from "./errors.ts";
export {
  type KalmanOptions,
  type KalmanResult,
  kalmanFilter,
  rtsSmoother,
  type SmootherResult,
} from "./kalman.ts";
export { linossScan, type ScanOptions, type ScanResult } from "./scan.ts";
export {
  harmonicStack,
  isStable,
  periodFromOmega,
  type Stability,
  type StabilityOptions,
} from "./stability.ts";
export { dampedLinossStep, linossStep, linossStep as linossStepImpl } from "./step.ts";
export type {
  DampedStepOptions,
  Diagonal,
  Forcing,
  Matrix,
  Mode,
  StepMetrics,
  StepOptions,
  StepResult,
  Vector,
} from "./types.ts";
