import { execFileSync } from "node:child_process";
import { existsSync, readFileSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, test } from "vitest";
import { type OpenAIServer, openaiServer } from "../../../integration-tests/servers/openai.ts";
import { folder, lines, oscillink, printed, shell } from "./run.ts";

const NOTE =
  "no model: searched by words and parts of words (--embed URL --model NAME searches by meaning)\n";

const FILES = {
  "ferry.md":
    "# The ferry\n\nIt leaves at noon.\n\n## Tickets\n\nA ticket costs four crowns.\n\n```sh\n# no heading\n```\n",
  "terns.txt": "Terns nest on the cliffs\nfrom May to August.\n",
  "bank.html":
    "<html><head><title>The Vell Seed Bank</title><style>p { color: red }</style>\n<body>\n<script>\nvar founder = 1;</script><svg><title>\n</title></svg>\n" +
    "<p>Its founder was <b>Helga</b>\nOstrand &amp; her sister.</p></body></html>\n",
  "cache.ts": "export function emptyCache(): void {\n  entries.clear();\n}\n",
  "data.json": '{"founder": "not indexed"}',
};

let cwd: string;
beforeEach(() => {
  cwd = folder(Object.fromEntries(Object.entries(FILES).map(([name, text]) => [`docs/${name}`, text])));
});

const search = (question: string, ...args: string[]) =>
  oscillink(["search", "docs", question, ...args], { cwd });
const first = async (question: string, ...args: string[]) =>
  lines((await search(question, ...args, "--format", "jsonl")).stdout)[0];
const write = (file: string, text: string) => writeFileSync(join(cwd, "docs", file), text);

