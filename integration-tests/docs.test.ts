import { execFile, spawnSync } from "node:child_process";
import {
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, describe, expect, test } from "vitest";
import { anchorOf } from "../site/.vitepress/links.ts";
import { fencesOf } from "./fences.ts";
import { SERVER_DOCUMENTS } from "./server/documents.ts";
import { openaiServer } from "./servers/openai.ts";
import { startPinecone } from "./servers/pinecone.ts";
import { postgres } from "./stores/postgres.ts";

/*
 * What the documents say is run. The `ts` blocks of a file are one program, from the first to the last, and the block
 * without a language under one of them is what that one prints. After a change of the figures, `vitest -u` on this file
 * writes the documents' outputs anew.
 */

const root = fileURLToPath(new URL("..", import.meta.url));
const read = (path: string) => readFileSync(join(root, path), "utf8");

const documents = ["*.md", "docs/**/*.md", "{packages,examples,benchmarks}/**/*.md"].flatMap((pattern) =>
  globSync(pattern, { cwd: root, exclude: ["**/node_modules", "**/dist"] }).sort(),
);

// ---------------------------------------------------------------- what runs

/** Languages of blocks that are shown and not run: those that can be judged are. */
const shown: Record<string, (text: string) => void> = {
  json: (text) => void JSON.parse(text),
  sql: () => {},
  http: () => {},
  text: () => {},
  sh: (text) => {
    // A backslash at the end of a line continues it.
    for (const line of text.replaceAll("\\\n", " ").split("\n")) {
      const command = line.replace(/(^|\s)#.*$/, "").trim();
      if (command !== "") checkCommand(command);
    }
  },
};

const openai = await openaiServer();
const pinecone = await startPinecone({ dimension: 2, embed: (text) => [text.length, 1] });
const database = await postgres();
afterAll(async () => {
  await database[Symbol.asyncDispose]();
  await pinecone.close();
  await openai[Symbol.asyncDispose]();
});

/** What each of the blocks prints when they run as one program. */
async function printed(blocks: readonly string[]): Promise<string[]> {
  const { PATH = "", HOME = "" } = process.env;
  const running = promisify(execFile)(process.execPath, ["--input-type=module-typescript"], {
    // Packages are looked up from here.
    cwd: join(root, "integration-tests"),
    // The services that the documents call, as their clients find them.
    env: {
      PATH,
      HOME,
      OPENAI_API_KEY: "none",
      OPENAI_BASE_URL: openai.url,
      PINECONE_API_KEY: "local",
      PINECONE_CONTROLLER_HOST: pinecone.url,
      DATABASE_URL: database.url,
    },
  });
  running.child.stdin!.end(blocks.join('process.stdout.write("\\0");\n'));
  const { stdout, stderr } = await running;
  expect(stderr).toBe("");
  return stdout.split("\0");
}

describe.each(documents)("%s", (path) => {
  const markdown = read(path);
  const fences = fencesOf(markdown);

  test("every block is one that is run, judged, or listed", () => {
    for (const [i, { language, text }] of fences.entries()) {
      // Those run in readme.slow.test.ts of the server.
      if (language === "ts" || (language === "sh" && SERVER_DOCUMENTS.includes(path))) continue;
      if (language === "") {
        expect(fences[i - 1]?.language, `block ${i} has no language, and no code over it`).toBe("ts");
      } else {
        expect(Object.keys(shown), `the language of block ${i}`).toContain(language);
        shown[language]!(text);
      }
    }
  });

  const programs = fences.flatMap((fence, i) =>
    fence.language === "ts" ? [{ ...fence, below: fences[i + 1] }] : [],
  );
  test.runIf(programs.length > 0)("its code, one block after the other, prints what it says", async () => {
    const outputs = await printed(programs.map(({ text }) => text));
    let result = markdown;
    // From the end, so that what stands before keeps its place.
    for (const [i, { below }] of [...programs.entries()].reverse()) {
      if (below?.language === "") {
        result = result.slice(0, below.at) + outputs[i] + result.slice(below.at + below.text.length);
      } else {
        expect(outputs[i], `block ${i} of the program has no output under it`).toBe("");
      }
    }
    await expect(result).toMatchFileSnapshot(join(root, path));
  });

  test("its links lead to files, and to headings in them", () => {
    for (const [, target] of markdown.matchAll(/\]\((?!https?:)([^)\s]+)\)/g)) {
      const [file, heading] = target!.split("#");
      const linked = file === "" ? path : join(dirname(path), file!);
      expect(existsSync(join(root, linked)), target).toBe(true);
      if (heading !== undefined) expect(headingsOf(read(linked)), target).toContain(heading);
    }
  });

  test("the files that it names are there", () => {
    for (const [, file] of markdown.matchAll(/`([\w.-]+(?:\/[\w.-]+)+\.ts)`/g)) {
      const bases = [dirname(path), ".", "packages/core", "packages/core/src"];
      expect(
        bases.some((base) => existsSync(join(root, base, file!))),
        file,
      ).toBe(true);
    }
  });

  test("the commands that it names are there", () => {
    for (const [command] of markdown.matchAll(/npx --yes pnpm@[^`\n#]+/g)) {
      checkCommand(command.replace(/\s*\\$/, ""));
    }
  });
});

/** The anchors of a document's headings. */
const headingsOf = (markdown: string) =>
  [...markdown.matchAll(/^#+ (.*)$/gm)].map(([, title]) => anchorOf(title!));

test("their code has no type errors", () => {
  // In a folder from which packages are looked up as they are from here.
  const cache = join(root, "integration-tests/node_modules/.cache");
  mkdirSync(cache, { recursive: true });
  const project = mkdtempSync(join(cache, "docs-"));
  try {
    for (const path of documents) {
      const code = fencesOf(read(path)).flatMap(({ language, text }) => (language === "ts" ? [text] : []));
      if (code.length > 0) writeFileSync(join(project, `${path.replaceAll("/", "_")}.ts`), code.join(""));
    }
    const compilerOptions = {
      strict: true,
      noEmit: true,
      target: "esnext",
      module: "nodenext",
      skipLibCheck: true,
      types: ["node"],
    };
    writeFileSync(join(project, "tsconfig.json"), JSON.stringify({ compilerOptions, include: ["*.ts"] }));
    const command = join(root, "node_modules/.bin/tsc");
    const { stdout } = spawnSync(command, ["-p", project, "--pretty", "false"], { encoding: "utf8" });
    expect(stdout).toBe("");
  } finally {
    rmSync(project, { recursive: true });
  }
});

// ---------------------------------------------------------------- commands

/** Refuses a command line that a reader could not run in the repository, or in the folder that the text names. */
function checkCommand(command: string): void {
  const words = command.split(/\s+/);
  if (words[0] === "npx" && words[1] === "oscillink") {
    expect(existsSync(join(root, `packages/cli/src/commands/${words[2]}.ts`)), command).toBe(true);
    return;
  }
  if (words[0] !== "npx") {
    const [program, file] = words;
    expect(["npm", "mkdir", "cd", "export", "node_modules/.bin/node", "python3"], command).toContain(program);
    // What these two run is a file of the repository.
    if (program!.endsWith("node") || program === "python3") {
      expect(existsSync(join(root, file!)), command).toBe(true);
    }
    return;
  }
  expect(words.slice(1, 3), command).toEqual(["--yes", "pnpm@12.21.0"]);
  let folder = ".";
  for (let i = 3; i < words.length; i++) {
    const word = words[i]!;
    if (word === "--filter") {
      const name = words[++i]!.replaceAll('"', "");
      // A pattern takes a command of pnpm itself, which no package has to know.
      if (name.startsWith("@oscillink/")) folder = join("packages", name.slice("@oscillink/".length));
      if (name === "site") folder = name;
    } else if (!word.startsWith("-")) {
      const { scripts } = JSON.parse(read(join(folder, "package.json")));
      expect(["pack", "install", ...Object.keys(scripts)], command).toContain(word);
      const example = word === "example" ? words[i + 1] : undefined;
      if (example !== undefined && example !== "NAME") expect(examples, command).toContain(example);
      return;
    }
  }
  throw new Error(`nothing is run by: ${command}`);
}

const examples = readdirSync(join(root, "examples"))
  .filter((file) => file.endsWith(".ts") && file !== "run.ts")
  .map((file) => file.slice(0, -".ts".length));

// ---------------------------------------------------------------- what the documents promise of themselves

test("the README begins with examples/quickstart.ts, and has at most 150 lines", () => {
  const readme = read("README.md");
  expect(fencesOf(readme)[0]).toMatchObject({ language: "ts", text: read("examples/quickstart.ts") });
  expect(readme.trimEnd().split("\n").length).toBeLessThanOrEqual(150);
});

test("the examples of the LangChain package are short: ten lines, but for the texts", () => {
  for (const { language, text } of fencesOf(read("packages/langchain/README.md"))) {
    if (language !== "ts") continue;
    const lines = text.split("\n").filter((line) => line.trim() !== "" && !line.startsWith('  "'));
    expect(lines.length).toBeLessThanOrEqual(11);
  }
});

test("a block that cannot be judged is refused", () => {
  expect(() => fencesOf("```ts\nopen\n")).toThrow("not closed");
  expect(() => fencesOf("- ```ts\n  in a list\n  ```\n")).toThrow("not at the margin");
  expect(() => checkCommand("npx --yes pnpm@12.21.0 no-such-script")).toThrow();
  expect(() => checkCommand("curl example.org")).toThrow();
});
