/** Charts as inline SVG. What they show also stands in tables beside them. */
import { cut, type Html, html } from "./html.ts";
import type { Term } from "./terms.ts";

/** To a tenth of a unit: no eye sees more, and the page is shorter. */
export const at = (x: number): number => Math.round(10 * x) / 10;

/** A document in the slope chart. */
interface Move {
  readonly id: string;
  readonly from: number;
  /** Its place in the bundle; null for one that was left out. */
  readonly to: number | null;
}

const ROW = 22;

/** Places in the search at the left, in the bundle at the right; one line a document, evenly spaced. */
export function slopeChart(moves: readonly Move[]): Html {
  const left = [...moves].sort((a, b) => a.from - b.from);
  const right = [...moves].sort((a, b) => (a.to ?? Infinity) - (b.to ?? Infinity) || a.from - b.from);
  const y = (place: number) => 34 + ROW * place;
  const [width, height] = [520, y(moves.length) - 4];
  const [a, b] = [185, 335];
  const lines = left.map((move, place) => {
    const end = right.indexOf(move);
    const kind =
      move.to === null ? "out" : move.to < move.from ? "up" : move.to > move.from ? "down" : "same";
    const before = html`<text class="place" x="${a - 12}" y="${y(place) + 4}" text-anchor="end">${cut(move.id, 22)}  <tspan class="strong">${move.from}</tspan></text>`;
    const after = html`<text class="place" x="${b + 12}" y="${y(end) + 4}"><tspan class="strong">${move.to ?? "–"}</tspan>  ${cut(move.id, 22)}</text>`;
    return html`<g class="move ${kind}"><line x1="${a}" y1="${y(place)}" x2="${b}" y2="${y(end)}"/><circle cx="${a}" cy="${y(place)}" r="3.5"/><circle cx="${b}" cy="${y(end)}" r="3.5"/>${before}${after}</g>`;
  });
  const said = moves
    .map(({ id, from, to }) => `${cut(id, 40)} from ${from} to ${to ?? "left out"}`)
    .join(", ");
  return html`<svg class="slope" viewBox="0 0 ${width} ${height}" role="img" aria-label="Places before and after: ${said}">
<text class="head" x="${a - 12}" y="14" text-anchor="end">in the search</text><text class="head" x="${b + 12}" y="14">in the bundle</text>
${lines}</svg>`;
}

const WIDTH = 240;

/** The scale that the bars of several documents share: their stacks reach from `low` to `high`. */
export interface Scale {
  readonly low: number;
  readonly high: number;
}

/** The scale of some stacks. */
export function scaleOf(stacks: readonly (readonly number[])[]): Scale {
  const ends = stacks.flatMap((terms) => [
    terms.reduce((sum, term) => sum + Math.min(0, term), 0),
    terms.reduce((sum, term) => sum + Math.max(0, term), 0),
  ]);
  const [low, high] = [Math.min(0, ...ends), Math.max(0, ...ends)];
  return low === high ? { low, high: low + 1 } : { low, high };
}

/** One document's terms, stacked to both sides of zero; the mark is their sum. */
export function stackedBar(values: readonly number[], terms: readonly Term[], { low, high }: Scale): Html {
  const x = (value: number) => at(2 + ((value - low) / (high - low)) * (WIDTH - 4));
  let [down, up, sum] = [0, 0, 0];
  const parts = values.map((value, i) => {
    const [from, to] = value < 0 ? [down + value, down] : [up, up + value];
    if (value < 0) down += value;
    else up += value;
    sum += value;
    const wide = at(x(to) - x(from));
    return (
      wide > 0 && html`<rect class="${terms[i]!.colour}" x="${x(from)}" y="3" width="${wide}" height="12"/>`
    );
  });
  return html`<svg class="bar" viewBox="0 0 ${WIDTH} 18" preserveAspectRatio="none" aria-hidden="true">${parts}<line class="zero" x1="${x(0)}" x2="${x(0)}" y1="0" y2="18"/><path class="sum" d="M${x(sum)} 0v18"/></svg>`;
}

/** A term of the energy, before and after, on one scale. */
export function energyBar(
  parts: readonly { readonly colour: string; readonly value: number }[],
  most: number,
): Html {
  let from = 0;
  const bars = parts.map(({ colour, value }) => {
    const wide = most > 0 ? at((Math.max(0, value) / most) * (WIDTH - 4)) : 0;
    const bar =
      wide > 0 && html`<rect class="${colour}" x="${at(2 + from)}" y="3" width="${wide}" height="12"/>`;
    from += wide;
    return bar;
  });
  return html`<svg class="bar" viewBox="0 0 ${WIDTH} 18" preserveAspectRatio="none" aria-hidden="true">${bars}<line class="zero" x1="2" x2="2" y1="0" y2="18"/></svg>`;
}
