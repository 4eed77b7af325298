export { type Calibrated, calibrate } from "./calibrate.ts";
export { type LabelledQuery, TuneError } from "./labelled.ts";
export { learnScale, type SeenPool } from "./scale.ts";
export { type TuneRequest, type TuneResult, type TuneSetting, tune } from "./tune.ts";
