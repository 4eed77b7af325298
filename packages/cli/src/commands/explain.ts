import { writeFile } from "node:fs/promises";
import { type Candidate, explainReceipt } from "@oscillink/core";
import type { KeyInput } from "@oscillink/core/keys";
import { explainPage } from "@oscillink/explain";
import type { Command } from "commander";
import { InputError, UsageError } from "../exit.ts";
import { addEmbeddingFlags, type EmbeddingFlags, embeddingOf } from "../flags/embedding.ts";
import { note, print } from "../print/output.ts";
import { brokenBy } from "../read/broken.ts";
import { readKey } from "../read/keys.ts";
import { readCandidates } from "../read/pool.ts";
import { readReceipt } from "../read/receipt.ts";
import { reasonOf } from "../read/text.ts";

const EXAMPLES = `
What a receipt says is not verified here: oscillink verify does that, and the page of --html does it in the browser, with the
public key of --key or one that its reader pastes.

Examples:
  $ oscillink explain receipt.json
  $ oscillink explain receipt.json --html why.html --key oscillink.public.pem --candidates notes.jsonl`;

interface Flags extends EmbeddingFlags {
  html?: string;
  key?: string;
  candidates?: string;
}

export function explain(program: Command): void {
  const command = program
    .command("explain")
    .description("Say in plain English what a receipt records: what was chosen, why, and what was left out.")
    .argument("<receipt>", "the receipt, or its signed envelope; - is stdin")
    .option("--html <file>", "write a page for a browser, which needs nothing else, in place of the text")
    .option("--key <file>", "for the page: the signer's public key, PEM or a JSON Web Key")
    .option(
      "--candidates <file>",
      "for the page: the candidates as they were ranked, for titles, texts and the lattice",
    );
  addEmbeddingFlags(command)
    .addHelpText("after", EXAMPLES)
    .action(async (path: string, flags: Flags) => {
      const { receipt, envelope } = await readReceipt(path);
      if (flags.html === undefined) {
        const unheeded = (["key", "candidates"] as const).find((name) => flags[name] !== undefined);
        if (unheeded !== undefined) throw new UsageError(`--${unheeded} is for the page of --html FILE`);
        for (const line of explainReceipt(receipt)) print(line);
        return;
      }
      const candidates = await candidatesOf(flags);
      const page = (key?: KeyInput) =>
        explainPage(envelope ?? receipt, { ...(candidates && { candidates }), ...(key && { key }) });
      await writePage(flags.html, flags.key === undefined ? page() : await readKey(flags.key, page));
      note(`${flags.html}: written; open it in a browser`);
    });
}

async function candidatesOf(flags: Flags): Promise<Candidate[] | null> {
  if (flags.candidates === undefined) return null;
  const found = await readCandidates(flags.candidates, await embeddingOf(flags), brokenBy("stop").on);
  return found.map(({ value }) => value);
}

async function writePage(path: string, page: string): Promise<void> {
  try {
    await writeFile(path, page);
  } catch (cause) {
    throw new InputError(`${path}: ${reasonOf(cause)}`, { cause });
  }
}
