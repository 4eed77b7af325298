export { computeDiffusionGates, type GateOptions } from "./diffusion.ts";