describe("search", () => {
  test("prints passages with file, line and why", async () => {
    const { code, stdout, stderr } = await search("What does a ticket cost?", "-k", "1");
    expect({ code, stderr }).toEqual({ code: 0, stderr: NOTE });
    expect(stdout).toMatch(
      /^1\. docs\/ferry\.md:5-11 {2}The ferry > Tickets {2}relevance 0\.\d\d\n {3}## Tickets\n/,
    );
    expect(stdout).toMatch(/^ {3}why: by its own evidence 1st, at \+.*words of the query/m);
  });

  test.each([
    [
      "Who was the founder of the seed bank?",
      { file: "bank.html", firstLine: 6, lastLine: 7, title: "The Vell Seed Bank" },
    ],
    ["When do terns nest?", { file: "terns.txt", firstLine: 1, lastLine: 2, title: "" }],
    ["Where is the cache emptied?", { file: "cache.ts", firstLine: 1, lastLine: 3, title: "" }],
    ["When does the ferry leave?", { file: "ferry.md", firstLine: 1, lastLine: 3, title: "The ferry" }],
  ])("%s", async (question, place) => {
    const answer = await first(question);
    expect(answer).toMatchObject(place);
    expect(answer.text).not.toMatch(/color|var founder|<b>|&amp;/);
  });

  test("headings before a long paragraph are no passage of their own", async () => {
    const long = Array.from({ length: 60 }, (_, i) => `Step ${i} keeps the lantern of the lighthouse lit.`);
    write(
      "light.md",
      `# The light\n\n## The lantern\n\n${long.join(" ")}\n\nIts keeper is Ada.\n\n# Alone\n`,
    );
    const answers = lines(
      (await search("The light: the lantern, alone", "-k", "50", "--format", "jsonl")).stdout,
    );
    const own = answers.filter(({ file }) => file === "light.md");
    expect(own.map(({ title }) => title)).toContain("The light > The lantern");
    expect(own.filter(({ text }) => text.startsWith("#")).map(({ text }) => text)).toEqual(["# Alone"]);
  });

  test("a second question reads no file again, and embeds none", async () => {
    const first = await search("When do terns nest?", "--format", "jsonl");
    const index = join(cwd, "docs/.oscillink/index.db");
    const before = readFileSync(index);
    // Unreadable now: only a file whose time or size changed is read.
    const path = join(cwd, "docs/terns.txt");
    execFileSync("bash", [
      "-c",
      'stamp=$(mktemp) && touch -r "$0" "$stamp" && tr a-z A-Z < "$0" > "$0.new" && mv "$0.new" "$0" && touch -r "$stamp" "$0" && rm "$stamp"',
      path,
    ]);
    expect(await search("When do terns nest?", "--format", "jsonl")).toEqual(first);
    expect(readFileSync(index).equals(before)).toBe(true);
  });

  test("what has changed is indexed anew, what is gone goes, what is new comes", async () => {
    expect((await first("When do terns nest?")).text).toContain("May");
    write("terns.txt", "Terns nest on the cliffs from June.\n");
    rmSync(join(cwd, "docs/ferry.md"));
    write("puffin.md", "Puffins dig burrows.\n");
    expect((await first("When do terns nest?")).text).toContain("June");
    expect((await first("Who digs burrows?")).file).toBe("puffin.md");
    const all = lines((await search("ferry ticket crowns noon", "--format", "jsonl", "-k", "50")).stdout);
    expect(all.map(({ file }) => file)).not.toContain("ferry.md");
  });

  test("the index is that of the folder, whatever came before", async () => {
    await search("x");
    write("terns.txt", "Terns.\n");
    await search("x");
    write("terns.txt", FILES["terns.txt"]);
    const question = "When do terns nest?";
    const { receipt } = JSON.parse((await search(question, "--format", "json")).stdout);
    const anew = JSON.parse(
      (await search(question, "--format", "json", "--index", join(cwd, "other.db"))).stdout,
    );
    expect(receipt.digest).toBe(anew.receipt.digest);
  });

  test("a file that was only touched keeps its passages", async () => {
    await search("x");
    utimesSync(join(cwd, "docs/terns.txt"), new Date(), new Date(0));
    expect((await first("When do terns nest?")).file).toBe("terns.txt");
  });

  test("leaves out what .gitignore names, on every level, hidden files, and bytes", async () => {
    execFileSync("git", ["init", "--quiet", cwd]);
    writeFileSync(join(cwd, ".gitignore"), "*.log.md\n/docs/built/\n");
    write("burrow.log.md", "Burrows burrows burrows.");
    write(".hidden.md", "Burrows burrows burrows.");
    write("bytes.txt", "burrows \0 burrows");
    const inner = folder({
      "docs/built/a.md": "burrows",
      "docs/kept/.gitignore": "x.md\n!y.log.md\n",
      "docs/kept/x.md": "burrows",
      "docs/kept/y.log.md": "burrows of y",
      "docs/node_modules/z.md": "burrows",
    });
    execFileSync("cp", ["-r", `${inner}/docs`, cwd]);
    const found = lines((await search("burrows", "--format", "jsonl", "-k", "50")).stdout);
    const files = found.map(({ file }) => file);
    expect(files[0]).toBe("kept/y.log.md");
    for (const file of [
      "burrow.log.md",
      ".hidden.md",
      "bytes.txt",
      "built/a.md",
      "kept/x.md",
      "node_modules/z.md",
    ]) {
      expect(files).not.toContain(file);
    }
    // The index is no part of the repository either.
    expect((await shell("git status --porcelain docs", cwd)).stdout).not.toContain(".oscillink");
  });

  test("writes a receipt that names its vectors, and verifies", async () => {
    await printed(["keys", "generate"], { cwd });
    await search("When do terns nest?", "--receipt", "r.json", "--sign", "oscillink.private.pem");
    const verified = await printed(["verify", "r.json", "--key", "oscillink.public.pem"], { cwd });
    expect(verified).toMatch(/^valid/);
    expect(await printed(["explain", "r.json"], { cwd })).toContain("bound to it: embedding lexical");
  });

  test.each([
    ["a folder that is not there", ["search", "none", "x"], 3, "none: there is no such file or folder"],
    ["a file", ["search", "docs/ferry.md", "x"], 3, "is no folder"],
    [
      "an index that is something else",
      ["search", "docs", "x", "--index", "docs/data.json"],
      3,
      "docs/data.json: file is not a database",
    ],
    ["a folder without text", ["search", "empty", "x"], 1, "empty: holds no text"],
    ["a pool of none", ["search", "docs", "x", "--pool", "0"], 2, "It must be a whole number from 1"],
  ])("ends with its code: %s", async (_, args, code, message) => {
    execFileSync("mkdir", [join(cwd, "empty")]);
    const outcome = await oscillink(args, { cwd });
    expect(outcome).toMatchObject({ code, stderr: expect.stringContaining(message) });
    expect(outcome.stdout).toBe("");
  });

  test("makes no folder where none is", async () => {
    await oscillink(["search", "none", "x"], { cwd });
    expect(existsSync(join(cwd, "none"))).toBe(false);
  });
});

