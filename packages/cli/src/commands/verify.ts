import { type Candidate, replayReceipt } from "@oscillink/core";
import { ed25519Verifier } from "@oscillink/core/keys";
import type { Command } from "commander";
import { EXIT } from "../exit.ts";
import { addEmbeddingFlags, type EmbeddingFlags, embeddingOf } from "../flags/embedding.ts";
import { print } from "../print/output.ts";
import { brokenBy } from "../read/broken.ts";
import { readKey } from "../read/keys.ts";
import { addQueryFlags, type QueryFlags, readPool } from "../read/pool.ts";
import { judge, readReceipt, SpoiltError } from "../read/receipt.ts";

const EXAMPLES = `
Without --key it says whether the receipt is intact, not who made it. With --candidates, and the question and the
vectors as they were given to rerank, everything is computed again and compared, bit for bit.

Examples:
  $ oscillink verify receipt.json --key oscillink.public.pem
  $ oscillink verify receipt.json --key oscillink.public.pem --candidates notes.jsonl -q "Who founded it?" --lexical`;

interface Flags extends QueryFlags, EmbeddingFlags {
  key?: string;
  candidates?: string;
}

export function verify(program: Command): void {
  const command = program
    .command("verify")
    .description("Verify a receipt: exit code 0 if it is valid, 1 with the reason if it is not.")
    .argument("<receipt>", "the receipt, or its signed envelope; - is stdin")
    .option("--key <file>", "the signer's public key: PEM, or a JSON Web Key")
    .option("--candidates <file>", "replay it on the candidates of this file");
  addQueryFlags(command);
  addEmbeddingFlags(command)
    .addHelpText("after", EXAMPLES)
    .action(async (path: string, flags: Flags) => {
      const verifier = flags.key === undefined ? null : await readKey(flags.key, ed25519Verifier);
      const read = await readReceipt(path).catch((error: unknown) => {
        if (error instanceof SpoiltError) return error;
        throw error;
      });
      if (read instanceof SpoiltError) return refuse(read.message);
      const verdict = judge(read, verifier);
      if (!verdict.ok) return refuse(verdict.said);
      const said = [verdict.said];
      if (flags.candidates !== undefined) {
        const pool = await readPool(flags.candidates, flags, await embeddingOf(flags), brokenBy("stop").on);
        const { vectors: _, ...asked } = pool.request;
        const candidates = pool.candidates.map(({ value }) => value as Candidate);
        const replay = replayReceipt(verdict.receipt, { ...asked, candidates });
        if (!replay.ok) {
          const where = replay.differences.length > 0 ? ` (${replay.differences.join(", ")})` : "";
          return refuse(`${replay.reason}${where}`);
        }
        said.push("replayed: the same candidates give the same bundle and figures");
      }
      for (const line of said) print(line);
    });
}

function refuse(reason: string): void {
  print(`not valid: ${reason}`);
  process.exitCode = EXIT.no;
}
