import { ownRerank } from "../own/rerank.ts";
import type { Shape } from "./shape.ts";

/** Every form that is answered, by its name. */
export const SHAPES = { own: ownRerank } satisfies Record<string, Shape>;

export type ShapeName = keyof typeof SHAPES;
