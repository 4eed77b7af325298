/** What the stages of `rerank` are made of, from the very modules that the package is bundled from. */

export { eachTile, nearestNeighbors, TILE } from "../../packages/core/src/graph/neighbors.ts";
export { kernel } from "../../packages/core/src/kernels/fastest.ts";
export type { Matrix } from "../../packages/core/src/kernels/matrix.ts";
export { pack, unitRows } from "../../packages/core/src/pool/matrix.ts";
export { weighTexts } from "../../packages/core/src/words/bm25.ts";
export { normalized } from "../../packages/core/src/words/cut.ts";
