import { OptionError, show } from "../errors.ts";
import type { BundleEntry, LeftOut } from "../rank/bundle.ts";
import type { Open } from "../rank/certificate.ts";
import type { Basis } from "../rank/relevance.ts";
import { isReceipt } from "../receipt/read.ts";
import { type AnyReceipt, type AnySigned, isLattice, type SignedReceipt } from "../receipt/receipt.ts";
import { field } from "../receipt/untrusted.ts";
import { latticeCertifiedLine, latticeKeptLine } from "./explainLattice.ts";
import { amount, listed, nothing, ordinal, shown, signed, visible } from "./sentences.ts";

/**
 * A receipt in plain English, one short sentence a line: what was asked of how many candidates, why each document of
 * the bundle is where it is, why others are not there, what their relevance was judged by, whether the order is certified, and
 * the digest.
 *
 * The same receipt gives the same lines everywhere. They are for people: of each document they name its place by its
 * own evidence, the figures that made it, and the neighbours that moved it. No id can pass for anything else: those of more than
 * ASCII letters, digits and `._-:/#@+` stand in quotes and escaped, and long ones are shortened.
 *
 * @param receipt a receipt, or the signed content of one. What it says is not verified here; see `verifyReceipt`.
 * @throws {OptionError} for what has not the form of a receipt.
 *
 * @example
 * console.log(explainReceipt(receipt).join("\n"));
 */
export function explainReceipt(receipt: AnyReceipt | AnySigned): string[] {
  if (!isReceipt(receipt)) throw new OptionError("receipt", `must be a receipt, not ${show(receipt)}`);
  const lines = isLattice(receipt)
    ? {
        kept: receipt.bundle.map((entry) => latticeKeptLine(entry, receipt)),
        certified: [latticeCertifiedLine(receipt)],
      }
    : {
        kept: receipt.bundle.map((entry) => keptLine(entry, receipt)),
        certified: [relevanceLine(receipt), certifiedLine(receipt)],
      };
  return [
    askedLine(receipt),
    ...contextLine(receipt),
    ...focusLine(receipt),
    ...lines.kept,
    ...receipt.left_out.map((entry) => leftOutLine(entry, receipt)),
    ...lines.certified,
    `digest ${shown(receipt.digest, 80)}`,
  ];
}

function askedLine({ inputs, params, profile, chain, meta }: AnySigned): string {
  const { n, missing, excluded, scores, queryText, texts, titles } = inputs;
  const { k, textWeight, diversity } = params;
  const { passed } = meta.crowding;
  const evidence = scores === null ? "vectors" : "the scores of the search";
  const hasWords = queryText !== null && (texts !== null || titles !== null) && textWeight > 0;
  const how = [
    hasWords ? `by ${evidence} and words` : `by ${evidence}`,
    diversity > 0 && `with a share of ${diversity} for novelty`,
    chain !== null && `with a chain of ${chain.nodes.length}`,
    `profile ${shown(profile)}`,
  ];
  const counts = [
    missing > 0 && `${missing} had ${nothing(inputs)}`,
    excluded > 0 && `${excluded} ${excluded === 1 ? "was" : "were"} excluded by trust 0`,
    passed === 1 && "1 was a near-copy of a better document",
    passed > 1 && `${passed} were near-copies of better documents`,
  ];
  const head = `asked for the best ${k} of ${n} candidate${n === 1 ? "" : "s"} (${listed(how)})`;
  return counts.some(Boolean) ? `${head}: ${listed(counts)}` : head;
}

/** What the caller bound to the receipt, if anything. */
function contextLine({ context }: AnySigned): string[] {
  if (!context) return [];
  const facts = Object.entries(context).map(([name, value]) => `${shown(name)} ${shown(String(value), 80)}`);
  return [`bound to it: ${listed(facts)}`];
}

/** Which turn of a conversation it was, if of any. */
function focusLine({ focus }: AnySigned): string[] {
  if (!focus) return [];
  const { turn, shift, reset } = focus;
  const head = `asked as the ${ordinal(turn + 1)} turn of a conversation, with its focus`;
  if (turn === 0) return [head];
  return [`${head}, which ${reset ? "began anew and " : ""}moved by ${shift} since the turn before`];
}

const BASIS: Readonly<Record<Basis, string>> = {
  "scale+words": "words, and cosines on the embedder's scale",
  scale: "cosines on the embedder's scale",
  "pool+words": "words, and cosines beside those of the documents with one another",
  pool: "cosines beside those of the documents with one another",
  words: "words alone",
};

function relevanceLine({ relevance, params, inputs }: SignedReceipt): string {
  const { minRelevance, relevanceCalibration } = params;
  const { level, slope } = relevanceCalibration;
  if (relevance === null) {
    const unheeded = minRelevance > 0 ? `; the least of ${minRelevance} left out none` : "";
    return `relevance not known: nothing tells of it on an absolute scale${unheeded}`;
  }
  const { basis, scale, reached } = relevance;
  const by = Object.hasOwn(BASIS, basis) ? BASIS[basis] : shown(basis);
  const on = scale === null ? "" : ` (mean ${scale.mean}, spread ${scale.spread})`;
  const learned =
    level === 0 && slope === 1 ? "not calibrated" : `calibrated by level ${level} and slope ${slope}`;
  const ranked = inputs.n - inputs.missing - inputs.excluded;
  const least = minRelevance > 0 ? `: ${reached} of ${ranked} reach ${minRelevance}` : "";
  return `relevance by ${by}${on}, ${learned}${least}`;
}

