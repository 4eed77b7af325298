/**
 * The facts of a receipt, as HTML: of its signed content alone, so that the page can make them again from what it has verified
 * and compare. What candidates add is marked `data-candidate`, and is not compared.
 */
import { explainReceipt, type Replay } from "@oscillink/core";
import { energyBar, scaleOf, slopeChart, stackedBar } from "./charts.ts";
import { type Html, html, name } from "./html.ts";
import { type AnyReceipt, count, entriesOf, field, fixed, listOf, signed, small } from "./read.ts";
import { termsOf } from "./terms.ts";

/** What candidates say of a document that its receipt does not. */
export interface Told {
  readonly id: string;
  readonly title: string;
  readonly text: string;
}

/** What candidates add to the facts. */
export interface Given {
  /** What is known of the candidate of an index, if anything. */
  told(index: number): Told | null;
  /** Whether an input of the receipt is that of the candidates, by its name, as far as that was compared. */
  readonly agrees: ReadonlyMap<string, boolean>;
  /** What came of computing everything again, if that was done. */
  readonly replay: Replay | null;
}

const nothing: Given = { told: () => null, agrees: new Map(), replay: null };

/** The parts of the facts: the heading, what was chosen, and the record behind it. */
export interface Facts {
  readonly head: Html;
  readonly chosen: Html;
  readonly record: Html;
}

type Bundle = AnyReceipt["bundle"];

export function factsOf(receipt: AnyReceipt, { told, agrees, replay }: Given = nothing): Facts {
  const said = sentencesOf(receipt);
  return {
    head: html`<h1>${titleOf(receipt)}</h1><p class="lead">${sentence(said.asked)}</p>`,
    chosen: html`${bundleSection(receipt, said, told)}${leftOutSection(receipt, said)}${movesSection(receipt)}${scoreSection(receipt)}`,
    record: html`${tensionSection(receipt, told)}${energySection(receipt)}${trustSection(receipt)}${certificateSection(receipt, said, replay)}${inputsSection(receipt, agrees)}${paramsSection(receipt)}`,
  };
}

export function titleOf({ bundle: { length }, inputs: { n } }: AnyReceipt): string {
  const which = length === 0 ? "none" : length === 1 ? "this one" : `these ${length}`;
  return `Why ${which} of ${count(n, "document")}`;
}

/** The sentences of a receipt, those on documents without their heads. */
interface Sentences {
  readonly asked: string;
  readonly kept: readonly string[];
  readonly leftOut: readonly string[];
  /** Relevance, if the receipt knows of it, and the certificate. */
  readonly certified: readonly string[];
}

function sentencesOf(receipt: AnyReceipt): Sentences {
  // With a plain name in place of each document's own, its sentence begins where the first colon is.
  const plain = (entries: readonly object[]) => entries.map((entry) => ({ ...entry, id: "it" }));
  const named = {
    ...receipt,
    context: null,
    bundle: plain(receipt.bundle),
    left_out: plain(receipt.left_out),
  };
  const [asked = "", ...lines] = explainReceipt(named as unknown as AnyReceipt);
  const why = (line: string) => line.slice(line.indexOf("): ") + 3);
  const [kept, out] = [receipt.bundle.length, receipt.left_out.length];
  return {
    asked,
    kept: lines.slice(0, kept).map(why),
    leftOut: lines.slice(kept, kept + out).map(why),
    certified: lines.slice(kept + out, -1),
  };
}

/** A sentence as it stands alone. */
const sentence = (text: string): string => `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;

/** The candidate of an index, by the name that the receipt has for it, or by its place. */
function namesOf({ bundle, left_out }: AnyReceipt, told: Given["told"]): (index: unknown) => Html {
  const ids = new Map([...(bundle as Bundle), ...left_out].map(({ id, inputRank }) => [inputRank - 1, id]));
  return (index) => {
    const id = ids.get(Number(index));
    if (id !== undefined) return name(id);
    const given = told(Number(index));
    const known = given !== null && html`<span data-candidate> ${name(given.id, 40)}</span>`;
    return html`candidate ${Number(index) + 1}${known}`;
  };
}

const row = (head: unknown, ...cells: readonly (Html | string)[]): Html =>
  html`<tr><th scope="row">${head as Html}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`;

function bundleSection(
  { bundle }: AnyReceipt,
  { kept }: Sentences,
  told: (index: number) => Told | null,
): Html {
  const rows = (bundle as Bundle).map((entry, i) => {
    const { id, rank, inputRank, score } = entry;
    const more = told(inputRank - 1);
    const title =
      more !== null && more.title !== "" && html`<strong data-candidate><bdi>${more.title}</bdi></strong>`;
    const text =
      more !== null && more.text !== "" && html`<p class="text" data-candidate><bdi>${more.text}</bdi></p>`;
    return html`<tr><td class="rank">${rank}</td><td class="figure">${inputRank}</td><td class="document">${name(id)} ${title}${text}<p class="why">${sentence(kept[i]!)}</p></td><td class="figure">${signed(score)}</td><td class="figure">${fixed(field(entry, "relevance"))}</td></tr>`;
  });
  return html`<section aria-labelledby="chosen"><h2 id="chosen">What was chosen, and why</h2>
