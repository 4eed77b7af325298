/** What a worker is asked, and what it answers: plain data, none of it the caller's own. */
import type { Candidate } from "../pool/candidates.ts";
import type { Column } from "../pool/input.ts";
import { type Copied, copied, type Vector } from "../pool/matrix.ts";
import type { RankedEntry } from "../rank/bundle.ts";
import type { AnyReceipt } from "../receipt/receipt.ts";
import { type AskedPool, poolOf, type RerankRequest, rankPool, refuseLost } from "../rerank.ts";

/** A ranking to compute: what a worker is asked, and the buffers that are handed over with it. */
export interface Message {
  readonly asked: AskedPool;
  readonly transfer: readonly ArrayBuffer[];
}

/** What a ranking comes to. Null for what cannot be ranked: the caller then learns why where its own names are known. */
export type Answer = { readonly entries: readonly RankedEntry[]; readonly receipt: AnyReceipt } | null;

/** @throws what {@link rerank} throws for the same request, unless that takes a look at every value. */
export function messageOf<C extends Candidate>(
  request: RerankRequest<C>,
): Message & { candidates: readonly C[] } {
  const { candidates, ...asked } = poolOf(request);
  const { nameOf, ...input } = asked.input;
  refuseLost(request, { ...asked, candidates }, asked.queryText?.trim() ?? null);
  const packed =
    input.embeddings && copied(input.embeddings, (i) => nameOf(i, "embeddings" satisfies Column));
  const query = asked.query && copied([asked.query], () => "query");
  return {
    candidates,
    asked: {
      ...asked,
      input: { ...input, ...(packed && { embeddings: rowsOf(packed) }) },
      query: query && rowsOf(query)[0]!,
    },
    transfer: [packed, query].flatMap((one) => (one ? [one.packed.data.buffer as ArrayBuffer] : [])),
  };
}

/** The rows of a matrix that stand for vectors; null where there is none. */
const rowsOf = ({ all, packed: { data, stride, columns } }: Copied): (Vector | null)[] =>
  all.map((vector, i) => vector && data.subarray(i * stride, i * stride + columns));

/** What a worker does with a message. */
export function answerOf(asked: AskedPool, began: number): Answer {
  try {
    const { entries, receipt } = rankPool(asked, began);
    return { entries, receipt: receipt() };
  } catch {
    return null;
  }
}
