import type { Vector } from "./embeddings.ts";
import { OptionError, show } from "./errors.ts";
import { type Options, type Params, resolveOptions } from "./options.ts";
import type { Terms } from "./rank/score.ts";
import type { Digest } from "./receipt/digest.ts";
import type { Parts, Receipt } from "./receipt/receipt.ts";
import {
  type AsyncSigner,
  checkSigner,
  type Signature,
  type Signer,
  signReceiptAsync,
} from "./receipt/sign.ts";
import { type Candidate, type RerankRequest, rerank } from "./rerank.ts";
import { completeVectors, type Embedder } from "./vectors.ts";

/** How much of the record each document carries: the whole receipt, its digest, or nothing but its score. */
export type Attach = "full" | "digest" | "none";

/** What an adapter leaves with each document that it returns. */
export interface DocumentRecord {
  /** Its place in the bundle, from 1. */
  readonly rank: number;
  /** Its place among the candidates, from 1. */
  readonly inputRank: number;
  /** Its score, in standard deviations of the pool; null if it had no vector and could not be ranked. */
  readonly score: number | null;
  /** With `attach: "full"`: the evidence, and the terms that add up to the score. */
  readonly parts?: Parts | null;
  readonly terms?: Terms | null;
  /** The receipt with `attach: "full"`, its digest with `"digest"`. All documents of a bundle share it. */
  readonly receipt: Receipt | Digest;
  /** With a `signer`: its signature of the receipt; `envelopeOf` puts the two together for `verifyReceipt`. */
  readonly signatures?: readonly Signature[];
}

/** What all adapters take, besides the options of `rerank` (`k`, `profile`, …). */
export interface AdapterOptions<Item> extends Options {
  /** How far an item is to be trusted, in [0, 1]. Default: 1 for all. */
  trust?: (item: Item) => number | undefined;
  /** An item's title, if it is not part of its text. Default: what the adapter says. */
  title?: (item: Item) => string | undefined;
  /** Where in an item's metadata the record goes. Default `"oscillink"`. */
  metadataKey?: string;
  /** How much of the record is attached. Default `"full"`; tracers see it too, so prefer `"digest"` in production. */
  attach?: Attach;
  /** Signs every receipt: see `@oscillink/core/keys`. Default: none. */
  signer?: Signer | AsyncSigner;
  /**
   * What becomes of a failure (a store, an embedder, bad vectors): `"throw"` (default), or `"passthrough"`: the first k
   * come back in the order in which they came, without a record, and `onWarning` is told.
   */
  onError?: "throw" | "passthrough";
  /** Told what failed, where `onError` is `"passthrough"`. */
  onWarning?: (error: unknown) => unknown;
}

/** The options of an adapter, judged and resolved. */
export interface AdapterSettings<Item> {
  readonly trust: (item: Item) => number | undefined;
  readonly title: (item: Item) => string | undefined;
  readonly metadataKey: string;
  readonly attach: Attach;
  readonly signer: Signer | AsyncSigner | null;
  readonly onError: "throw" | "passthrough";
  readonly onWarning: (error: unknown) => unknown;
  /** The options of `rerank`, as given. */
  readonly options: Options;
  /** The same, resolved. */
  readonly params: Params;
}

/**
 * Judges all options when an adapter is made, not when its first query comes.
 *
 * @param title the adapter's default.
 * @throws {OptionError} for an option that is unknown or out of range.
 */
export function resolveAdapterOptions<Item>(
  given: AdapterOptions<Item>,
  defaultTitle: (item: Item) => string | undefined = () => undefined,
): AdapterSettings<Item> {
  const {
    trust = () => undefined,
    title = defaultTitle,
    metadataKey = "oscillink",
    attach = "full",
    signer = null,
    onError = "throw",
    onWarning = () => undefined,
    ...options
  } = given;
  for (const [name, value] of Object.entries({ trust, title, onWarning })) {
    if (typeof value !== "function") throw new OptionError(name, `must be a function, not ${show(value)}`);
  }
  if (typeof metadataKey !== "string" || metadataKey === "") {
    throw new OptionError("metadataKey", `must be a string that is not empty, not ${show(metadataKey)}`);
  }
  if (!["full", "digest", "none"].includes(attach)) {
    throw new OptionError("attach", `must be "full", "digest" or "none", not ${show(attach)}`);
  }
  if (!["throw", "passthrough"].includes(onError)) {
    throw new OptionError("onError", `must be "throw" or "passthrough", not ${show(onError)}`);
  }
  if (signer !== null) checkSigner(signer);
  const params = resolveOptions(options);
  return { trust, title, metadataKey, attach, signer, onError, onWarning, options, params };
}

/**
 * How many candidates a retriever fetches to choose k from.
 *
 * @param pool integer >= k; default max(50, 10 k).
 * @throws {OptionError} for another.
 */
export function resolvePool(pool: number | undefined, k: number): number {
  const size = pool ?? Math.max(50, 10 * k);
  if (Number.isSafeInteger(size) && size >= k) return size;
  throw new OptionError("pool", `must be an integer of at least k = ${k}, not ${show(pool)}`);
}

/**
 * How many vectors of texts that were embedded again an adapter keeps; see {@link cachedEmbedder}.
 *
 * @param cache integer >= 0, default 1000; 0 for none.
 * @throws {OptionError} for another.
 */
