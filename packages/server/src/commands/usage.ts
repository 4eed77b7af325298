import { type Command, InvalidArgumentError, Option } from "commander";
import type { Config } from "../config/schema.ts";
import { onStore } from "./onStore.ts";
import { print, printTable, timeOf } from "./print.ts";

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
      const now = new Date();
      const since = options.month ?? new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth()));
      const until = Date.UTC(since.getUTCFullYear(), since.getUTCMonth() + 1);
      await onStore(configOf(options as never), async ({ state: { durable } }) => {
        const { ledger } = durable;
        if (options.rows) for await (const row of ledger.rows(+since)) print(JSON.stringify(row));
        else {
          const sums = await ledger.sums(+since, until);
          const shown = sums.map(({ keyId, units, requests }) => [keyId || "(no key)", units, requests]);
          printTable(["key", "units", "requests"], shown);
        }
      });
    });
  configured(program.command("audit").description("Show who changed what, the latest first.")).action(
    (options) =>
      onStore(configOf(options as never), async ({ state }) => {
        const rows = await state.durable.audit.rows(100);
        printTable(
          ["when", "who", "what", "about", "times"],
          rows.map(({ at, who, what, about, count }) => [timeOf(at), who, what, about, count]),
        );
      }),
  );
  configured(program.command("jobs").description("Show how many jobs there are, by state.")).action(
    (options) =>
      onStore(configOf(options as never), async ({ state }) => {
        printTable(["state", "jobs"], Object.entries(await state.shared.queue.counts()));
      }),
  );
}

function monthOf(text: string): Date {
  const date = /^\d{4}-(0[1-9]|1[0-2])$/.test(text) ? new Date(`${text}-01T00:00:00Z`) : null;
  if (date) return date;
  throw new InvalidArgumentError("It must be a month, such as 2026-11.");
}
