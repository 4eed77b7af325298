import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { drawFigures } from "../../site/figures.ts";

test.each(Object.entries(await drawFigures()))(
  "docs/figures/%s is what a run of core draws",
  async (name, figure) => {
    await expect(figure).toMatchFileSnapshot(
      fileURLToPath(new URL(`../../docs/figures/${name}`, import.meta.url)),
    );
  },
);
