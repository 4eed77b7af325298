import { TuneError, tune } from "@oscillink/core/tune";

function refused(): number | null {
  try {
    tune({ queries: [] });
    return null;
  } catch (error) {
    if (error instanceof TuneError) return error.needed;
    throw error;
  }
}
console.log(refused()); // 30
