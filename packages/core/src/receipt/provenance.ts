import { chainOfCandidates } from "../graph/chain.ts";
import { edgesOfCandidates } from "../graph/network.ts";
import type { Query } from "../pool/query.ts";
import type { Problem } from "../solve/problem.ts";
import { type Digest, digestJson, digestTexts, digestVectors } from "./digest.ts";
import type { PoolDigests } from "./inputs.ts";

/** Digests of what a lattice is made of, part by part; see {@link compareProvenance}. */
export interface Provenance {
  readonly params: Digest;
  readonly shape: Digest;
  readonly vectors: Digest;
  readonly edges: Digest;
  readonly chain: Digest;
  readonly query: Digest;
  readonly trust: Digest;
  readonly texts: Digest;
  /** Which candidates the search found, the further lists, and the links. */
  readonly lists: Digest;
}

/**
 * Whether two lattices are the same, part by part: parameters (all but k), shape, vectors, edges, chain, query, trust,
 * texts and lists. The published comparison overlooks vectors and the chain's contents; this one does not.
 */
export function compareProvenance(
  a: Provenance,
  b: Provenance,
): { same: boolean; equal: { readonly [part in keyof Provenance]: boolean } } {
  const parts = ["params", "shape", "vectors", "edges", "chain", "query", "trust", "texts", "lists"] as const;
  const equal = Object.fromEntries(parts.map((part) => [part, a[part] === b[part]])) as Record<
    keyof Provenance,
    boolean
  >;
  return { same: parts.every((part) => equal[part]), equal };
}

/** The digests of a lattice. */
export function provenanceOf(
  { params, pool, chain, network }: Problem,
  query: Query | null,
  { candidates, scores, found, lists, links }: PoolDigests,
): Provenance {
  const { k: _, ...computation } = params;
  return {
    params: digestJson(computation),
    shape: digestJson([pool.n, pool.d]),
    vectors: (scores ?? candidates)!,
    edges: digestJson(edgesOfCandidates(pool, network.graph)),
    chain: digestJson(chain && chainOfCandidates(pool, chain)),
    query: digestJson([query && digestVectors(query.raw), digestTexts([query?.text ?? ""])]),
    trust: digestJson(Array.from(pool.trust)),
    texts: digestJson([digestTexts(pool.texts ?? []), digestTexts(pool.titles ?? [])]),
    lists: digestJson([found, lists, links]),
  };
}
