import { CandidateError, OptionError, refuseUnknown, show } from "../errors.ts";
import { type Column, checkScores, idOf, LIST_NAME, type ScoredList } from "./input.ts";
import type { Vector } from "./matrix.ts";

/** One document that a search returned. Further fields are allowed and come back untouched. */
export interface Candidate {
  /**
   * Its name in the receipt, unique among the candidates; a number is taken as its digits. Default: its index, told apart from
   * ids that are given.
   */
  readonly id?: string | number | bigint | undefined;
  /** Its vector, from the same model as the query's; null or absent where there is none (see `missing`). */
  readonly embedding?: Vector | null | undefined;
  /** Its words. */
  readonly text?: string | undefined;
  /** Its title, if that is apart from the text. */
  readonly title?: string | undefined;
  /** The score that the search gave it, the higher the better: used where the request has no query vector. */
  readonly score?: number | undefined;
  /** The ids of other candidates that it links to, where that is known: what a good document links to moves up. */
  readonly links?: readonly (string | number | bigint)[] | undefined;
  /** How far it is to be trusted, in [0, 1]; default 1. Less takes its share of the
   * score's lead over the pool's lowest; 0 excludes it. */
  readonly trust?: number | undefined;
}

/** What one search returned. */
export interface ResultList<C extends Candidate = Candidate> {
  /** Names the list in receipts: 1 to 40 letters, digits or `._-`. */
  readonly name: string;
  /**
   * Its documents, best first, each with an `id`. Their scores are a part of the evidence, or their ranks where one of them has
   * no score; a document that the list lacks takes its lowest.
   */
  readonly items: readonly C[];
  /**
   * Whether it is the list of the search by the query's vector, whose scores are the similarities. Default: true for the first
   * list, false for others. Without a query vector the scores of that list stand in for the similarities.
   */
  readonly similarity?: boolean;
}

/** The fields of a candidate, by the column of a lattice's input that each makes. */
export const FIELDS = {
  embeddings: "embedding",
  scores: "score",
  ids: "id",
  texts: "text",
  titles: "title",
  trust: "trust",
  links: "links",
} as const satisfies Record<Column, keyof Candidate>;

type Field = (typeof FIELDS)[Column];

/** Several result lists as one pool. */
interface United<C extends Candidate> {
  /** Each document once: in the order of the lists, and in that of each list. */
  readonly candidates: readonly C[];
  /** How the caller wrote a field of each, for error messages. */
  nameOf(i: number, field: Field): string;
  /** Whether the search by vectors found each; all, if no list is of that search. */
  readonly found: readonly boolean[];
  /** What stands in for the similarities where there is no query vector. */
  readonly scores: readonly (number | undefined)[];
  /** The lists that are evidence of their own. */
  readonly lists: readonly ScoredList[];
}

/**
 * Unites result lists by id. A document that several lists hold is the object that came first, with what it lacks (vector,
 * text, title, trust) taken from the others.
 *
 * @throws {CandidateError} for lists that are none, two lists of one name, an item without an id, or one that stands twice in a list.
 */
