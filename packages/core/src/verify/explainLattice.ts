/** What is told of receipts of the lattice of vectors: those of the profile `reference`, and all that older versions wrote. */
import type { LatticeEntry } from "../python/latticeReceipt.ts";
import type { SignedLatticeReceipt } from "../receipt/receipt.ts";
import { amount, nothing, ordinal, shown, visible } from "./sentences.ts";

const TERMS = ["settled", "text", "feedback", "coherence"] as const;
type Term = (typeof TERMS)[number];

/** Why a document is in the bundle. */
export function latticeKeptLine(entry: LatticeEntry, receipt: SignedLatticeReceipt): string {
  const { id, rank, inputRank, terms, parts } = entry;
  const head = `kept ${shown(id)} (${ordinal(rank)}, was ${ordinal(inputRank)}):`;
  if (terms === null) return `${head} put last, as it has ${nothing(receipt.inputs)} and could not be ranked`;
  const moved = inputRank - rank;
  const move = moved > 0 ? `moved up ${moved}` : moved < 0 ? `moved down ${-moved}, but kept` : "stayed";
  const { inputs, params } = receipt;
  const of = { scores: inputs.scores !== null, lamC: params.lamC };
  const reasons = strongest(terms).map((term) => reason(term, of));
  const why =
    reasons.length > 0 ? `mainly because ${reasons.join(", and ")}` : "though nothing in it stands out";
  const lost =
    terms.trust < 0 && visible(terms.trust)
      ? `; its trust of ${parts?.trust} lowered its score by ${amount(terms.trust)}`
      : "";
  return `${head} ${move}, ${why}${lost}`;
}

/** The term that adds most to a score, and the next if it adds at least half as much. */
function strongest(terms: NonNullable<LatticeEntry["terms"]>): Term[] {
  const order = TERMS.filter((name) => terms[name] > 0 && visible(terms[name])).sort(
    (a, b) => terms[b] - terms[a],
  );
  return order.slice(0, 2).filter((name) => terms[name] >= terms[order[0]!] / 2);
}

function reason(term: Term, { scores, lamC }: { readonly scores: boolean; readonly lamC: number }): string {
  switch (term) {
    case "settled":
      if (scores) return "the search scored it high";
      return lamC > 0
        ? "it and the documents around it agree with the query"
        : "its vector is near the query's";
    case "text":
      return "its words match the query";
    case "feedback":
      return "it is like the best";
    case "coherence":
      return "the documents around it came to agree";
  }
}

/** Whether the order is certified. */
export function latticeCertifiedLine({ certificate, params, profile, meta }: SignedLatticeReceipt): string {
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