${
  rows.length === 0
    ? html`<p>Nothing was chosen.</p>`
    : html`<table class="wide"><thead><tr><th scope="col">Place</th><th scope="col" class="figure">Was</th><th scope="col">Document</th><th scope="col" class="figure">Score</th><th scope="col" class="figure">Relevance</th></tr></thead><tbody>${rows}</tbody></table>
<p class="note">Place in the bundle, and what it was in the search. Scores are in standard deviations of the pool.</p>`
}</section>`;
}

function leftOutSection({ left_out, params }: AnyReceipt, { leftOut }: Sentences): Html {
  const rows = left_out.map(
    ({ id, inputRank, score }, i) =>
      html`<tr><td class="figure">${inputRank}</td><td>${name(id)}</td><td class="why-not">${sentence(leftOut[i]!)}</td><td class="figure">${signed(score)}</td></tr>`,
  );
  const none = html`<p>All of the first ${params.k} of the search are in the bundle, and no near-copy was passed over.</p>`;
  const table = html`<table class="wide"><thead><tr><th scope="col" class="figure">Was</th><th scope="col">Document</th><th scope="col">Why it is not there</th><th scope="col" class="figure">Score</th></tr></thead><tbody>${rows}</tbody></table>`;
  return html`<section class="half left-out" aria-labelledby="left-out"><h2 id="left-out">What was left out</h2>${rows.length === 0 ? none : table}</section>`;
}

function movesSection({ bundle, left_out }: AnyReceipt): Html {
  const moves = [
    ...(bundle as Bundle).map(({ id, inputRank, rank }) => ({ id, from: inputRank, to: rank })),
    ...left_out.map(({ id, inputRank }) => ({ id, from: inputRank, to: null })),
  ];
  if (moves.length === 0) return html``;
  return html`<section class="half" aria-labelledby="moves"><h2 id="moves">Places before and after</h2><figure>${slopeChart(moves)}<figcaption><span class="key up"></span> moved up <span class="key down"></span> moved down <span class="key same"></span> stayed <span class="key out"></span> left out</figcaption></figure></section>`;
}

function scoreSection(receipt: AnyReceipt): Html {
  const entries = (receipt.bundle as Bundle).filter(({ terms }) => terms !== null);
  if (entries.length === 0) return html``;
  const terms = termsOf(
    entries.map((entry) => entry.terms),
    receipt.inputs.scores !== null,
  );
  const valuesOf = (entry: Bundle[number]) => terms.map(({ key }) => Number(field(entry.terms, key) ?? 0));
  const scale = scaleOf(entries.map(valuesOf));
  const rows = entries.map((entry) => {
    const values = valuesOf(entry);
    return html`<tr><td class="rank">${entry.rank}</td><th scope="row">${name(entry.id, 28)}</th><td class="stack">${stackedBar(values, terms, scale)}</td>${values.map((value) => html`<td class="figure">${signed(value)}</td>`)}<td class="figure sum">${signed(entry.score)}</td></tr>`;
  });
  const heads = terms.map(
    ({ label, colour }) =>
      html`<th scope="col" class="figure"><span class="swatch ${colour}"></span>${label}</th>`,
  );
  return html`<section aria-labelledby="score"><h2 id="score">What each score is made of</h2><div class="scroll" tabindex="0" role="region" aria-label="The terms of the scores"><table class="terms"><thead><tr><th scope="col">Place</th><th scope="col">Document</th><th scope="col">Stacked</th>${heads}<th scope="col" class="figure">Score</th></tr></thead><tbody>${rows}</tbody></table></div>
