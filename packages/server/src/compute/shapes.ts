import { compatibleShapes } from "../compatible/shapes.ts";
import { ownRerank, ownRerankMany } from "../own/rerank.ts";
import type { Shape } from "./shape.ts";

/** Every form that is answered, by its name. */
export type ShapeName = "own" | "own-many" | keyof typeof compatibleShapes;

export const SHAPES: Readonly<Record<ShapeName, Shape>> = {
  own: ownRerank,
  "own-many": ownRerankMany,
  ...compatibleShapes,
};
