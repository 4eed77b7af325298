import { OscillinkError } from "@oscillink/core";

// It is the script of a worker, and says so where it is none's.
const refused = import("@oscillink/core/worker").catch((error: Error) => error);
console.log((await refused) instanceof Error, (await refused) instanceof OscillinkError); // true false
