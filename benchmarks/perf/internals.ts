/** What the stages of `rerank` are made of, from the built package: the very modules that it runs on. */
export { type Matrix, pack, unitRows } from "../../packages/core/dist/embeddings.js";
export { eachTile, nearestNeighbors, TILE } from "../../packages/core/dist/graph/neighbors.js";
export { kernel } from "../../packages/core/dist/kernels/choose.js";
export { textEvidence } from "../../packages/core/dist/rank/text.js";
