import { OptionError, refuseUnknown, show } from "../errors.ts";
import { LIST_NAME } from "../pool/input.ts";
import { throwIfAborted } from "../waiting.ts";
import { type AdapterSettings, warn } from "./settings.ts";

/** One retriever of several, and what is known of the list that it returns. */
export interface ListedRetriever<Retriever, Item> {
  /** Names the list in receipts: 1 to 40 letters, digits or `._-`. Default `"retriever_1"`, `"retriever_2"`, … */
  name?: string;
  /** What finds the documents, best first. */
  retriever: Retriever;
  /** The score that it gave a document, the higher the better. Default: what the adapter says; without scores, ranks count. */
  score?: (item: Item) => number | undefined;
  /**
   * Whether it searches by the query's vector: then its list says what has a similarity, and is no evidence beside it.
   * Default: what the adapter says.
   */
  similarity?: boolean;
}

/** A {@link ListedRetriever}, judged and resolved. */
export type ResolvedRetriever<Retriever, Item> = Required<ListedRetriever<Retriever, Item>>;

/** What one of several searches returned. */
export interface FoundList<Item> {
  readonly name: string;
  /** Its items, best first. */
  readonly items: readonly Item[];
  /** Their scores, the higher the better; undefined where there is none. */
  readonly scores: readonly (number | undefined)[];
  /** Whether the search was by the query's vector. */
  readonly similarity: boolean;
}

/** A {@link FoundList} whose items are given by their places among those of all lists. */
export interface PlacedList extends Omit<FoundList<never>, "items"> {
  readonly places: readonly number[];
}

/** How an adapter knows its framework's retrievers. */
interface RetrieverKind<Item> {
  /** The method that a retriever must have. */
  readonly method: string;
  /** The field that a retriever by vectors has. */
  readonly vectors: string;
  /** The score that comes with an item. */
  readonly score: (item: Item) => number | undefined;
  /** Whether a search by vectors comes before these retrievers. */
  readonly searched: boolean;
}

/**
 * Judges the retrievers when an adapter is made, not when its first query comes. The search by vectors is the one that
 * says so, else the first that shows it, else the first of all; none, where one comes before them.
 *
 * @throws {OptionError} for an entry that is no retriever, and a name that no receipt can show or that comes twice.
 */
export function resolveRetrievers<Retriever extends object, Item>(
  given: readonly (Retriever | ListedRetriever<Retriever, Item>)[],
  { method, vectors, score: ownScore, searched }: RetrieverKind<Item>,
): ResolvedRetriever<Retriever, Item>[] {
  if (!Array.isArray(given) || given.length === 0) {
    throw new OptionError("retrievers", `must be an array of retrievers, not ${show(given)}`);
  }
  const finds = (value: unknown): value is Retriever =>
    typeof (value as Record<string, unknown> | null | undefined)?.[method] === "function";
  const entries: readonly ListedRetriever<Retriever, Item>[] = Array.from(given, (entry) =>
    finds(entry) ? { retriever: entry } : entry,
  );
  const said = entries.findIndex((entry) => entry?.similarity === true);
  const shown = entries.findIndex((entry) => vectors in Object(entry?.retriever));
  const main = said >= 0 ? said : Math.max(shown, 0);
  const names = new Set<string>();
  return entries.map((entry, i) => {
    const at = `retrievers[${i}]`;
    const { name = `retriever_${i + 1}`, retriever, score = ownScore, similarity, ...others } = entry ?? {};
    if (!finds(retriever)) {
      throw new OptionError(at, `must be a retriever, or { name, retriever }: it needs ${method}`);
    }
    refuseUnknown(others, ["name", "retriever", "score", "similarity"], at);
    if (typeof name !== "string" || !LIST_NAME.test(name)) {
      throw new OptionError(`${at}.name`, `must be 1 to 40 letters, digits or ._-, not ${show(name)}`);
    }
    if (names.has(name) || (searched && name === VECTOR_LIST)) {
      throw new OptionError(`${at}.name`, `${show(name)} names an earlier list too`);
    }
    names.add(name);
    if (typeof score !== "function") {
      throw new OptionError(`${at}.score`, `must be a function, not ${show(score)}`);
    }
    if (similarity !== undefined && typeof similarity !== "boolean") {
      throw new OptionError(`${at}.similarity`, `must be true or false, not ${show(similarity)}`);
    }
    return { name, retriever, score, similarity: similarity ?? (!searched && i === main) };
  });
}

