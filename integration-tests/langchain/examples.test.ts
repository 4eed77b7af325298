import { afterAll, describe, expect, test } from "vitest";
import { output } from "../script.ts";
import { openaiServer } from "../servers/openai.ts";

const asked: { role: string; content: string }[][] = [];
const server = await openaiServer({
  reply: (messages) => {
    asked.push([...messages]);
    return "So the handbook says.";
  },
});
afterAll(() => server[Symbol.asyncDispose]());

const digest = /sha256:[0-9a-f]{64}/g;

describe.each([
  // What is found, and how many receipts are printed without a key and with one.
  ["langchain-rag", "The Brodie Yard was a shipyard at Saltby", 1, 1],
  // Without a key, the fake model searches once more on its own.
  ["langchain-agent", "Helga Ostrand", 2, 1],
])("examples/%s.ts", (name, found, offline, online) => {
  const script = `examples/${name}.ts`;

  test("runs without a key, and prints the same every time", async () => {
    const printed = await output(script);
    expect(printed).toContain(found);
    expect(printed).toContain("With a key in OPENAI_API_KEY");
    expect(printed.match(digest)).toHaveLength(offline);
    expect(await output(script)).toBe(printed);
  });

  test("asks a real model with a key: the passages reach it, and its answer is printed", async () => {
    asked.length = 0;
    const printed = await output(script, [], { OPENAI_API_KEY: "test", OPENAI_BASE_URL: server.url });
    expect(printed).toContain("So the handbook says.");
    expect(printed.match(digest)).toHaveLength(online);
    expect(asked).toHaveLength(1);
    const system = asked[0]!.find(({ role }) => role === "system")!;
    expect(JSON.stringify(system.content)).toContain(found);
    expect(asked[0]!.at(-1)).toMatchObject({ role: "user" });
  });
});
