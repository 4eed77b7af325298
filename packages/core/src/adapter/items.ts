import { CandidateError } from "../errors.ts";
import type { FocusRecord } from "../options/calls.ts";
import { defined } from "../options/options.ts";
import { type Candidate, freeId, type ResultList } from "../pool/candidates.ts";
import type { Vector } from "../pool/matrix.ts";
import type { BundleEntry, Figures, Influence } from "../rank/bundle.ts";
import type { Digest } from "../receipt/digest.ts";
import type { Receipt } from "../receipt/receipt.ts";
import { type Signature, signReceiptAsync } from "../receipt/sign.ts";
import type { RerankRequest } from "../rerank.ts";
import { rerankAsync } from "../rerankAsync.ts";
import { inTurn } from "../turns.ts";
import type { ReplayInputs } from "../verify/replay.ts";
import { throwIfAborted, type Waiting, waitFor } from "../waiting.ts";
import { completeVectors, type Embedder } from "./embedder.ts";
import type { PlacedList } from "./lists.ts";
import { type AdapterSettings, type Attach, tell, warn } from "./settings.ts";

/**
 * What an adapter leaves with each document that it returns: with `attach: "digest"` its places, its score and the receipt's digest.
 * The rest comes with `"full"` alone.
 */
export interface DocumentRecord {
  /** Its place in the bundle, from 1. */
  readonly rank: number;
  /** Its place among the candidates, from 1. */
  readonly inputRank: number;
  /** Its score, in standard deviations of the pool; null if it had no vector and could not be ranked. */
  readonly score: number | null;
  /** With `attach: "full"`: its place by its own evidence, who named it, and the neighbours that moved it most. */
  readonly ownRank?: number | null;
  readonly namedBy?: string | null;
  /** With `attach: "full"`: how relevant it is, in [0, 1]; null where nothing tells. */
  readonly relevance?: number | null;
  readonly neighbours?: readonly Influence[] | null;
  /** With `attach: "full"`: the evidence, and the terms that add up to the score. */
  readonly parts?: Figures | null;
  readonly terms?: Figures | null;
  /** The receipt with `attach: "full"`, its digest with `"digest"`. All documents of a bundle share it. */
  readonly receipt: Receipt | Digest;
  /**
   * With a `signer`: its signature of the receipt. With `attach: "full"`, the document can be verified from what it carries:
   * `verifyReceipt(envelopeOf(receipt, signatures), verifier)`. With `"digest"`, from that and the receipt alone, which the receipt
   * event or `onReplayInputs` hands out to be kept: the signature is of the receipt's bytes, so that of a digest nothing is verified
   * but that it names the receipt that was kept.
   */
  readonly signatures?: readonly Signature[];
}

/** What is known of the items' likeness to the query, one entry an item. */
export type Likeness = LikenessKinds & {
  /** Where the query is the focus of a conversation: what the receipt says of it. */
  readonly focus?: FocusRecord | undefined;
};

type LikenessKinds =
  | {
      /** The query's vector. */
      readonly query: Vector;
      /** The vectors that are at hand. */
      readonly vectors: readonly (Vector | null | undefined)[];
      /** Embeds the others; null: they cannot be ranked. */
      readonly embedder: Embedder | null;
      /** Which search found which of the items; undefined: one search found all. */
      readonly lists?: readonly PlacedList[] | undefined;
      /** The store that was to hand the vectors over: it is told of once that it has none. Default: the adapter's settings. */
      readonly store?: object;
    }
  | {
      /** In place of vectors: scores, the higher the better; undefined where there is none. */
      readonly scores: readonly (number | undefined)[];
    }
  | {
      /** In place of vectors: what several searches found. */
      readonly lists: readonly PlacedList[];
    };

/** An item as the ranking sees it. */
export interface Described {
  /** Its id; default: its place. A second item of one id is told apart by its place. */
  readonly id?: string | undefined;
  readonly text: string;
  /** What is embedded where no vector is at hand. Default: the text. */
  readonly embedText?: string;
}

/** One of the k that belong together. */
export interface RerankedItem<Item> {
  readonly item: Item;
  readonly record: DocumentRecord | null;
  /**
   * The score to hand to the framework: relevance, which lies in [0, 1] and never rises along the bundle. Where nothing tells of it
   * (`receipt.relevance` is null), the record's score, in standard deviations of the pool. Null without a record, and for an item that
   * could not be ranked.
   */
  readonly relevanceScore: number | null;
}

