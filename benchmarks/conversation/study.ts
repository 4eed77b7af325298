import { rerank } from "@oscillink/core";
import { type FocusOptions, type FocusTurn, QueryFocus } from "@oscillink/core/focus";
import { clusterInterval, mean } from "../quality/metrics.ts";
import { type Conversations, joined, type Turn } from "./data.ts";

/** How a turn becomes a query; null where its vector is not there. */
export type Method = (turn: Turn) => { readonly vector: Float32Array; readonly words: string } | null;

/** How many documents the first stage hands to the ranking. */
const POOL = 50;
const CUT = 10;

/** The figures of one turn by one method. */
export interface Figures {
  readonly ndcg: number;
  readonly recall: number;
}

/** A mean with the gain over the baseline, in %, and its 95 % interval. */
export interface Cell {
  readonly mean: number;
  readonly gain: number;
  readonly interval: readonly [low: number, high: number];
}

/** The turns of a conversation through a focus, the judged one last. Null where a vector that is needed is not there. */
export function replay(data: Conversations, turn: Turn, options: FocusOptions): FocusTurn | null {
  const focus = new QueryFocus(options);
  const texts = [...turn.history, turn.question];
  let result: FocusTurn | null = null;
  for (const [i, text] of texts.entries()) {
    const vector = data.vectorOf(text);
    if (vector === undefined) return null;
    const topic = data.vectorOf(joined(texts.slice(focus.since, i + 1)));
    // A turn on the way that is not judged may have no vector of all turns up to it. It decides nothing but resets.
    if (topic === undefined && (i === texts.length - 1 || typeof options.resetAbove === "number"))
      return null;
    result = focus.next(vector, topic ?? vector);
  }
  return result;
}

/** A method that is a focus. */
export const focused =
  (data: Conversations, options: FocusOptions): Method =>
  (turn) => {
    const result = replay(data, turn, options);
    return result && { vector: result.query, words: turn.question };
  };

/** What a focus is compared with. */
export function alternatives(data: Conversations): Record<"last" | "joined" | "mean" | "rewrite", Method> {
  const ofText = (text: string, words: string) => {
    const vector = data.vectorOf(text);
    return vector === undefined ? null : { vector, words };
  };
  return {
    last: ({ question }) => ofText(question, question),
    joined: ({ history, question }) => ofText(joined([...history, question]), question),
    mean: ({ history, question }) => {
      const vectors = [...history, question].map(data.vectorOf);
      if (vectors.includes(undefined)) return null;
      return { vector: vectors[0]!.map((_, i) => mean(vectors.map((v) => v![i]!))), words: question };
    },
    rewrite: ({ rewrite }) => (rewrite === null ? null : ofText(rewrite, rewrite)),
  };
}

/** The best documents by cosine: all vectors but a mean have length 1, and its length changes no order. */
function nearest({ vectors }: Conversations, query: Float32Array, size: number): number[] {
  const scores = vectors.map((row) => {
    let sum = 0;
    for (let c = 0; c < row.length; c++) sum += row[c]! * query[c]!;
    return sum;
  });
  return [...scores.keys()].sort((a, b) => scores[b]! - scores[a]! || a - b).slice(0, size);
}

/** Judges a method by the order of the cosine, or by core's default ranking of the 50 nearest with the method's words. */
export function judge(data: Conversations, turn: Turn, method: Method, ranked: boolean): Figures | null {
  const query = method(turn);
  if (query === null) return null;
  const pool = nearest(data, query.vector, ranked ? POOL : CUT);
  if (!ranked)
    return figuresOf(
      pool.map((i) => data.documents[i]!.id),
      turn.gold,
    );
  const candidates = pool.map((i) => ({ ...data.documents[i]!, embedding: data.vectors[i]! }));
  const { bundle } = rerank({ query: query.vector, queryText: query.words, candidates, k: CUT });
  return figuresOf(
    bundle.map(({ id }) => id),
    turn.gold,
  );
}

/** nDCG@10 and recall@5 (found over min(gold, 5)). */
export function figuresOf(ids: readonly string[], gold: ReadonlySet<string>): Figures {
  const gain = (hit: boolean, i: number) => (hit ? 1 / Math.log2(i + 2) : 0);
  const sum = (values: readonly number[]) => values.reduce((a, b) => a + b, 0);
  const ideal = sum(Array.from({ length: Math.min(gold.size, CUT) }, (_, i) => gain(true, i)));
  return {
    ndcg: sum(ids.slice(0, CUT).map((id, i) => gain(gold.has(id), i))) / ideal,
    recall: ids.slice(0, 5).filter((id) => gold.has(id)).length / Math.min(gold.size, 5),
  };
}

/**
 * A column of figures against that of the baseline, turn by turn. The interval is by conversations, whose turns are alike: whole ones
 * are drawn.
 */
export function cellOf(
  turns: readonly Pick<Turn, "conversation">[],
  figures: readonly number[],
  baseline: readonly number[],
): Cell {
  const base = mean(baseline);
  const groups = Map.groupBy(turns.keys(), (i) => turns[i]!.conversation);
  const interval = clusterInterval(
    [...groups.values()].map((group) => group.map((i) => figures[i]! - baseline[i]!)),
  );
  return {
    mean: mean(figures),
    gain: 100 * (mean(figures) / base - 1),
    interval: [(100 * interval[0]) / base, (100 * interval[1]) / base],
  };
}

/**
 * How well a figure tells some from others: the share of pairs in which it is higher for the first, ties by half (the area under the ROC
 * curve). 1 tells all, 0.5 nothing.
 */
export function areaUnderCurve(higher: readonly number[], lower: readonly number[]): number {
  const won = (a: number, b: number) => (a > b ? 1 : a === b ? 0.5 : 0);
  return mean(higher.map((a) => mean(lower.map((b) => won(a, b)))));
}

/** The grids that the options are chosen from. */
export const GRIDS: Readonly<Record<string, readonly FocusOptions[]>> = {
  history: [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7, 1].map((historyWeight) => ({ mode: "history", historyWeight })),
  "history, resets": [0.2, 0.3, 0.4, 0.5].flatMap((historyWeight) =>
    [0.08, 0.1, 0.12, 0.14, 0.17, 0.2, 0.25].map((resetAbove) => ({
      mode: "history",
      historyWeight,
      resetAbove,
    })),
  ),
  average: [0.5, 0.6, 0.7, 0.8, 0.9, 1].map((lastShare) => ({ mode: "average", lastShare })),
  oscillator: [1, 2, 4, 8, 16, 64].flatMap((stiffness) =>
    [0.5, 1, 2, 4, 8, 16].map((damping) => ({ mode: "oscillator", stiffness, damping })),
  ),
};

/** The two halves of the conversations: every other one, in the order of the file. */
export function halvesOf(turns: readonly Turn[]): readonly [ReadonlySet<Turn>, ReadonlySet<Turn>] {
  const names = [...new Set(turns.map(({ conversation }) => conversation))];
  const half = (which: number) =>
    new Set(turns.filter(({ conversation }) => names.indexOf(conversation) % 2 === which));
  return [half(0), half(1)];
}

/** The options of a grid with the best mean nDCG@10 by cosine on some turns; the first of equal ones. */
export function choose(
  data: Conversations,
  turns: Iterable<Turn>,
  grid: readonly FocusOptions[],
): FocusOptions {
  const some = [...turns];
  const values = grid.map((options) =>
    mean(some.map((turn) => judge(data, turn, focused(data, options), false)?.ndcg ?? 0)),
  );
  return grid[values.indexOf(Math.max(...values))]!;
}
