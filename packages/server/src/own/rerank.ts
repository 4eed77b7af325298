/** Our own form: what `rerank` of core takes and gives, as JSON. */
import type { RerankRequest } from "@oscillink/core";
import { type Answer, type Asked, isRecord, type Shape } from "../compute/shape.ts";
import { VectorReader } from "../compute/vectors.ts";
import { Problem } from "../http/problem.ts";

interface Form {
  readonly receipt: "full" | "digest";
}

const KNOWN = ["id", "embedding", "text", "title", "score", "trust", "links"] as const;

/** What core knows of a candidate: whatever else a client sends stays where it was read. */
function known(item: Record<string, unknown>): Record<string, unknown> {
  const own: Record<string, unknown> = {};
  for (const field of KNOWN) if (item[field] !== undefined) own[field] = item[field];
  return own;
}

/** Reads one request of core; the options are left to core, which judges them and names them. */
function readRequest(body: unknown, at = ""): { request: RerankRequest; model: string | null; form: Form } {
  if (!isRecord(body)) {
    throw new Problem(422, "A request is a JSON object.", {
      faults: [{ pointer: at, detail: "must be an object" }],
    });
  }
  const { query, candidates, lists, embeddings, model = null, receipt = "full", ...others } = body;
  const count = Array.isArray(candidates) ? candidates.length : 0;
  const vectors = new VectorReader(1 + count);
  if (model !== null && typeof model !== "string")
    vectors.fault(`${at}/model`, "must be the name of a model");
  if (receipt !== "full" && receipt !== "digest")
    vectors.fault(`${at}/receipt`, 'must be "full" or "digest"');
  const all = embeddings === undefined ? null : vectors.readAll(embeddings, `${at}/embeddings`);
  if (all && all.length !== count && embeddings !== null) {
    vectors.fault(`${at}/embeddings`, `must be one a candidate, ${count} in all, not ${all.length}`);
  }
  const itemsOf = (items: unknown, pointer: string): unknown =>
    Array.isArray(items)
      ? items.map((item, i) => {
          if (!isRecord(item)) return item;
          const own = known(item);
          if (own.embedding !== undefined && own.embedding !== null)
            own.embedding = vectors.read(own.embedding, `${pointer}/${i}/embedding`);
          return own;
        })
      : items;
  const own = itemsOf(candidates, `${at}/candidates`);
  const request = {
    ...others,
    ...(query !== undefined && query !== null && { query: vectors.read(query, `${at}/query`) }),
    ...(candidates !== undefined && {
      candidates:
        all && Array.isArray(own)
          ? own.map((one, i) => (isRecord(one) ? { embedding: all[i] ?? null, ...one } : one))
          : own,
    }),
    ...(lists !== undefined && {
      lists: Array.isArray(lists)
        ? lists.map((list, l) =>
            isRecord(list) ? { ...list, items: itemsOf(list.items, `${at}/lists/${l}/items`) } : list,
          )
        : lists,
    }),
  } as RerankRequest;
  vectors.judge();
  return { request, model: model as string | null, form: { receipt: receipt as Form["receipt"] } };
}

/** What is said of one ranking. */
function writeAnswer(
  { bundle, receipt, signatures, request, model, id }: Answer,
  { receipt: detail }: Form,
): unknown {
  const written = receipt();
  return {
    id,
    model,
    results: bundle,
    ...(detail === "full"
      ? { receipt: written, signatures: signatures() }
      : { receipt: { digest: written.digest } }),
    usage: { documents: documentsOf(request) },
  };
}

const documentsOf = ({ candidates, lists }: RerankRequest): number =>
  candidates?.length ?? (lists ?? []).reduce((sum, { items }) => sum + items.length, 0);

export const ownRerank: Shape = {
  read: (body) => readRequest(body),
  write: (answer, form) => writeAnswer(answer, form as Form),
};

/** Several requests at once, each with options of its own. */
export const ownRerankMany: Shape = {
  read(body): Asked[] {
    const { requests, ...options } = isRecord(body) ? body : {};
    if (!Array.isArray(requests) || requests.length === 0) {
      const detail = "must be an array of requests, one at least";
      throw new Problem(422, "The request holds no requests.", {
        faults: [{ pointer: "/requests", detail }],
      });
    }
    return requests.map((one, i) =>
      readRequest(isRecord(one) ? { ...options, ...one } : one, `/requests/${i}`),
    );
  },
  write: ownRerank.write,
  join: (answers, id) => `{"id":${JSON.stringify(id)},"answers":[${answers.join(",")}]}`,
};
