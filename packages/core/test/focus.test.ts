import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type FocusMode, type FocusOptions, type FocusState, QueryFocus } from "../src/focus/index.ts";
import { OptionError, StateError, VectorError } from "../src/index.ts";

const modes: readonly FocusMode[] = ["history", "average", "oscillator"];
/** Values of float32, as embedders give them: no factor below takes one out of the range of float64. */
const entry = fc.float({ min: -10, max: 10, noNaN: true });
const vector = fc
  .array(entry, { minLength: 4, maxLength: 4 })
  .filter((v) => v.some((value) => Math.abs(value) > 1e-3));
/** Turns of a conversation: embedding and joined embedding. */
const turns = fc.array(fc.tuple(vector, vector), { minLength: 1, maxLength: 8 });

const norm = (v: ArrayLike<number>) => Math.hypot(...Array.from(v));
const unit = (v: readonly number[]) => v.map((value) => value / norm(v));
const run = (focus: QueryFocus, given: readonly (readonly [number[], number[]])[]) =>
  given.map(([embedding, joined]) => focus.next(embedding, joined));

describe.for(modes)("a focus of the mode %s", (mode) => {
  test("gives queries of length 1, and for the first turn the turn itself", () => {
    fc.assert(
      fc.property(turns, (given) => {
        const results = run(new QueryFocus({ mode }), given);
        for (const { query } of results) expect(norm(query)).toBeCloseTo(1, 6);
        expect(results[0]).toMatchObject({ turn: 0, energy: 0, shift: 0, reset: false, converged: false });
        unit(given[0]![0]).forEach((value, i) => {
          expect(results[0]!.query[i]).toBeCloseTo(value, 6);
        });
      }),
    );
  });

  test("goes on after toJSON, JSON and fromJSON with the same bytes, at every turn", () => {
    fc.assert(
      fc.property(turns, fc.option(fc.double({ min: 0.1, max: 1.5, noNaN: true })), (given, resetAbove) => {
        const whole = new QueryFocus({ mode, resetAbove });
        let carried = new QueryFocus({ mode, resetAbove });
        for (const [embedding, joined] of given) {
          carried = QueryFocus.fromJSON(JSON.parse(JSON.stringify(carried)));
          expect(carried.next(embedding, joined)).toEqual(whole.next(embedding, joined));
          expect(carried.since).toBe(whole.since);
        }
      }),
    );
  });

  test("does not care how long the embeddings are, and changes none", () => {
    fc.assert(
      fc.property(turns, fc.constantFrom(0.25, 4, 2 ** 60, 2 ** -60), (given, factor) => {
        const before = JSON.stringify(given);
        const plain = run(new QueryFocus({ mode }), given);
        const times = (v: readonly number[]) => v.map((value) => value * factor);
        const scaled = run(
          new QueryFocus({ mode }),
          given.map(([x, h]) => [times(x), times(h)] as [number[], number[]]),
        );
        expect(scaled).toEqual(plain);
        expect(JSON.stringify(given)).toBe(before);
      }),
    );
  });

  test("comes to rest on what is asked again and again", () => {
    const focus = new QueryFocus({ mode });
    focus.next([1, 0]);
    const results = Array.from({ length: 12 }, () => focus.next([0, 1], [0, 1]));
    expect(results[0]!.converged).toBe(false);
    expect(results.at(-1)!.converged).toBe(true);
    expect(results.at(-1)!.query[1]).toBeCloseTo(1, 3);
    expect(results.at(-1)!.shift).toBeLessThan(1e-3);
    expect(results.at(-1)!.energy).toBeLessThan(1e-3);
  });

  test("begins anew at a turn whose energy is above the threshold, and carries nothing over", () => {
    const focus = new QueryFocus({ mode, resetAbove: 0.9 });
    const [a, b] = [
      [1, 0.2, 0],
      [1, 0, 0.1],
    ];
    run(focus, [
      [a, a],
      [b, a],
    ] as [number[], number[]][]);
    expect(focus.since).toBe(0);
    const away = focus.next([-0.1, 0, 1], [-0.1, 0, 1]);
    expect(away.energy).toBeGreaterThan(0.9);
    expect(away).toMatchObject({ turn: 2, reset: true, converged: false });
    expect(focus.since).toBe(2);
    const fresh = new QueryFocus({ mode });
    fresh.next([-0.1, 0, 1]);
    const [after, wanted] = [focus, fresh].map((one) => one.next([0, 0.5, 1], [0, 0.2, 1]));
    expect(after!.query).toEqual(wanted!.query);
    expect(after!.energy).toBe(wanted!.energy);
    // Never, where no threshold is given.
    const kept = new QueryFocus({ mode });
    kept.next([1, 0]);
    expect(kept.next([-1, 0.01], [1, 0]).reset).toBe(false);
  });

  test("forgets on reset()", () => {
    const focus = new QueryFocus({ mode });
    focus.next([1, 0]);
    focus.reset();
    expect(focus.turns).toBe(0);
    // Vectors of another model may come now.
    expect(focus.next([1, 2, 3])).toEqual(new QueryFocus({ mode }).next([1, 2, 3]));
  });
});

