import { computeDiffusionGates } from "@oscillink/core/gates";

const gates = computeDiffusionGates(
  [
    [1, 0],
    [0.9, 0.3],
    [0, 1],
  ],
  [1, 0],
);
console.log(gates.length, gates[0]! > gates[2]!); // 3 true
