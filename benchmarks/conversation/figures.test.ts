import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { svgOf } from "./chart.ts";
import { FOLDER, figures } from "./figures.ts";

test.each(Object.keys(figures))(
  "docs/figures/%s is what a run draws: `node benchmarks/conversation/figures.ts` writes it",
  (file) => {
    expect(readFileSync(new URL(file, FOLDER), "utf8")).toBe(figures[file]);
  },
);

test("a chart has each line's values at their places, and its texts escaped", () => {
  const lines = [{ name: "a < b", values: [0, 1], color: "#000000" }];
  const svg = svgOf("t", [{ title: "x & y", lines, labels: [], marks: [], least: 0, most: 1 }]);
  expect(svg).toContain('points="70,190 620,40"');
  expect(svg).toContain("a &lt; b");
  expect(svg).toContain("x &amp; y");
});
