/** The lattice as an inline SVG: a drawing without JavaScript, and a list that can be walked through and dragged with it. */
import type { Candidate } from "@oscillink/core";
import { at } from "../charts.ts";
import { cut, type Html, html } from "../html.ts";
import { type AnyReceipt, field, fixed, listOf, signed } from "../read.ts";
import type { Rebuilt } from "./lattice.ts";
import { type Point, placed, principalPlane } from "./layout.ts";

/** So many nodes are drawn: more could not be told apart. */
const MOST = 200;

const FRAME = { width: 960, height: 560, margin: 34 };

/** What is known of a node. */
interface Node {
  readonly index: number;
  readonly id: string;
  readonly kind: "chosen" | "other" | "out";
  /** Its place in the bundle. */
  readonly rank: number | null;
  /** Its settled evidence, before distrust; null where the receipt does not tell. */
  readonly evidence: number | null;
}

export function drawLattice(
  receipt: AnyReceipt,
  candidates: readonly Candidate[],
  ids: readonly string[],
  { edges, vectors, evidence }: Rebuilt & { readonly ok: true },
): Html {
  const nodes = nodesOf(receipt, ids, vectors, evidence);
  const known = nodes.flatMap(({ evidence }) => evidence ?? []);
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const radii = nodes.map(({ evidence }) =>
    evidence === null ? 4.5 : at(8 + (high > low ? (8 * (evidence - low)) / (high - low) : 4)),
  );
  const points = placed(principalPlane(nodes.map(({ index }) => vectors[index]!)), radii, FRAME);
  const place = new Map(nodes.map(({ index }, node) => [index, node]));
  const both = (i: unknown, j: unknown): [number, number] | null => {
    const [a, b] = [place.get(Number(i)), place.get(Number(j))];
    return a === undefined || b === undefined || a === b ? null : [a, b];
  };
  const tense = new Set(
    listOf(field(receipt, "null_points")).map((point) => String(listOf(field(point, "edge")).map(Number))),
  );
  const line = (kind: string, pair: [number, number] | null, weight = 1) =>
    pair && edgeLine(kind, pair, points, radii, weight);
  const drawn = edges.map(({ i, j, weight }) =>
    line(tense.has(`${i},${j}`) || tense.has(`${j},${i}`) ? "edge null-point" : "edge", both(i, j), weight),
  );
  const index = new Map(ids.map((id, i) => [id, i]));
  const links = candidates.flatMap(({ links: own }, i) =>
    (own ?? []).map((id) => line("link", both(i, index.get(String(id))))),
  );
  const chain = listOf(receipt.chain?.nodes);
  const steps = chain.slice(1).map((node, i) => line("step", both(chain[i], node)));
  const labels = nodes.map(({ kind, index, id }) =>
    kind === "other" ? "" : cut(candidates[index]!.title || id, 24),
  );
  // The chosen have the first choice of a side, the best of them the very first.
  const named = [...nodes.keys()]
    .filter((i) => labels[i] !== "")
    .sort((a, b) => ORDER[nodes[b]!.kind] - ORDER[nodes[a]!.kind]);
  const sides = labelSides(named, labels, points, radii);
  const shapes = nodes.map((node, i) => nodeShape(node, points[i]!, radii[i]!, candidates[node.index]!));
  const tags = nodes.map((node, i) =>
    nodeTag(node, i, points[i]!, labelOf(labels[i]!, sides[i]!, radii[i]!)),
  );
  const left = ids.length - nodes.length;
  const said = `${nodes.length} of ${ids.length} candidates, ${drawn.filter(Boolean).length} edges`;
  const arrow = (id: string) =>
    html`<marker id="${id}" viewBox="0 0 8 8" refX="7" refY="4" markerUnits="userSpaceOnUse" markerWidth="10" markerHeight="10" orient="auto-start-reverse"><path d="M0 0L8 4L0 8z"/></marker>`;
  return html`<figure id="lattice"><svg viewBox="0 0 ${FRAME.width} ${FRAME.height}" role="img" aria-label="The lattice: ${said}"><defs>${arrow("arrow-link")}${arrow("arrow-step")}</defs><g class="edges" aria-hidden="true">${drawn}${links}${steps}</g><g class="nodes">${shapes}</g><g class="tags" aria-hidden="true">${tags}</g></svg>
<p id="node-told" role="status" class="script-only">Choose a document in the drawing, by a click or by the arrow keys, to read about it.</p>
<figcaption><span class="dot chosen"></span> chosen, with its place <span class="dot out"></span> left out <span class="dot other"></span> other candidates <span class="stroke edge"></span> alike, the more the bolder${tense.size > 0 && html` <span class="stroke null-point"></span> null point`}${links.some(Boolean) && html` <span class="stroke link"></span> links to`}${steps.some(Boolean) && html` <span class="stroke step"></span> chain`}</figcaption>
<p class="note">${said}${left > 0 && `; the other ${left} could not be ranked or came later`}. Near are those whose vectors are alike, as far as a plane can show it: the first two principal components, overlapping ones moved apart. The size is the settled evidence${evidence.size === 0 && ", where the receipt tells it"}.<span class="script-only"> Documents can be dragged: with a mouse, or with Shift and the arrow keys; Escape puts them back.</span></p></figure>`;
}

