import type { Command } from "commander";
export function bench(_: Command): void {}