/** What {@link rerankItems} returns. */
export interface RerankedItems<Handed> {
  /** The k that belong together, best first, as they are handed on; without a record after a failure that was passed through. */
  readonly ranked: readonly Handed[];
  /** Null after a failure that was passed through. With `attach: "none"` it may be written when it is first read. */
  readonly receipt: Receipt | null;
  /** The signature of the receipt; empty without a signer. */
  readonly signatures: readonly Signature[];
  /** The failure that was passed through, if one was. */
  readonly failure: { readonly error: unknown } | null;
  /** What `onWarning` was told beside a failure: that no vector came with the items, the first time that this is seen. */
  readonly warning: CandidateError | null;
}

/**
 * What every adapter does: describes a framework's items as candidates, completes their vectors, re-ranks, signs, and
 * hands back the very items with their records. Nothing that came in is changed.
 *
 * @param describe an item's id and text.
 * @param likeness called once: gets the vectors of the items.
 * @param handOn makes of an item and its record what the adapter returns; default: both. It must not throw where the record is null.
 * @throws what {@link rerank} throws, {@link EmbedderError}, and what `likeness` and `handOn` throw; unless `onError` says else.
 * @throws the reason of an aborted signal, in any case.
 */
export async function rerankItems<Item, Handed = RerankedItem<Item>>(
  items: readonly Item[],
  describe: (item: Item) => Described,
  queryText: string | undefined,
  likeness: () => Promise<Likeness> | Likeness,
  settings: AdapterSettings<Item>,
  handOn: (found: RerankedItem<Item>) => Handed = (found) => found as Handed,
): Promise<RerankedItems<Handed>> {
  const { waiting } = settings;
  let store: object | undefined;
  try {
    // Of calls that are made at once, each prepares its pool in a turn of its own: to look at every value of it takes time too.
    await inTurn(() => {}, waiting.signal);
    const described = items.map((item) => ({ ...describe(item), ...defined({ id: settings.id(item) }) }));
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
    const given = await likeness();
    const context = settings.context();
    if ("vectors" in given) store = given.store;
    const evidence = await evidenceOf(candidates, texts, given, waiting);
    const request = {
      ...settings.options,
      ...(context !== undefined && { context }),
      ...(given.focus && { focus: given.focus }),
      // Said, for a pool without vectors is told of by a warning, and keeps its order.
      missing: settings.params.missing,
      ...(queryText !== undefined && { queryText }),
      ...evidence,
    };
    // Its receipt is not read where nobody wants it, for it is written then.
    const result = await rerankAsync(request, { signal: waiting.signal, workers: settings.workers });
    const { onReplayInputs } = settings;
    if (onReplayInputs) {
      const { receipt } = result;
      tell(() => onReplayInputs(replayInputs(queryText, evidence), receipt));
    }
    const warning = withoutVectors(given, settings);
    // Where no store was to hand vectors over, that all are embedded is what was asked for: no matter for the console.
    if (warning && (settings.onWarning || store)) warn(settings, warning, store);
    const { signer } = settings;
    const signed =
      signer && (await waitFor(() => signReceiptAsync(result.receipt, signer), waiting, "the signer"));
    const signatures = signed?.signatures ?? [];
    const ranked = result.bundle.map(({ candidate, id: _, ...entry }) =>
      handOn({
        item: candidate.item,
        record: recordOf(entry, result, settings.attach, signatures),
        relevanceScore: entry.relevance ?? entry.score,
      }),
    );
    return {
      ...{ ranked, signatures, failure: null, warning },
      get receipt() {
        return result.receipt;
      },
    };
  } catch (error) {
    throwIfAborted(waiting.signal);
    if (settings.onError === "throw") throw error;
    warn(settings, error, store);
    const first = items.slice(0, settings.params.k);
    return {
      ranked: first.map((item) => handOn({ item, record: null, relevanceScore: null })),
      receipt: null,
      signatures: [],
      failure: { error },
      warning: null,
    };
  }
}

/** What is left with a document; with `attach: "none"` its receipt's digest is there for whoever asks for it. */
function recordOf(
  entry: Omit<BundleEntry, "id">,
  result: { readonly receipt: Receipt },
  attach: Attach,
  signatures: readonly Signature[],
): DocumentRecord {
  const { rank, inputRank, score } = entry;
  const own = signatures.length > 0 && { signatures };
  if (attach === "full") return { ...entry, receipt: result.receipt, ...own };
  if (attach === "digest") return { rank, inputRank, score, receipt: result.receipt.digest, ...own };
  return {
    ...{ rank, inputRank, score, ...own },
    get receipt() {
      return result.receipt.digest;
    },
  };
}

