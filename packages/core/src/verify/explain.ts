import { OptionError, show } from "../errors.ts";
import type { BundleEntry } from "../rank/bundle.ts";
import { SENTENCES, TERMS, type Term, type Terms } from "../rank/evidence.ts";
import { isReceipt } from "../receipt/read.ts";
import type { LeftOut, SignedReceipt } from "../receipt/receipt.ts";

/**
 * A receipt in plain English, one short sentence a line: what was asked of how many candidates, why each document of
 * the bundle is where it is, why others are not there, whether the order is certified, and the digest.
 *
 * The same receipt gives the same lines everywhere. They are for people: they name the one or two terms that add most
 * to a score, though the scores of others decide a place as well. No id can pass for anything else: those of more than
 * ASCII letters, digits and `._-:/#@+` stand in quotes and escaped, and long ones are shortened.
 *
 * @param receipt a receipt, or the signed content of one. What it says is not verified here; see `verifyReceipt`.
 * @throws {OptionError} for what has not the form of a receipt.
 *
 * @example
 * console.log(explainReceipt(receipt).join("\n"));
 */
export function explainReceipt(receipt: SignedReceipt): string[] {
  if (!isReceipt(receipt)) throw new OptionError("receipt", `must be a receipt, not ${show(receipt)}`);
  return [
    askedLine(receipt),
    ...receipt.bundle.map((entry) => keptLine(entry, receipt)),
    ...receipt.left_out.map((entry) => leftOutLine(entry, receipt)),
    certifiedLine(receipt),
    `digest ${shown(receipt.digest, 80)}`,
  ];
}

function askedLine({ inputs, params, profile, chain, meta }: SignedReceipt): string {
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

/** What a candidate that could not be ranked had. */
const nothing = ({ scores }: SignedReceipt["inputs"]): string => (scores === null ? "no vector" : "no score");

const listed = (parts: readonly (false | string)[]): string => parts.filter(Boolean).join(", ");

function keptLine(entry: BundleEntry, receipt: SignedReceipt): string {
  const { id, rank, inputRank, terms, parts } = entry;
  const head = `kept ${shown(id)} (${ordinal(rank)}, was ${ordinal(inputRank)}):`;
  if (terms === null) return `${head} put last, as it has ${nothing(receipt.inputs)} and could not be ranked`;
  const moved = inputRank - rank;
  const move = moved > 0 ? `moved up ${moved}` : moved < 0 ? `moved down ${-moved}, but kept` : "stayed";
  const { inputs, params } = receipt;
  const of = { scores: inputs.scores !== null, lamC: params.lamC };
  const reasons = strongest(terms).map((term) => SENTENCES[term](of));
  const why =
    reasons.length > 0 ? `mainly because ${reasons.join(", and ")}` : "though nothing in it stands out";
  const lost = visible(-terms.trust)
    ? `; its trust of ${parts?.trust} lowered its score by ${amount(-terms.trust)}`
    : "";
  return `${head} ${move}, ${why}${lost}`;
}

/** In standard deviations: what rounds to less than 0.01 is not worth a word. */
const visible = (term: number): boolean => term >= 0.005;
const amount = (term: number): string => term.toFixed(2);

/** The term that adds most to a score, and the next if it adds at least half as much. */
function strongest(terms: Terms): Term[] {
  const order = TERMS.filter((name) => visible(terms[name])).sort((a, b) => terms[b] - terms[a]);
  return order.slice(0, 2).filter((name) => terms[name] >= terms[order[0]!] / 2);
}

function leftOutLine(entry: LeftOut, { inputs, params, bundle }: SignedReceipt): string {
  const { id, inputRank, rank, copyOf } = entry;
  const head = `left out ${shown(id)} (was ${ordinal(inputRank)}):`;
  if (copyOf !== null) return `${head} near-copy of ${shown(copyOf)}`;
  if (rank !== null) {
    // Only the first k of the near-copies are named, and without novelty nothing else is passed over.
    const passed = params.diversity > 0 ? "others are more of a novelty" : "a near-copy of a better document";
    return `${head} ${ordinal(rank)} by score${rank <= bundle.length ? `, but ${passed}` : ""}`;
  }
  if (inputs.missing === 0) return `${head} excluded by trust 0`;
  const lack = `could not be ranked, as it has ${nothing(inputs)}`;
  return inputs.excluded === 0 ? `${head} ${lack}` : `${head} ${lack}, or excluded by trust 0`;
}

function certifiedLine({ certificate, params, profile, meta }: SignedReceipt): string {
  const { orderCertified, margin } = certificate;
  if (orderCertified) {
    const by = margin === null ? "" : `, by a margin of ${margin.toPrecision(2)} standard deviations`;
    return `order certified: the exact solution gives the same bundle in the same order${by}`;
  }
  const head = "order not certified:";
  if (!meta.ustar_converged) {
    const { ustar_iters } = meta;
    return `${head} the solver did not converge in ${ustar_iters} iteration${ustar_iters === 1 ? "" : "s"}`;
  }
  if (params.diversity > 0 || params.coherenceWeight > 0 || profile === "reference") {
    return `${head} the choice is not by score alone`;
  }
  return `${head} two scores that decide it are too close to tell apart`;
}

function ordinal(place: number): string {
  const teen = place % 100 > 10 && place % 100 < 14;
  const ending = teen ? undefined : { 1: "st", 2: "nd", 3: "rd" }[place % 10];
  return `${place}${ending ?? "th"}`;
}

/** Of more than ASCII: what breaks a line, turns the direction of writing, or does not show. */
const HIDDEN =
  /[\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\u{e0000}-\u{e007f}]/gu;

/** A text of anyone's, so that it can pass for nothing else and is no longer than is fit for a line. */
function shown(text: string, longest = 40): string {
  const units = Array.from(text);
  if (units.length <= longest) return plain(text);
  const head = units.slice(0, longest - 13).join("");
  return `${plain(head)}…${plain(units.slice(-12).join(""))}`;
}

function plain(text: string): string {
  if (/^[\w.\-:/#@+]+$/.test(text)) return text;
  const escaped = (hidden: string): string => {
    const code = hidden.codePointAt(0)!.toString(16);
    return code.length > 4 ? `\\u{${code}}` : `\\u${code.padStart(4, "0")}`;
  };
  return JSON.stringify(text).replace(HIDDEN, escaped);
}
