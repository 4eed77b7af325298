import type { Command } from "commander";
export function mcp(_: Command): void {}
