import { tensionOf } from "../diagnose/figures.ts";
import { nullPoints } from "../diagnose/nullPoints.ts";
import { chainOfCandidates } from "../graph/chain.ts";
import { kernel } from "../kernels/fastest.ts";
import type { ReceiptOptions } from "../options/calls.ts";
import type { Query } from "../pool/query.ts";
import type { Answer, RankedEntry } from "../rank/bundle.ts";
import { certify } from "../rank/certificate.ts";
import type { Problem } from "../solve/problem.ts";
import { edgeStrain, evidenceEnergy } from "../solve/settle.ts";
import { version } from "../version.ts";
import { QUERY_LIMIT, TEXT_LIMIT } from "../words/cut.ts";
import { digestJson } from "./digest.ts";
import { inputsOf, leftOutOf, type PoolDigests } from "./inputs.ts";
import { contentDigest, figures, type Receipt, significant } from "./receipt.ts";

/** How many texts, titles and queries are longer than what is weighed of them. */
function cutShort({ pool }: Problem, { text }: Query): number {
  const long = (part: string) => part.length > TEXT_LIMIT;
  const count = (column: readonly string[] | null) => column?.filter(long).length ?? 0;
  return count(pool.texts) + count(pool.titles) + Number((text?.length ?? 0) > QUERY_LIMIT);
}

/** The record of a re-ranking, but for the time that it took. */
export function writeReceipt(
  problem: Problem,
  query: Query,
  answer: Answer,
  entries: readonly RankedEntry[],
  digests: PoolDigests,
  options: Required<ReceiptOptions>,
): Omit<Receipt, "t_ms"> {
  const { params, pool, chain, network } = problem;
  const { ranking, choice } = answer;
  const { evidence, fused, system, settled, relevance } = ranking;
  const inputs = { ...inputsOf(pool, query), ...digests };
  const links = chain && chainOfCandidates(pool, chain);
  const documents = entries.map(({ index: _, ...entry }) => ({
    ...entry,
    score: entry.score === null ? null : significant(entry.score),
    relevance: entry.relevance === null ? null : significant(entry.relevance),
    parts: entry.parts && figures(entry.parts),
    terms: entry.terms && figures(entry.terms),
    neighbours: entry.neighbours?.map(figures) ?? null,
  }));
  const initial = evidenceEnergy(system, fused.y, fused.y);
  const final = evidenceEnergy(system, settled.f, fused.y);
  const totalOf = ({ anchor, coherence, chain: ofChain }: typeof initial) => anchor + coherence + ofChain;
  const change = (term: keyof typeof initial) => ({ initial: initial[term], final: final[term] });
  const { graph } = network;
  const points =
    options.detail === "full"
      ? nullPoints(graph, edgeStrain(system, settled.f), options.nullThreshold)
      : null;
  const tension = tensionOf(pool, graph, points, options);
  const { residual, bound, margin, ...certificate } = certify(problem, answer);
  const weighed = fused.feedback ? [...evidence.channels, fused.feedback] : evidence.channels;
  const content = {
    schema: "oscillink-receipt/3",
    version,
    profile: params.profile,
    params,
    inputs,
    context: options.context,
    focus: options.focus,
    chain: links,
    evidence: {
      weights: Object.fromEntries(weighed.map(({ name, weight }) => [name, significant(weight)])),
      words: evidence.hasWords
        ? { belief: significant(evidence.belief), skew: significant(evidence.skew) }
        : null,
      best: fused.best.map((node) => pool.candidate[node]!).sort((a, b) => a - b),
      lamC: system.lamC,
      cut: cutShort(problem, query),
    },
    relevance: relevance && {
      basis: relevance.basis,
      coefficients: figures(relevance.coefficients),
      scale: relevance.scale && figures(relevance.scale),
      most: relevance.most === null ? null : significant(relevance.most),
      deviation: significant(relevance.lead.deviation),
      reached: relevance.reached,
    },
    bundle: documents,
    left_out: leftOutOf(pool, params.k, documents, { ...ranking, copies: choice.copies }),
    deltaH_total: totalOf(initial) - totalOf(final),
    energy: {
      initial: totalOf(initial),
      final: totalOf(final),
      terms: { anchor: change("anchor"), coherence: change("coherence"), chain: change("chain") },
    },
    iterations: settled.iterations,
    null_points: tension.null_points?.map(figures) ?? null,
    meta: {
      ...tension.meta,
      crowding: { share: network.crowded, passed: choice.copies.length },
      state_sig: digestJson({ inputs, params, chain: links }),
    },
    certificate: {
      residual: significant(residual),
      bound: significant(bound),
      margin: margin === null ? null : significant(margin),
      ...certificate,
    },
    kernel: { name: kernel.name, version: kernel.version },
    vectors: options.vectors,
  } as const;
  return { ...content, digest: contentDigest(content) };
}
