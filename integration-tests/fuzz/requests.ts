/** Requests over the documented ranges and beyond them: nothing untyped, nothing lost, doubled or changed, all finite. */
import { type Candidate, Lattice, OscillinkError, rerank, rerankMany, type Vector } from "@oscillink/core";
import { computeDiffusionGates } from "@oscillink/core/gates";
import { Random } from "./random.ts";
import type { Outcome } from "./targets.ts";

/** A request, and whether all of it is within what the documents say. */
interface Case {
  readonly request: Record<string, unknown>;
  readonly valid: boolean;
}

export function requests(seed: number): Outcome {
  const random = new Random(seed);
  const { request, valid } = make(random);
  const before = snapshot(request);
  let outcome: Outcome;
  try {
    outcome = judge(request, run(random, request));
  } catch (error) {
    if (!(error instanceof OscillinkError)) outcome = fault(`untyped: ${String((error as Error)?.stack)}`);
    else if (valid) outcome = fault(`refused though valid: ${error.message}`);
    else outcome = { kind: "refused" };
  }
  return snapshot(request) === before ? outcome : fault("what came in was changed");
}

const fault = (text: string): Outcome => ({ kind: "fault", fault: text.slice(0, 600) });

interface Result {
  readonly bundle: readonly { readonly id: string; readonly candidate?: unknown; readonly index?: number }[];
  readonly rest: unknown;
}

/** Calls what takes such a request. */
function run(random: Random, request: Record<string, unknown>): Result {
  const given = request as never;
  const { candidates, lists, query, queryText, vectors: _, ...options } = request ?? {};
  const objects =
    Array.isArray(candidates) && candidates.every((one) => typeof one === "object" && one !== null);
  const columns = random.chance(0.15) && objects && lists === undefined;
  if (!columns) {
    const { bundle, receipt } = random.chance(0.1) ? rerankMany([given])[0]! : rerank(given);
    return { bundle, rest: receipt };
  }
  // The same by columns, and what a lattice does besides.
  const all = candidates as Candidate[];
  const column = (field: keyof Candidate) => all.map((candidate) => candidate[field]);
  const lattice = new Lattice(
    {
      ...(query === undefined ? { scores: column("score") } : { embeddings: column("embedding") }),
      texts: column("text"),
      titles: column("title"),
      trust: column("trust"),
      links: column("links"),
    } as never,
    options as never,
  ).setQuery((query ?? null) as never, (queryText ?? null) as never);
  const figures: unknown[] = [];
  if (random.chance(0.3)) {
    const nodes = random.list(random.pick(1, 2, 3, 4), () => random.below(all.length + 1));
    const chain = random.pick<object>({}, { lamP: random.ofAnySize(1e-300, 1e300) }, { lamP: 1e300 });
    const weights = random.maybe(0.3, () => nodes.slice(1).map(() => random.ofAnySize(1e-300, 1e300)));
    attempt(() => lattice.addChain(nodes, { ...chain, ...(weights && { weights }) }));
    attempt(() => figures.push(lattice.chainReceipt(nodes)));
  }
  if (random.chance(0.3)) figures.push(lattice.solve(), lattice.figures());
  if (random.chance(0.2)) {
    const dt = random.ofAnySize(1e-300, 1e300);
    figures.push(lattice.settle({ dt }), Array.from(lattice.stateVectors().data));
  }
  const bundle = lattice.bundle();
  const receipt = lattice.receipt({ detail: random.pick("full", "light") });
  const stored = Lattice.fromJSON(JSON.parse(JSON.stringify(lattice)));
  if (
    stored.setQuery((query ?? null) as never, (queryText ?? null) as never).receipt().inputs.ids !==
    receipt.inputs.ids
  ) {
    throw new Error("a stored lattice has other ids");
  }
  if (query !== undefined && random.chance(0.2)) {
    attempt(() => figures.push(computeDiffusionGates(column("embedding") as never, query as never)));
  }
  return { bundle, rest: [receipt, figures] };
}

/** For what may be refused, whatever the request is. */
function attempt(act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof OscillinkError)) throw error;
  }
}

