import type { Kernel } from "./kernel.ts";
import { scalar } from "./scalar.ts";
import { simdKernel } from "./simd.ts";

/** The fastest kernel that this runtime has; the same for as long as it runs. */
export const kernel: Kernel = simdKernel() ?? scalar;
