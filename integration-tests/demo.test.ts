import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { cosine } from "./contract.ts";
import { folder, output, run } from "./script.ts";
import { openaiServer } from "./servers/openai.ts";

const DEMO = "examples/demo/main.ts";

interface Hit {
  readonly id: string;
  readonly gold: boolean;
  readonly trust: number;
}
interface Answer {
  readonly question: string;
  readonly goldInAll: number;
  readonly cosine: readonly (Hit & { readonly similarity: number })[];
  readonly bundle: readonly (Hit & {
    readonly rank: number;
    readonly inputRank: number;
    readonly score: number | null;
  })[];
  readonly energy: { readonly before: number; readonly after: number };
  readonly milliseconds: number;
  readonly digest: string;
}
interface Report {
  readonly passages: number;
  readonly model: string | null;
  readonly k: number;
  readonly pool: number;
  readonly answers: readonly Answer[];
}

const json = async (...args: string[]): Promise<Report> =>
  JSON.parse(await output(DEMO, ["--json", ...args]));
const text = await output(DEMO, ["--json"]);
const report: Report = JSON.parse(text);

const goldIn = (hits: readonly Hit[]) => hits.filter(({ gold }) => gold).length;
const doubtfulIn = (hits: readonly Hit[]) => hits.filter(({ trust }) => trust < 0.5).length;
const sum = (of: (answer: Answer) => number) =>
  report.answers.reduce((total, answer) => total + of(answer), 0);
// biome-ignore lint/suspicious/noControlCharactersInRegex: it is the control character that is looked for
const ESCAPE = /\u001b/;
const lexical = "vectors: lexical (@oscillink/lexical)";

