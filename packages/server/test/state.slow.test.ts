import { it } from "vitest";
import { netsToZero } from "./state/killed.ts";

it("the store nets to 0 after 10,000 requests and eight kills (A22)", () => netsToZero(8, 1250));
