import { ed25519Verifier } from "@oscillink/core/keys";
import type { Command } from "commander";
import { rankingOptions } from "../flags/ranking.ts";
import { ask } from "../index/ask.ts";
import { update } from "../index/update.ts";
import type { Search } from "../mcp/server.ts";
import { note } from "../print/output.ts";
import { readKey } from "../read/keys.ts";
import { addFolderFlags, type FolderFlags, folderEmbedding, openIndex } from "./search.ts";

const EXAMPLES = `
Tools: search(query, k) gives passages with file, lines, why, and the receipt; verify(receipt) says whether a receipt is
one, and with --key who signed it. The folder is indexed as by oscillink search, and again before each question.

Example, in the settings of an assistant:
  {"mcpServers": {"docs": {"command": "npx", "args": ["oscillink", "mcp", "/home/me/docs"]}}}`;

interface Flags extends FolderFlags {
  key?: string;
}

export function mcp(program: Command): void {
  const command = program
    .command("mcp")
    .description("Serve a folder to an assistant by the Model Context Protocol, on stdin and stdout.")
    .argument("<folder>", "the folder");
  addFolderFlags(command)
    .option("--key <file>", "the public key that verify checks signatures with")
    .addHelpText("after", EXAMPLES)
    .action(async (folder: string, flags: Flags) => {
      const verifier = flags.key === undefined ? null : await readKey(flags.key, ed25519Verifier);
      const search = await searchIn(folder, flags);
      // Loaded here, as other commands start faster without it.
      const { serve } = await import("../mcp/server.ts");
      serve(search, verifier, note);
    });
}

/** Searches a folder, whose index is brought up to date before each question; one at a time, as they share the index. */
async function searchIn(folder: string, flags: FolderFlags): Promise<Search> {
  const options = await rankingOptions(flags);
  const embedding = await folderEmbedding(flags);
  const store = openIndex(folder, flags);
  // So that a folder, a model or an option that cannot be used is told of at once.
  await update(store, folder, embedding, note);
  const one: Search = async (question, k = options.k) => {
    await update(store, folder, embedding, note);
    return ask(store, question, embedding, {
      pool: flags.pool,
      options: { ...options, ...(k !== undefined && { k }) },
    });
  };
  let last: Promise<unknown> = Promise.resolve();
  return (question, k) => {
    const next = last.then(() => one(question, k));
    last = next.catch(() => {});
    return next;
  };
}