describe.concurrent("the demo", () => {
  test("finds at least as many gold passages as cosine, and fewer doubtful ones", () => {
    const gold = { cosine: sum(({ cosine }) => goldIn(cosine)), bundle: sum(({ bundle }) => goldIn(bundle)) };
    const doubtful = {
      cosine: sum(({ cosine }) => doubtfulIn(cosine)),
      bundle: sum(({ bundle }) => doubtfulIn(bundle)),
    };
    expect(gold.cosine).toBeGreaterThan(0);
    expect(gold.bundle).toBeGreaterThanOrEqual(gold.cosine);
    expect(doubtful.bundle).toBeLessThan(doubtful.cosine);
    const complete = (hits: (answer: Answer) => readonly Hit[]) =>
      report.answers.filter((answer) => goldIn(hits(answer)) === answer.goldInAll).length;
    expect(complete(({ bundle }) => bundle)).toBeGreaterThanOrEqual(complete(({ cosine }) => cosine));
  });

  test("reports every question with both rankings and the figures of its receipt", () => {
    expect(report).toMatchObject({ model: "all-MiniLM-L6-v2", k: 5, pool: 50 });
    expect(report.answers.length).toBeGreaterThan(1);
    for (const { question, goldInAll, cosine, bundle, energy, milliseconds, digest } of report.answers) {
      expect(question).toMatch(/\?$/);
      expect(goldInAll).toBeGreaterThan(0);
      expect([cosine.length, bundle.length]).toEqual([5, 5]);
      expect(new Set(bundle.map(({ id }) => id)).size).toBe(5);
      expect(bundle.map(({ rank }) => rank)).toEqual([1, 2, 3, 4, 5]);
      for (const { inputRank } of bundle) expect(inputRank).toBeLessThanOrEqual(50);
      // Where both lists hold a document, its place among the candidates is its place by cosine.
      for (const { id, inputRank } of bundle) {
        if (inputRank <= 5) expect(cosine[inputRank - 1]!.id).toBe(id);
        else expect(cosine.map((hit) => hit.id)).not.toContain(id);
      }
      const scores = bundle.map(({ score }) => score!);
      expect(scores).toEqual([...scores].sort((a, b) => b - a));
      const similarities = cosine.map(({ similarity }) => similarity);
      expect(similarities).toEqual([...similarities].sort((a, b) => b - a));
      expect(energy.after).toBeLessThan(energy.before);
      expect(milliseconds).toBeGreaterThan(0);
      expect(digest).toMatch(/^sha256:[0-9a-f]{64}$/);
    }
    expect(new Set(report.answers.map(({ digest }) => digest)).size).toBe(report.answers.length);
  });

  test("prints the same bytes twice, but for the milliseconds", async () => {
    const timeless = (printed: string) => printed.replaceAll(/"milliseconds": [\d.e-]+/g, '"milliseconds"');
    expect(timeless(await output(DEMO, ["--json"]))).toBe(timeless(text));
    expect(timeless(text).match(/"milliseconds"/g)).toHaveLength(report.answers.length);
  });

  test("prints every fifth question with their rankings, then the same sums as its JSON gives", async () => {
    const lines = (await output(DEMO)).split("\n");
    const shown = report.answers.filter(({ question }) => lines.includes(question));
    expect(shown).toEqual(report.answers.filter((_, i) => i % 5 === 0));
    for (const { question, cosine, bundle, digest } of shown) {
      const block = lines.slice(lines.indexOf(question) + 2).slice(0, 6);
      cosine.forEach((hit, i) => {
        const row = block[i]!;
        expect(row).toMatch(new RegExp(`^ *${i + 1} `));
        expect(row).toContain(hit.id.slice(0, 28));
        expect(row).toContain(hit.similarity.toFixed(3));
        expect(row).toContain(bundle[i]!.id.slice(0, 28));
        expect(row).toContain(bundle[i]!.score!.toFixed(2));
        const marks = (hits: readonly Hit[]) => Number(hits[i]!.gold);
        expect(row.match(/●/g)?.length ?? 0).toBe(marks(cosine) + marks(bundle));
      });
      expect(block[5]).toContain(digest.slice(0, 16));
    }

    const row = (name: "cosine" | "bundle") => {
      const complete = report.answers.filter((answer) => goldIn(answer[name]) === answer.goldInAll).length;
      const gold = `${sum((answer) => goldIn(answer[name]))} of ${sum(({ goldInAll }) => goldInAll)}`;
      const bad = sum((answer) => doubtfulIn(answer[name]));
      return `${name} ${gold} ${complete} of ${report.answers.length} ${bad}`;
    };
    const squeezed = lines.map((line) => line.replaceAll(/ +/g, " "));
    expect(squeezed).toContain(row("cosine"));
    expect(squeezed).toContain(row("bundle"));
    expect(lines).toContain("vectors: all-MiniLM-L6-v2");
    const title = lines.find((line) => line.includes("questions over"))!;
    expect(title).toContain(`${report.answers.length} questions over ${report.passages} passages`);
  });

  test("colours a pipe only when told to", async () => {
    expect(text).not.toMatch(ESCAPE);
    expect(await output(DEMO)).not.toMatch(ESCAPE);
    expect(await output(DEMO, [], { FORCE_COLOR: "1" })).toMatch(ESCAPE);
  });

  test("shows the cosines of the vectors that are committed", async () => {
    const { embeddings, knows, textOf, passages } = await import("../examples/corpus/vectors.ts");
    const passageOf = new Map(passages.map((passage) => [passage._id, passage]));
    for (const { question, cosine: hits } of report.answers) {
      const query = await embeddings.embedQuery(question);
      const vectors = await embeddings.embedDocuments(hits.map(({ id }) => textOf(passageOf.get(id)!)));
      hits.forEach(({ similarity }, i) => void expect(similarity).toBeCloseTo(cosine(query, vectors[i]!), 6));
    }
    // A row is one text's: the model gave each length 1, and no two passages the same vector.
    const all = await embeddings.embedDocuments(passages.map(textOf));
    for (const vector of all) expect(Math.hypot(...vector)).toBeCloseTo(1, 6);
    expect(new Set(all.map(String)).size).toBe(passages.length);
    expect(knows("A text of someone else's.")).toBe(false);
    await expect(embeddings.embedQuery("A text of someone else's.")).rejects.toThrow("none of them");
  });

  test("takes the vectors of an API with --embed and --model", async () => {
    await using server = await openaiServer();
    const corpus = folder({ "bees.md": "Bees dance.", "clocks.md": "A water clock drips." });
    const own = ["--corpus", corpus, "--query", "Who dances?"];
    const embedded = await json(...own, "--embed", server.url, "--model", "text-embedding-3-small");
    expect(embedded.model).toBe("text-embedding-3-small");
    expect(server.answered.flatMap(({ input }) => input)).toEqual([
      "Bees dance.",
      "A water clock drips.",
      ...Array<string>(server.answered.length - 1).fill("Who dances?"),
    ]);
    expect(server.answered.length).toBeGreaterThan(1);
    const plain = await output(DEMO, own);
    expect(plain).toContain(lexical);
    expect(await json(...own)).toMatchObject({ model: null });
  });

  test("asks another question of its own corpus with --query", async () => {
    const question = "Which ferry calls at Vellmouth in winter?";
    const asked = await json("--query", question);
    expect(asked.answers.map((answer) => answer.question)).toEqual([question]);
    expect(asked.answers[0]!.goldInAll).toBe(0);
    expect(asked.answers[0]!.bundle.slice(0, 2).map(({ id }) => id)).toContain("vell-island");
    const plain = await output(DEMO, ["--query", question]);
    expect(plain.split("\n")[0]).toBe(question);
    expect(plain).not.toContain("doubtful passages");
    // No model has embedded that question.
    expect(plain).toContain(lexical);
    const known = await json("--query", report.answers[7]!.question);
    expect(known).toMatchObject({
      model: "all-MiniLM-L6-v2",
      answers: [{ digest: report.answers[7]!.digest }],
    });
  });

  test("hands back --k documents", async () => {
    const three = await json("--k", "3");
    expect(three.k).toBe(3);
    for (const [i, { cosine, bundle }] of three.answers.entries()) {
      const of = report.answers[i]!;
      expect(cosine).toEqual(of.cosine.slice(0, 3));
      // Only the cut is another: the ranking is the same.
      expect(bundle).toEqual(of.bundle.slice(0, 3));
    }
    expect(await output(DEMO, ["--k", "3"])).toContain("the best 3 of 50 candidates");
  });

  test("chooses from --pool candidates, and hands back no more than that", async () => {
    const narrow = await json("--pool", "8");
    for (const { bundle } of narrow.answers) {
      expect(Math.max(...bundle.map(({ inputRank }) => inputRank))).toBeLessThanOrEqual(8);
    }
    const narrowest = await json("--pool", "2", "--query", "Who built the Skerry Light?");
    expect(narrowest).toMatchObject({ k: 2, pool: 2 });
    expect(narrowest.answers[0]!.bundle).toHaveLength(2);
  });

  test("reads a folder of .md and .txt files, subfolders too, and splits long ones", async () => {
    const paragraph = (about: string) =>
      Array.from(
        { length: 12 },
        (_, i) => `Paragraph ${i} tells more about ${about} and its many uses.`,
      ).join("\n\n");
    const corpus = folder({
      "bees.md": "# Bees\n\nBees dance to say where the clover stands.",
      "notes/clocks.txt": "A water clock needs a steady drip.",
      "notes/old/LOUD.MD": "A foghorn is heard for nine miles.",
      "notes/long.md": `# Peat\n\n${paragraph("peat")}\n\n# Lime\n\n${paragraph("lime")}`,
      "page.html": "<p>Bees dance in HTML as well.</p>",
      "data.json": '{"bees": "dance"}',
    });
    const asked = await json(
      "--corpus",
      corpus,
      "--query",
      "How do bees say where the clover is?",
      "--k",
      "20",
    );
    const [answer] = asked.answers;
    const ids = answer!.bundle.map(({ id }) => id);
    expect(ids[0]).toBe("bees.md#1");
    expect(ids).toHaveLength(asked.passages);
    const chunks = ids.filter((id) => id.startsWith("notes/long.md#")).sort();
    expect(chunks.length).toBeGreaterThan(1);
    expect(chunks[0]).toBe("notes/long.md#1");
    expect(ids.filter((id) => !chunks.includes(id)).sort()).toEqual([
      "bees.md#1",
      "notes/clocks.txt#1",
      "notes/old/LOUD.MD#1",
    ]);
    for (const hit of answer!.bundle) expect(hit).toMatchObject({ trust: 1, gold: false });
  });

  test("reads a BEIR corpus.jsonl: titles count, and trust 0 keeps a passage out", async () => {
    const passages = [
      { _id: "d1", text: "A kettle boils on the stove." },
      { _id: "d2", title: "", text: "The gannet dives from three metres, says a forum.", trust: 0 },
      { _id: "d3", title: "Stove", text: "It burns peat.", metadata: { url: "" } },
      { _id: "d4", title: "Gannet", text: "It drops from thirty metres." },
    ];
    const corpus = folder({ "corpus.jsonl": passages.map((p) => `${JSON.stringify(p)}\n`).join("") });
    const asked = await json("--corpus", join(corpus, "corpus.jsonl"), "--query", "gannet");
    const [{ cosine, bundle }] = asked.answers as [Answer];
    expect(asked.passages).toBe(4);
    expect(cosine.map(({ id }) => id).sort()).toEqual(["d1", "d2", "d3", "d4"]);
    expect(bundle.map(({ id }) => id).sort()).toEqual(["d1", "d3", "d4"]);
    // Only its title has the word.
    expect(bundle[0]).toMatchObject({ id: "d4", rank: 1, trust: 1 });
  });

  test("explains its options with --help", async () => {
    const help = await output(DEMO, ["--help"]);
    for (const option of ["--corpus", "--query", "--embed", "--model", "--k", "--pool", "--json"])
      expect(help).toContain(option);
  });
});