/** Judges an answer. */
function judge(request: Record<string, unknown>, { bundle, rest }: Result): Outcome {
  const wrong =
    notFinite(rest, "receipt") ??
    notFinite(
      bundle.map(({ candidate: _, ...entry }) => entry),
      "bundle",
    );
  if (wrong) return fault(wrong);
  const ids = new Set(bundle.map(({ id }) => id));
  if (ids.size !== bundle.length) return fault("a document stands in the bundle twice");
  const {
    candidates,
    lists,
    k = 5,
    missing = "append",
  } = request as {
    candidates?: Candidate[];
    lists?: { items: Candidate[] }[];
    k?: number;
    missing?: string;
  };
  if (candidates) {
    const objects = bundle.map(({ candidate, index }) => candidate ?? candidates[index!]);
    if (objects.some((object) => !candidates.includes(object as Candidate)))
      return fault("a foreign document");
    if (new Set(objects).size !== Math.min(objects.length, new Set(candidates).size))
      return fault("a document twice");
  }
  const reference = (request as { profile?: string }).profile === "reference";
  const all = candidates ?? [
    ...new Map(lists!.flatMap(({ items }) => items).map((c) => [String(c.id), c])).values(),
  ];
  const trusted = (c: Candidate) => reference || lists || (c.trust ?? 1) > 0;
  const there = all.filter(trusted).length;
  const sure = missing === "append" && !(lists && all.some(({ trust }) => trust === 0));
  if (sure && bundle.length !== Math.min(k, there)) {
    return fault(`${bundle.length} documents where there are ${there} and k is ${k}`);
  }
  return { kind: "answered" };
}

/** Where a figure is that is not finite. */
function notFinite(value: unknown, place: string): string | null {
  if (typeof value === "number") return Number.isFinite(value) ? null : `${place} is ${value}`;
  if (typeof value !== "object" || value === null) return null;
  for (const [name, part] of Object.entries(value)) {
    const wrong = notFinite(part, `${place}.${name}`);
    if (wrong) return wrong;
  }
  return null;
}

/** All that a request holds, as text: to see whether a call changed it. */
const snapshot = (request: unknown): string =>
  JSON.stringify(request, (_, value) => {
    if (typeof value === "bigint") return `${value}n`;
    if (typeof value === "number" && (!Number.isFinite(value) || Object.is(value, -0)))
      return `number ${value}`;
    return ArrayBuffer.isView(value) && "length" in value ? [...(value as Float64Array)].map(String) : value;
  }) ?? "undefined";

const WORDS = [
  "tea",
  "rye",
  "sail",
  "EU",
  "(AI)",
  "map-reduce",
  "茶叶",
  "등대는",
  "ท่าเรือ",
  "ΣΑΣ",
  "🎉party",
  "don't",
  "x̣́y",
  "ﬁ",
  "İ",
];

const MARKS = ["\u0301", "\u0323", "\u3099", "\u0e34", "\u0345"];

/** A text of any kind. */
function textOf(random: Random): string {
  const kind = random.below(24);
  if (kind === 0) return "";
  if (kind === 1) return random.pick(" ", "—", "\ud83c", "\udf89 x", "\u0000", "\u202e", "a\ud800b");
  if (kind === 2) return `a${random.list(random.pick(5, 40, 400), () => random.pick(...MARKS)).join("")}`;
  if (kind === 3) return random.list(200, () => random.pick(...WORDS)).join(random.pick(" ", "", ", "));
  if (kind === 4) return String.fromCharCode(...random.list(12, () => random.below(0x10000)));
  return random.list(1 + random.below(8), () => random.pick(...WORDS)).join(" ");
}