describe("search --embed", () => {
  const start = async (test: (server: OpenAIServer, ...flags: string[]) => Promise<void>, options = {}) => {
    await using server = await openaiServer(options);
    await test(server, "--embed", server.url, "--model", "m");
  };
  const asked = ({ answered }: OpenAIServer) => answered.flatMap(({ input }) => input);

  test("asks the API for each passage once, and then for questions alone", () =>
    start(async (server, ...flags) => {
      const { code, stderr } = await search("When do terns nest?", ...flags);
      expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
      const passages = asked(server).length - 1;
      expect(passages).toBe(5);
      await search("Where is the cache?", ...flags);
      expect(asked(server).slice(passages + 1)).toEqual(["Where is the cache?"]);
      write("terns.txt", "Terns nest in June.\n");
      await search("x", ...flags);
      expect(asked(server).slice(passages + 2)).toEqual(["Terns nest in June.", "x"]);
    }));

  test("an index of another model is made anew, and it is said", () =>
    start(async (server, ...flags) => {
      await search("x");
      const { stderr } = await search("When do terns nest?", ...flags);
      expect(stderr).toBe(`the index has vectors of lexical: made anew for m at ${server.url}\n`);
      expect(asked(server)).toHaveLength(6);
      const prefixed = ["--document-prefix", "passage: ", "--query-prefix", "query: ", "--query-model", "q"];
      expect((await search("nests", ...flags, ...prefixed)).stderr).toContain("made anew");
      expect(asked(server).slice(6)).toEqual(
        expect.arrayContaining(["passage: Terns nest on the cliffs\nfrom May to August.", "query: nests"]),
      );
      expect(server.answered.at(-1)?.model).toBe("q");
    }));

  test("what was embedded before a failure is kept", () =>
    start(
      async (server, ...flags) => {
        expect(await search("x", ...flags)).toMatchObject({
          code: 4,
          stderr: expect.stringContaining(server.url),
        });
        expect(await search("x", ...flags)).toMatchObject({ code: 0 });
        expect(asked(server)).toHaveLength(6);
      },
      // The passages are made, the question is refused.
      { faults: [null, { status: 400 }] },
    ));

  test("takes URL and model from the environment, and the key from where it is told", () => {
    const keys: (string | undefined)[] = [];
    const onRequest = ({ authorization }: { authorization?: string }) => keys.push(authorization);
    return start(
      async ({ url }) => {
        const env = { OSCILLINK_EMBED: url, OSCILLINK_MODEL: "m", MY_KEY: "secret" };
        expect(await oscillink(["search", "docs", "x", "--key-env", "MY_KEY"], { cwd, env })).toMatchObject({
          code: 0,
        });
        expect(new Set(keys)).toEqual(new Set(["Bearer secret"]));
      },
      { onRequest },
    );
  });
});
