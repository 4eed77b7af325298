import type { Command } from "commander";
export function tune(_: Command): void {}
