import { cosineSimilarity, maximalMarginalRelevance } from "@langchain/core/utils/math";
import { getTopKMMREmbeddings } from "@llamaindex/core/embeddings";
import { rerank } from "@oscillink/core";
import type { Size } from "./plan.ts";
import { makeVectors } from "./vectors.ts";

/** The ways to choose k of n, over the same arrays of numbers. */
export function contenders(size: Size) {
  const { k } = size;
  const { query, embeddings } = makeVectors(size);
  const candidates = embeddings.map((embedding) => ({ embedding }));
  const ids = embeddings.map((_, i) => String(i));
  return {
    /** What a caller waits for who leaves the receipt unread: packing, graph, solve and ranking. */
    "ours, bundle": () => rerank({ query, candidates, k }).bundle,
    /** The same, and the full receipt. */
    "ours, receipt": () => rerank({ query, candidates, k }).receipt,
    /** As LangChain's vector stores call it in `maxMarginalRelevanceSearch`, with its default lambda. */
    "LangChain MMR": () => maximalMarginalRelevance(query, embeddings, 0.5, k),
    /**
     * As LlamaIndexTS's SimpleVectorStore calls it for a query in mode MMR. The threshold is always 0.5
     * there: the store hands the query's over in another argument's place. It compares a candidate with the
     * last pick alone, LangChain's with every pick, anew for every place: so it is the cheaper one, and not
     * quite MMR.
     */
    "LlamaIndexTS MMR": () => getTopKMMREmbeddings(query, embeddings, null, k, ids),
    /** What a search returns: LangChain's cosine of the query with each candidate, sorted, cut at k. */
    "cosine top-k": () => {
      const similarity = cosineSimilarity([query], embeddings)[0]!;
      return Array.from(similarity.keys())
        .sort((a, b) => similarity[b]! - similarity[a]!)
        .slice(0, k);
    },
  };
}
