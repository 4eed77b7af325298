import { MemoryVectorStore } from "@langchain/classic/vectorstores/memory";
import { Document } from "@langchain/core/documents";
import type { Receipt } from "@oscillink/core";
import { LexicalEmbedder } from "@oscillink/lexical";
import { describe, expect, test } from "vitest";
import { OscillinkRetriever, type OscillinkRetrieverFields } from "../src/index.ts";
import { ClosedStore } from "./world.ts";

const texts = [
  "The harbour crane was built by Ada Quill.",
  "Ada Quill was born at Saltby.",
  "The crane lifts forty tonnes.",
  "Saltby has a boatyard and a chapel.",
  "A crane is also a bird that nests in reeds.",
];
const query = "Where was the builder of the harbour crane born?";

/** A store that returns distances, and hands over the vectors of some documents alone. */
class DistanceStore extends MemoryVectorStore {
  override async similaritySearchVectorWithScore(vector: number[], k: number): Promise<[Document, number][]> {
    const hits = await super.similaritySearchVectorWithScore(vector, k);
    return hits.map(([document, similarity]) => [document as Document, 1 - similarity]);
  }
}

async function ask(
  fields: Omit<OscillinkRetrieverFields, "vectorStore" | "filter">,
  Store: typeof MemoryVectorStore | typeof ClosedStore = MemoryVectorStore,
) {
  const store = new Store(LexicalEmbedder.fit(texts));
  await store.addDocuments(
    texts.map((pageContent, i) => new Document({ pageContent, id: `d${i}`, metadata: { title: `T${i}` } })),
  );
  const documents = await new OscillinkRetriever({
    attach: "full",
    vectorStore: store,
    k: 5,
    ...fields,
  }).invoke(query);
  return {
    ids: documents.map(({ id }) => id),
    receipt: documents[0]!.metadata.oscillink.receipt as Receipt,
    store,
  };
}

describe("vectors", () => {
  test("never: the store's scores and the words, whether they are similarities or distances", async () => {
    const similar = await ask({ vectors: "never" });
    const distant = await ask({ vectors: "never" }, DistanceStore);
    expect(similar.receipt.inputs).toMatchObject({ d: 0, candidates: null, query: null });
    expect(similar.receipt.vectors).toBeNull();
    expect(distant.ids).toEqual(similar.ids);
    const [a, b] = [similar, distant].map(({ receipt }) => receipt.bundle.map(({ score }) => score!));
    a!.forEach((score, i) => {
      expect(b![i]).toBeCloseTo(score, 6);
    });
  });

  test("store: what the store does not hand over cannot be ranked, and comes last", async () => {
    const whole = await ask({ vectors: "store" });
    expect(whole.receipt.vectors).toEqual({ fromStore: 5, reembedded: 0 });
    const hidden = await ask({ vectors: "store" }, ClosedStore);
    expect(hidden.receipt.inputs.missing).toBe(5);
    const again = await ask({ vectors: "reembed" }, ClosedStore);
    expect(again.receipt.vectors).toEqual({ fromStore: 0, reembedded: 5 });
    expect(again.ids).toEqual(whole.ids);
  });

  test("anything else is refused; titles come from metadata.title, or as they are given", async () => {
    const vectorStore = new MemoryVectorStore(LexicalEmbedder.fit(texts));
    expect(() => new OscillinkRetriever({ attach: "full", vectorStore, vectors: "always" as never })).toThrow(
      /vectors/,
    );
    expect(() => new OscillinkRetriever({ attach: "full", vectorStore, title: "title" as never })).toThrow(
      /title/,
    );
    const { receipt } = await ask({});
    expect(receipt.inputs.titles).toMatch(/^sha256:/);
    expect((await ask({ title: () => undefined })).receipt.inputs.titles).toBeNull();
  });
});
