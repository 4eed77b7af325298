import { QueryFocus } from "@oscillink/core/focus";
import { describe, expect, test } from "vitest";
import { EXAMPLES, joined, readConversations } from "./data.ts";
import {
  alternatives,
  areaUnderCurve,
  cellOf,
  choose,
  figuresOf,
  focused,
  halvesOf,
  judge,
  replay,
} from "./study.ts";

const data = await readConversations(EXAMPLES, null, null);

describe("the conversations over the examples' corpus", () => {
  const conversations = Map.groupBy(data.turns, ({ conversation }) => conversation);

  test("are at least 40, of 3 to 5 turns; some change the topic, and every gold document is there", () => {
    expect(conversations.size).toBeGreaterThanOrEqual(40);
    const ids = new Set(data.documents.map(({ id }) => id));
    for (const turns of conversations.values()) {
      expect(turns.length).toBeGreaterThanOrEqual(3);
      expect(turns.length).toBeLessThanOrEqual(5);
      turns.forEach((turn, i) => {
        const before = turns.slice(0, i).map(({ question }) => question);
        expect(turn.history).toEqual(before);
        expect(turn.gold.size).toBeGreaterThan(0);
        for (const id of turn.gold) expect(ids).toContain(id);
      });
    }
    expect(data.turns.filter(({ newTopic }) => newTopic).length).toBeGreaterThanOrEqual(10);
  });

  test("have a vector of length 1 for every run of turns that ends with one", () => {
    for (const { history, question } of data.turns) {
      const turns = [...history, question];
      for (let start = 0; start < turns.length; start++) {
        const vector = data.vectorOf(joined(turns.slice(start)))!;
        expect(Math.hypot(...vector)).toBeCloseTo(1, 5);
      }
    }
  });
});

test("figures of a ranking whose discounts are known", () => {
  const gold = new Set(["a", "b"]);
  const second = 1 / Math.log2(3);
  expect(figuresOf(["a", "b", "c"], gold)).toEqual({ ndcg: 1, recall: 1 });
  expect(figuresOf(["c", "a"], gold).ndcg).toBeCloseTo(second / (1 + second), 12);
  expect(figuresOf(["1", "2", "3", "4", "5", "a"], gold).recall).toBe(0);
});

test("a gain is relative to the baseline, and so is its interval", () => {
  const turns = ["a", "a", "b"].map((conversation) => ({ conversation }));
  const { mean, gain, interval } = cellOf(turns, [0.6, 0.8, 0.7], [0.5, 0.7, 0.6]);
  expect(mean).toBeCloseTo(0.7, 12);
  expect(gain).toBeCloseTo(100 / 6, 9);
  for (const bound of interval) expect(bound).toBeCloseTo(100 / 6, 9);
});

test("turns of one conversation count as one draw: the interval is wider than by turns that are each their own", () => {
  const gains = Array.from({ length: 80 }, (_, i) => ((i >> 2) % 2 === 0 ? 0.3 : 0));
  const widthOf = (nameOf: (i: number) => string) => {
    const turns = gains.map((_, i) => ({ conversation: nameOf(i) }));
    const { interval } = cellOf(
      turns,
      gains.map((gain) => 0.5 + gain),
      gains.map(() => 0.5),
    );
    return interval[1] - interval[0];
  };
  expect(widthOf((i) => String(i >> 2))).toBeGreaterThan(1.5 * widthOf(String));
});

test("the area under the curve: all told, none told, ties by half", () => {
  expect(areaUnderCurve([2, 3], [0, 1])).toBe(1);
  expect(areaUnderCurve([0, 1], [2, 3])).toBe(0);
  expect(areaUnderCurve([1, 2], [1, 1])).toBe(0.75);
});

test("no conversation is in both halves, and each turn in one", () => {
  const [first, second] = halvesOf(data.turns);
  expect(first.size + second.size).toBe(data.turns.length);
  const names = ([...turns]: Iterable<{ conversation: string }>) => new Set(turns.map((t) => t.conversation));
  for (const name of names(first)) expect(names(second)).not.toContain(name);
});

test("a focus without history weight is the last turn", () => {
  const { last } = alternatives(data);
  const bare = focused(data, { historyWeight: 0 });
  for (const turn of data.turns.slice(0, 20)) {
    expect(judge(data, turn, bare, false)).toEqual(judge(data, turn, last, false));
  }
});

test("a replay joins the turns of the topic: after a reset those from it on", () => {
  const turn = data.turns.find(({ history, newTopic }) => history.length === 3 && !newTopic)!;
  const texts = [...turn.history, turn.question];
  const vector = (text: string) => data.vectorOf(text)!;
  // Where every turn is a new topic, the last is joined with the one before it alone.
  const last = replay(data, turn, { resetAbove: 0.0001 })!;
  expect(last).toMatchObject({ turn: 3, reset: true });
  const [topic, before] = [vector(joined(texts.slice(-2))), vector(texts.at(-2)!)];
  expect(last.energy).toBeCloseTo(1 - topic.reduce((sum, v, i) => sum + v * before[i]!, 0), 5);
  last.query.forEach((v, i) => {
    expect(v).toBeCloseTo(vector(turn.question)[i]!, 6);
  });
  const focus = new QueryFocus();
  texts.forEach((text, i) => {
    focus.next(vector(text), vector(joined(texts.slice(0, i + 1))));
  });
  expect(replay(data, turn, {})!.query).toEqual(Float32Array.from(focus.toJSON().query));
});

test("the best options of a grid are those with the best mean", () => {
  const turns = data.turns.slice(0, 24);
  const grid = [{ historyWeight: 10 }, { historyWeight: 0.3 }];
  const value = (options: object) =>
    turns.reduce((sum, turn) => sum + judge(data, turn, focused(data, options), false)!.ndcg, 0);
  const [heavy, light] = grid.map(value) as [number, number];
  expect(choose(data, turns, grid)).toBe(light > heavy ? grid[1] : grid[0]);
});
