import { type Options, type RerankRequest, rerank } from "@oscillink/core";
import { calibrate, type LabelledQuery, TuneError } from "@oscillink/core/tune";
import { type Collection, entryOf, type Pool, poolsOf } from "./collection.ts";
import { optionsOf, requestOf, type Settings } from "./methods.ts";
import { mean } from "./metrics.ts";

/** How relevance tells the collections' own documents from foreign ones, by what it was judged. */
export interface RelevanceRow {
  readonly relevance: string;
  /** The name of a collection, whose queries are asked; or null for all queries together. */
  readonly collection: string | null;
  /** How often a relevant first document is above the first of a foreign pool; ties count half. */
  readonly auc: number;
  /** Expected calibration error of the first ten documents, by default and learned on half of the queries. */
  readonly before: number;
  readonly learned: number;
  /** The share of own pools with a relevant document among the first ten, and of foreign ones, whose first is .2 or more. */
  readonly own: number;
  readonly foreign: number;
}

/** What relevance is judged by: the options, and what is asked of a pool. */
interface Way {
  readonly options: Options;
  readonly ask: (pool: Pool, collection: Collection) => RerankRequest;
}

/** How many of a collection's own queries are asked of it, and how many of each other collection; evenly spread. */
const OWN = 120;
const FOREIGN = 25;
const FIRST = 10;
const LEAST = 0.2;

/** The ways that are measured. @param scale the embedder's; null: it is not known. */
const waysOf = (scale: Options["relevanceScale"]): Readonly<Record<string, Way>> => {
  const vectors = (relevanceScale: Options["relevanceScale"], words: boolean): Way => ({
    options: { ...(relevanceScale && { relevanceScale }) },
    ask: (pool) => requestOf(pool, words),
  });
  return {
    ...(scale && {
      "scale, vectors and words": vectors(scale, true),
      "scale, vectors": vectors(scale, false),
    }),
    "no scale, vectors and words": vectors(null, true),
    "no scale, vectors": vectors(null, false),
    words: { options: {}, ask: ({ query, entries }) => byWords(query.text, entries) },
    "words, pool by BM25": {
      options: {},
      ask: ({ query, keywords }, collection) => {
        const at = new Map(collection.documents.map(({ id }, i) => [id, i]));
        return byWords(
          query.text,
          keywords.list.map((id) => entryOf(collection, at.get(id)!)),
        );
      },
    },
  };
};

/** The words alone: all documents have the same score. */
const byWords = (queryText: string, entries: Pool["entries"]): RerankRequest => ({
  queryText,
  candidates: entries.map(({ embedding: _, ...document }) => ({ ...document, score: 0 })),
});

/** Collections whose names begin alike hold the same documents, or translations of them: they are not foreign to each other. */
const kin = (a: Collection, b: Collection): boolean => a.name.split("-")[0] === b.name.split("-")[0];

/** Judges relevance on the pools of each collection, and on pools of its queries over the documents of all that are foreign. */
export function relevanceRows(
  collections: readonly (readonly [Collection, readonly Pool[]])[],
  size: number,
  settings: Settings,
  scale: Options["relevanceScale"],
): RelevanceRow[] {
  // By the collection that is searched: each is indexed once.
  const foreign = collections.map(([searched]) => {
    const asked = collections.flatMap(([asking, pools]) =>
      kin(asking, searched)
        ? []
        : evenly(pools, FOREIGN).map(({ query }) => ({
            asking,
            query: { ...query, excluded: new Set<string>() },
          })),
    );
    const pools = poolsOf({ ...searched, queries: asked.map(({ query }) => query) }, size, "cosine");
    return pools.map((pool, i) => ({ searched, asking: asked[i]!.asking, pool }));
  });
  return Object.entries(waysOf(scale)).flatMap(([relevance, { options, ask }]) => {
    const all = { ...optionsOf(settings), ...options, k: FIRST };
    const found = (pool: Pool, collection: Collection) => {
      const request = ask(pool, collection);
      return request.candidates!.length === 0 ? [] : rerank({ ...all, ...request }).bundle;
    };
    const strangers = foreign.flat().map(({ searched, asking, pool }) => ({
      asking,
      first: found(pool, searched)[0]?.relevance ?? 0,
    }));
    const own = collections.map(([collection, every]) => {
      const pools = evenly(every, OWN);
      const bundles = pools.map((pool) => ({ pool, bundle: found(pool, collection) }));
      const relevant = ({ pool, bundle }: (typeof bundles)[number]) =>
        bundle.map(({ id }) => pool.query.gold.has(id));
      const firsts = (some: typeof bundles) => some.map(({ bundle }) => bundle[0]?.relevance ?? 0);
      const labelled: LabelledQuery[] = pools.map((pool) => ({
        ...(ask(pool, collection) as LabelledQuery),
        relevance: Object.fromEntries(pool.query.gold),
      }));
      return {
        collection,
        right: firsts(bundles.filter((one) => relevant(one)[0])),
        answered: firsts(bundles.filter((one) => relevant(one).includes(true))),
        ...errorsOf(labelled, all),
      };
    });
    const row = (collection: string | null, some: typeof own, against: readonly number[]) => ({
      relevance,
      collection,
      auc: auc(
        some.flatMap(({ right }) => right),
        against,
      ),
      before: mean(some.map(({ before }) => before).filter(Number.isFinite)),
      learned: mean(some.map(({ learned }) => learned).filter(Number.isFinite)),
      own: shareOf(some.flatMap(({ answered }) => answered)),
      foreign: shareOf(against),
    });
    return [
      ...own.map((one) =>
        row(
          one.collection.name,
          [one],
          strangers.filter(({ asking }) => asking === one.collection).map(({ first }) => first),
        ),
      ),
      row(
        null,
        own,
        strangers.map(({ first }) => first),
      ),
    ];
  });
}

/** Calibration errors; NaN for a collection with too few queries to learn from. */
function errorsOf(queries: readonly LabelledQuery[], options: Options): { before: number; learned: number } {
  try {
    return calibrate(
      queries.filter(({ candidates }) => candidates.length > 0),
      options,
    ).error;
  } catch (error) {
    if (error instanceof TuneError) return { before: Number.NaN, learned: Number.NaN };
    throw error;
  }
}

/** At most so many of a list, evenly spread. */
const evenly = <T>(list: readonly T[], most: number): T[] =>
  list.filter((_, i) => Math.floor((i * most) / list.length) > Math.floor(((i - 1) * most) / list.length));

const shareOf = (values: readonly number[]): number =>
  values.filter((value) => value >= LEAST).length / values.length;

/** How often one of the first values is above one of the second; ties count half. */
export function auc(first: readonly number[], second: readonly number[]): number {
  let sum = 0;
  for (const a of first) for (const b of second) sum += a > b ? 1 : a === b ? 0.5 : 0;
  return sum / (first.length * second.length);
}
