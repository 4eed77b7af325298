import { OptionError, OscillinkError } from "../errors.ts";
import { Lattice } from "../lattice.ts";
import { profiles } from "../options/profiles.ts";
import type { Candidate } from "../pool/candidates.ts";
import type { Edge } from "../pool/input.ts";
import { makePool } from "../pool/pool.ts";
import { makeQuery } from "../pool/query.ts";
import { publishedColumns } from "../python/write.ts";
import { canonicalJson } from "../receipt/canonical.ts";
import { inputsOf, poolDigests } from "../receipt/inputs.ts";
import { readContent } from "../receipt/read.ts";
import { type AnyReceipt, type AnySigned, coveredContent, isLattice } from "../receipt/receipt.ts";
import { readUntrusted } from "../receipt/untrusted.ts";
import type { Reason } from "../receipt/verifier.ts";
import { poolOf, type RerankRequest } from "../rerank.ts";
import { version } from "../version.ts";

/** What a receipt is replayed on: what `rerank` was given then, without the options, which the receipt holds. */
export interface ReplayInputs<C extends Candidate = Candidate>
  extends Pick<RerankRequest<C>, "query" | "queryText" | "candidates" | "lists"> {
  /** The graph, where one was given. */
  readonly edges?: readonly Edge[];
}

/** Whether a replay came to the same. */
export type Replay = { readonly ok: true } | Refusal;

interface Refusal {
  readonly ok: false;
  readonly reason: Extract<
    Reason,
    "schema" | "version" | "digest" | "replay-inputs" | "replay-bundle" | "replay-figures"
  >;
  /** What differs, as paths in the receipt: `"inputs.query"`, `"bundle"`, `"energy"`. */
  readonly differences: readonly string[];
}

/**
 * Computes everything again from the same candidates and query, and compares: does this input, with the receipt's own
 * parameters, give this bundle and these figures, bit for bit? The kernel, the runtime and the day do not matter.
 *
 * The reason of a refusal, in the order in which they are looked for: `"schema"` for what is no receipt or has parameters
 * out of range; `"version"` for another schema than this one's; `"digest"` where the receipt's digest is not that of its
 * content; `"replay-inputs"` where candidates, query, words, trust or graph are others than then; `"replay-bundle"`
 * where other documents, another order or other scores came out; `"replay-figures"` for the rest. Where another version
 * of this package wrote the receipt, the last two are `"version"`: its way of computing may have been another. So is a
 * receipt of a profile that is no longer computed; `differences` then holds `"profile"`.
 *
 * A receipt of a lattice that `settle()` had moved cannot be replayed: its steps are not in it (`"replay-figures"`).
 *
 * @example
 * const verified = verifyReceipt(envelope, verifier);
 * if (verified.ok) console.log(replayReceipt(verified.receipt, { query, queryText, candidates }));
 */
export function replayReceipt(receipt: AnyReceipt | AnySigned, inputs: ReplayInputs): Replay {
  const read = readUntrusted(receipt);
  const content = read === null ? "schema" : readContent(read.data);
  if (typeof content === "string") return refusal(content as Refusal["reason"], []);
  // Of the lattice of vectors only the published profile is still computed.
  if (!Object.hasOwn(profiles, content.profile) || isLattice(content) !== (content.profile === "reference")) {
    return refusal("version", ["profile"]);
  }
  const again = computed(content, inputs);
  if ("reason" in again) return again;
  const [then, now] = [coveredContent(content), coveredContent(again)] as [Fields, Fields];
  const sameCode = version === content.version;
  const names = differences(then, now).filter((name) => name !== "version");
  if (names.includes("bundle")) return refusal(sameCode ? "replay-bundle" : "version", ["bundle"]);
  const inMeta = () => differences(then.meta as Fields, now.meta as Fields).map((name) => `meta.${name}`);
  const figures = names.flatMap((name) => (name === "meta" ? inMeta() : [name]));
  return figures.length > 0 ? refusal(sameCode ? "replay-figures" : "version", figures) : { ok: true };
}

type Fields = Readonly<Record<string, unknown>>;

/** The names under which two records hold something else. */
const differences = (a: Fields, b: Fields): string[] =>
  [...new Set([...Object.keys(a), ...Object.keys(b)])].filter(
    (name) => canonicalJson(a[name] ?? null) !== canonicalJson(b[name] ?? null),
  );

/** The receipt that the inputs give with the parameters of another. */
function computed(content: AnySigned, inputs: ReplayInputs): AnyReceipt | Refusal {
  try {
    const { params, chain, meta, context, focus } = content;
    const { edges, ...given } = inputs;
    const { input, params: resolved, query, queryText } = poolOf({ ...given, ...params }, edges);
    // The digests are compared first: they take little time, whatever came in.
    const pool = makePool(input, resolved, profiles[resolved.profile].strategies);
    const asked = makeQuery(pool, resolved, query ?? null, queryText ?? null);
    const digests = isLattice(content) ? publishedColumns(poolDigests(pool)) : poolDigests(pool);
    const changed = differences(content.inputs, { ...inputsOf(pool, asked), ...digests });
    if (changed.length > 0)
      return refusal(
        "replay-inputs",
        changed.map((name) => `inputs.${name}`),
      );
    const lattice = new Lattice(input, resolved).setQuery(query ?? null, queryText ?? null);
    if (chain !== null) lattice.addChain(chain.nodes, { lamP: chain.lamP, weights: chain.weights });
    return lattice.receipt({
      detail: meta.receipt_detail,
      context: context ?? null,
      focus: focus ?? null,
      ...(meta.null_points_summary && { nullCap: meta.null_points_summary.returned_null_points }),
      // One that is not finite cannot be written down.
      ...(meta.receipt_detail === "full" && { nullThreshold: meta.null_threshold ?? Infinity }),
    });
  } catch (error) {
    // The options are the receipt's own; all else came with the inputs.
    if (error instanceof OptionError) return refusal("schema", [`params.${error.parameter}`]);
    return refusal("replay-inputs", error instanceof OscillinkError ? [error.parameter] : []);
  }
}

const refusal = (reason: Refusal["reason"], differing: readonly string[]): Refusal => ({
  ok: false,
  reason,
  differences: differing,
});
