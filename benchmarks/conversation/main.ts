/** The study of the conversation focus: what to search with at the turns of a conversation. Measured and printed. */
import { openaiEmbedder } from "@oscillink/openai";
import { Command } from "commander";
import OpenAI from "openai";
import { mean } from "../quality/metrics.ts";
import { type Embed, EXAMPLES, readConversations } from "./data.ts";
import {
  alternatives,
  areaUnderCurve,
  type Cell,
  cellOf,
  choose,
  type Figures,
  focused,
  GRIDS,
  halvesOf,
  judge,
  type Method,
  replay,
} from "./study.ts";

const program = new Command("bench:conversation")
  .description(
    "Compares what to search with at the turns of conversations: a JSONL of {history, question, gold}, and rewrite where there is one.",
  )
  .option("--data <folder>", "corpus.jsonl, doc.f32, conversations.jsonl, turns.jsonl, turns.f32", EXAMPLES)
  .option("--conversations <file>", "the conversations, where they are not in the folder")
  .option(
    "--url <url>",
    "embed all with this OpenAI-compatible API, up to /v1; the key, if any, is in OPENAI_API_KEY",
  )
  .option("--model <name>", "the embedding model")
  .option("--query-prefix <text>", "put before each text of the conversations", "")
  .option("--document-prefix <text>", "put before each document", "")
  .option("--json", "print JSON lines")
  .parse();
const options = program.opts<{
  data: string;
  conversations?: string;
  url?: string;
  model?: string;
  queryPrefix: string;
  documentPrefix: string;
  json?: true;
}>();
if ((options.url === undefined) !== (options.model === undefined)) {
  program.error("error: --url and --model go together");
}

function embedder(): Embed {
  if (options.model === undefined) return null;
  const client = new OpenAI({ baseURL: options.url!, apiKey: process.env.OPENAI_API_KEY ?? "none" });
  const embed = openaiEmbedder(client, { model: options.model });
  const prefixes = { query: options.queryPrefix, document: options.documentPrefix };
  return (texts, kind) => embed.embedDocuments(texts.map((text) => prefixes[kind] + text));
}

const data = await readConversations(options.data, options.conversations ?? null, embedder());
const [first, second] = halvesOf(data.turns);

/** Chosen on one half, used on the other: what is reported for a turn was chosen without its conversation. */
function heldOut(grid: string): { readonly method: Method; readonly chosen: string } {
  const [onFirst, onSecond] = [choose(data, first, GRIDS[grid]!), choose(data, second, GRIDS[grid]!)];
  const [forFirst, forSecond] = [focused(data, onSecond), focused(data, onFirst)];
  const values = ({ mode: _, ...others }: object & { mode?: unknown }) => Object.values(others).join("/");
  return {
    method: (turn) => (first.has(turn) ? forFirst : forSecond)(turn),
    chosen: `${values(onFirst)} and ${values(onSecond)}`,
  };
}

const others = alternatives(data);
const rows: Record<string, { readonly method: Method; readonly chosen: string }> = {
  "last turn": { method: others.last, chosen: "" },
  "all joined": { method: others.joined, chosen: "" },
  "mean of turns": { method: others.mean, chosen: "" },
  "focus, as it comes": { method: focused(data, {}), chosen: "" },
  ...Object.fromEntries(Object.keys(GRIDS).map((grid) => [`focus ${grid}`, heldOut(grid)])),
  ...(data.turns.every(({ rewrite }) => rewrite !== null) && {
    rewrite: { method: others.rewrite, chosen: "" },
  }),
};

const print = (line: string) => void process.stdout.write(`${line}\n`);
const conversations = new Set(data.turns.map(({ conversation }) => conversation)).size;
const sets = {
  "later turns": data.turns.filter(({ history }) => history.length > 0),
  "all turns": data.turns,
};