export function resolveCache(cache = 1000): number {
  if (Number.isSafeInteger(cache) && cache >= 0) return cache;
  throw new OptionError("cache", `must be an integer of at least 0, not ${show(cache)}`);
}

/** What is known of the items' likeness to the query, one entry an item. */
export type Likeness =
  | {
      /** The query's vector. */
      readonly query: Vector;
      /** The vectors that are at hand. */
      readonly vectors: readonly (Vector | null | undefined)[];
      /** Embeds the others; null: they cannot be ranked. */
      readonly embedder: Embedder | null;
    }
  | {
      /** In place of vectors: scores, the higher the better; undefined where there is none. */
      readonly scores: readonly (number | undefined)[];
    };

/** An item as the ranking sees it. */
export interface Described {
  /** Its id; default: its place. A second item of one id is told apart by its place. */
  readonly id?: string | undefined;
  readonly text: string;
  /** What is embedded where no vector is at hand. Default: the text. */
  readonly embedText?: string;
}

/** What {@link rerankItems} returns. */
export interface RerankedItems<Item> {
  /** The k that belong together, best first; without a record after a failure that was passed through. */
  readonly ranked: readonly { readonly item: Item; readonly record: DocumentRecord | null }[];
  /** Null after a failure that was passed through. */
  readonly receipt: Receipt | null;
  /** The signature of the receipt; empty without a signer. */
  readonly signatures: readonly Signature[];
  /** The failure that was passed through, if one was. */
  readonly failure: { readonly error: unknown } | null;
}

/**
 * What every adapter does: describes a framework's items as candidates, completes their vectors, re-ranks, signs, and
 * hands back the very items with their records. Nothing that came in is changed.
 *
 * @param describe an item's id and text.
 * @param likeness called once: gets the vectors of the items.
 * @throws what {@link rerank} throws, {@link EmbedderError}, and what `likeness` throws; unless `onError` says else.
 */
export async function rerankItems<Item>(
  items: readonly Item[],
  describe: (item: Item) => Described,
  queryText: string | undefined,
  likeness: () => Promise<Likeness> | Likeness,
  settings: AdapterSettings<Item>,
): Promise<RerankedItems<Item>> {
  try {
    const described = items.map(describe);
    const ids = uniqueIds(described);
    const candidates = items.map((item, i) => {
      const trust = settings.trust(item);
      const title = settings.title(item);
      return {
        id: ids[i]!,
        text: described[i]!.text,
        item,
        ...(title !== undefined && { title }),
        ...(trust !== undefined && { trust }),
      };
    });
    const texts = described.map(({ text, embedText = text }) => embedText);
    const { bundle, receipt } = rerank({
      ...settings.options,
      ...(queryText !== undefined && { queryText }),
      ...(await evidenceOf(candidates, texts, await likeness())),
    });
    const signatures = settings.signer ? (await signReceiptAsync(receipt, settings.signer)).signatures : [];
    const ranked = bundle.map(({ candidate, rank, inputRank, score, parts, terms }) => {
      const place = { rank, inputRank, score };
      const signed = signatures.length > 0 && { signatures };
      const record: DocumentRecord =
        settings.attach === "full"
          ? { ...place, parts, terms, receipt, ...signed }
          : { ...place, receipt: receipt.digest, ...signed };
      return { item: candidate.item, record };
    });
    return { ranked, receipt, signatures, failure: null };
  } catch (error) {
    if (settings.onError === "throw") throw error;
    warn(settings, error);
    const first = items.slice(0, settings.params.k);
    return {
      ranked: first.map((item) => ({ item, record: null })),
      receipt: null,
      signatures: [],
      failure: { error },
    };
  }
}

/** Tells of a failure that is passed through. What the listener itself does wrong is none of the caller's. */
export function warn({ onWarning }: Pick<AdapterSettings<never>, "onWarning">, error: unknown): void {
  try {
    Promise.resolve(onWarning(error)).catch(() => undefined);
  } catch {
    // As above.
  }
}

/** The candidates with their vectors or scores, and the query's vector where there are vectors. */
async function evidenceOf<C extends Candidate>(
  candidates: readonly C[],
  texts: readonly string[],
  likeness: Likeness,
): Promise<Pick<RerankRequest<C>, "query" | "candidates" | "vectors">> {
  if ("scores" in likeness) {
    return {
      candidates: candidates.map((candidate, i) => {
        const score = likeness.scores[i];
        return score === undefined ? candidate : { ...candidate, score };
      }),
    };
  }
  const { query, vectors, embedder } = likeness;
  const had = vectors.filter((vector) => vector !== undefined && vector !== null).length;
  const all = embedder
    ? await completeVectors(vectors, texts, embedder)
    : { embeddings: vectors, counts: { fromStore: had, reembedded: 0 } };
  return {
    query,
    candidates: candidates.map((candidate, i) => ({ ...candidate, embedding: all.embeddings[i] ?? null })),
    vectors: all.counts,
  };
}

/** Names for the receipt: the items' ids, or their places; a second item of one id is told apart by its place. */
function uniqueIds(described: readonly Described[]): string[] {
  const seen = new Set<string>();
  return described.map(({ id: own }, i) => {
    let id = own ?? String(i);
    while (seen.has(id)) id = `${id}#${i}`;
    seen.add(id);
    return id;
  });
}