/** What is drawn later lies above. */
const ORDER = { other: 0, out: 1, chosen: 2 } as const;

/** The nodes that are drawn: those that the receipt names first, then the others as they came. */
function nodesOf(
  receipt: AnyReceipt,
  ids: readonly string[],
  vectors: readonly (object | null)[],
  computed: ReadonlyMap<number, number>,
): Node[] {
  const { bundle, left_out, chain } = receipt;
  const kept = new Map([...bundle].map((entry) => [entry.inputRank - 1, entry]));
  const out = new Map(left_out.map((entry) => [entry.inputRank - 1, entry]));
  const first = new Set([...kept.keys(), ...out.keys(), ...listOf(chain?.nodes).map(Number)]);
  const drawn = [...new Set([...first, ...ids.keys()])].filter((i) => (vectors[i] ?? null) !== null);
  return drawn
    .slice(0, MOST)
    .map((index): Node => {
      const entry = kept.get(index);
      const score = entry?.score ?? out.get(index)?.score ?? null;
      const trust = Number(field(entry?.terms, "trust") ?? 0);
      return {
        index,
        id: ids[index]!,
        kind: entry !== undefined ? "chosen" : out.has(index) ? "out" : "other",
        rank: entry?.rank ?? null,
        evidence: computed.get(index) ?? (score === null ? null : score - trust),
      };
    })
    .sort((a, b) => ORDER[a.kind] - ORDER[b.kind] || (a.rank ?? a.index) - (b.rank ?? b.index));
}

/** A line from the rim of one node to that of another. */
function edgeLine(
  kind: string,
  [a, b]: [number, number],
  points: readonly Point[],
  radii: readonly number[],
  weight: number,
): Html {
  const [[x1, y1], [x2, y2]] = [points[a]!, points[b]!];
  const [dx, dy] = [x2 - x1, y2 - y1];
  const length = Math.sqrt(dx * dx + dy * dy) || 1;
  // An arrow ends where its node begins; other lines run under it.
  const short = kind.startsWith("edge") ? 0 : Math.min(1, (radii[b]! + 1) / length);
  const bold =
    kind.startsWith("edge") &&
    html` stroke-width="${at(0.6 + 2.2 * weight)}" stroke-opacity="${at(0.2 + 0.6 * weight)}"`;
  return html`<line class="${kind}" data-a="${a}" data-b="${b}" x1="${at(x1)}" y1="${at(y1)}" x2="${at(x2 - dx * short)}" y2="${at(y2 - dy * short)}"${bold}/>`;
}

