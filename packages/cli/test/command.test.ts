import { describe, expect, test } from "vitest";
import { folder, jsonl, NOTES, oscillink, printed, QUESTION, shell } from "./run.ts";

const COMMANDS = [
  ["rerank"],
  ["search"],
  ["verify"],
  ["explain"],
  ["keys"],
  ["keys", "generate"],
  ["keys", "show"],
  ["bench"],
  ["tune"],
  ["mcp"],
];

describe("help", () => {
  test("names every command, and the exit codes", async () => {
    const help = await printed(["--help"]);
    for (const [name] of COMMANDS) expect(help).toMatch(new RegExp(`^  ${name}`, "m"));
    expect(help).toContain("Exit codes:");
  });

  test.each(COMMANDS.map((command) => [command.join(" "), command] as const))(
    "of %s",
    async (name, command) => {
      const { code, stdout, stderr } = await oscillink([...command, "--help"]);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      expect(stdout).toContain(`Usage: oscillink ${name}`);
      // What only holds other commands has no examples of its own.
      if (name !== "keys") expect(stdout).toMatch(/Examples?[:,]/);
    },
  );

  test("the version is that of the package", async () => {
    expect(await printed(["--version"])).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});

describe("a command line that is wrong ends with 2", () => {
  test.each([
    ["an unknown command", ["serch"], /unknown command 'serch'\n\(Did you mean search\?\)/],
    ["an unknown option", ["rerank", "--lexicl"], /unknown option '--lexicl'\n\(Did you mean --lexical\?\)/],
    ["an option of the wrong kind", ["rerank", "-k", "many"], /'many' is invalid. It must be a number/],
    [
      "an option out of range",
      ["rerank", "-q", "x", "-k", "0"],
      /^error: k: must be an integer of at least 1, not 0\n$/,
    ],
    [
      "an unknown option of core",
      ["rerank", "-q", "x", "--option", "neighbour=3"],
      /did you mean neighbors\?/,
    ],
    ["no question", ["rerank"], /--query TEXT or --query-vector JSON is needed/],
    [
      "half of an API",
      ["rerank", "-q", "x", "--embed", "http://127.0.0.1:9/v1"],
      /--embed URL and --model NAME go together/,
    ],
    [
      "two kinds of vectors",
      ["rerank", "-q", "x", "--embed", "http://h/v1", "--lexical"],
      /cannot be used with option/,
    ],
    [
      "a profile that is none",
      ["rerank", "-q", "x", "--profile", "evidense"],
      /neither one of evidence, cosine, reference nor a file/,
    ],
    [
      "a signature without a place for it",
      ["rerank", "-q", "x", "--sign", "key.pem"],
      /--sign KEY needs --receipt FILE/,
    ],
    ["no folder", ["search"], /missing required argument 'folder'/],
  ])("%s", async (_, args, message) => {
    const candidates = jsonl([{ id: "a", text: "x", score: 1 }]);
    const { code, stdout, stderr } = await oscillink(args, { stdin: candidates });
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(message);
  });
});

describe("in a pipe", () => {
  const cwd = folder({ "notes.jsonl": jsonl(NOTES) });
  const rerank = `oscillink rerank notes.jsonl -q "${QUESTION}" --lexical`;

  test("it is read from and written to, without colours or progress", async () => {
    const { code, stdout, stderr } = await shell(
      `cat notes.jsonl | ${rerank.replace("notes.jsonl ", "")}`,
      cwd,
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(stdout).not.toContain("\u001B");
    expect(stdout).toBe((await shell(rerank, cwd)).stdout);
  });

  test("a reader that has seen enough ends it quietly", async () => {
    const notes = jsonl(
      Array.from({ length: 3000 }, (_, i) => ({ id: `n${i}`, text: `note ${i} of the bank`, score: 1 })),
    );
    const all = folder({ "notes.jsonl": notes });
    const line = 'oscillink rerank notes.jsonl -q "bank" -k 3000 --copies keep --format json';
    const { code, stdout, stderr } = await shell(`${line} | head -c 20`, all);
    expect({ code, stderr, length: stdout.length }).toEqual({ code: 0, stderr: "", length: 20 });
  });

  test("colours are there where they are asked for, and gone with NO_COLOR", async () => {
    const args = ["rerank", "notes.jsonl", "-q", QUESTION, "--lexical"];
    expect(await printed(args, { cwd, env: { FORCE_COLOR: "1" } })).toContain("\u001B");
    expect(await printed(args, { cwd, env: { NO_COLOR: "1" } })).not.toContain("\u001B");
  });
});
