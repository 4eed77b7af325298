/** The requests of the Python package's server: one form for all of its routes. */
import { refuseUnknown, show } from "@oscillink/core/adapter";
import { type Asked, isRecord } from "../compute/shape.ts";
import { VectorReader } from "../compute/vectors.ts";
import { Problem } from "../http/problem.ts";
import { given } from "../models/given.ts";
import { FIELDS, type Field, type Fields } from "./fields.ts";

/** How exactly a receipt of the package solves: the largest residual of a column, and the most iterations. */
export const RECEIPT = { tol: 1e-4, max_iters: 64 } as const;

/** What is asked for beside the vectors. Plain data. */
export interface PublishedForm {
  readonly gates: Float32Array | null;
  readonly chain: readonly number[] | null;
  readonly params: Fields<typeof FIELDS.params>;
  readonly options: Fields<typeof FIELDS.options>;
}

/**
 * Reads one request.
 *
 * @param needs the field that the route cannot do without.
 * @throws {Problem} 422 with the place of each fault.
 */
export function readPublished(body: unknown, needs?: "bundle_k" | "chain"): Asked {
  if (!isRecord(body)) {
    throw new Problem(422, "A request is a JSON object.", {
      faults: [{ pointer: "", detail: "must be an object" }],
    });
  }
  refuseOthers(body);
  const vectors = new VectorReader((Array.isArray(body.Y) ? body.Y.length : 1) + 2);
  if (body.Y === undefined) vectors.fault("/Y", "is missing");
  const params = readFields(vectors, body.params, FIELDS.params, "/params");
  const options = readFields(vectors, body.options, FIELDS.options, "/options");
  const rows = body.Y !== undefined ? readMatrix(vectors, body.Y) : [];
  const d = rows[0]?.length ?? 0;
  const psi = isGiven(body.psi) ? vectors.read(body.psi, "/psi") : null;
  if (psi && d > 0 && psi.length !== d)
    vectors.fault("/psi", `must be of ${d} values, as the rows of Y are, not ${psi.length}`);
  const gates = isGiven(body.gates) ? vectors.read(body.gates, "/gates") : null;
  if (gates) judgeGates(vectors, gates, rows.length);
  const chain = isGiven(body.chain) ? readChain(vectors, body.chain, rows.length) : null;
  vectors.judge();
  const form = { gates, chain, params, options };
  if (needs === "bundle_k" && !options.bundle_k)
    vectors.fault("/options/bundle_k", "must be set here: an integer of at least 1");
  if (needs === "chain" && !chain) vectors.fault("/chain", "must be given here: two rows or more");
  vectors.judge();
  // Without a query zero pulls, as there.
  const request = { query: psi ?? new Float32Array(d), candidates: rows.map((embedding) => ({ embedding })) };
  return { model: given.name, request, form, weight: weightOf(form) };
}

/** Iterations of both solves where the weights are the usual ones. */
const USUAL = 20;

/**
 * How many times the usual iterations a request may take. Conjugate gradients need at most ½ √κ ln(2/ε), and κ is at most what all terms
 * together weigh by what holds every row.
 */
function weightOf({ gates, params, options }: PublishedForm): number {
  const { lamG, lamC, lamQ, lamP } = params;
  const least = lamG + lamQ * (gates?.reduce((a, b) => Math.min(a, b)) ?? 1);
  const iterations = 0.5 * Math.sqrt((lamG + lamQ + 2 * (lamC + lamP)) / least) * Math.log(2e7);
  return Math.max(
    1,
    (Math.min(iterations, options.max_iters) + Math.min(iterations, RECEIPT.max_iters)) / USUAL,
  );
}

const isGiven = (value: unknown): boolean => value !== undefined && value !== null;

/** The fields of each level; none stands at two of them. */
const LEVELS = [
  { whole: undefined, known: ["Y", "psi", "gates", "chain", "params", "options"] },
  { whole: "params", known: Object.keys(FIELDS.params) },
  { whole: "options", known: Object.keys(FIELDS.options) },
] as const;

