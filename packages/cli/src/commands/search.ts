import { join } from "node:path";
import type { Command } from "commander";
import { type Embedding, lexicalEmbedding } from "../embed/embedding.ts";
import { EXIT, UsageError } from "../exit.ts";
import { addEmbeddingFlags, type EmbeddingFlags, embeddingOf } from "../flags/embedding.ts";
import { addRankingFlags, count, type RankingFlags, rankingOptions } from "../flags/ranking.ts";
import { type Answer, ask } from "../index/ask.ts";
import { checkFolder } from "../index/folder.ts";
import { Store } from "../index/store.ts";
import { update } from "../index/update.ts";
import { type Format, formatOption, note, printRows } from "../print/output.ts";
import { addReceiptFlags, type ReceiptFlags, writeReceipt } from "../print/receipt.ts";
import { bold, dim, oneLine, plain } from "../print/table.ts";

const EXAMPLES = `
The first question indexes .md, .txt, .html and code, without what .gitignore names, into FOLDER/.oscillink/index.db;
later ones index what has changed since. An index of another model is made anew.

Examples:
  $ oscillink search docs "How do I rotate the keys?"
  $ oscillink search docs "How do I rotate the keys?" --embed http://localhost:11434/v1 --model nomic-embed-text
  $ oscillink search . "Where is the cache emptied?" -k 3 --format jsonl`;

/** What the search of a folder needs beside the ranking; `mcp` takes it too. */
export interface FolderFlags extends RankingFlags, EmbeddingFlags {
  index?: string;
  pool: number;
}

interface Flags extends FolderFlags, ReceiptFlags {
  format: Format;
}

export function addFolderFlags(command: Command): Command {
  addEmbeddingFlags(command);
  return addRankingFlags(command)
    .option("--index <file>", "where the index lies (default: .oscillink/index.db in the folder)")
    .option("--pool <count>", "how many passages each search, by vectors and by words, fetches", count, 50);
}

export function search(program: Command): void {
  const command = program
    .command("search")
    .description("Ask a folder of documents and code: the passages that answer, with file, line and why.")
    .argument("<folder>", "the folder")
    .argument("<question>", "the question, in full words");
  addReceiptFlags(addFolderFlags(command))
    .addOption(formatOption())
    .addHelpText("after", EXAMPLES)
    .action(async (folder: string, question: string, flags: Flags) => {
      if (question.trim() === "") throw new UsageError("the question is empty");
      const options = await rankingOptions(flags);
      const embedding = await folderEmbedding(flags);
      using store = openIndex(folder, flags);
      await update(store, folder, embedding, note);
      const { answers, receipt } = await ask(store, question, embedding, { pool: flags.pool, options });
      await writeReceipt(receipt, flags);
      if (answers.length === 0) {
        process.exitCode = EXIT.no;
        const { files } = store.size();
        note(files === 0 ? `${folder}: holds no text` : "nothing was found");
      }
      printRows(flags.format, answers, () => answers.map((answer) => shown(folder, answer)).join("\n\n"), {
        answers,
        receipt,
      });
    });
}

/** Where vectors come from; words alone if the flags name nothing, which is said. */
export async function folderEmbedding(flags: EmbeddingFlags): Promise<Embedding> {
  const embedding = await embeddingOf(flags);
  if (embedding !== null) return embedding;
  note("no model: searched by words and parts of words (--embed URL --model NAME searches by meaning)");
  return lexicalEmbedding();
}

/** Opens the index of a folder. @throws {InputError} for what is no folder, before anything is written there. */
export function openIndex(
  folder: string,
  { index = join(folder, ".oscillink", "index.db") }: FolderFlags,
): Store {
  checkFolder(folder);
  return Store.open(index);
}

function shown(
  folder: string,
  { rank, file, firstLine, lastLine, title, text, relevance, why }: Answer,
): string {
  const where =
    bold(`${oneLine(join(folder, file))}:${firstLine}`) + (lastLine > firstLine ? `-${lastLine}` : "");
  const facts = [title && oneLine(title), relevance !== null && `relevance ${relevance.toFixed(2)}`].filter(
    Boolean,
  );
  const body = plain(text)
    .replace(/\n\s*\n+/g, "\n")
    .split("\n")
    .map((line) => `   ${line}`);
  return [`${rank}. ${where}  ${facts.join("  ")}`.trimEnd(), ...body, dim(`   why: ${why}`)].join("\n");
}
