import { rerank as rank } from "@oscillink/core";
import type { Command } from "commander";
import { EXIT } from "../exit.ts";
import { addEmbeddingFlags, type EmbeddingFlags, embeddingOf } from "../flags/embedding.ts";
import { addRankingFlags, type RankingFlags, rankingOptions } from "../flags/ranking.ts";
import { type Format, formatOption, note, printRows } from "../print/output.ts";
import { addReceiptFlags, type ReceiptFlags, reasonsOf, writeReceipt } from "../print/receipt.ts";
import { cut, oneLine, table } from "../print/table.ts";
import { brokenBy, type OnError, onErrorOption } from "../read/broken.ts";
import { addQueryFlags, type QueryFlags, readPool, withUsable } from "../read/pool.ts";

const EXAMPLES = `
Candidates are JSON lines, or a JSON array, of
  {"id", "text", "title", "embedding", "score", "trust", "links"}
each field optional; others come back untouched.

Examples:
  $ oscillink rerank notes.jsonl --query "Who founded the seed bank?" --lexical
  $ oscillink rerank hits.jsonl -q "Who founded it?" --embed http://localhost:11434/v1 --model nomic-embed-text
  $ search | oscillink rerank -q "Who founded it?" -k 3 --format jsonl       # candidates with the scores of a search
  $ oscillink rerank hits.json -q "Who?" --query-vector "[0.1, 0.2]" --receipt receipt.json --sign oscillink.private.pem`;

interface Flags extends QueryFlags, RankingFlags, EmbeddingFlags, ReceiptFlags {
  format: Format;
  onError: OnError;
}

export function rerank(program: Command): void {
  const command = program
    .command("rerank")
    .description("Re-rank candidates: the k that answer the question best, each with why.")
    .argument("[file]", "the candidates; - or nothing is stdin", "-");
  addQueryFlags(command);
  addEmbeddingFlags(command);
  addRankingFlags(command);
  addReceiptFlags(command)
    .addOption(formatOption())
    .addOption(onErrorOption())
    .addHelpText("after", EXAMPLES)
    .action(async (file: string, flags: Flags) => {
      const options = await rankingOptions(flags);
      const broken = brokenBy(flags.onError);
      const pool = await readPool(file, flags, await embeddingOf(flags), broken.on);
      const { bundle, receipt } = withUsable(pool.candidates, broken.on, (candidates) =>
        rank({ ...options, ...pool.request, candidates }),
      );
      broken.report();
      await writeReceipt(receipt, flags);
      const reasons = reasonsOf(receipt);
      const rows = bundle.map(({ candidate, ...entry }, i) => {
        // The vector is as long as it is of no use to a reader.
        const { embedding: _, ...document } = candidate;
        return { ...entry, why: reasons[i]!, document };
      });
      const lines = () =>
        table(
          ["rank", "id", "score", "relevance", "was", "text"],
          rows.map(({ rank, id, score, relevance, inputRank, document: { title, text } }) => [
            ...[rank, cut(id, 40), score?.toFixed(2) ?? "", relevance?.toFixed(2) ?? "", inputRank],
            cut(oneLine([title, text].filter(Boolean).join(": ")), 70),
          ]),
        );
      if (rows.length === 0) note("nothing was found");
      printRows(flags.format, rows, lines, { bundle: rows, receipt });
      if (rows.length === 0) process.exitCode = EXIT.no;
    });
}