describe("what the modes compute", () => {
  test("history: the last turn, and the joined turns at their weight", () => {
    fc.assert(
      fc.property(turns, fc.double({ min: 0, max: 1, noNaN: true }), (given, historyWeight) => {
        fc.pre(given.length > 1);
        const last = run(new QueryFocus({ historyWeight }), given).at(-1)!;
        const [x, h] = given.at(-1)!.map(unit) as [number[], number[]];
        const mixed = x.map((value, i) => value + historyWeight * h[i]!);
        fc.pre(norm(mixed) > 1e-6);
        unit(mixed).forEach((value, i) => {
          expect(last.query[i]).toBeCloseTo(value, 6);
        });
      }),
    );
  });

  test("history: no weight, and average: the whole share, are the last turn alone", () => {
    fc.assert(
      fc.property(turns, (given) => {
        const bare = (options: FocusOptions) => run(new QueryFocus(options), given).map(({ query }) => query);
        given.forEach(([x], i) => {
          for (const options of [{ historyWeight: 0 }, { mode: "average", lastShare: 1 }] as const) {
            unit(x).forEach((value, c) => {
              expect(bare(options)[i]![c]).toBeCloseTo(value, 6);
            });
          }
        });
      }),
      { numRuns: 30 },
    );
  });

  test("average: the share of each turn falls by the same factor", () => {
    const focus = new QueryFocus({ mode: "average", lastShare: 0.5 });
    focus.next([1, 0]);
    const second = focus.next([0, 1]);
    expect(second.query[0]).toBeCloseTo(Math.SQRT1_2, 6);
    expect(second.energy).toBeCloseTo(1, 12);
    expect(second.shift).toBeCloseTo(1 - Math.SQRT1_2, 6);
  });

  test("oscillator: a stiff spring without damping follows the last turn; a strongly damped one hardly moves", () => {
    const after = (options: FocusOptions) => {
      const focus = new QueryFocus({ mode: "oscillator", ...options });
      focus.next([1, 0]);
      return focus.next([0, 1]);
    };
    expect(after({ stiffness: 1e5, damping: 0 }).query[1]).toBeCloseTo(1, 4);
    expect(after({ damping: 1e5 }).query[0]).toBeCloseTo(1, 4);
    // dt² k / (1 + dt c + dt² k) of the way: 4/9 with the defaults.
    const { query } = after({});
    expect(query[1]! / query[0]!).toBeCloseTo(4 / 5, 6);
  });

  test("oscillator: the energy of a focus that is left alone at its target only falls", () => {
    const focus = new QueryFocus({ mode: "oscillator", stiffness: 2, damping: 0.3, dt: 0.5 });
    focus.next([1, 0, 0]);
    let last = Infinity;
    for (let turn = 0; turn < 60; turn++) {
      const { energy } = focus.next([0, 0.6, 0.8]);
      expect(energy).toBeLessThan(last);
      last = energy;
    }
    expect(last).toBeLessThan(1e-3);
  });
});

describe("what is refused", () => {
  const bad = (options: object, text: string) =>
    expect(() => new QueryFocus(options as FocusOptions), text).toThrow(text);

  test("options, by their name, with what came", () => {
    bad({ mode: "mean" }, 'mode: must be one of "history", "average", "oscillator", not "mean"');
    bad({ historyWeight: -1 }, "historyWeight: must be a number from 0 to 10, not -1");
    bad({ lastShare: Number.NaN }, "lastShare: must be a number from 0 to 1, not NaN");
    bad({ stiffness: 0 }, "stiffness: must be a number above 0 and at most 1000000, not 0");
    bad({ damping: -1 }, "damping: must be");
    bad({ dt: 0 }, "dt: must be");
    bad({ resetAbove: "1" }, 'resetAbove: must be a number from 0 to 100, not "1"');
    bad({ convergedBelow: 3 }, "convergedBelow: must be");
    bad({ historyweight: 1 }, "did you mean historyWeight?");
    expect(() => new QueryFocus({ dt: -1 })).toThrow(OptionError);
  });

  test("vectors that are zero, of no or another width, or not finite; a later turn without the joined ones", () => {
    const focus = new QueryFocus();
    expect(() => focus.next([])).toThrow(VectorError);
    expect(() => focus.next([0, 0])).toThrow("embedding: must not be zero");
    expect(() => focus.next([1, Number.NaN])).toThrow("embedding[1]: must be a finite number, not NaN");
    focus.next([1, 0]);
    expect(() => focus.next([1, 0, 0], [1, 0])).toThrow(
      "embedding: must have 2 values as the turns before, not 3",
    );
    expect(() => focus.next([1, 0], [1])).toThrow("joinedEmbedding: must have 2 values");
    expect(() => focus.next([1, 0])).toThrow(StateError);
    // A turn that was refused is no turn.
    expect(focus.turns).toBe(1);
  });

  test("states that it did not write", () => {
    const focus = new QueryFocus({ mode: "oscillator" });
    focus.next([1, 0]);
    const state = focus.toJSON();
    const broken: readonly [object, string][] = [
      [{ version: 2 }, "state.version"],
      [{ turns: -1 }, "state.turns"],
      [{ turns: 0 }, "state.position"],
      [{ since: 1 }, "state.since"],
      [{ position: [1, null] }, "state.position[1]"],
      [{ position: [] }, "state.position"],
      [{ velocity: [0] }, "state.velocity"],
      [{ query: [1] }, "state.query"],
      [{ options: { mode: "none" } }, "mode"],
    ];
    for (const [change, parameter] of broken) {
      expect(() => QueryFocus.fromJSON({ ...state, ...change } as FocusState), parameter).toThrow(
        `${parameter}: `,
      );
    }
    expect(QueryFocus.fromJSON(state).toJSON()).toEqual(state);
  });
});
