import { expect, test } from "vitest";
import { copiesAmong, copyKey } from "./copies.ts";

const key = (text: string, title = "", id = "d1") => copyKey({ id, title, text });

test.each([
  ["case", "Amber burns", "AMBER burns"],
  ["white space", "Amber burns", "  Amber\n\tburns "],
  ["punctuation", "Amber burns", "“Amber” — burns!"],
  ["Unicode form", "ﬁne café", "fine cafe\u0301"],
  ["width", "ＡＢＣ１", "abc1"],
])("a copy may differ in %s", (_, a, b) => {
  expect(key(a)).toBe(key(b));
});

test.each([
  ["words", "Amber burns", "Amber burned"],
  ["their order", "Amber burns", "burns amber"],
  ["where words end", "on line", "online"],
  ["numbers", "Version 1.2", "Version 1.3"],
  ["signs that are no punctuation", "a + b", "a = b"],
])("and not in %s", (_, a, b) => {
  expect(key(a)).not.toBe(key(b));
});

test("the title tells only where there is no text", () => {
  expect(key("Amber", "One")).toBe(key("Amber", "Two"));
  expect(key("", "One")).not.toBe(key("", "Two"));
  expect(key(" - ", "One")).toBe(key("", "one"));
});

test("documents without words are no copies of one another", () => {
  expect(key("", "", "d1")).not.toBe(key("", "", "d2"));
  expect(key("?", "!", "d1")).toBe(key("", "", "d1"));
});

test("near copies have nine tenths of their words in common, each as often; of titles too, in any order", () => {
  const words = "one two three four five six seven eight nine";
  const { same, near } = copiesAmong([
    { id: "a", title: "", text: `${words} ten` },
    { id: "b", title: "Ten", text: `Nine, ${words.replace(" nine", "")}!` },
    { id: "c", title: "", text: words },
    { id: "d", title: "", text: `${words} eleven` },
    { id: "e", title: "", text: `${words} nine nine` },
    { id: "f", title: "", text: "" },
    { id: "g", title: "", text: "" },
  ]);
  expect(near("a", "b")).toBe(true);
  expect(same("a", "b")).toBe(false);
  expect(near("a", "c")).toBe(true);
  expect(near("a", "d")).toBe(false);
  expect(near("c", "e")).toBe(false);
  expect([near("f", "g"), same("f", "g")]).toEqual([false, false]);
  expect([near("a", "x"), near("x", "x"), same("x", "x")]).toEqual([false, false, false]);
});
