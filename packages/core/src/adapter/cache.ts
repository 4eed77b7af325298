import { checkObject, OptionError, refuseUnknown, show } from "../errors.ts";
import { pack, type Vector } from "../pool/matrix.ts";
import { type Embedder, embedAll } from "./embedder.ts";

/** Vectors of texts that were embedded lately, for one adapter or for as many as it is given to. */
export interface EmbeddingCache {
  /** How many bytes it holds at most. */
  readonly bytes: number;
  /** How many it holds now: four a value of a vector, and two a character of its text. */
  readonly used: number;
  /**
   * The same cache under the name of a model, for embedders that are made anew for each request: all that are given this
   * share their vectors, so that they must be of one model and of the same settings, such as its dimensions. Else an embedder
   * is known as the object that it is.
   */
  forModel(name: string): EmbeddingCache;
}

/** What is kept, and how one embedder's vectors are told from another's. */
interface Cache extends EmbeddingCache {
  readonly get: (owner: string, text: string) => Float32Array | undefined;
  readonly set: (owner: string, text: string, vector: Float32Array) => void;
  /** Puts what is used behind all others. */
  readonly touch: (owner: string, text: string) => void;
  readonly ownerOf: (embedder: object) => string;
}

/** 32 MiB: some 5,000 vectors of 1536 values with their texts. */
const BYTES = 32 * 2 ** 20;

const caches = new WeakSet<EmbeddingCache>();
/** A number for each embedder that was seen. */
const numbers = new WeakMap<object, number>();
let embedders = 0;

function numberOf(embedder: object): number {
  const known = numbers.get(embedder) ?? ++embedders;
  numbers.set(embedder, known);
  return known;
}

/**
 * A cache of embeddings, bounded in bytes: past that, what was not used for longest goes. Two embedders never see one another's
 * vectors, unless both were given it `forModel` of one name.
 *
 * @param options.bytes how many it holds at most: integer >= 1, default 32 MiB.
 * @throws {OptionError} for an option that is unknown or out of range.
 *
 * @example
 * const cache = embeddingCache({ bytes: 64 * 2 ** 20 });
 * const german = new OscillinkRetriever({ vectorStore: germanStore, cache });
 * const french = new OscillinkRetriever({ vectorStore: frenchStore, cache });
 */
export function embeddingCache(options: { readonly bytes?: number } = {}): EmbeddingCache {
  const { bytes = BYTES, ...others } = checkObject("options", options);
  refuseUnknown(others, ["bytes"]);
  if (!Number.isSafeInteger(bytes) || bytes < 1) {
    throw new OptionError("bytes", `must be an integer of at least 1, not ${show(bytes)}`);
  }
  // A Map keeps the order of insertion: its first key is the one that was not used for longest. The iterator stays where it is, for
  // a new one would pass over all that was deleted before.
  const kept = new Map<string, { readonly vector: Float32Array; readonly size: number }>();
  let oldest = kept.keys();
  const models = new Map<string, string>();
  let used = 0;
  const drop = (key: string) => {
    used -= kept.get(key)?.size ?? 0;
    kept.delete(key);
  };
  const get = (owner: string, text: string) => kept.get(owner + text)?.vector;
  const set = (owner: string, text: string, vector: Float32Array) => {
    const key = owner + text;
    const size = 2 * text.length + 4 * vector.length;
    drop(key);
    if (size > bytes) return;
    kept.set(key, { vector, size });
    used += size;
    while (used > bytes) {
      const { done, value } = oldest.next();
      if (done) oldest = kept.keys();
      else drop(value);
    }
  };
  const touch = (owner: string, text: string) => {
    const vector = get(owner, text);
    if (vector !== undefined) set(owner, text, vector);
  };
  const view = (ownerOf: Cache["ownerOf"]): Cache => {
    const cache: Cache = {
      bytes,
      get used() {
        return used;
      },
      forModel(name) {
        if (typeof name !== "string" || name === "") {
          throw new OptionError("name", `must be the name of a model, not ${show(name)}`);
        }
        const owner = models.get(name) ?? `model ${models.size}:`;
        models.set(name, owner);
        return view(() => owner);
      },
      ...{ get, set, touch, ownerOf },
    };
    caches.add(cache);
    return cache;
  };
  // No owner begins like another one, so that no owner and text are another's.
  return view((embedder) => `embedder ${numberOf(embedder)}:`);
}

/**
 * An embedder that remembers the documents it embedded last, so that a pool that comes again costs no call: for stores
 * that keep their vectors to themselves. Queries are passed on.
 *
 * A vector is kept under its embedder and its text, and as float32, which is what the ranking computes with. One that could not be
 * ranked is handed on and not kept, nor is anything of a call that failed; calls at the same time do not wait for each
 * other.
 *
 * @param cache where they are kept. Default: a new one of 32 MiB.
 * @param owner whose vectors they are, where the embedder is made anew around it. Default: the embedder.
 * @throws {OptionError} for what is no embedder or no cache; its `embedDocuments` throws as {@link completeVectors}.
 *
 * @example
 * const embedder = cachedEmbedder(embeddings, embeddingCache({ bytes: 8 * 2 ** 20 }));
 */
export function cachedEmbedder(
  embedder: Embedder,
  cache: EmbeddingCache = embeddingCache(),
  owner: object = embedder,
): Embedder {
  if (typeof embedder?.embedDocuments !== "function" || typeof embedder.embedQuery !== "function") {
    throw new OptionError("embedder", `must have embedDocuments and embedQuery, not ${show(embedder)}`);
  }
  const { get, set, touch, ownerOf } = checkCache(cache);
  const name = ownerOf(owner);
  return {
    embedQuery: (text, options) => embedder.embedQuery(text, options),
    async embedDocuments(texts, options = {}) {
      // This call's own, for a batch may be larger than the cache.
      const known = new Map<string, Vector>();
      for (const text of texts) {
        const vector = get(name, text);
        // A copy: whoever gets it may change it.
        if (vector !== undefined) known.set(text, vector.slice());
      }
      const absent = [...new Set(texts)].filter((text) => !known.has(text));
      const fresh = absent.length > 0 ? await embedAll(absent, embedder, options) : [];
      for (const text of known.keys()) touch(name, text);
      absent.forEach((text, i) => {
        known.set(text, fresh[i]!);
        const vector = float32Of(fresh[i]!);
        if (vector !== null) set(name, text, vector);
      });
      return texts.map((text) => known.get(text)!);
    },
  };
}

/**
 * The embedder that an adapter's option `cache` makes of its own.
 *
 * @param cache undefined: a cache of its own; false: none.
 * @throws {OptionError} for another.
 */
export function resolveCache(cache: EmbeddingCache | false | undefined): EmbeddingCache | null {
  return cache === false ? null : checkCache(cache ?? embeddingCache());
}

function checkCache(cache: EmbeddingCache): Cache {
  if (caches.has(cache)) return cache as Cache;
  const wanted = "must be what embeddingCache({ bytes }) makes, or false for none";
  throw new OptionError("cache", `${wanted}, not ${show(cache)}`);
}

/** A copy of a vector as the ranking sees it; null if it could not be ranked. */
function float32Of(vector: Vector): Float32Array | null {
  try {
    const { data, columns } = pack([vector], () => "vector");
    // Without what a row is padded with.
    return data.slice(0, columns);
  } catch {
    return null;
  }
}
