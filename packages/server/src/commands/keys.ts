import { type Command, InvalidArgumentError } from "commander";
import type { Config } from "../config/schema.ts";
import { type KeyRecord, SCOPES, type Scope } from "../state/durable.ts";
import { onStore } from "./onStore.ts";
import { CommandError, print, printTable, timeOf } from "./print.ts";

/** Makes keys, shows them, and changes them, on the store of the data folder. A server that runs hears of it within 5 s. */
export function keys(
  program: Command,
  configured: (command: Command) => Command,
  configOf: (options: never) => Config,
): void {
  const command = program.command("keys").description("Make keys, show them, and change them.");
  const on = (options: object, work: Parameters<typeof onStore>[1], how = {}) =>
    onStore(configOf(options as never), work, how);
  const say = (record: KeyRecord | null, id: string, what: string) => {
    if (!record) throw new CommandError(`there is no key ${id}; keys list shows what there is`);
    print(`${record.id}  ${record.name}: ${what}`);
  };

  configured(command.command("create").description("Make a key. It is shown once."))
    .option("--tenant <name>", "whose it is: what one tenant has, no other sees", "default")
    .option("--name <text>", "for people", "")
    .option("--scopes <names>", `what it may do: some of ${SCOPES.join(", ")}`, scopesOf, [
      "rerank",
      "jobs",
      "feedback",
    ])
    .option("--days <n>", "how long it holds; default: for ever", daysOf)
    .option("--units <n>", "units in a window, in place of the configured limit", countOf)
    .option("--units-month <n>", "units in a month, in place of the configured limit", countOf)
    .option("--burst <n>", "requests in a burst window, in place of the configured limit", countOf)
    .action((options: CreateOptions) =>
      on(
        options,
        async ({ keyring }) => {
          const { tenant, name, scopes, days, units = null, unitsMonth = null, burst = null } = options;
          const expires = days === undefined ? null : Date.now() + days * 24 * 3_600_000;
          const { key } = await keyring.create(
            { tenant, name, scopes, expires, limits: { units, unitsMonth, burst } },
            "command",
          );
          print(key);
        },
        { make: true },
      ),
    );
  configured(command.command("list").description("Show the keys, without their secrets.")).action(
    (options: object) =>
      on(options, async ({ keyring }) => {
        const shown = (await keyring.list()).map(({ id, status, tenant, name, scopes, limits, expires }) => [
          ...[id, status, tenant, name, scopes.join(" ")],
          ...[limits.units, limits.unitsMonth, limits.burst].map(limitShown),
          expires === null ? "never" : timeOf(expires),
        ]);
        printTable(
          ["key", "status", "tenant", "name", "scopes", "units", "a month", "burst", "expires"],
          shown,
        );
      }),
  );
  configured(
    command.command("rotate").description("Make a second secret for a key. The first holds for a day more."),
  )
    .argument("<id>")
    .action((id: string, options: object) =>
      on(options, async ({ keyring }) => {
        const key = await keyring.rotate(id, "command");
        if (key === null) throw new CommandError(`there is no key ${id}; keys list shows what there is`);
        print(key);
      }),
    );
  for (const [name, status, description] of [
    ["suspend", "suspended", "Refuse a key for a while."],
    ["resume", "active", "Take a suspended key again."],
    ["revoke", "revoked", "Refuse a key from now on."],
  ] as const) {
    configured(command.command(name).description(description))
      .argument("<id>")
      .action((id: string, options: object) =>
        on(options, async ({ keyring }) => say(await keyring.change(id, { status }, "command"), id, status)),
      );
  }
  configured(
    command.command("limit").description("Change the limits of a key; those that are not given stay."),
  )
    .argument("<id>")
    .option("--units <n>", "units in a window", limitOf)
    .option("--units-month <n>", "units in a month", limitOf)
    .option("--burst <n>", "requests in a burst window", limitOf)
    .action((id: string, options: LimitOptions) =>
      on(options, async ({ keyring }) => {
        const { units, unitsMonth, burst } = options;
        const given = Object.entries({ units, unitsMonth, burst }).filter(([, value]) => value !== undefined);
        const limits = Object.fromEntries(
          given.map(([name, value]) => [name, value === "default" ? null : value]),
        );
        say(await keyring.change(id, { limits }, "command"), id, JSON.stringify(limits));
      }),
    );
}

interface CreateOptions {
  readonly tenant: string;
  readonly name: string;
  readonly scopes: Scope[];
  readonly days?: number;
  readonly units?: number;
  readonly unitsMonth?: number;
  readonly burst?: number;
}

function scopesOf(text: string): Scope[] {
  const names = text.split(",").map((name) => name.trim());
  const wrong = names.find((name) => !(SCOPES as readonly string[]).includes(name));
  if (wrong === undefined) return names as Scope[];
  throw new InvalidArgumentError(`there is no scope ${wrong}, only ${SCOPES.join(", ")}.`);
}

type LimitOptions = Partial<Record<"units" | "unitsMonth" | "burst", number | "default">>;

const limitOf = (text: string): number | "default" => (text === "default" ? text : countOf(text));

/** As the command `keys limit` takes it. */
const limitShown = (limit: number | null): string => (limit === null ? "default" : String(limit));

function countOf(text: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 0 && text.trim() !== "") return value;
  throw new InvalidArgumentError("It must be an integer of at least 0; 0 is no limit.");
}

function daysOf(text: string): number {
  const value = Number(text);
  if (value > 0 && value < 100_000) return value;
  throw new InvalidArgumentError("It must be a number of days.");
}
