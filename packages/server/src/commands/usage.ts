import { type Command, InvalidArgumentError, Option } from "commander";
import type { Config } from "../config/schema.ts";
import { openStore } from "../start.ts";
import { print } from "./print.ts";

/** What was charged, and who changed what. */
export function usage(
  program: Command,
  configured: (command: Command) => Command,
  configOf: (options: never) => Config,
): void {
  configured(program.command("usage").description("Show what was charged, by key."))
    .addOption(new Option("--month <yyyy-mm>", "the month (UTC); default: this one").argParser(monthOf))
    .option("--rows", "every request of the ledger since then, as JSON Lines")
    .action(async (options: { month?: Date; rows?: true }) => {
      const { state } = openStore(configOf(options as never));
      const now = new Date();
      const since = options.month ?? new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth()));
      const until = Date.UTC(since.getUTCFullYear(), since.getUTCMonth() + 1);
      if (options.rows) for await (const row of state.durable.ledger.rows(+since)) print(JSON.stringify(row));
      else {
        for (const { keyId, units, requests } of await state.durable.ledger.sums(+since, until)) {
          print(`${keyId || "(no key)"}  ${units} units  ${requests} requests`);
        }
      }
      await state.close();
    });
  configured(program.command("audit").description("Show who changed what, the latest first.")).action(
    async (options) => {
      const { state } = openStore(configOf(options as never));
      for (const { at, who, what, about } of await state.durable.audit.rows(100)) {
        print(`${new Date(at).toISOString()}  ${who}  ${what}  ${about}`);
      }
      await state.close();
    },
  );
  configured(program.command("jobs").description("Show how many jobs there are, by state.")).action(
    async (options) => {
      const { state } = openStore(configOf(options as never));
      for (const [name, count] of Object.entries(await state.shared.queue.counts()))
        print(`${name}  ${count}`);
      await state.close();
    },
  );
}

function monthOf(text: string): Date {
  const date = /^\d{4}-(0[1-9]|1[0-2])$/.test(text) ? new Date(`${text}-01T00:00:00Z`) : null;
  if (date) return date;
  throw new InvalidArgumentError("It must be a month, such as 2026-11.");
}
