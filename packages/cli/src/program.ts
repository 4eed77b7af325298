import { version } from "@oscillink/core";
import { Command, CommanderError } from "commander";
import { bench } from "./commands/bench.ts";
import { explain } from "./commands/explain.ts";
import { keys } from "./commands/keys.ts";
import { mcp } from "./commands/mcp.ts";
import { rerank } from "./commands/rerank.ts";
import { search } from "./commands/search.ts";
import { tune } from "./commands/tune.ts";
import { verify } from "./commands/verify.ts";
import { EXIT, EXIT_HELP, exitOf } from "./exit.ts";

/** Runs the command line, and sets the process's exit code. */
export async function run(argv: readonly string[]): Promise<void> {
  quiet();
  try {
    await program().parseAsync([...argv]);
  } catch (error) {
    // commander has printed what it had to say, help and version among it.
    if (error instanceof CommanderError) {
      process.exitCode = error.exitCode === 0 ? EXIT.done : EXIT.usage;
      return;
    }
    process.exitCode = exitOf(error);
    const { message, stack } = error as Error;
    process.stderr.write(`error: ${process.exitCode === EXIT.bug ? (stack ?? message) : message}\n`);
  }
}

function program(): Command {
  const command = new Command("oscillink")
    .description("Re-ranks what a search found, and gives a receipt for it.")
    .version(version)
    .showHelpAfterError("(add --help for the options and examples)")
    .addHelpText("after", EXIT_HELP)
    .exitOverride();
  for (const add of [rerank, search, verify, explain, keys, bench, tune, mcp]) add(command);
  return command;
}

/** A reader that has seen enough, as `head` has, is no failure; nor is it a user's concern that SQLite is young in Node 22. */
function quiet(): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    process.exit(EXIT.done);
  });
  process.removeAllListeners("warning");
  process.on("warning", ({ name, message }) => {
    if (name !== "ExperimentalWarning") process.stderr.write(`${name}: ${message}\n`);
  });
}
