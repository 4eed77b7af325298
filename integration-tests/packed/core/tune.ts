import { TuneError, tune } from "@oscillink/core/tune";

try {
  tune({ queries: [] });
} catch (error) {
  console.log(error instanceof TuneError && error.needed); // 30
}