/** @throws {OptionError} for a field that there is not, with the one that was probably meant. @throws {Problem} for one in the wrong place. */
function refuseOthers(body: Readonly<Record<string, unknown>>): void {
  for (const { whole, known } of LEVELS) {
    const value = whole === undefined ? body : body[whole];
    const name = isRecord(value) && Object.keys(value).find((one) => !known.includes(one as never));
    if (name === undefined || name === false) continue;
    const home = LEVELS.find((level) => level.known.includes(name as never));
    if (!home) refuseUnknown({ [name]: null }, known, whole);
    const faults = [
      {
        pointer: whole === undefined ? `/${name}` : `/${whole}/${name}`,
        detail: `belongs in ${home!.whole ?? "the request itself"}`,
      },
    ];
    throw new Problem(422, "The request has a field in the wrong place.", { faults });
  }
}

/** The fields of a level, each judged, and its default where it was not given. */
function readFields<T extends Readonly<Record<string, Field>>>(
  vectors: VectorReader,
  value: unknown,
  fields: T,
  pointer: string,
): Fields<T> {
  if (value !== undefined && !isRecord(value))
    vectors.fault(pointer, `must be an object, not ${show(value)}`);
  const object = isRecord(value) ? value : {};
  const read = Object.entries(fields).map(([name, field]) => {
    const came = object[name] === undefined ? field.value : object[name];
    if (!fits(field, came))
      vectors.fault(`${pointer}/${name}`, `must be ${wanted(field)}, not ${show(came)}`);
    return [name, came];
  });
  return Object.fromEntries(read) as Fields<T>;
}

function fits({ kind, value, least, above, most }: Field, came: unknown): boolean {
  if (came === null) return value === null;
  if (kind === "boolean") return typeof came === "boolean";
  if (typeof came !== "number" || !Number.isFinite(came)) return false;
  if (kind === "integer" && !Number.isSafeInteger(came)) return false;
  return came >= (least ?? -Infinity) && came > (above ?? -Infinity) && came <= (most ?? Infinity);
}

function wanted({ kind, value, least, above, most }: Field): string {
  const range = [
    least !== undefined && `of at least ${least}`,
    above !== undefined && `above ${above}`,
    most !== undefined && `of at most ${most}`,
  ].filter((part) => part !== false);
  const what = { boolean: "true or false", integer: "an integer", number: "a number" }[kind];
  return [what, range.join(" and "), value === null ? "or null" : ""].filter((part) => part !== "").join(" ");
}

function readMatrix(vectors: VectorReader, value: unknown): Float32Array[] {
  if (Array.isArray(value) && value.length === 0) vectors.fault("/Y", "must hold one row at least");
  if (!Array.isArray(value) && !isRecord(value)) {
    vectors.fault("/Y", `must be a matrix of numbers, or { shape, dtype, data }, not ${show(value)}`);
    return [];
  }
  const rows = vectors.readAll(value, "/Y");
  rows.forEach((row, i) => {
    if (row === null) {
      if (Array.isArray(value) && value[i] === null)
        vectors.fault(`/Y/${i}`, "must be a row of numbers, not null");
    } else if (rows[0] && row.length !== rows[0].length) {
      vectors.fault(`/Y/${i}`, `must be of ${rows[0].length} values, as the first row is, not ${row.length}`);
    }
  });
  return rows.filter((row) => row !== null);
}

function judgeGates(vectors: VectorReader, gates: Float32Array, n: number): void {
  if (n > 0 && gates.length !== n) {
    vectors.fault("/gates", `must be one a row, ${n} in all, not ${gates.length}`);
  }
  gates.forEach((gate, i) => {
    if (gate < 0 || gate > 1) vectors.fault(`/gates/${i}`, `must be a number from 0 to 1, not ${gate}`);
  });
}

/** The rows of a chain; null for an empty one, which is none. */
function readChain(vectors: VectorReader, value: unknown, n: number): number[] | null {
  if (!Array.isArray(value)) {
    vectors.fault("/chain", `must be an array of rows, not ${show(value)}`);
    return null;
  }
  if (value.length === 1) vectors.fault("/chain", "must be of two rows or more");
  value.forEach((row: unknown, i) => {
    const known = Number.isSafeInteger(row) && (row as number) >= 0 && (row as number) < n;
    if (!known) vectors.fault(`/chain/${i}`, `must be a row, from 0 to ${n - 1}, not ${show(row)}`);
    else if (row === value[i - 1]) vectors.fault(`/chain/${i}`, `is row ${row} again; a link needs two`);
  });
  return value.length === 0 ? null : value;
}
