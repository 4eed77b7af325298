import { compatibleShapes } from "../compatible/shapes.ts";
import { ownRerank, ownRerankMany } from "../own/rerank.ts";
import { publishedShapes } from "../published/settle.ts";
import type { RunShape, Shape } from "./shape.ts";

/** Every form that is answered, by its name. */
export type ShapeName = "own" | "own-many" | keyof typeof compatibleShapes | keyof typeof publishedShapes;

export const SHAPES: Readonly<Record<ShapeName, Shape | RunShape>> = {
  own: ownRerank,
  "own-many": ownRerankMany,
  ...compatibleShapes,
  ...publishedShapes,
};
