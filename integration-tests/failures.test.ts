import { TextNode } from "@llamaindex/core/schema";
import { oscillinkRerankingModel } from "@oscillink/ai-sdk";
import { rerank } from "@oscillink/core";
import { OscillinkReranker } from "@oscillink/langchain";
import { OscillinkPostprocessor } from "@oscillink/llamaindex";
import { rerank as rerankOfAiSdk } from "ai";
import { describe, expect, test } from "vitest";

/** What once failed, each as it was seen. Those of one part alone are beside its own tests. */

test("two reports from one template were near-copies, though the query asks for the months in which they differ", () => {
  const report = (month: string, ships: number) =>
    `Monthly report of the harbour office for ${month} 2024, approved by the board. Ships that called during the month: ${ships}. The figures are provisional.`;
  const { bundle } = rerank({
    k: 2,
    query: [1, 0, 0],
    queryText: "Ships that called in January and in February 2024?",
    candidates: [
      { id: "Jan", text: report("January", 412), embedding: [1, 0.1, 0] },
      { id: "Feb", text: report("February", 398), embedding: [1, 0, 0.1] },
      { id: "tea", text: "Tea is picked in spring.", embedding: [0, 1, 1] },
      { id: "rye", text: "Rye is sown in autumn.", embedding: [0, 1, -1] },
    ],
  });
  expect(bundle.map(({ id }) => id).sort()).toEqual(["Feb", "Jan"]);
});

test("the AI SDK's scores rose again behind a near-copy", async () => {
  const documents = ["harbour crane", "harbour crane", "tea"].map((text, i) => {
    return { text, embedding: i < 2 ? [1, 0.1] : [0, 1] };
  });
  const model = oscillinkRerankingModel({ embed: async (texts: string[]) => texts.map(() => [1, 0]) });
  const { ranking } = await rerankOfAiSdk({ model, query: "crane", documents });
  const scores = ranking.map(({ score }) => score);
  expect(scores).toHaveLength(3);
  expect(scores).toEqual(scores.toSorted((a, b) => b - a));
});

test("a default id was that which another candidate was given", () => {
  const { bundle } = rerank({ query: [1], candidates: [{ id: "1", embedding: [1] }, { embedding: [2] }] });
  expect(new Set(bundle.map(({ id }) => id)).size).toBe(2);
  expect(bundle.find(({ candidate }) => candidate.id === "1")!.id).toBe("1");
});

describe("what a database gives", () => {
  class ObjectId {
    toString = () => "64b0";
  }
  const embedModel = {
    getQueryEmbedding: async () => [1, 0],
    getTextEmbeddingsBatch: async (texts: string[]) => texts.map(() => [1, 0]),
  };

  test.each([[new ObjectId()], [new URL("https://example.org")]])(
    "%s in a node's metadata was cloned to {}, or refused",
    async (value) => {
      const nodes = [{ node: new TextNode({ text: "a", metadata: { value } }) }];
      for (const onError of ["throw", "passthrough"] as const) {
        const [found] = await new OscillinkPostprocessor({ embedModel, onError }).postprocessNodes(
          nodes,
          "q",
        );
        expect(found!.node.metadata.value).toBe(value);
      }
    },
  );

  test("as null for a text was a bare TypeError, past passthrough too", async () => {
    const embeddings = {
      embedQuery: async () => [1],
      embedDocuments: async (t: string[]) => t.map(() => [1]),
    };
    const documents = [
      { pageContent: null as never, metadata: {} },
      { pageContent: "tea", metadata: {} },
    ];
    const strict = new OscillinkReranker({ embeddings });
    await expect(strict.compressDocuments(documents, "q")).rejects.toMatchObject({
      name: "CandidateError",
      parameter: "candidates[0].text",
    });
    const passing = new OscillinkReranker({ embeddings, onError: "passthrough", onWarning: () => {} });
    const bundle = await passing.compressDocuments(documents, "q");
    expect(bundle.map(({ pageContent }) => pageContent)).toEqual(["", "tea"]);
  });
});
