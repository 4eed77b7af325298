import { expect, test } from "vitest";
import { folder, output, run } from "./script.ts";
import { openaiServer } from "./servers/openai.ts";

const lines = (rows: readonly object[]) => rows.map((row) => `${JSON.stringify(row)}\n`).join("");

test("bench:conversation judges any JSONL of history, question and gold with an OpenAI-compatible embedder", async () => {
  const data = folder({
    "corpus.jsonl": lines([
      { _id: "ferry", title: "Ferries", text: "The ferry crosses the sound at noon." },
      { _id: "fare", title: "Fares", text: "The fare of the ferry is two crowns; children cross free." },
      { _id: "light", title: "Lights", text: "The lighthouse was lit in 1874." },
      { _id: "keeper", title: "Keepers", text: "The keeper of the lighthouse was Osk Tindall." },
    ]),
  });
  const talk = folder({
    "talk.jsonl": lines([
      { history: [], question: "When does the ferry cross?", gold: ["ferry"] },
      { history: ["When does the ferry cross?"], question: "What is the fare?", gold: ["fare"] },
      { history: [], question: "When was the lighthouse lit?", gold: ["light"] },
      { history: ["When was the lighthouse lit?"], question: "Who was its keeper?", gold: ["keeper"] },
    ]),
  });
  await using server = await openaiServer();
  const args = [
    "--data",
    data,
    "--conversations",
    `${talk}/talk.jsonl`,
    "--url",
    server.url,
    "--model",
    "any",
  ];
  const script = "benchmarks/conversation/main.ts";
  const printed = await output(script, [...args, "--query-prefix", "query: ", "--json"]);
  const rows = printed
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line));
  expect(rows.map(({ turns, method }) => `${turns}: ${method}`)).toContain("later turns: focus, as it comes");
  for (const { cosine, ranking } of rows) {
    for (const { ndcg, recall } of [cosine, ranking]) {
      expect(ndcg.mean).toBeGreaterThan(0);
      expect(ndcg.mean).toBeLessThanOrEqual(1);
      expect(recall.mean).toBeLessThanOrEqual(1);
    }
  }
  const asked = server.answered.flatMap(({ input }) => input);
  expect(asked).toContain("query: When does the ferry cross? What is the fare?");
  expect(asked).toContain("Lights. The lighthouse was lit in 1874.");
  expect((await run(script, ["--data", data, "--url", server.url])).stderr).toContain(
    "--url and --model go together",
  );
});
