import { expect, test } from "vitest";
import { leaveOneOut } from "./loo.ts";

test("reports the setting that is best on the others, and not what it is chosen by", () => {
  const gains = {
    default: { a: 2, b: 2, c: 2 },
    // The best on the mean of all, thanks to a alone.
    narrow: { a: 30, b: 0, c: 0 },
    even: { a: 1, b: 3, c: 3 },
  };
  expect(leaveOneOut(gains)).toEqual([
    { collection: "a", picked: "even", gain: 1, default: 2 },
    { collection: "b", picked: "narrow", gain: 0, default: 2 },
    { collection: "c", picked: "narrow", gain: 0, default: 2 },
  ]);
});

test("does not pick what loses more than 1 % on one of the others; the one held out may lose", () => {
  const gains = {
    default: { a: 2, b: 2, c: 2 },
    risky: { a: 30, b: -1.1, c: 30 },
    bounded: { a: 10, b: -1, c: 10 },
  };
  expect(leaveOneOut(gains)).toEqual([
    { collection: "a", picked: "bounded", gain: 10, default: 2 },
    { collection: "b", picked: "risky", gain: -1.1, default: 2 },
    { collection: "c", picked: "bounded", gain: 10, default: 2 },
  ]);
});

test("of equal settings takes the first, and the default if none is eligible", () => {
  expect(leaveOneOut({ default: { a: 1, b: 1 }, same: { a: 9, b: 1 } })[0]!.picked).toBe("default");
  const gains = { default: { a: -5, b: -5 }, better: { a: -2, b: -2 } };
  expect(leaveOneOut(gains).map(({ picked }) => picked)).toEqual(["default", "default"]);
});