function keptLine(entry: BundleEntry, { inputs }: SignedReceipt): string {
  const { id, rank, ownRank, inputRank, parts, terms, neighbours, relevance } = entry;
  const share = relevance === null ? "" : `, relevance ${relevance.toFixed(2)}`;
  const head = `kept ${shown(id)} (${ordinal(rank)}, was ${ordinal(inputRank)}${share}):`;
  if (terms === null || ownRank === null) {
    return `${head} put last, as it has ${nothing(inputs)} and could not be ranked`;
  }
  const { neighbours: lattice = 0, trust = 0, ...own } = terms;
  const sum = Object.values(own).reduce((a, b) => a + b, 0);
  // Of several lists, one may not have it, or may have ranks alone: then the figure stands in for what was not said.
  const said = inputs.lists.length === 0;
  const figures = toldTerms(entry, inputs.scores !== null, said)
    .filter(({ term }) => visible(term))
    .sort((a, b) => Math.abs(b.term) - Math.abs(a.term))
    .map(({ figure, term }) => `${figure} ${signed(term)}`);
  const from = figures.length > 0 ? `: ${listed(figures)}` : ", as nothing tells it from the others";
  const names = (neighbours ?? []).map(({ id: other, by }) => `${shown(other)} ${signed(by)}`);
  const most = names.length > 0 ? `, most of all ${names.join(" and ")}` : "";
  const moved = visible(lattice)
    ? `; documents like it ${lattice > 0 ? "raised" : "lowered"} it by ${amount(lattice)}${most}`
    : "";
  const lost =
    trust < 0 && visible(trust) ? `; its trust of ${parts?.trust} lowered it by ${amount(trust)}` : "";
  return `${head} by its own evidence ${ordinal(ownRank)}, at ${signed(sum)}${from}${moved}${lost}`;
}

/** The parts of the score that all say how far a document matches the query's words: told as one. */
const WORDS: readonly string[] = ["grams", "words", "phrases"];

/** What of a document counted in its own evidence, as a person would name it, and how much. */
function toldTerms(
  { parts, terms, namedBy }: BundleEntry,
  scored: boolean,
  said: boolean,
): { readonly figure: string; readonly term: number }[] {
  const { neighbours: _, trust: __, ...own } = terms ?? {};
  const told: { figure: string; term: number }[] = [];
  let ofWords = 0;
  for (const [name, term] of Object.entries(own)) {
    if (WORDS.includes(name)) ofWords += term;
    else
      told.push({ figure: toldFigure(name, said ? field(parts, name) : undefined, namedBy, scored), term });
  }
  return [...told, { figure: "words of the query", term: ofWords }];
}

function toldFigure(name: string, value: unknown, namedBy: string | null, scored: boolean): string {
  const of = typeof value !== "number" ? "" : ` of ${Number(value.toPrecision(3))}`;
  if (name === "similarity" && of !== "") {
    return scored ? `its score${of} in the search` : `its cosine${of} with the query`;
  }
  if (name.startsWith("list:")) return `the list ${shown(name.slice(5))}`;
  if (name === "links") return namedBy === null ? "links" : `being named by ${shown(namedBy)}`;
  if (name === "title") return "its title";
  return name === "feedback" ? "likeness to the best" : shown(name);
}

function leftOutLine(entry: LeftOut, receipt: AnySigned): string {
  const { inputs, params, bundle } = receipt;
  const { id, inputRank, rank, copyOf } = entry;
  const head = `left out ${shown(id)} (was ${ordinal(inputRank)}):`;
  if (copyOf !== null) return `${head} near-copy of ${shown(copyOf)}`;
  if (rank !== null) {
    const reached = isLattice(receipt) ? null : receipt.relevance?.reached;
    if (rank > (reached ?? rank)) {
      return `${head} ${ordinal(rank)} by score, and less relevant than ${params.minRelevance}`;
    }
    // Only the first k of the near-copies are named, and without novelty nothing else is passed over.
    const passed =
      params.diversity > 0
        ? "others that are unlike the chosen were preferred"
        : "a near-copy of a better document";
    return `${head} ${ordinal(rank)} by score${rank <= bundle.length ? `, but ${passed}` : ""}`;
  }
  if (inputs.missing === 0) return `${head} excluded by trust 0`;
  const lack = `could not be ranked, as it has ${nothing(inputs)}`;
  return inputs.excluded === 0 ? `${head} ${lack}` : `${head} ${lack}, or excluded by trust 0`;
}

const OPEN: Readonly<Record<Open, string>> = {
  "nothing-ranked": "nothing was ranked",
  novelty: "the choice is not by score alone",
  graph: "two cosines are too close to tell which documents are neighbours",
  size: "the pool is too large for its neighbours to be checked",
  best: "two documents are too close to tell which is among the best that were listened to",
  copies: "it is too close to tell whether a document is a near-copy",
  scores: "two scores that decide it are too close to tell apart",
  relevance: "the relevance of a document is too close to the least that was asked for",
};

function certifiedLine({ certificate }: SignedReceipt): string {
  const { orderCertified, margin, open } = certificate;
  if (!orderCertified) {
    // The reason may be any text, and one that every object has a property of.
    const reason = open !== null && Object.hasOwn(OPEN, open) ? OPEN[open] : "no reason was given";
    return `order not certified: ${reason}`;
  }
  const by = margin === null ? "" : `, by a margin of ${margin.toPrecision(2)} standard deviations`;
  return `order certified: exact arithmetic gives the same bundle in the same order${by}`;
}
