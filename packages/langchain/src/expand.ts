import type { DocumentInterface } from "@langchain/core/documents";
import {
  completeVectors,
  type Embedder,
  OptionError,
  show,
  type Vector,
  type Waiting,
} from "@oscillink/core/adapter";

/** How a second search widens the pool. */
export interface Expand {
  /** How many of the first hits are searched with. Integer >= 1. */
  seeds: number;
  /** How many hits each of these searches fetches, those included that the pool has already. Integer >= 1. */
  perSeed: number;
}

/** A document that a search returned, and its vector where the store hands it over. */
export interface PooledDocument {
  readonly document: DocumentInterface;
  readonly vector: Vector | null | undefined;
}

/** A pool that was widened, and what that took. */
export interface Expanded {
  /** The pool as it was, and behind it what was added. */
  readonly pool: readonly PooledDocument[];
  readonly counts: {
    /** How many searches were made: fewer than `seeds` if the pool is smaller, or vectors are missing. */
    readonly searches: number;
    /** How many hits they returned. */
    readonly found: number;
    /** How many of these were new. */
    readonly added: number;
  };
}

/** @throws {OptionError} for anything but undefined and a whole {@link Expand}. */
export function resolveExpand(expand: Expand | undefined): Expand | undefined {
  if (expand === undefined) return undefined;
  if (typeof expand !== "object" || expand === null) {
    throw new OptionError("expand", `must be { seeds, perSeed }, not ${show(expand)}`);
  }
  const { seeds, perSeed, ...rest } = expand;
  for (const [name, value] of Object.entries({ seeds, perSeed })) {
    if (!Number.isSafeInteger(value) || value < 1) {
      throw new OptionError(`expand.${name}`, `must be an integer of at least 1, not ${show(value)}`);
    }
  }
  const unknown = Object.keys(rest)[0];
  if (unknown !== undefined)
    throw new OptionError(`expand.${unknown}`, "unknown option; known are seeds, perSeed");
  return { seeds, perSeed };
}

/**
 * Searches once more with the vectors of the first of a pool, all at the same time, and adds what is new: documents of
 * another id, or where they have none, of another content.
 *
 * @param search returns the hits nearest to a vector, with their own vectors.
 * @param embedder embeds the seeds whose vectors are not at hand; null: these are passed over.
 */
export async function expandPool(
  pool: readonly PooledDocument[],
  { seeds, perSeed }: Expand,
  search: (near: Vector, count: number) => Promise<readonly PooledDocument[]>,
  embedder: Embedder | null,
  waiting: Waiting,
): Promise<Expanded> {
  const first = pool.slice(0, seeds);
  const vectors = first.map(({ vector }) => vector);
  const texts = first.map(({ document }) => document.pageContent);
  const { embeddings }: { embeddings: readonly (Vector | null | undefined)[] } = embedder
    ? await completeVectors(vectors, texts, embedder, waiting)
    : { embeddings: vectors };
  const known = embeddings.filter((vector): vector is Vector => vector !== null && vector !== undefined);
  const found = (await Promise.all(known.map((near) => search(near, perSeed)))).flat();
  const seen = new Set(pool.map(keyOf));
  const added = found.filter((entry) => {
    const key = keyOf(entry);
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
  });
  const counts = { searches: known.length, found: found.length, added: added.length };
  return { pool: [...pool, ...added], counts };
}

const keyOf = ({ document: { id, pageContent } }: PooledDocument): string =>
  id === undefined || id === null ? `text:${pageContent}` : `id:${id}`;