function make(random: Random): Case {
  let valid = true;
  const bad = <T>(value: T): T => {
    valid = false;
    return value;
  };
  // Most are within the ranges: what is refused at once tries nothing else.
  const astray = random.chance(0.3) ? 0.04 : 0;
  const odd = <T>(good: () => T, ...others: readonly unknown[]): T =>
    random.chance(astray) ? bad(random.pick(...others) as T) : good();

  const n = random.pick(0, 1, 2, 2, 3, 4, 5, 6, 8, 12, 12, 30);
  const d = random.pick(1, 2, 3, 4, 5, 8, 17);
  const normalize = random.maybe(0.1, () => random.chance(0.5));
  const reference = random.chance(0.1);
  const long = normalize ?? !reference;
  const scale: number = random.pick(
    1,
    1,
    1,
    long ? 1e-30 : 1e-5,
    long ? 1e30 : 1e5,
    random.ofAnySize(1e-6, 1e6),
  );
  const value = () => random.pick(random.next() - 0.5, random.next() - 0.5, random.below(3) - 1) * scale;
  const base = random.list(d, value);
  base[0] = base[0] === 0 ? scale : base[0]!;
  const vectorKinds = [
    () => nonZero(random.list(d, value), scale),
    () => Float32Array.from(nonZero(random.list(d, value), scale)),
    () => Float64Array.from(nonZero(random.list(d, value), scale)),
    () => [...base],
    () => base.map((v, c) => (c === 0 ? v * (1 + random.pick(0, 6e-8, 1e-7)) : v)),
    () => base.map((v) => -v),
  ] as const;
  const vector = (): Vector => random.pick<() => Vector>(...vectorKinds)();
  const wrongVectors = [
    Number.NaN,
    "vector",
    {},
    { length: 500_000_000 },
    { length: d, 0: 1 },
    [],
    base.map(() => Number.NaN),
    base.map(() => "1"),
    base.map(() => null),
    [...base, 1],
    base.map(() => 1e39),
    [base],
    new DataView(new ArrayBuffer(8)),
    new BigInt64Array(d),
    new Array(d),
    new Map(),
  ];
  const scores = random.chance(0.4);
  const scoreScale = random.pick(1, 1e-7, 1e-160, 1e160, 1e308, 5e-324, random.ofAnySize(1e-300, 1e300));
  const offset = random.pick(0, 0, 0, 1e9, scoreScale / 2);
  const score = () =>
    offset + random.pick(random.next(), -random.next(), 0, 1, random.below(3) / 2) * scoreScale * 0.5;
  const numbers = [Number.NaN, Infinity, "1", null, {}, 5n];
  const strings = [5, null, {}, ["a"], Symbol("text")];
  const ids = random.pick("none", "some", "numbers", "strings");
  const id = (i: number) => {
    if (ids === "none" || (ids === "some" && random.chance(0.6))) return undefined;
    if (ids === "numbers") return random.pick<number | bigint>(i, BigInt(i));
    return random.pick(`d${i}`, `d${i}`, `${i}#${i}`, `__proto__${i}`);
  };
  const noVector = random.chance(0.15);
  const candidate = (i: number, own: string | number | bigint | undefined): Record<string, unknown> => ({
    ...(own !== undefined && { id: odd(() => own, Number.NaN, {}, null, "\ud800", true) }),
    ...(scores
      ? (i === 0 || random.chance(0.9)) && { score: odd(score, ...numbers) }
      : (i === 0 || !noVector || random.chance(0.7)) && {
          embedding:
            i > 0 && random.chance(0.05)
              ? random.pick(
                  null,
                  undefined,
                  base.map(() => 0),
                )
              : odd(vector, ...wrongVectors),
        }),
    text: random.chance(0.05) ? undefined : odd(() => textOf(random), ...strings),
    ...random.maybe(0.2, () => ({ title: odd(() => textOf(random), ...strings) })),
    ...random.maybe(0.2, () => ({
      trust: odd(() => random.pick<number>(0, 1, 1, random.next(), 1e-300), -1, 2, ...numbers),
    })),
    ...random.maybe(0.1, () => ({
      links: odd(
        () => random.list(random.below(3), () => random.pick<string | number>("d1", "d2", 3, "other")),
        "d1",
        [{}],
        5,
      ),
    })),
    extra: { kept: true },
  });

  const listed = n > 0 && random.chance(0.15);
  const documents = random.list(n, (i) => candidate(i, listed ? `d${i}` : id(i)));
  // One text is said at least: words of a query over none are refused.
  if (n > 0 && documents[0]!.text === undefined) documents[0]!.text = "";
  const lists = () =>
    random.list(1 + random.below(3), (l) => ({
      name: odd(() => `list-${l}`, "", "a b", 5, "x".repeat(41)),
      items: documents
        .filter((_, i) => i === 0 || random.chance(0.7))
        .map((document) => ({ ...document, ...random.maybe(0.3, () => ({ score: score() })) })),
    }));
  const weight = () => random.pick(0, 1, random.ofAnySize(1e-6, 1e6), 1e6);
  const wrong = (...others: readonly unknown[]) => [...others, ...numbers.filter((one) => one !== null)];
  const lamG = random.maybe(0.1, () => random.pick(1, random.ofAnySize(1e-6, 1e6)));
  const option = <T>(name: string, good: () => T, ...others: readonly unknown[]) =>
    random.maybe(0.07, () => ({ [name]: odd(good, ...others) })) ?? {};
  const lamC = random.maybe(0.15, () => random.pick(0, 1, random.ofAnySize(1e-6, 1e6)));
  if (lamC !== undefined && lamC >= 1e8 * (lamG ?? 1)) bad(lamC);
  else if ((lamG ?? 1) * 1e8 <= 0.5) bad(lamG);
  const options = {
    ...option("k", () => random.pick(1, 2, 5, 100), ...wrong(0, -1, 1.5)),
    ...option("neighbors", () => random.pick(1, 2, 10, 1000), ...wrong(0, 0.5)),
    ...option("graph", () => random.pick("union", "mutual"), "both", 1),
    ...option("similarityFloor", () => random.pick(0, 0.5, 0.999, 1e-9), ...wrong(1, -0.1)),
    ...option("rowCap", () => random.pick(null, 1e-20, 1, 1e300), ...wrong(0, 1e-21)),
    ...(lamG !== undefined && { lamG }),
    ...(lamC !== undefined && { lamC }),
    ...option("textWeight", weight, ...wrong(-1, 1e7)),
    ...option("gramWeight", weight, ...wrong(-1)),
    ...option("wordWeight", weight, ...wrong(-1)),
    ...option("phraseWeight", weight, ...wrong(-1)),
    ...option("titleWeight", weight, ...wrong(-1)),
    ...option("textTail", weight, ...wrong(-1)),
    ...option("linkWeight", () => random.pick(0, 1, random.next()), ...wrong(-1, 2)),
    ...option("listWeight", weight, ...wrong(-1)),
    ...option("feedback", weight, ...wrong(-1)),
    ...option("feedbackDocuments", () => random.pick(1, 2, 1000), ...wrong(0)),
    ...option("feedbackTemperature", () => random.pick(0.01, 1, 1e6), ...wrong(0, 0.009)),
    ...option("tolerance", () => random.pick(1e-7, 0.5), ...wrong(0, 1)),
    ...option("maxIterations", () => random.pick(1, 3, 1000), ...wrong(0, 1e6)),
    ...option("preconditioner", () => random.pick("jacobi", "none"), "ilu"),
    ...option("copies", () => random.pick("last", "keep"), "first"),
    ...option("diversity", () => random.pick(0, 0.5, 1, random.next()), ...wrong(-1, 2)),
    ...option("diversityMethod", () => random.pick("mmr", "msd", "dpp"), "max"),
    ...option("missing", () => random.pick("append", "drop"), "keep"),
    ...(random.chance(astray) ? bad({ topK: 3 }) : {}),
    ...(normalize !== undefined && { normalize }),
    ...(reference && { profile: "reference", ...(scores && { lamQ: 0 }) }),
    ...(!reference && random.maybe(0.05, () => ({ profile: "cosine" }))),
  };
  const request = {
    ...(!scores && {
      query: odd(
        () => nonZero(Array.from(vector()), scale),
        undefined,
        null,
        base.map(() => 0),
        ...wrongVectors,
      ),
    }),
    ...random.maybe(0.8, () => ({
      queryText: odd(() => textOf(random), ...strings.filter((one) => one !== null)),
    })),
    ...(listed
      ? { lists: odd(lists, null, {}, [5], [{ name: "a" }]) }
      : { candidates: odd(() => documents, undefined, null, {}, [1], [null], "c") }),
    ...options,
  };
  if (random.chance(astray / 4))
    return { request: random.pick<never>(...([undefined, null, 5, "query", []] as never[])), valid: false };
  return { request, valid };
}

/** A vector that has a direction. */
function nonZero(values: number[], scale: number): number[] {
  if (!values.some(Boolean)) values[0] = scale;
  return values;
}
