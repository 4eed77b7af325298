import { rerank, rerankAsync } from "@oscillink/core";
import { nodeWorkers } from "@oscillink/core/node";

const workers = nodeWorkers({ cost: 0 });
const candidates = [{ embedding: [0, 1] }, { embedding: [1, 0] }];
const request = { query: [1, 0.2], candidates, k: 1 };
const result = await rerankAsync(request, { workers });
console.log(result.bundle[0]!.candidate === candidates[1]); // true
console.log(result.receipt.digest === rerank(request).receipt.digest); // true
// The thread leaves a getter, for it writes the receipt when that is read.
console.log(Object.getOwnPropertyDescriptor(result, "receipt")!.get === undefined); // true