// What anyone may do wrong gets a line on stderr that says what, and no stack of the demo's own files.
describe.concurrent("the demo refuses", () => {
  const corpus = (files: Record<string, string>, name = "") => join(folder(files), name);
  const asking = (path: string) => ["--corpus", path, "--query", "What burns?"];

  test.each<[string, () => string[], RegExp]>([
    ["an unknown option", () => ["--colour"], /unknown option '--colour'/],
    ["an argument too many", () => ["extra"], /too many arguments/],
    ["k = 0", () => ["--k", "0"], /--k <number>.*'0'.*whole number from 1/],
    ["k = 2.5", () => ["--k", "2.5"], /--k <number>.*'2\.5'.*whole number from 1/],
    ["k = many", () => ["--k", "many"], /--k <number>.*'many'/],
    ["a pool of -1", () => ["--pool", "-1"], /--pool <number>.*'-1'/],
    ["--query without a question", () => ["--query"], /--query <text>.*argument missing/],
    ["a corpus without a question", () => ["--corpus", corpus({ "a.md": "A." })], /--query/],
    ["--embed without --model", () => ["--embed", "http://127.0.0.1:1/v1"], /--embed URL and --model NAME/],
    ["--model without --embed", () => ["--model", "m"], /--embed URL and --model NAME/],
    ["an empty folder", () => asking(corpus({})), /holds no \.md or \.txt file/],
    ["a folder without text files", () => asking(corpus({ "a.html": "<p>" })), /holds no \.md or \.txt file/],
    ["a folder of blank files", () => asking(corpus({ "a.md": "\n", "b.txt": "" })), /passage|text|empty/i],
    ["an empty corpus.jsonl", () => asking(corpus({ "c.jsonl": "" }, "c.jsonl")), /passage|text|empty/i],
    ["a path that is not there", () => asking(corpus({}, "nowhere")), /nowhere/],
    ["a broken line of JSON", () => asking(corpus({ "c.jsonl": '{"_id": "a"\n' }, "c.jsonl")), /c\.jsonl/],
    [
      "a trust out of range",
      () => asking(corpus({ "c.jsonl": '{"_id": "a", "text": "Peat burns.", "trust": 2}\n' }, "c.jsonl")),
      /trust.*\[0, 1\]/,
    ],
    ["a question without a word", () => ["--query", "?!"], /query/],
  ])("%s", async (_, args, message) => {
    const { code, stdout, stderr } = await run(DEMO, args());
    expect(code).toBeGreaterThan(0);
    expect(stdout).toBe("");
    expect(stderr).toMatch(message);
    expect(stderr).not.toMatch(/^\s+at .*:\d+:\d+\)?$/m);
  });
});
