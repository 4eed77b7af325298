import type { DocumentInterface } from "@langchain/core/documents";
import type { VectorSource } from "./source.ts";

interface HnswStore {
  readonly _index: {
    searchKnn(
      query: number[],
      k: number,
      filter?: (label: number) => boolean,
    ): { readonly neighbors: readonly number[] };
    getPoint(label: number): unknown;
  };
  readonly docstore: { search(label: string): DocumentInterface | string };
}

/** `HNSWLib`: the search once more, for the labels. In the space `cosine` the index holds vectors of length 1. */
export const hnswlib: VectorSource<HnswStore> = {
  name: "HNSWLib",
  has: ["_index.getPoint()", "_index.searchKnn()", "docstore.search()"],
  rows({ _index, docstore }, { hits, query, filter }) {
    const keep = filter as ((document: DocumentInterface) => boolean) | undefined;
    const kept = (label: number): boolean => {
      const document = docstore.search(String(label));
      return typeof document !== "string" && keep!(document);
    };
    const { neighbors } = _index.searchKnn(query, hits.length, keep && kept);
    return neighbors.flatMap((label) => {
      const document = docstore.search(String(label));
      if (typeof document === "string") return [];
      const { id, pageContent, metadata } = document;
      return [{ id, text: pageContent, metadata, vector: _index.getPoint(label) }];
    });
  },
};