<p class="note">What raises a score lies right of the thin line at zero, what lowers it left; the bold mark is the sum.</p></section>`;
}

/** So many null points are shown at once. */
const WORST = 5;

function tensionSection(receipt: AnyReceipt, told: Given["told"]): Html {
  const named = namesOf(receipt, told);
  const points = listOf(field(receipt, "null_points"));
  const rows = points.map((point) => {
    const [i, j] = listOf(field(point, "edge"));
    return html`<tr><td>${named(i)}</td><td>${named(j)}</td><td class="figure">${fixed(field(point, "z"), 1)}</td></tr>`;
  });
  const table = (some: readonly Html[]) =>
    html`<table><thead><tr><th scope="col">Between</th><th scope="col">and</th><th scope="col" class="figure">z</th></tr></thead><tbody>${some}</tbody></table>`;
  const [most, others] = [rows.slice(0, WORST), rows.slice(WORST)];
  const found =
    receipt.meta.receipt_detail === "light"
      ? html`<p>The receipt is a light one, and does not name them.</p>`
      : rows.length === 0
        ? html`<p>There are none: no two neighbours disagree far more than the others do.</p>`
        : html`${table(most)}<p class="note">z tells by how many standard deviations they disagree more than neighbours do on average${others.length > 0 && `; the worst ${WORST} of ${rows.length}`}.</p>${others.length > 0 && html`<details><summary>${others.length} more</summary>${table(others)}</details>`}`;
  const { chain } = receipt;
  const links =
    chain === null
      ? html`<p>None was asked for.</p>`
      : html`<p>${chain.nodes.map((node, i) => html`${i > 0 && " → "}${named(node)}`)} (weight ${small(chain.lamP)}).</p>`;
  return html`<section class="half" aria-labelledby="tension"><h2 id="tension">Null points and chain</h2><h3>Neighbours that disagree</h3>${found}<h3>Chain</h3>${links}</section>`;
}

const ENERGY: readonly (readonly [string, string, string])[] = [
  ["anchor", "own evidence given up", "c1"],
  ["coherence", "neighbours that disagree", "c9"],
  ["chain", "chain that disagrees", "c4"],
  ["query", "distance from the query", "c3"],
];

function energySection({ energy, deltaH_total }: AnyReceipt): Html {
  // A receipt of schema 2 has the terms of the minimum alone.
  const changes = ENERGY.map(([key, label, colour]) => {
    const term = field(energy, "terms", key);
    return { label, colour, initial: field(term, "initial"), final: field(term, "final") ?? term };
  }).filter(({ final }) => typeof final === "number");
  const known = changes.every(({ initial }) => typeof initial === "number");
  const stackOf = (end: "final" | "initial") =>
    changes.map(({ colour, [end]: value }) => ({ colour, value: typeof value === "number" ? value : 0 }));
  const sum = (end: "final" | "initial") =>
    stackOf(end).reduce((whole, { value }) => whole + Math.max(0, value), 0);
  const most = Math.max(sum("initial"), sum("final"));
  const rows = changes.map(({ label, colour, initial, final }) =>
    row(html`<span class="swatch ${colour}"></span>${label}`, small(initial), small(final)),
  );
  const bars = html`<tr><th scope="row">Stacked</th><td>${known && energyBar(stackOf("initial"), most)}</td><td>${energyBar(stackOf("final"), most)}</td></tr>`;
  return html`<section class="half" aria-labelledby="energy"><h2 id="energy">Energy by term</h2><table class="figures energy"><thead><tr><th scope="col">Term</th><th scope="col">Before settling</th><th scope="col">After</th></tr></thead><tbody>${rows}${row("Sum", small(energy.initial), small(energy.final))}${bars}</tbody></table><p class="note">It fell by ${small(deltaH_total)}: documents gave up some of their own evidence to agree with those like them.</p></section>`;
}

function trustSection({ inputs, bundle }: AnyReceipt): Html {
  const rows = (bundle as Bundle).flatMap(({ id, parts, terms }) => {
    const trust = field(parts, "trust");
    if (typeof trust !== "number" || trust === 1) return [];
    return [row(name(id), fixed(trust), signed(field(terms, "trust")))];
  });
  const { excluded } = inputs;
  const wholly = field(inputs, "trust") === null && excluded === 0 && rows.length === 0;
  const out =
    excluded > 0 &&
    html`<p>${count(excluded, "candidate")} ${excluded === 1 ? "was" : "were"} excluded by trust 0.</p>`;
  const table =
    rows.length > 0 &&
    html`<table class="figures"><thead><tr><th scope="col">Document</th><th scope="col">Trust</th><th scope="col">Took of its score</th></tr></thead><tbody>${rows}</tbody></table>`;
  const others =
    rows.length === 0 &&
    !wholly &&
    html`<p>All that were chosen are trusted wholly; some others are not.</p>`;
  return html`<section class="half" aria-labelledby="trust"><h2 id="trust">Trust</h2>${wholly ? html`<p>All candidates are trusted wholly.</p>` : html`${out}${table}${others}`}</section>`;
}

function certificateSection(
  { certificate, params, meta }: AnyReceipt,
  { certified }: Sentences,
  replay: Given["replay"],
): Html {
  const { residual, bound, margin } = certificate;
  const exact = `The largest residual is ${small(residual)}; no score that decided is further than ${small(bound)} from the exact one`;
  const least = margin === null ? "" : `, and the narrowest gap exceeds that by ${small(margin)}`;
  const { share, passed } = meta.crowding;
  const crowd = `${count(passed, "near-copy", "near-copies")} passed over; ${fixed(100 * share, 0)} % of the candidates have a neighbour of cosine 0.9 or more`;
  return html`<section class="half" aria-labelledby="certificate"><h2 id="certificate">Certificate and relevance</h2>${certified.map((line) => html`<p>${sentence(line)}</p>`)}${replayed(replay)}<p class="note">${exact}${least}. ${crowd}. Asked for: ${params.k}.</p></section>`;
}

/** What came of computing everything again. */
function replayed(replay: Given["replay"]): Html | null {
  if (replay === null) return null;
  if (replay.ok) {
    return html`<p data-candidate class="agrees">Computed again from the candidates and the query given: the same, bit for bit.</p>`;
  }
  const where = replay.differences.length > 0 && `: ${replay.differences.join(", ")}`;
  return html`<p data-candidate class="differs">Computed again from the candidates and the query given, it is not the same (${replay.reason}${where}).</p>`;
}

const INPUTS: Readonly<Record<string, string>> = {
  candidates: "vectors of the candidates",
  query: "vector of the query",
  scores: "scores of the search",
  found: "which the search found",
  ids: "ids",
  trust: "trust",
  texts: "texts",
  titles: "titles",
  queryText: "text of the query",
  links: "links",
  edges: "graph that was given",
};

function inputsSection({ inputs, context, meta, digest }: AnyReceipt, agrees: Given["agrees"]): Html {
  const rows = Object.entries(INPUTS).flatMap(([key, label]) => {
    const value = field(inputs, key);
    return typeof value === "string" ? [inputRow(label, value, agrees.get(key))] : [];
  });
  const lists = listOf(field(inputs, "lists")).map((list) =>
    inputRow(`scores of the list ${String(field(list, "name"))}`, field(list, "scores")),
  );
  const facts = entriesOf(context).map(([key, value]) =>
    row(html`<bdi>${key}</bdi>`, html`<bdi>${String(value)}</bdi>`),
  );
  const bound =
    facts.length === 0
      ? html`<p>Nothing was bound to the receipt.</p>`
      : html`<table><thead><tr><th scope="col">Fact</th><th scope="col">Value</th></tr></thead><tbody>${facts}</tbody></table>`;
  return html`<section aria-labelledby="inputs"><h2 id="inputs">Context and inputs</h2>${bound}<p>${count(inputs.n, "candidate")}, vectors of ${count(inputs.d, "value")}, ${inputs.missing} that could not be ranked.</p><table class="digests"><thead><tr><th scope="col">Input</th><th scope="col">SHA-256</th></tr></thead><tbody>${rows}${lists}${inputRow("inputs, chain and parameters together", meta.state_sig)}${inputRow("this receipt", digest)}</tbody></table></section>`;
}

function inputRow(label: string, digest: unknown, agrees?: boolean): Html {
  const compared =
    agrees !== undefined &&
    html`<span data-candidate class="${agrees ? "agrees" : "differs"}">${agrees ? "as in the candidates given" : "other than in the candidates given"}</span>`;
  return html`<tr><th scope="row">${label}</th><td><code>${String(digest).replace(/^sha256:/, "")}</code>${compared}</td></tr>`;
}

function paramsSection({ params, profile, version, schema }: AnyReceipt): Html {
  const told = entriesOf(params).map(
    ([key, value]) => html`<div><dt>${key}</dt><dd>${shownValue(value)}</dd></div>`,
  );
  return html`<section aria-labelledby="params"><h2 id="params">Every parameter</h2><p>Profile ${profile}, version ${version}, schema ${schema}.</p><dl class="params">${told}</dl></section>`;
}

/** The value of a parameter: null is "none". */
function shownValue(value: unknown): string {
  if (value === null) return "none";
  if (typeof value !== "object") return String(value);
  return entriesOf(value)
    .map(([key, inner]) => `${key} ${String(inner)}`)
    .join(", ");
}
