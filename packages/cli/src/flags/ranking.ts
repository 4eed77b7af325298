import { existsSync } from "node:fs";
import { type Options, type ProfileName, profiles } from "@oscillink/core";
import { type Command, InvalidArgumentError, Option } from "commander";
import { InputError, UsageError } from "../exit.ts";
import { parseDocument } from "../read/records.ts";
import { readText } from "../read/text.ts";

/** The flags of what `rerank` is to do. */
export interface RankingFlags {
  k?: number;
  profile?: string;
  lamC?: number;
  textWeight?: number;
  linkWeight?: number;
  diversity?: number;
  minRelevance?: number;
  copies?: Options["copies"];
  missing?: Options["missing"];
  option?: Readonly<Record<string, unknown>>;
}

/** Adds the flags of a ranking. Numbers are judged by core, which knows their ranges. */
export const addRankingFlags = (command: Command): Command =>
  command
    .option("-k, --k <count>", "how many documents come back (default: 5)", number)
    .option(
      "--profile <name|file>",
      `${Object.keys(profiles).join(", ")}, or a JSON file of options, as tune writes it`,
    )
    .option("--lam-c <weight>", "how strongly documents that are alike agree", number)
    .option("--text-weight <weight>", "weight of all that the words say; 0 turns them off", number)
    .option("--link-weight <share>", "how far a document moves up to the best one that names it", number)
    .option("--diversity <share>", "share of novelty in the choice; 0 is the ranking", number)
    .option("--min-relevance <share>", "the least relevance of a document that comes back", number)
    .addOption(new Option("--copies <where>", "where near-copies go").choices(["last", "keep"]))
    .addOption(
      new Option("--missing <what>", "what becomes of candidates without a vector").choices([
        "append",
        "drop",
        "error",
      ]),
    )
    .option(
      "--option <name=value>",
      "any other option of core, by its name there; may be repeated",
      assignment,
      {},
    );

/** The options of `rerank` that the flags stand for: a profile's file first, then `--option`, then the flags of their own. */
export async function rankingOptions(flags: RankingFlags): Promise<Options> {
  const { profile, option } = flags;
  const given = [
    "k",
    "lamC",
    "textWeight",
    "linkWeight",
    "diversity",
    "minRelevance",
    "copies",
    "missing",
  ] as const;
  const own = Object.fromEntries(
    given.flatMap((name) => (flags[name] === undefined ? [] : [[name, flags[name]]])),
  );
  return { ...(profile !== undefined && (await readProfile(profile))), ...option, ...own };
}

/** A profile by its name, or the options of a file. */
async function readProfile(profile: string): Promise<Options> {
  if (Object.hasOwn(profiles, profile)) return { profile: profile as ProfileName };
  if (!existsSync(profile)) {
    const known = Object.keys(profiles).join(", ");
    throw new UsageError(`--profile: ${profile} is neither one of ${known} nor a file`);
  }
  const options = parseDocument(await readText(profile), profile);
  if (typeof options === "object" && options !== null && !Array.isArray(options)) return options;
  throw new InputError(`${profile}: must hold an object of options, such as {"textWeight": 2}`);
}

/** A number of the command line. */
export function number(text: string): number {
  const value = Number(text);
  if (text.trim() !== "" && Number.isFinite(value)) return value;
  throw new InvalidArgumentError("It must be a number.");
}

/** A whole number from 1. */
export function count(text: string): number {
  const value = number(text);
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new InvalidArgumentError("It must be a whole number from 1.");
}

function assignment(text: string, others: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("It must be a name and a value, as in neighbors=20.");
  return { ...others, [text.slice(0, at)]: valueFrom(text.slice(at + 1)) };
}

/** JSON, or the text itself. */
function valueFrom(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}
