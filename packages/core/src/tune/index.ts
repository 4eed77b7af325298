export {
  type LabelledQuery,
  TuneError,
  type TuneRequest,
  type TuneResult,
  type TuneSetting,
  tune,
} from "./tune.ts";
