/** Draws the figures of docs/concepts.md from runs of core: the same figures on every machine. */
import { mkdirSync, writeFileSync } from "node:fs";
import { Lattice, rerank } from "@oscillink/core";
import { embeddings, passages, textOf } from "../examples/corpus/vectors.ts";

const WIDTH = 720;
const INK = "#222";
const QUIET = "#777";
const COLOURS = [
  "#0e7c6d",
  "#b3541e",
  "#5a54b8",
  "#2b6cb0",
  "#a3345a",
  "#7a6a00",
  "#55606b",
  "#8fbf3f",
  "#b0b0b8",
];

const escaped = (text: string): string => text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
const at = (value: number): string => value.toFixed(1);
const text = (x: number, y: number, content: string, more = ""): string =>
  `<text x="${at(x)}" y="${at(y)}" ${more}>${escaped(content)}</text>`;
const line = (x1: number, y1: number, x2: number, y2: number, more: string): string =>
  `<line x1="${at(x1)}" y1="${at(y1)}" x2="${at(x2)}" y2="${at(y2)}" ${more}/>`;
const svg = (height: number, title: string, parts: readonly string[]): string =>
  [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" font-family="sans-serif" font-size="13" fill="${INK}">`,
    `<title>${escaped(title)}</title>`,
    ...parts,
    "</svg>\n",
  ].join("\n");

/** A question of the examples' corpus over the first 50 by cosine, as the demo asks it. */
async function askCorpus() {
  const queryText = "Aboard which vessel was the document that Lamp Day commemorates signed?";
  const rows = await embeddings.embedDocuments(passages.map(textOf));
  const documents = passages.map(({ _id, title, text, trust }, i) => ({
    id: _id,
    title,
    text,
    trust,
    embedding: rows[i]!,
  }));
  const query = await embeddings.embedQuery(queryText);
  const found = rerank({ query, candidates: documents, profile: "cosine", k: 50 }).bundle;
  const candidates = found.map(({ candidate }) => candidate);
  return rerank({ query, queryText, candidates, k: 50 }).bundle;
}

/** Ranks by cosine on the left, ranks by score on the right. */
function slopes(bundle: Awaited<ReturnType<typeof askCorpus>>): string {
  const [shown, k, top, step] = [8, 5, 40, 30];
  const rows = bundle.filter(({ rank, inputRank }) => Math.min(rank, inputRank) <= shown);
  const y = (rank: number) => top + step * Math.min(rank, shown + 1);
  const [left, right] = [270, 450];
  const label = (rank: number, id: string) => (rank <= shown ? `${rank}  ${id}` : "");
  const outside = rows.filter(({ inputRank }) => inputRank > shown);
  return svg(top + step * (shown + 2), "Ranks by cosine and ranks after the re-ranking", [
    text(left, 25, "by cosine", 'text-anchor="end" font-weight="bold"'),
    text(right, 25, "re-ranked", 'font-weight="bold"'),
    ...rows.flatMap(({ id, rank, inputRank }) => {
      const chosen = rank <= k;
      const colour = chosen ? COLOURS[0] : QUIET;
      const place = outside.findIndex((row) => row.id === id);
      const from = place < 0 ? y(inputRank) : y(shown + 1);
      return [
        line(left + 10, from, right - 10, y(rank), `stroke="${colour}" stroke-width="${chosen ? 2.5 : 1}"`),
        text(left, y(inputRank) + 4, label(inputRank, id), 'text-anchor="end"'),
        text(right, y(rank) + 4, label(rank, id), chosen ? 'font-weight="bold"' : `fill="${QUIET}"`),
      ];
    }),
    text(left, y(shown + 1) + 4, `behind the first ${shown}`, `text-anchor="end" fill="${QUIET}"`),
    text(right, y(shown + 1) + 4, `behind the first ${shown}`, `fill="${QUIET}"`),
  ]);
}

