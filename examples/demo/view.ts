import { styleText } from "node:util";
import type { Ranked } from "@oscillink/core";

interface Hit {
  readonly id: string;
  readonly gold: boolean;
  readonly trust: number;
}

/** What came back for one question: both rankings, and the figures of the receipt. */
export interface Answer {
  readonly question: string;
  readonly goldInAll: number;
  readonly cosine: readonly (Hit & { readonly similarity: number })[];
  readonly bundle: readonly (Hit & {
    readonly rank: number;
    readonly inputRank: number;
    readonly score: number | null;
    readonly parts: Ranked["parts"];
  })[];
  readonly energy: { readonly before: number; readonly after: number };
  readonly milliseconds: number;
  readonly digest: string;
}

/** Below this trust a passage is shown as doubtful. */
const DOUBTFUL = 0.5;
const WIDTH = 40;

const print = (line = ""): void => void process.stdout.write(`${line}\n`);
/** Colours a terminal only: a file or a pipe gets plain text. */
const paint = (style: Parameters<typeof styleText>[0], text: string) =>
  styleText(style, text, { stream: process.stdout });

function cell({ id, gold, trust }: Hit, figure: string): string {
  const mark = gold ? "●" : trust < DOUBTFUL ? "✗" : " ";
  const room = WIDTH - figure.length - 4;
  const name = id.length > room ? `${id.slice(0, room - 1)}…` : id.padEnd(room);
  const style = gold ? "green" : trust < DOUBTFUL ? "red" : "reset";
  return `${paint(style, `${mark} ${name}`)} ${figure}`;
}

function moved({ rank, inputRank }: Answer["bundle"][number]): string {
  const places = inputRank - rank;
  return (places === 0 ? "=" : places > 0 ? `↑${places}` : `↓${-places}`).padStart(4);
}

export function printAnswer(answer: Answer): void {
  print(paint("bold", answer.question));
  print(`    ${"cosine".padEnd(WIDTH)}  bundle, places moved, score`);
  const rows = Math.max(answer.cosine.length, answer.bundle.length);
  for (let i = 0; i < rows; i++) {
    const left = answer.cosine[i];
    const right = answer.bundle[i];
    const a = left ? cell(left, left.similarity.toFixed(3)) : "".padEnd(WIDTH);
    const b = right ? cell(right, `${moved(right)}  ${right.score?.toFixed(2) ?? "-"}`) : "";
    print(`${String(i + 1).padStart(2)}  ${a}  ${b}`);
  }
  const { before, after } = answer.energy;
  const figures = `energy ${before.toFixed(1)} → ${after.toFixed(1)}   ${answer.milliseconds.toFixed(1)} ms`;
  print(paint("dim", `    ${figures}   ${answer.digest.slice(0, 23)}…`));
  print();
}

/** How many of the passages that answer the questions each ranking found. */
export function printSummary(answers: readonly Answer[], passages: number, pool: number): void {
  const all = answers.reduce((sum, answer) => sum + answer.goldInAll, 0);
  const found = (hits: readonly Hit[]) => hits.filter((hit) => hit.gold).length;
  const doubtful = (hits: readonly Hit[]) => hits.filter((hit) => hit.trust < DOUBTFUL).length;
  const row = (name: string, of: (answer: Answer) => readonly Hit[]) => {
    const hits = answers.map(of);
    const gold = hits.reduce((sum, list) => sum + found(list), 0);
    const complete = answers.filter((answer, i) => found(hits[i]!) === answer.goldInAll).length;
    const bad = hits.reduce((sum, list) => sum + doubtful(list), 0);
    print(
      `${name.padEnd(8)} ${`${gold} of ${all}`.padStart(12)} ${`${complete} of ${answers.length}`.padStart(22)} ${String(bad).padStart(20)}`,
    );
  };
  print(
    paint(
      "bold",
      `${answers.length} questions over ${passages} passages, the best ${answers[0]!.bundle.length} of ${pool} candidates`,
    ),
  );
  print(`         gold found   all gold of a question   doubtful passages`);
  row("cosine", (answer) => answer.cosine);
  row("bundle", (answer) => answer.bundle);
  const times = answers.map((answer) => answer.milliseconds).sort((a, b) => a - b);
  print(paint("dim", `median ${times[times.length >> 1]!.toFixed(1)} ms a re-ranking, receipt included`));
}

/**
 * What the marks mean, and where the vectors are from.
 *
 * @param model null if no model made them.
 */
export function printNotes(model: string | null): void {
  const vectors =
    model === null
      ? "vectors: lexical (@oscillink/lexical), from the words alone; of a model: --embed URL --model NAME"
      : `vectors: ${model}`;
  print(paint("dim", vectors));
  print(
    paint(
      "dim",
      "● answers the question   ✗ doubtful source   full output: --json   your own text: --corpus PATH --query TEXT",
    ),
  );
}
