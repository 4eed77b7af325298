/** What the tests of the page are about: pools of documents, receipts of them, and texts that mean harm. */
import { type Candidate, Lattice, type Receipt, type RerankRequest, rerank } from "@oscillink/core";

/** Numbers in [0, 1) that are the same in every run. */
export function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

const TOPICS = ["tides of the sound", "lamps and lighthouses", "the ferry to Vell", "sea kale on the cliffs"];

/** Documents around four topics, each linked to the one before it in every tenth place. */
export function documents(n: number, dimensions = 16): Required<Omit<Candidate, "score">>[] {
  const next = random(n);
  const centres = TOPICS.map(() => Array.from({ length: dimensions }, () => next() - 0.5));
  return Array.from({ length: n }, (_, i) => ({
    id: `doc-${i}`,
    title: `Report ${i}`,
    text: `What is known of ${TOPICS[i % 4]}, part ${i}.`,
    embedding: centres[i % 4]!.map((x) => x + 0.5 * (next() - 0.5)),
    trust: i === 1 ? 0.5 : 1,
    links: i % 10 === 1 ? [`doc-${i - 1}`] : [],
  }));
}

/** A request over such documents. */
export const requestOf = (candidates: readonly Candidate[], k = 5): RerankRequest => ({
  query: candidates[1]!.embedding!,
  queryText: "lamps of the ferry",
  candidates,
  k,
  context: { request: "q-1" },
});

export const receiptOf = (candidates: readonly Candidate[], k = 5): Receipt =>
  rerank(requestOf(candidates, k)).receipt;

/** A receipt with a chain of three. */
export function chainReceipt(candidates: readonly Candidate[]): Receipt {
  const lattice = new Lattice({
    embeddings: candidates.map(({ embedding }) => embedding ?? null),
    ids: candidates.map(({ id }) => id!),
  });
  return lattice.setQuery(candidates[0]!.embedding!).addChain([0, 5, 9]).receipt();
}

/** Texts that would end an element, an attribute or a comment, or turn the direction of writing. */
export const HOSTILE = [
  "</script><script>globalThis.harmed = true</script>",
  '"><img src=x onerror="globalThis.harmed = true">',
  "' onmouseover='globalThis.harmed = true",
  "</textarea></title></style><svg onload='globalThis.harmed = true'>",
  "<!-- &lt;b&gt; ]]> {{7*7}}",
  "\u202egnp.exe\u2066 \u200b\u0000\u0007",
  "]]></svg><iframe srcdoc='<script>parent.harmed = true</script>'></iframe>",
  "شارع 5 ‏ – עברית",
];

/** Documents that have such texts wherever a text may stand. */
export const hostileDocuments = (): Candidate[] =>
  documents(12).map((document, i) => {
    const text = HOSTILE[i % HOSTILE.length]!;
    return { ...document, id: `${text}${i}`, title: text, text, links: [`${HOSTILE[0]}0`] };
  });
