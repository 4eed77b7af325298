import { OptionError, show, VectorError } from "../errors.ts";
import { kernel } from "../kernels/fastest.ts";
import { type Matrix, matrix } from "../kernels/matrix.ts";
import { product } from "../kernels/scalar.ts";
import { profiles } from "../options/profiles.ts";
import type { Params } from "../options/types.ts";
import { cosineOf, packOne, unitRows, type Vector, widthOf } from "./matrix.ts";
import { checkNorm, type Pool } from "./pool.ts";

/** What is asked of a pool. */
export interface Query {
  /** The vector as it came, for the digest. */
  readonly raw: Matrix;
  /** The vector in the space of the nodes: of length 1 if they are. */
  readonly vector: Float32Array;
  /** `|vector|²`. */
  readonly square: number;
  /** The words; null if none came. */
  readonly text: string | null;
}

/**
 * Judges and packs a query.
 *
 * @param vector null where the candidates came with scores in place of vectors.
 * @throws {VectorError} for another width, a value that is not finite, or a zero vector where the ranking is not the published one.
 * @throws {OptionError} for a text that is no string.
 */
export function makeQuery(pool: Pool, params: Params, vector: Vector | null, text: string | null): Query {
  if (text !== null && typeof text !== "string") {
    throw new OptionError("queryText", `must be a string, not ${show(text)}`);
  }
  const raw = pool.scores ? noVector(pool, params, vector) : packVector(pool, params, vector);
  const { data } = params.normalize ? unitRows(raw) : raw;
  const square = product(data, 0, data, 0, raw.stride);
  if (!params.normalize && square > 0) checkNorm("query", Math.sqrt(square));
  return { raw, vector: data, square, text: text?.toWellFormed() ?? null };
}

/** `Y_i · psi`. */
export function ownProduct({ vectors }: Pool, { vector }: Query, node: number): number {
  const { data, stride } = vectors;
  return product(data, node * stride, vector, 0, stride);
}

/** Cosine of each node's own vector with the query, 0 where it has none; or the score that it came with. */
export function ownSimilarities({ scores, candidate, norms, vectors }: Pool, query: Query): Float64Array {
  if (scores) return norms.map((_, node) => scores[candidate[node]!]!);
  const { rows } = vectors;
  kernel.hold(vectors);
  const [own, vector, products] = kernel.place(vectors, query.vector, new Float64Array(rows));
  kernel.products(own, vector, products);
  const length = Math.sqrt(query.square);
  return products.map((value, node) => cosineOf(value, norms[node]! * length));
}

function packVector({ d }: Pool, { profile }: Params, vector: Vector | null): Matrix {
  const raw = packOne(vector as Vector, d || widthOf(vector as Vector, "query"), "query");
  // The Python package settles without a query too: nothing is like it, and coherence alone ranks.
  const needed = profiles[profile].strategies.score !== "published";
  if (needed && raw.norms[0] === 0) throw new VectorError("query", "is zero; it has no direction to rank by");
  return raw;
}

/** What stands in for the query among vectors of words: a vector of zeros. */
function noVector({ vectors }: Pool, { lamQ }: Params, vector: Vector | null): Matrix {
  if (vector !== null) {
    throw new VectorError("query", "must be null: the candidates came with scores and have no vectors");
  }
  if (lamQ > 0) throw new OptionError("lamQ", "must be 0 where there is no query vector to pull");
  return matrix(1, vectors.columns);
}
