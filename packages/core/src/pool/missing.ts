/** Candidates that cannot be ranked, for they came without a vector, with a zero one, or without a score. */
import { CandidateError } from "../errors.ts";
import { indices } from "../math.ts";

/** Which candidates cannot be ranked. Those that trust 0 excludes are not among them. */
export const missingOf = (norms: Float64Array, trust: Float64Array): number[] =>
  indices(norms.length).filter((i) => norms[i] === 0 && trust[i]! > 0);

/** The policy `"error"`. @throws {CandidateError} if there are any. */
export function refuseMissing(missing: readonly number[], name: (i: number) => string): void {
  if (missing.length === 0) return;
  const others = missing.length > 1 ? `, as are ${missing.length - 1} more` : "";
  throw new CandidateError(
    name(missing[0]!),
    `is missing or zero${others}; pass a vector, or set missing to "append" or "drop"`,
  );
}

/**
 * The policies `"append"` and `"drop"`: the candidates, by index and in the order they came, that fill up a bundle of
 * `ranked` documents.
 */
export function appended(
  { missing, everyNode }: { readonly missing: readonly number[]; readonly everyNode: boolean },
  policy: "append" | "drop" | "error",
  k: number,
  ranked: number,
): number[] {
  // Where every candidate is a node, those without a vector were ranked too.
  return policy === "append" && !everyNode ? missing.slice(0, Math.max(0, k - ranked)) : [];
}