/** What a ranking was made of, as plain data: without the framework's objects. */
function replayInputs<C extends Candidate>(
  queryText: string | undefined,
  { query, candidates, lists }: Pick<RerankRequest<C>, "query" | "candidates" | "lists">,
): ReplayInputs {
  const vectorOf = (vector: Vector) => Array.from(vector as ArrayLike<number>);
  const plain = ({ item: _, embedding, ...rest }: Candidate & { readonly item?: unknown }): Candidate => ({
    ...rest,
    ...(embedding !== undefined && { embedding: embedding && vectorOf(embedding) }),
  });
  return {
    ...(query !== undefined && { query: vectorOf(query) }),
    ...(queryText !== undefined && { queryText }),
    ...(candidates !== undefined && { candidates: candidates.map(plain) }),
    ...(lists !== undefined && { lists: lists.map((list) => ({ ...list, items: list.items.map(plain) })) }),
  };
}

/** The stores of which was told that they hand over no vectors. */
const told = new WeakSet<object>();

/** What is to be told of a pool without one vector of the store's; null if nothing, or if it was told before. */
function withoutVectors<Item>(likeness: Likeness, settings: AdapterSettings<Item>): CandidateError | null {
  if (!("vectors" in likeness) || likeness.vectors.length === 0) return null;
  const { vectors, embedder, store = settings } = likeness;
  if (told.has(store) || vectors.some((vector) => (vector ?? null) !== null)) return null;
  told.add(store);
  const came = `came for none of ${vectors.length} documents`;
  const done = embedder
    ? "all were embedded anew, which takes time and may cost; hand them over where the store has them"
    : "none could be ranked, and all keep their order";
  return new CandidateError("vectors", `${came}: ${done}`);
}

/** The candidates with their vectors or scores, or the lists of them, and the query's vector where there are vectors. */
async function evidenceOf<C extends Candidate>(
  candidates: readonly C[],
  texts: readonly string[],
  likeness: Likeness,
  waiting: Waiting,
): Promise<Pick<RerankRequest<C>, "query" | "candidates" | "lists" | "vectors">> {
  if ("scores" in likeness) {
    return {
      candidates: candidates.map((candidate, i) => {
        const score = likeness.scores[i];
        return score === undefined ? candidate : { ...candidate, score };
      }),
    };
  }
  if (!("query" in likeness)) return { lists: listed(candidates, likeness.lists) };
  const { query, vectors, embedder, lists } = likeness;
  const had = vectors.filter((vector) => vector !== undefined && vector !== null).length;
  const all = embedder
    ? await completeVectors(vectors, texts, embedder, waiting)
    : { embeddings: vectors, counts: { fromStore: had, reembedded: 0 } };
  const embedded = candidates.map((candidate, i) => ({ ...candidate, embedding: all.embeddings[i] ?? null }));
  const found = lists ? { lists: listed(embedded, lists) } : { candidates: embedded };
  return { query, ...found, vectors: all.counts };
}

const listed = <C extends Candidate>(
  candidates: readonly C[],
  lists: readonly PlacedList[],
): ResultList<C>[] =>
  lists.map(({ name, similarity, places, scores }) => ({
    name,
    similarity,
    items: places.map((place, i) => {
      const score = scores[i];
      return score === undefined ? candidates[place]! : { ...candidates[place]!, score };
    }),
  }));

/**
 * A copy of metadata without some of its entries. What is in it is shared: a deep copy would refuse a URL, and make `{}` of what is
 * of a class. An entry that is computed stays so, for that may fail.
 */
export function metadataWithout(
  metadata: object | null | undefined,
  names: readonly string[],
): Record<string, unknown> {
  const properties = Object.entries(Object.getOwnPropertyDescriptors(metadata ?? {}))
    .filter(([name, { enumerable }]) => enumerable && !names.includes(name))
    .map(([name, property]) => {
      // The given one may be frozen.
      const free = { configurable: true, ...("value" in property && { writable: true }) };
      return [name, { ...property, ...free }] as const;
    });
  return Object.defineProperties({}, Object.fromEntries(properties));
}

/** Names for the receipt: the items' ids, or their places; a second item of one id is told apart by its place. */
function uniqueIds(described: readonly Described[]): string[] {
  const taken = new Set<string>();
  // Ids that were given come before places.
  const given = described.map(({ id }) => {
    const first = id !== undefined && !taken.has(id);
    if (first) taken.add(id);
    return first;
  });
  return described.map(({ id }, i) => (given[i] ? id! : freeId(id ?? String(i), i, taken)));
}