/** The name of the list of an adapter's own search by vectors. */
export const VECTOR_LIST = "vector";

/**
 * Makes several searches at the same time. Where failures pass through, one that fails is left out and `onWarning` is told,
 * unless all fail. An aborted signal ends all of them.
 *
 * @param tell is told, too.
 */
export async function searchAll<T>(
  searches: readonly Promise<T>[],
  settings: Pick<AdapterSettings<never>, "onError" | "onWarning" | "waiting">,
  tell: (error: unknown) => Promise<void> = async () => {},
): Promise<T[]> {
  if (settings.onError === "throw") return Promise.all(searches);
  const outcomes = await Promise.allSettled(searches);
  throwIfAborted(settings.waiting.signal);
  const found = outcomes.flatMap((outcome) => (outcome.status === "fulfilled" ? [outcome.value] : []));
  const errors = outcomes.flatMap((outcome) => (outcome.status === "rejected" ? [outcome.reason] : []));
  if (found.length === 0) throw errors[0];
  for (const error of errors) {
    warn(settings, error);
    await tell(error);
  }
  return found;
}

/**
 * The scores of a list's items. Where failures pass through, none counts if one cannot be told, and `onWarning` is told.
 *
 * @param tell is told, too.
 */
export async function scoresOf<Item>(
  items: readonly Item[],
  score: (item: Item) => number | undefined,
  settings: Pick<AdapterSettings<never>, "onError" | "onWarning">,
  tell: (error: unknown) => Promise<void> = async () => {},
): Promise<(number | undefined)[]> {
  try {
    return items.map((item) => score(item));
  } catch (error) {
    if (settings.onError === "throw") throw error;
    warn(settings, error);
    await tell(error);
    return [];
  }
}

/**
 * Unites the items of several lists: those of one id are one, and else those of one content, of which each list holds
 * one. Of several objects the first is taken. What comes twice in a list, by id and content, counts once.
 *
 * @param describe an item's id, where it has one, and its content. An item of which it throws, or that has no content, is like no
 *   other one: {@link rerankItems} judges it.
 */
export function uniteItems<Item>(
  found: readonly FoundList<Item>[],
  describe: (item: Item) => { readonly id?: string | undefined; readonly text: string },
): { readonly items: Item[]; readonly lists: PlacedList[] } {
  const known = (item: Item): { readonly id?: string | undefined; readonly text: unknown } => {
    try {
      const { id, text } = describe(item);
      return { id, text: typeof text === "string" ? text : item };
    } catch {
      return { text: item };
    }
  };
  const items: Item[] = [];
  const texts: unknown[] = [];
  const byId = new Map<string, number[]>();
  const byText = new Map<unknown, number[]>();
  const lists = found.map(({ items: own, scores: given, ...list }) => {
    /** The places that the list holds, each with the id that it has there. */
    const held = new Map<number, string | undefined>();
    const scores: (number | undefined)[] = [];
    own.forEach((item, i) => {
      const { id, text } = known(item);
      const named = id === undefined ? [] : (byId.get(id) ?? []);
      const alike = byText.get(text) ?? [];
      // An id that is not unique, such as a file's, is told apart by the content.
      const same = [...named.filter((place) => texts[place] === text), ...named, ...alike];
      if (same.some((place) => held.has(place) && held.get(place) === id && texts[place] === text)) return;
      const place = same.find((each) => !held.has(each)) ?? items.push(item) - 1;
      if (place === texts.length) texts.push(text);
      held.set(place, id);
      scores.push(given[i]);
      if (id !== undefined) note(byId, id, place);
      note(byText, text, place);
    });
    return { ...list, places: [...held.keys()], scores };
  });
  return { items, lists };
}

function note<Key>(places: Map<Key, number[]>, key: Key, place: number): void {
  const known = places.get(key);
  if (known === undefined) places.set(key, [place]);
  else if (!known.includes(place)) known.push(place);
}
