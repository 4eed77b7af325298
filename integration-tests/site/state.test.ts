import fc from "fast-check";
import { expect, test } from "vitest";
import { hashOf, initialState, sliders, stateOf } from "../../site/.vitepress/theme/playground/state.ts";

const place = ({ min, max, step }: (typeof sliders)[number]) =>
  fc.integer({ min: 0, max: Math.round((max - min) / step) }).map((i) => Number((min + i * step).toFixed(2)));
const options = fc.record(Object.fromEntries(sliders.map((slider) => [slider.name, place(slider)])));
// Surrogates that stand alone are no text: a URL cannot hold them.
const text = fc.string({ unit: "grapheme" });
const trust = fc.dictionary(
  fc.string({ minLength: 1, unit: "grapheme" }).filter((id) => id !== "__proto__"),
  fc.integer({ min: 0, max: 20 }).map((i) => i / 20),
  { noNullPrototype: true },
);
const state = fc.oneof(
  fc.record({ question: text, ask: fc.constant(""), texts: fc.constant(""), options, trust }),
  fc.record({ question: fc.constant(null), ask: text, texts: text, options, trust }),
) as fc.Arbitrary<ReturnType<typeof initialState>>;

test("every state of the playground has a hash that says it", () => {
  fc.assert(
    fc.property(state, (state) => {
      expect(stateOf(hashOf(state))).toEqual(state);
    }),
  );
});

test("what is at the beginning takes no room, and what is out of range is as at the beginning", () => {
  expect(hashOf(initialState())).toBe("#question=q12");
  expect(stateOf("#k=0&lamC=x&textWeight=1e9&linkWeight=-1&trust=2%20a&trust=b")).toEqual(initialState());
  expect(stateOf("#k=2.5")).toEqual(initialState());
});
