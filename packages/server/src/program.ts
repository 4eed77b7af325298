/** The command `oscillink-server`, and what its exit codes mean. */
import { version } from "@oscillink/core";
import { Command, Option } from "commander";
import { backup } from "./commands/backup.ts";
import { doctor } from "./commands/doctor.ts";
import { keys } from "./commands/keys.ts";
import { CommandError } from "./commands/print.ts";
import { usage } from "./commands/usage.ts";
import { ConfigError, loadConfig, SETTINGS, shown } from "./config/load.ts";
import type { Config } from "./config/schema.ts";
import { Problem } from "./http/problem.ts";
import { serve } from "./serve.ts";
import { StartError } from "./startError.ts";

/** As in sysexits.h. */
const EXIT = { usage: 64, taken: 69, bug: 70, store: 74, rights: 77, config: 78 } as const;

export async function run(argv: readonly string[]): Promise<void> {
  // Whoever reads may have read enough, as head does.
  process.stdout.on("error", ({ code }: NodeJS.ErrnoException) =>
    process.exit(code === "EPIPE" ? 0 : EXIT.store),
  );
  try {
    await program().parseAsync(argv);
  } catch (error) {
    if (error instanceof ConfigError) {
      process.stderr.write(`${error.faults.map((fault) => `oscillink-server: ${fault}`).join("\n")}\n`);
      process.exitCode = EXIT.config;
    } else if (error instanceof CommandError || error instanceof Problem) {
      process.stderr.write(`oscillink-server: ${error.message}\n`);
      process.exitCode = EXIT.usage;
    } else if (error instanceof StartError) {
      process.stderr.write(`oscillink-server: ${error.message}\n`);
      process.exitCode = EXIT[error.kind];
    } else {
      process.stderr.write(`oscillink-server: ${(error as Error).stack}\n`);
      process.exitCode = EXIT.bug;
    }
  }
}

function program(): Command {
  const command = new Command("oscillink-server")
    .description("Serves re-ranking with a receipt over HTTP.")
    .version(version)
    .showHelpAfterError("(--help shows what there is)")
    .exitOverride((error) => process.exit(error.exitCode === 0 ? 0 : EXIT.usage));
  configured(
    command.command("serve", { isDefault: true }).description("Start the server (the default)."),
  ).action(async (options: Options) => serve(configOf(options)));
  configured(
    command.command("config").description("Show the configuration that would hold, without its secrets."),
  ).action((options: Options) => {
    process.stdout.write(`${JSON.stringify(shown(configOf(options)), null, 2)}\n`);
  });
  for (const add of [keys, usage, backup, doctor]) add(command, configured, configOf);
  return command;
}

type Options = Readonly<Record<string, string>>;

/** Every setting is a flag. */
function configured(command: Command): Command {
  command.option("--config <file>", "a file of JSON with any of these settings");
  for (const { flag, variable, schema } of SETTINGS) {
    const value =
      typeof schema.default === "object" ? JSON.stringify(schema.default) : String(schema.default);
    const text = `${schema.description} [${variable}${value === "" ? "" : `, default ${value}`}]`;
    command.addOption(new Option(`${flag} <value>`, text));
  }
  return command;
}

function configOf({ config: file, ...options }: Options): Config {
  const flags = Object.fromEntries(
    SETTINGS.flatMap(({ flag, path }) => {
      const name = flag.slice(2).replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());
      const value = options[name];
      return value === undefined ? [] : [[path, value]];
    }),
  );
  return loadConfig({ file: file ?? process.env.OSCILLINK_CONFIG, environment: process.env, flags });
}
