/** A chart of lines over steps, as SVG: the same text for the same figures on every engine. */

/** One line of a chart. */
interface Line {
  readonly name: string;
  readonly values: readonly number[];
  readonly color: string;
  /** A dash pattern of SVG; absent for a whole line. */
  readonly dash?: string;
}

export interface Chart {
  readonly title: string;
  readonly lines: readonly Line[];
  /** What stands under each step; fewer may be named than there are. */
  readonly labels: readonly { readonly at: number; readonly text: string }[];
  /** Steps that are marked by a vertical line, each with what it says. */
  readonly marks: readonly { readonly at: number; readonly text: string }[];
  readonly least: number;
  readonly most: number;
}

const WIDTH = 760;
const LEFT = 70;
const RIGHT = 140;
const PLOT = 150;
/** Room for a chart's title and for its labels. */
const [ABOVE, BELOW] = [40, 34];

/** Charts under one another in one picture. */
export function svgOf(title: string, charts: readonly Chart[]): string {
  const height = charts.length * (ABOVE + PLOT + BELOW) + 8;
  const body = charts.flatMap((chart, i) => linesOf(chart, i * (ABOVE + PLOT + BELOW)));
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" role="img" font-family="sans-serif" font-size="12">`,
    `<title>${escaped(title)}</title>`,
    `<rect width="${WIDTH}" height="${height}" fill="#ffffff"/>`,
    ...body,
    "</svg>\n",
  ].join("\n");
}

function linesOf({ title, lines, labels, marks, least, most }: Chart, top: number): string[] {
  const steps = Math.max(...lines.map(({ values }) => values.length));
  const x = (i: number) => round(LEFT + ((WIDTH - LEFT - RIGHT) * i) / (steps - 1));
  const y = (v: number) => round(top + ABOVE + PLOT * (1 - (v - least) / (most - least)));
  const bottom = y(least);
  const text = (at: number, height: number, words: string, more: string) =>
    `<text x="${at}" y="${height}" ${more}>${escaped(words)}</text>`;
  const ticks = [least, (least + most) / 2, most].flatMap((v) => [
    `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(v)}" y2="${y(v)}" stroke="#dddddd"/>`,
    text(LEFT - 6, y(v) + 4, v.toFixed(2), 'text-anchor="end" fill="#555555"'),
  ]);
  const marked = marks.flatMap(({ at, text: words }) => [
    `<line x1="${x(at)}" x2="${x(at)}" y1="${top + ABOVE}" y2="${bottom}" stroke="#999999" stroke-dasharray="2 3"/>`,
    text(x(at) + 4, top + ABOVE + 12, words, 'fill="#555555"'),
  ]);
  // The names at the ends of the lines, apart from one another.
  const ends = lines.map(({ values }) => y(values.at(-1)!));
  const order = [...ends.keys()].sort((a, b) => ends[a]! - ends[b]! || a - b);
  order.forEach((line, i) => {
    if (i > 0) ends[line] = Math.max(ends[line]!, ends[order[i - 1]!]! + 14);
  });
  const drawn = lines.flatMap(({ name, values, color, dash }, i) => [
    `<polyline fill="none" stroke="${color}" stroke-width="2"${dash ? ` stroke-dasharray="${dash}"` : ""} points="${values.map((v, step) => `${x(step)},${y(v)}`).join(" ")}"/>`,
    text(WIDTH - RIGHT + 8, round(ends[i]! + 4), name, `fill="${color}"`),
  ]);
  const under = labels.map(({ at, text: words }) =>
    text(x(at), bottom + 16, words, 'text-anchor="middle" font-size="10" fill="#555555"'),
  );
  return [text(LEFT, top + 22, title, 'font-weight="bold"'), ...ticks, ...marked, ...drawn, ...under];
}

/** Tenths of a unit are finer than a screen's point. */
const round = (v: number): number => Math.round(10 * v) / 10;

const escaped = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
