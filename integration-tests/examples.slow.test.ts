import { execFile } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import type { Outcome } from "./script.ts";
import { openaiServer } from "./servers/openai.ts";

const root = fileURLToPath(new URL("..", import.meta.url));
const names = readdirSync(`${root}/examples`)
  .filter((file) => file.endsWith(".ts") && file !== "run.ts")
  .map((file) => file.slice(0, -".ts".length));

/** What `pnpm example NAME` runs after the build, from where pnpm runs it. No key of this machine's environment is there. */
function example(name: string, environment: Record<string, string> = {}): Promise<Outcome> {
  const { PATH = "", HOME = "" } = process.env;
  return new Promise((resolve) => {
    execFile(
      process.execPath,
      ["examples/run.ts", name],
      { cwd: root, env: { PATH, HOME, ...environment }, timeout: 25_000 },
      (error, stdout, stderr) => resolve({ code: error ? Number(error.code ?? -1) : 0, stdout, stderr }),
    );
  });
}

const digests = (printed: string): string[] => printed.match(/sha256:[0-9a-f]{64}\b/g) ?? [];

/** Passages that answer an example's question, and are not the nearest to it: what a re-ranking is for. */
const finds: Record<string, string> = {
  "ai-sdk": "Lucan Brey: ",
  "explain-page": "saltby-charter",
  frames: "cuts at 14, 26: found at 14, 26;",
  "hybrid-bm25": "The Saltby Charter: ",
  "langchain-agent": "Helga Ostrand",
  "langchain-rag": "The Brodie Yard was a shipyard at Saltby",
  "llamaindex-query-engine": "Lucan Brey was a sea captain",
  "openai-answer": "Adela Corrie: ",
  pgvector: "By the Saltby Charter",
  "pinecone-rerank": "The Brodie Yard was a shipyard at Saltby",
  quickstart: "Helga Ostrand",
};

describe("without a key", () => {
  test.each(names)("%s ends with 0, its passage found, the same receipts every time", async (name) => {
    const { code, stdout, stderr } = await example(name);
    // No dependency prints anything on stderr today, deprecations included; a line there is one that users would see too.
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(digests(stdout)).not.toEqual([]);
    expect(stdout).toContain(finds[name] ?? "");
    expect(stdout.split("\n").length).toBeLessThan(20);
    expect((await example(name)).stdout).toBe(stdout);
  });
});

describe("with a key", () => {
  const asked: { role: string; content: string }[][] = [];
  const server = openaiServer({
    reply: (messages) => {
      asked.push([...messages]);
      return "So the handbook says.";
    },
  });
  afterAll(async () => (await server)[Symbol.asyncDispose]());
  beforeEach(() => void asked.splice(0));

  test.each(["langchain-rag", "langchain-agent", "openai-answer"])(
    "%s asks the model: the passages reach it, and its answer is printed",
    async (name) => {
      const environment = { OPENAI_API_KEY: "test", OPENAI_BASE_URL: (await server).url };
      const { code, stdout, stderr } = await example(name, environment);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toContain("So the handbook says.");
      expect(digests(stdout)).toHaveLength(1);
      expect(asked).toHaveLength(1);
      const system = asked[0]!.find(({ role }) => role === "system")!;
      expect(JSON.stringify([system.content, asked[0]!.at(-1)])).toContain(finds[name]!);
      expect(asked[0]!.at(-1)).toMatchObject({ role: "user" });
    },
  );
});

test("a name that is no example's gets the list of them", async () => {
  const { code, stdout, stderr } = await example("no-such-example");
  expect({ code, stdout, stderr }).toEqual({
    code: 1,
    stdout: "",
    stderr: `Which example? ${names.join(", ")}\n`,
  });
});

test("the README of the examples lists each with its command", () => {
  const table = readFileSync(`${root}/examples/README.md`, "utf8");
  for (const name of names) expect(table).toContain(`npx --yes pnpm@12.21.0 example ${name}`);
});
