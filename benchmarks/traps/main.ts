/** The published study of "hallucination control": how many documents that are labelled false are still chosen. */
import { cpus } from "node:os";
import { Command, InvalidArgumentError } from "commander";
import { K, makeTrial, N, type Trial } from "./generator.ts";
import {
  choose,
  type Method,
  type Moments,
  methods,
  moments,
  outcomeOf,
  paper,
  python,
  TRUST,
} from "./study.ts";

/** What the labels are to achieve, at trust {@link TRUST}. */
const BAR = { trapRate: 0, f1: 0.97 };
const COHERENCES = [0, 0.25, 0.5, 1, 2, 4];
const TRUSTS = [1, 0.99, 0.95, 0.9, 0.5, 0.2, 0.1, 0.05, 0.01, 0];

const { trials: count, json } = new Command("bench:traps")
  .description("Of 120 documents 36 are labelled false: which five does each method choose?")
  .option("--trials <count>", "how many draws", positive, 40)
  .option("--json", "print JSON lines")
  .parse()
  .opts<{ trials: number; json?: true }>();
const print = (line: string): void => void process.stdout.write(`${line}\n`);
const trials = Array.from({ length: count }, (_, t) => makeTrial(t));

if (!json) print(`${cpus()[0]!.model}, Node ${process.version}, ${count} trials\n`);
compareMethods();
compareCoherence();
compareTrust();

/** Every method beside the published figures. */
function compareMethods(): void {
  const reached: string[] = [];
  if (!json) {
    print(
      row(
        "",
        "trap rate",
        "F1",
        "in cluster",
        "place",
        "paper, 40: trap rate, F1",
        "Python, 40: trap rate, F1",
      ),
    );
  }
  for (const [name, method] of Object.entries(methods)) {
    const { trapRate, f1, inCluster, place, lowest } = evaluate(method);
    if (method.trust === TRUST && trapRate[0] <= BAR.trapRate && f1[0] >= BAR.f1) reached.push(name);
    if (json) {
      const published = { paper: paper[name] ?? null, python: python[name] ?? null };
      print(
        JSON.stringify({ method: name, trials: count, trapRate, f1, inCluster, place, lowest, ...published }),
      );
      continue;
    }
    const pair = (figures: { trapRate: Moments; f1: Moments } | undefined) =>
      figures ? `${spread(figures.trapRate)}, ${spread(figures.f1)}` : "";
    const places = `${place.toFixed(1)} (${lowest})`;
    const figures = [spread(trapRate), spread(f1), spread(inCluster), places];
    print(row(name, ...figures, pair(paper[name]), pair(python[name])));
  }
  if (json) {
    print(JSON.stringify({ bar: BAR, trust: TRUST, reached }));
    return;
  }
  print(`
F1         share of the ${K} trusted documents with the highest cosine: plain cosine over them has 1 by definition
in cluster share of trusted documents of the query's cluster
place      mean (lowest) place of the chosen among the trusted by cosine; ${(K + 1) / 2} (${K}) at best

Trap rate 0 and F1 >= ${BAR.f1} at trust ${TRUST}: ${reached.join(", ") || "none"}
`);
}

/** What settling does to F1: the more the documents agree, the less their own cosines decide. */
function compareCoherence(): void {
  if (!json) print(`default + trust, by lamC\n${row("", "trap rate", "F1", "in cluster", "place")}`);
  for (const lamC of COHERENCES) {
    const { trapRate, f1, inCluster, place, lowest } = evaluate({
      options: { lamC },
      trust: TRUST,
    });
    if (json) print(JSON.stringify({ lamC, trials: count, trapRate, f1, inCluster, place, lowest }));
    else {
      const figures = [trapRate, f1, inCluster].map(spread);
      print(row(`lamC ${lamC}`, ...figures, `${place.toFixed(1)} (${lowest})`));
    }
  }
}

/** How far the traps fall, by how little they are trusted. */
function compareTrust(): void {
  if (!json) print(`\ndefault, by the traps' trust\n${row("", "trap rate", "mean rank", "best rank")}`);
  for (const trust of TRUSTS) {
    const ranks = trials.map((trial) => ranksOfTraps(trial, trust));
    const trapRate = moments(ranks.map((all) => all.filter((rank) => rank <= K).length / K));
    const meanRank = trust > 0 ? moments(ranks.flat())[0] : null;
    const bestRank = trust > 0 ? moments(ranks.map((all) => Math.min(...all)))[0] : null;
    if (json) print(JSON.stringify({ trust, trials: count, trapRate, meanRank, bestRank }));
    else {
      const shown = [meanRank, bestRank].map((rank) => rank?.toFixed(1) ?? "excluded");
      print(row(`trust ${trust}`, spread(trapRate), ...shown));
    }
  }
}

/** The places of the traps in the whole ranking, from 1; none if they are excluded. */
function ranksOfTraps(trial: Trial, trust: number): number[] {
  return choose(trial, { options: {}, trust }, N).flatMap((i, at) => (trial.traps.has(i) ? [at + 1] : []));
}

function evaluate(method: Method) {
  const outcomes = trials.map((trial) => outcomeOf(trial, choose(trial, method, K)));
  const known = (values: readonly (number | null)[]) => values.filter((v) => v !== null);
  return {
    trapRate: moments(outcomes.map((o) => o.trapRate)),
    f1: moments(outcomes.map((o) => o.f1)),
    inCluster: moments(outcomes.map((o) => o.inCluster)),
    place: moments(known(outcomes.map((o) => o.place)))[0],
    lowest: Math.max(...known(outcomes.map((o) => o.lowest))),
  };
}

function spread([mean, deviation]: Moments): string {
  return `${mean.toFixed(3)} ± ${deviation.toFixed(3)}`;
}

function row(name: string, ...cells: string[]): string {
  return `${name.padEnd(30)}${cells.map((cell, i) => cell.padEnd(i < 4 ? 16 : 32)).join("")}`.trimEnd();
}

function positive(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError("must be a whole number from 1.");
  return value;
}
