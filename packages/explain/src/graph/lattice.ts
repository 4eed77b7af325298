/** What candidates add to a receipt: who they are, whether they are those of the receipt, and the edges between them. */
import {
  type Candidate,
  CandidateError,
  Lattice,
  OscillinkError,
  type Params,
  type Replay,
  replayReceipt,
  type Vector,
} from "@oscillink/core";
import { type AnyReceipt, field } from "../read.ts";

/** The lattice of the candidates, or why there is none. */
export type Rebuilt =
  | { readonly ok: false; readonly why: string }
  | {
      readonly ok: true;
      readonly edges: ReturnType<Lattice["edges"]>;
      /** The candidates' vectors; null where there is none. */
      readonly vectors: readonly (Vector | null)[];
      /** The digests of the candidates as they were given, in the names of a receipt's inputs. */
      readonly inputs: Readonly<Record<string, unknown>>;
      /** The settled evidence of each candidate, before distrust; none where no query was given. */
      readonly evidence: ReadonlyMap<number, number>;
      /** Whether the same came out again; null where no query was given. */
      readonly replay: Replay | null;
    };

/** What was asked, if that is known. */
interface Question {
  readonly query: Vector | undefined;
  readonly queryText: string | undefined;
}

/** The inputs of a receipt that candidates hold. */
const HELD = ["candidates", "ids", "trust", "texts", "titles", "links"] as const;

/**
 * The id of each candidate: as the receipt has it, as it was given, or its index.
 *
 * @throws {CandidateError} for another number of candidates than the receipt's, and for one that is another than there.
 */
export function idsOf({ inputs, bundle, left_out }: AnyReceipt, candidates: readonly Candidate[]): string[] {
  if (candidates.length !== inputs.n) {
    const what = `are ${candidates.length}, and the receipt is of ${inputs.n}: give those that were ranked, in the order in which they came`;
    throw new CandidateError("candidates", what);
  }
  const ids = candidates.map(({ id }, i) => String(id ?? i));
  for (const { id, inputRank } of [...bundle, ...left_out]) {
    const given = candidates[inputRank - 1];
    if (given === undefined || (given.id !== undefined && String(given.id) !== id)) {
      const what = `is another than the receipt has in this place, ${JSON.stringify(id)}: give the candidates in the order in which they came`;
      throw new CandidateError(`candidates[${inputRank - 1}].id`, what);
    }
    ids[inputRank - 1] = id;
  }
  return ids;
}

/** The lattice again, from the candidates and the receipt's own parameters. */
export function rebuild(
  receipt: AnyReceipt,
  candidates: readonly Candidate[] | undefined,
  ids: readonly string[],
  { query, queryText }: Question,
): Rebuilt {
  const without = (why: string): Rebuilt => ({ ok: false, why });
  if (candidates === undefined) {
    return without("The receipt holds no vectors, and the candidates were not given to the page.");
  }
  if (receipt.schema !== "oscillink-receipt/3") return without("Receipts of schema 2 are shown without it.");
  const { scores, edges } = receipt.inputs;
  if (scores !== null) return without("The candidates came with scores in place of vectors.");
  if (edges !== null) return without("The graph was the caller's own, and the receipt has its digest alone.");
  const vectors = candidates.map(({ embedding }) => embedding ?? null);
  const asked = vectors.find((vector) => vector !== null && Array.from(vector).some((x) => x !== 0));
  if (asked === undefined || asked === null)
    return without("The candidates were given without their vectors.");
  const column = <K extends keyof Candidate>(key: K) => candidates.map((candidate) => candidate[key]);
  const input = {
    embeddings: vectors,
    ids,
    texts: column("text"),
    titles: column("title"),
    trust: column("trust"),
    links: column("links"),
  };
  try {
    const lattice = new Lattice(input, {
      ...(receipt.params as Params),
      k: candidates.length,
      minRelevance: 0,
    });
    // What it is asked does not matter to the edges, nor to the digests that are compared.
    const { inputs } = lattice.setQuery(asked).receipt({ detail: "light" });
    const known = { ok: true, edges: lattice.edges(), vectors, inputs: { ...inputs } } as const;
    if (query === undefined) return { ...known, evidence: new Map(), replay: null };
    const { chain } = receipt;
    if (chain !== null) lattice.addChain(chain.nodes, { lamP: chain.lamP, weights: chain.weights });
    const ranked = lattice.setQuery(query, queryText ?? null).bundle();
    return {
      ...known,
      evidence: new Map(
        ranked.flatMap(({ index, score, terms }) =>
          score === null ? [] : [[index, score - Number(terms?.trust ?? 0)]],
        ),
      ),
      replay: replayReceipt(receipt, { query, candidates, ...(queryText !== undefined && { queryText }) }),
    };
  } catch (error) {
    if (!(error instanceof OscillinkError)) throw error;
    return without(`The candidates make no lattice with the parameters of the receipt: ${error.message}.`);
  }
}

/** Whether the candidates that were given have the digests of the receipt, by the name of the input. */
export function agreement({ inputs }: AnyReceipt, rebuilt: Rebuilt): ReadonlyMap<string, boolean> {
  if (!rebuilt.ok) return new Map();
  return new Map(HELD.map((key) => [key, (field(inputs, key) ?? null) === rebuilt.inputs[key]]));
}
