import { it } from "vitest";
import { survivesReading } from "./hostileShapes.ts";

it(
  "reads 10,000 hostile bodies of other services, or refuses them (A2)",
  () => survivesReading(10_000),
  60_000,
);
