import { explainReceipt } from "@oscillink/core";
import type { Command } from "commander";
import { print } from "../print/output.ts";
import { readReceipt } from "../read/receipt.ts";

const EXAMPLES = `
What a receipt says is not verified here: oscillink verify does that.

Examples:
  $ oscillink explain receipt.json`;

export function explain(program: Command): void {
  program
    .command("explain")
    .description("Say in plain English what a receipt records: what was chosen, why, and what was left out.")
    .argument("<receipt>", "the receipt, or its signed envelope; - is stdin")
    .addHelpText("after", EXAMPLES)
    .action(async (path: string) => {
      const { receipt } = await readReceipt(path);
      for (const line of explainReceipt(receipt)) print(line);
    });
}