/** The score of each document of the bundle, as the terms that add up to it. */
function terms(bundle: Awaited<ReturnType<typeof askCorpus>>): string {
  const rows = bundle.slice(0, 5);
  const names = [...new Set(rows.flatMap(({ terms }) => Object.keys(terms!)))];
  const sums = rows.map(({ terms }) => {
    const values = Object.values(terms!);
    const sum = (sign: number) => values.reduce((total, value) => total + Math.max(0, sign * value), 0);
    return { up: sum(1), down: sum(-1) };
  });
  const [least, most] = [-Math.max(...sums.map(({ down }) => down)), Math.max(...sums.map(({ up }) => up))];
  const left = 190;
  const x = (value: number) => left + ((value - least) / (most - least)) * (WIDTH - left - 60);
  const [top, step] = [90, 36];
  const colourOf = (name: string) => COLOURS[names.indexOf(name) % COLOURS.length];
  return svg(top + step * rows.length + 30, "The scores of a bundle, as the terms that add up to them", [
    ...names.map((name, i) => {
      const [column, row] = [i % 4, Math.floor(i / 4)];
      const [x0, y0] = [left + column * 125, 20 + row * 20];
      return `<rect x="${at(x0)}" y="${at(y0 - 10)}" width="11" height="11" fill="${colourOf(name)}"/>${text(x0 + 16, y0, name)}`;
    }),
    ...rows.flatMap(({ id, terms, score }, i) => {
      const y = top + step * i;
      let [up, down] = [0, 0];
      const bars = Object.entries(terms!).map(([name, value]) => {
        const from = value >= 0 ? up : down + value;
        if (value >= 0) up += value;
        else down += value;
        return `<rect x="${at(x(from))}" y="${at(y)}" width="${at(x(Math.abs(value)) - x(0))}" height="20" fill="${colourOf(name)}"/>`;
      });
      return [
        text(left - 12, y + 15, id, 'text-anchor="end"'),
        ...bars,
        text(x(up) + 8, y + 15, `= ${score!.toFixed(2)}`, 'font-weight="bold"'),
      ];
    }),
    line(x(0), top - 8, x(0), top + step * rows.length, `stroke="${INK}"`),
    text(x(0), top + step * rows.length + 16, "0", 'text-anchor="middle"'),
  ]);
}

const directions = (...degrees: number[]): number[][] =>
  degrees.map((angle) => [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)]);

/** Five vectors on a circle before and after they settle, and the energy that falls in the steps. */
function settling(): string {
  const rows = directions(0, 10, 20, 30, 80);
  const settled = new Lattice({ embeddings: rows }, { lamC: 2 }).setQuery(rows[0]!).settledVectors();
  const [centre, base, radius] = [60, 300, 250];
  const arrow = (x: number, y: number, more: string) =>
    line(centre, base, centre + radius * x, base - radius * y, more);

  const moving = new Lattice({ embeddings: rows }, { lamC: 2 }).setQuery(rows[0]!);
  const steps = [0.25, 0.25, 1, 100];
  const energies = [moving.figures().energy.initial];
  for (const dt of steps) {
    moving.settle({ dt });
    energies.push(moving.figures().energy.final);
  }
  const [left, top, height] = [430, 60, 200];
  const x = (i: number) => left + i * 60;
  const y = (energy: number) => top + height * (1 - energy / energies[0]!);
  return svg(340, "Vectors before and after they settle, and the energy that falls", [
    text(centre, 25, "vectors: as they came (thin), settled (thick)", 'font-weight="bold"'),
    ...rows.map(([a, b]) => arrow(a!, b!, `stroke="${QUIET}" stroke-width="1"`)),
    ...rows.map((_, i) =>
      arrow(settled.data[2 * i]!, settled.data[2 * i + 1]!, `stroke="${COLOURS[0]}" stroke-width="2.5"`),
    ),
    text(left, 25, "energy after each step", 'font-weight="bold"'),
    line(left, y(0), x(steps.length), y(0), `stroke="${INK}"`),
    `<polyline points="${energies.map((energy, i) => `${at(x(i))},${at(y(energy))}`).join(" ")}" fill="none" stroke="${COLOURS[1]}" stroke-width="2.5"/>`,
    ...energies.flatMap((energy, i) => [
      `<circle cx="${at(x(i))}" cy="${at(y(energy))}" r="4" fill="${COLOURS[1]}"/>`,
      text(x(i) + 4, y(energy) - 10, energy.toFixed(2)),
      text(x(i), y(0) + 18, i === 0 ? "start" : `dt ${steps[i - 1]}`, 'text-anchor="middle"'),
    ]),
  ]);
}

/** The figures by the names of their files. */
export async function drawFigures(): Promise<Record<string, string>> {
  const bundle = await askCorpus();
  return { "slopes.svg": slopes(bundle), "terms.svg": terms(bundle), "settling.svg": settling() };
}

if (import.meta.main) {
  const folder = new URL("../docs/figures/", import.meta.url);
  mkdirSync(folder, { recursive: true });
  for (const [name, figure] of Object.entries(await drawFigures()))
    writeFileSync(new URL(name, folder), figure);
}
