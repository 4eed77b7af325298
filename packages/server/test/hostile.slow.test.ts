import { it } from "vitest";
import { survives } from "./hostile.ts";

it("10,000 hostile bodies never fail the server (A2)", () => survives(10_000));