/** Every method's figures, turn by turn. Null for a method that lacks a vector of some turn. */
const figures = new Map<string, (Figures | null)[]>();
for (const [name, { method }] of Object.entries(rows)) {
  for (const ranked of [false, true]) {
    figures.set(
      `${name} ${ranked}`,
      data.turns.map((turn) => judge(data, turn, method, ranked)),
    );
  }
}

if (!options.json) {
  print(
    `${data.name}: ${conversations} conversations, ${data.turns.length} turns, ${data.documents.length} documents`,
  );
  print("gain over the last turn by cosine, %, with its 95 % interval (paired bootstrap over conversations)");
}
for (const [title, turns] of Object.entries(sets)) {
  const which = turns.map((turn) => data.turns.indexOf(turn));
  const column = (name: string, ranked: boolean, key: keyof Figures) =>
    which.map((i) => figures.get(`${name} ${ranked}`)![i]?.[key] ?? Number.NaN);
  if (!options.json) {
    print(`\n${title} (${turns.length})`);
    const ranking = "the ranking";
    print(
      `${"".padEnd(24)}${"cosine: nDCG@10".padEnd(34)}${"R@5".padEnd(8)}${`${ranking}: nDCG@10`.padEnd(34)}R@5`,
    );
  }
  for (const [name, { chosen }] of Object.entries(rows)) {
    const missing = which.filter((i) => figures.get(`${name} false`)![i] === null).length;
    if (missing > 0) {
      print(
        options.json
          ? JSON.stringify({ data: data.name, turns: title, method: name, missing })
          : `${name.padEnd(24)}${missing} turns lack a vector that it needs`,
      );
      continue;
    }
    const cell = (ranked: boolean, key: keyof Figures) =>
      cellOf(turns, column(name, ranked, key), column("last turn", false, key));
    const cells = [false, true].map((ranked) => [cell(ranked, "ndcg"), cell(ranked, "recall")] as const);
    if (options.json) {
      const [cosine, ranking] = cells.map(([ndcg, recall]) => ({ ndcg, recall }));
      print(JSON.stringify({ data: data.name, turns: title, method: name, chosen, cosine, ranking }));
      continue;
    }
    const shown = ({ mean: value, gain, interval: [low, high] }: Cell) =>
      `${value.toFixed(3)} ${gain.toFixed(1).padStart(6)} [${low.toFixed(1)}, ${high.toFixed(1)}]`.padEnd(34);
    const line = cells.map(([ndcg, recall]) => shown(ndcg) + recall.mean.toFixed(3).padEnd(8)).join("");
    print(`${name.padEnd(24)}${line}${chosen && ` chosen: ${chosen}`}`);
  }
}

// What a change of topic does to the energy of the focus as it comes.
const later = sets["later turns"];
if (later.some(({ newTopic }) => newTopic)) {
  const energyOf = (turn: (typeof later)[number]) => replay(data, turn, {})?.energy ?? Number.NaN;
  const [changes, follows] = [true, false].map((which) =>
    later.filter(({ newTopic }) => newTopic === which).map(energyOf),
  ) as [number[], number[]];
  const area = areaUnderCurve(changes, follows);
  print(
    options.json
      ? JSON.stringify({ data: data.name, areaUnderCurve: area })
      : `\nenergy: mean ${mean(changes).toFixed(3)} where the topic changes, ${mean(follows).toFixed(3)} where not; area under the ROC curve ${area.toFixed(2)}`,
  );
  for (const threshold of [0.08, 0.1, 0.12, 0.14, 0.17, 0.2, 0.25]) {
    const [found, wrong] = [changes, follows].map(
      (some) => some.filter((energy) => energy > threshold).length,
    );
    print(
      options.json
        ? JSON.stringify({
            data: data.name,
            threshold,
            changes: changes.length,
            found,
            follows: follows.length,
            wrong,
          })
        : `resetAbove ${threshold.toFixed(2)}: ${found} of ${changes.length} changes found, ${wrong} of ${follows.length} other turns taken for one`,
    );
  }
}