export function unite<C extends Candidate>(given: readonly ResultList<C>[], hasQuery: boolean): United<C> {
  const lists = checkObjects(given, "lists").map(({ name, items, similarity, ...others }, l) => {
    refuseUnknown(others, ["name", "items", "similarity"], `lists[${l}]`);
    if (similarity !== undefined && typeof similarity !== "boolean") {
      throw new OptionError(`lists[${l}].similarity`, `must be true or false, not ${show(similarity)}`);
    }
    if (typeof name !== "string" || !LIST_NAME.test(name)) {
      const wanted = "must be 1 to 40 letters, digits or ._-";
      throw new CandidateError(`lists[${l}].name`, `${wanted}, not ${show(name)}`);
    }
    const known = checkObjects(items, `lists[${l}].items`);
    checkScores(
      known.map(({ score }) => score),
      (i) => `lists[${l}].items[${i}].score`,
    );
    return { name, items: known, similarity: similarity ?? l === 0 };
  });
  lists.forEach(({ name }, l) => {
    const first = lists.findIndex((list) => list.name === name);
    if (first === l) return;
    throw new CandidateError(`lists[${l}].name`, `${show(name)} is the name of lists[${first}] too`);
  });
  const at = new Map<string, number>();
  const candidates: C[] = [];
  const names: string[] = [];
  /** The fields that came from another list than the first. */
  const elsewhere = new Map<string, string>();
  const places = lists.map(({ items }, l) => {
    const seen = new Set<string>();
    return items.map((item, i) => {
      const name = `lists[${l}].items[${i}]`;
      if (item.id === undefined) {
        const meant = Object.keys(item).find((field) => ALSO_IDS.includes(field));
        const hint = meant === undefined ? "" : `; has \`${meant}\`; did you mean \`id\`?`;
        throw new CandidateError(`${name}.id`, `is missing: lists are united by it${hint}`);
      }
      const id = idOf(item.id, () => `${name}.id`);
      if (seen.has(id)) throw new CandidateError(`${name}.id`, `${show(id)} stands in this list twice`);
      seen.add(id);
      const known = at.get(id);
      if (known === undefined) {
        at.set(id, candidates.length);
        names.push(name);
        return candidates.push(item) - 1;
      }
      const first = candidates[known]!;
      const lacking = COMPLETED.filter(
        (field) => (first[field] ?? null) === null && (item[field] ?? null) !== null,
      );
      if (lacking.length > 0) {
        candidates[known] = { ...first, ...Object.fromEntries(lacking.map((field) => [field, item[field]])) };
      }
      for (const field of lacking) elsewhere.set(`${known}.${field}`, name);
      return known;
    });
  });
  const scoresOf = (l: number): (number | undefined)[] => {
    const { items } = lists[l]!;
    const ranked = items.some(({ score }) => score === undefined);
    const scores = new Array<number | undefined>(candidates.length).fill(undefined);
    places[l]!.forEach((place, i) => {
      scores[place] = ranked ? -i : items[i]!.score;
    });
    return scores;
  };
  const main = lists.findIndex(({ similarity }) => similarity);
  const found = candidates.map(() => main < 0);
  if (main >= 0) for (const place of places[main]!) found[place] = true;
  const further = lists.flatMap(({ name, similarity }, l) =>
    similarity && l === main ? [] : [{ name, scores: scoresOf(l) }],
  );
  return {
    candidates,
    nameOf: (i, field) => `${elsewhere.get(`${i}.${field}`) ?? names[i]}.${field}`,
    found,
    scores: !hasQuery && main >= 0 ? scoresOf(main) : candidates.map(() => undefined),
    lists: further,
  };
}

/** What stores and frameworks call an id. */
const ALSO_IDS = ["_id", "id_", "ID", "docId", "doc_id", "documentId", "uuid", "key"];

/** What a document lacks where it came first is taken from the other lists. */
const COMPLETED = ["embedding", "text", "title", "links", "trust"] as const;

/**
 * The candidates' ids: as given, or the index of one that has none. A name that another was given is told apart by `#` and the
 * index.
 */
export function idsOf(candidates: readonly Candidate[], nameOf: (i: number) => string): string[] {
  const given = candidates.map(({ id }, i) => (id === undefined ? undefined : idOf(id, () => nameOf(i))));
  const taken = new Set(given.filter((id) => id !== undefined));
  return given.map((own, i) => own ?? freeId(String(i), i, taken));
}

/** A name that is not taken yet, and is from now on: the one that was wanted, or one told apart by `#` and the place. */
export function freeId(wanted: string, place: number, taken: Set<string>): string {
  let id = wanted;
  while (taken.has(id)) id = `${id}#${place}`;
  taken.add(id);
  return id;
}

/** The elements of an array of objects. @throws {CandidateError} for anything else. */
export function checkObjects<T>(list: readonly T[] | undefined, name: string): readonly T[] {
  if (!Array.isArray(list)) throw new CandidateError(name, `must be an array, not ${show(list)}`);
  const all: readonly T[] = Array.from(list);
  all.forEach((element, i) => {
    if (typeof element !== "object" || element === null) {
      throw new CandidateError(`${name}[${i}]`, `must be an object, not ${show(element)}`);
    }
  });
  return all;
}