function nodeShape(
  { id, kind, rank, evidence, index }: Node,
  [x, y]: Point,
  radius: number,
  candidate: Candidate,
): Html {
  const place = rank !== null ? `place ${rank}` : kind === "out" ? "left out" : "not chosen";
  const title = candidate.title ? `, ${cut(candidate.title, 80)}` : "";
  const figure = evidence === null ? "" : `, settled evidence ${signed(evidence)}`;
  const trust = (candidate.trust ?? 1) === 1 ? "" : `, trust ${fixed(candidate.trust)}`;
  const told = `${cut(id, 60)}${title}: ${place}, was ${index + 1}${figure}${trust}`;
  const text = candidate.text ? html` data-text="${cut(candidate.text, 200)}"` : null;
  return html`<g class="node ${kind}" transform="translate(${at(x)} ${at(y)})" aria-label="${told}"${text}><circle r="${radius}"/></g>`;
}

/** What is written on a node and beside it: apart from the nodes, so that none lies above it. */
function nodeTag({ rank }: Node, node: number, [x, y]: Point, label: Html | null): Html | null {
  if (rank === null && label === null) return null;
  const number = rank !== null && html`<text class="number" y="3.8" text-anchor="middle">${rank}</text>`;
  return html`<g class="tag" data-node="${node}" transform="translate(${at(x)} ${at(y)})">${number}${label}</g>`;
}

/** The side of its node on which a label stands; null where it would cover another or a labelled node. */
type Side = "above" | "below" | "left" | "right";

const SIDES: readonly Side[] = ["right", "left", "above", "below"];
/** About what a character takes, and the height of a line. */
const [CHARACTER, LINE] = [6.4, 14];

/** A box: left, top, right, bottom. */
type Box = readonly [number, number, number, number];

/** Sides for the labels of some nodes so that none covers another, nor one of these nodes: in their order, as long as there is room. */
function labelSides(
  named: readonly number[],
  labels: readonly string[],
  points: readonly Point[],
  radii: readonly number[],
): (Side | null)[] {
  const taken: Box[] = named.map((i) => around(points[i]!, radii[i]!, radii[i]!));
  const sides = labels.map((): Side | null => null);
  for (const i of named) {
    const free = SIDES.find((side) => {
      const box = labelBox(labels[i]!, side, points[i]!, radii[i]!);
      return inFrame(box) && !taken.some((other) => overlap(box, other));
    });
    if (free === undefined) continue;
    sides[i] = free;
    taken.push(labelBox(labels[i]!, free, points[i]!, radii[i]!));
  }
  return sides;
}

const around = ([x, y]: Point, wide: number, high: number): Box => [x - wide, y - high, x + wide, y + high];
const inFrame = ([left, top, right, bottom]: Box) =>
  left > 0 && top > 0 && right < FRAME.width && bottom < FRAME.height;
const overlap = (a: Box, b: Box) => a[0] < b[2] && b[0] < a[2] && a[1] < b[3] && b[1] < a[3];

function labelBox(label: string, side: Side, [x, y]: Point, radius: number): Box {
  const half = (CHARACTER * label.length) / 2;
  const aside = radius + 4 + half;
  const off = radius + 2 + LINE / 2;
  const [dx, dy] = { right: [aside, 0], left: [-aside, 0], above: [0, -off], below: [0, off] }[side];
  return around([x + dx!, y + dy!], half, LINE / 2);
}

function labelOf(label: string, side: Side | null, radius: number): Html | null {
  if (side === null) return null;
  const beside = { right: ["start", radius + 4], left: ["end", -radius - 4] } as const;
  const [anchor, x] = side === "above" || side === "below" ? (["middle", 0] as const) : beside[side];
  const y = side === "above" ? -radius - 5 : side === "below" ? radius + 13 : 4;
  return html`<text class="label" x="${at(x)}" y="${at(y)}" text-anchor="${anchor}">${label}</text>`;
}
