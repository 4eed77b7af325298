import { cpSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Command } from "commander";
import type { Config } from "../config/schema.ts";
import { onStore } from "./onStore.ts";
import { CommandError, print } from "./print.ts";

/** What is kept beside the store. */
const FILES = ["pepper", "receipt-keys"];

/** Copies all that is kept, also beside a server that runs. */
export function backup(
  program: Command,
  configured: (command: Command) => Command,
  configOf: (options: never) => Config,
): void {
  configured(
    program
      .command("backup")
      .description("Copy the data folder, also while the server runs on it.")
      .argument("<folder>", "where to; it must not exist"),
  ).action(async (folder: string, options) => {
    const config = configOf(options as never);
    if (existsSync(folder)) throw new CommandError(`${folder} exists already: name another folder`);
    await onStore(config, async ({ state }) => {
      // As secret as the folder itself.
      mkdirSync(folder, { recursive: true, mode: 0o700 });
      for (const name of FILES) {
        const from = join(config.data, name);
        if (existsSync(from)) cpSync(from, join(folder, name), { recursive: true });
      }
      await state.copyTo(join(folder, "state.db"));
    });
    print(folder);
  });
}
