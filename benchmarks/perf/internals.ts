/** What the stages of `rerank` are made of, from the very modules that the package is bundled from. */
export { type Matrix, pack, unitRows } from "../../packages/core/src/embeddings.ts";
export { eachTile, nearestNeighbors, TILE } from "../../packages/core/src/graph/neighbors.ts";
export { kernel } from "../../packages/core/src/kernels/choose.ts";
export { textEvidence } from "../../packages/core/src/rank/text.ts";
