import { createHash } from "node:crypto";
import { type Candidate, rerank, type Vector } from "@oscillink/core";
import { completeVectors, embedQuery } from "@oscillink/core/adapter";
import type { Embedder, Embedding } from "../embed/embedding.ts";
import { Store } from "../index/store.ts";
import { updateVectors } from "../index/update.ts";
import { note } from "../print/output.ts";
import { progress } from "../print/progress.ts";
import type { Beir } from "../read/beir.ts";
import type { Dataset, LabelledQuestion } from "../read/dataset.ts";
import { embeddedText } from "../read/pool.ts";

/** A question with the documents that a search by vectors fetched, best first. */
export interface LabelledPool {
  readonly queryText: string;
  /** Undefined where the documents came with scores alone. */
  readonly query?: Vector;
  readonly candidates: readonly (Candidate & { readonly id: string })[];
  /** The grade, > 0, of each document that answers; also of those that the search missed. */
  readonly grades: ReadonlyMap<string, number>;
  readonly traps: ReadonlySet<string> | null;
  /** The candidates that hold words of the question, best first by BM25. */
  byWords(): readonly string[];
}

/**
 * The pools of a dataset.
 *
 * @param embedding null: the vectors, or the scores, are those that came.
 * @param size how many documents of a collection are fetched for a question; of rows all are taken.
 */
export async function poolsOf(
  dataset: Dataset,
  embedding: Embedding | null,
  size: number,
  index: string,
): Promise<LabelledPool[]> {
  if (dataset.kind === "collection") return collectionPools(dataset, embedding!, size, index);
  const texts = dataset.questions.flatMap(({ documents }) => documents.map(embeddedText));
  const embedder = embedding?.for(texts) ?? null;
  const shown = progress("preparing question", dataset.questions.length);
  const pools: LabelledPool[] = [];
  for (const question of dataset.questions) {
    pools.push(await rowsPool(question, embedder));
    shown.at(pools.length);
  }
  shown.end();
  return pools;
}

async function rowsPool(question: LabelledQuestion, embedder: Embedder | null): Promise<LabelledPool> {
  const { text: queryText, documents, grades, traps } = question;
  const store = Store.open(":memory:");
  const file = { path: "rows", mtime: 0, size: 0, hash: "" };
  store.putFile(
    file,
    documents.map(({ id, title = "", text = "" }) => passage(id, title, text)),
  );
  const ids = documents.map(({ id }) => id);
  const byWords = () => store.byWords(queryText, documents.length).map(({ id }) => ids[id - 1]!);
  if (embedder === null) return { queryText, candidates: documents, grades, traps, byWords };
  const query = await embedQuery(queryText, embedder);
  const found = documents.map(({ embedding }) => embedding);
  const { embeddings } = await completeVectors(found, documents.map(embeddedText), embedder);
  const candidates = documents.map((document, i) => ({ ...document, embedding: embeddings[i] ?? null }));
  const { bundle } = rerank({
    profile: "cosine",
    query,
    candidates: candidates.map(untrusting),
    k: candidates.length,
  });
  const order = bundle.map(({ inputRank }) => candidates[inputRank - 1]!);
  return { queryText, query, candidates: order, grades, traps, byWords };
}

/** A document without what it is trusted: for methods that know no trust. */
export const untrusting = <C extends Candidate>({ trust: _, ...document }: C): Omit<C, "trust"> => document;

async function collectionPools(
  { documents, questions }: Beir,
  embedding: Embedding,
  size: number,
  index: string,
): Promise<LabelledPool[]> {
  const store = Store.open(index);
  const hash = createHash("sha256").update(JSON.stringify(documents)).digest("hex");
  const file = { path: "corpus.jsonl", mtime: 0, size: documents.length, hash };
  const passages = documents.map(({ id, title, text }) => passage(id, title, text));
  const [known, ...others] = store.files();
  if (known?.hash !== hash || others.length > 0) {
    store.change(() => {
      for (const { path } of store.files()) store.removeFile(path);
      store.putFile(file, passages);
    });
  }
  await updateVectors(store, embedding, note);
  const embedder = embedding.for(embedding.fitted ? documents.map(embeddedText) : []);
  const shown = progress("asking question", questions.length);
  const pools: LabelledPool[] = [];
  for (const { text: queryText, grades } of questions) {
    const query = await embedQuery(queryText, embedder);
    const fetched = store.passages(store.nearest(query, size).map(({ id }) => id));
    const candidates = fetched.map(({ name, title, text, vector }) => ({
      id: name,
      text,
      embedding: vector,
      ...(title !== "" && { title }),
    }));
    const inPool = new Map(fetched.map(({ id, name }) => [id, name]));
    const byWords = () => store.byWords(queryText, size).flatMap(({ id }) => inPool.get(id) ?? []);
    pools.push({ queryText, query, candidates, grades, traps: null, byWords });
    shown.at(pools.length);
  }
  shown.end();
  return pools;
}

const passage = (name: string, title: string, text: string) => ({ name, title, text, first: 0, last: 0 });
