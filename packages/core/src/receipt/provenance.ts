import type { Digest } from "./digest.ts";

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
}

/**
 * Whether two lattices are the same, part by part: parameters (all but k), shape, vectors, edges, chain, query, trust and
 * texts. The published comparison overlooks vectors and the chain's contents; this one does not.
 */
export function compareProvenance(
  a: Provenance,
  b: Provenance,
): { same: boolean; equal: { readonly [part in keyof Provenance]: boolean } } {
  const parts = ["params", "shape", "vectors", "edges", "chain", "query", "trust", "texts"] as const;
  const equal = Object.fromEntries(parts.map((part) => [part, a[part] === b[part]])) as Record<
    keyof Provenance,
    boolean
  >;
  return { same: parts.every((part) => equal[part]), equal };
}
