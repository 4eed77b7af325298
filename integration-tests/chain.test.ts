import { createStuffDocumentsChain } from "@langchain/classic/chains/combine_documents";
import { createRetrievalChain } from "@langchain/classic/chains/retrieval";
import { ContextualCompressionRetriever } from "@langchain/classic/retrievers/contextual_compression";
import { MemoryVectorStore } from "@langchain/classic/vectorstores/memory";
import { Document, type DocumentInterface } from "@langchain/core/documents";
import { AIMessage } from "@langchain/core/messages";
import { StringOutputParser } from "@langchain/core/output_parsers";
import type { BasePromptValueInterface } from "@langchain/core/prompt_values";
import { ChatPromptTemplate, PromptTemplate } from "@langchain/core/prompts";
import { RunnableLambda, RunnablePassthrough, RunnableSequence } from "@langchain/core/runnables";
import { FakeListChatModel, FakeStreamingChatModel } from "@langchain/core/utils/testing";
import { rerank } from "@oscillink/core";
import { type OscillinkMetadata, OscillinkReranker, OscillinkRetriever } from "@oscillink/langchain";
import { LexicalEmbedder } from "@oscillink/lexical";
import { describe, expect, test } from "vitest";

const passages = [
  "The tide mill at Corran was built by the monks and ground barley until the flood of 1771.",
  "After the flood of 1771 the mill at Corran was rebuilt by Elspeth Rowe, who added a second wheel.",
  "Elspeth Rowe had been a shipwright's apprentice and carved the wheel's paddles from elm.",
  "Barley bread from Corran was sold at the harbour every Friday.",
  "A tide mill works four hours on each ebb, at a different time every day.",
  "The harbour of Corran silted up, and the last herring boat left in 1902.",
  "Elm does not rot under water, which is why pumps and paddles were made of it.",
  "The museum in the mill opens from April to October, and the wheel turns on Sundays.",
];
const question = "To whom was the woman apprenticed who rebuilt the mill and carved its wheel's paddles?";

const embeddings = LexicalEmbedder.fit(passages, { dimensions: 512 });
const vectorStore = await MemoryVectorStore.fromDocuments(
  passages.map(
    (pageContent, i) => new Document({ pageContent, id: `c${i}`, metadata: { source: `page ${i}` } }),
  ),
  embeddings,
);
const retriever = new OscillinkRetriever({ vectorStore, k: 3, attach: "full" });

const found = await vectorStore.similaritySearch(question, passages.length);
const expected = rerank({
  query: embeddings.embed(question),
  queryText: question,
  candidates: found.map(({ id, pageContent }) => ({
    id: id!,
    text: pageContent,
    embedding: embeddings.embed(pageContent),
  })),
  k: 3,
});
const ids = expected.bundle.map(({ id }) => id);

const recordOf = ({ metadata }: DocumentInterface): OscillinkMetadata => metadata.oscillink;
const prompt = ChatPromptTemplate.fromMessages([
  ["system", "Answer from these passages:\n{context}"],
  ["human", "{input}"],
]);

/** What the model was shown, kept on the way from the prompt to it. */
function watched() {
  const shown: string[] = [];
  const watch = (value: BasePromptValueInterface) => {
    shown.push(
      value
        .toChatMessages()
        .map(({ content }) => content)
        .join("\n"),
    );
    return value;
  };
  return { shown, watch };
}

describe("the retriever", () => {
  test("finds the two passages of the answer", () => {
    expect(ids).toEqual(expect.arrayContaining(["c1", "c2"]));
  });

  test("is a step of a RunnableSequence, and the model is shown its bundle in order", async () => {
    const { shown, watch } = watched();
    const format = (documents: DocumentInterface[]) =>
      documents.map(({ pageContent, metadata }) => `[${metadata.source}] ${pageContent}`).join("\n");
    const chain = RunnableSequence.from([
      { context: retriever.pipe(format), input: new RunnablePassthrough() },
      prompt,
      watch,
      new FakeListChatModel({ responses: ["A shipwright's."] }),
      new StringOutputParser(),
    ]);
    expect(await chain.invoke(question)).toBe("A shipwright's.");
    const lines = ids.map((id) => `[page ${id.slice(1)}] ${passages[Number(id.slice(1))]}`);
    expect(shown).toEqual([`Answer from these passages:\n${lines.join("\n")}\n${question}`]);
  });

  test("serves createRetrievalChain, whose context keeps the metadata and the receipt", async () => {
    const chain = await createRetrievalChain({
      retriever,
      combineDocsChain: await createStuffDocumentsChain({
        llm: new FakeListChatModel({ responses: ["A shipwright's."] }),
        prompt,
      }),
    });
    const { input, context, answer } = await chain.invoke({ input: question });
    expect([input, answer]).toEqual([question, "A shipwright's."]);
    expect(context.map(({ id }) => id)).toEqual(ids);
    context.forEach((document, i) => {
      expect(document.metadata.source).toBe(`page ${ids[i]!.slice(1)}`);
      expect(document.metadata.relevanceScore).toBe(expected.bundle[i]!.relevance);
      expect(recordOf(document)).toMatchObject({
        rank: i + 1,
        receipt: { digest: expected.receipt.digest, vectors: { fromStore: 8, reembedded: 0 } },
      });
    });
  });

  test("gives a document prompt its score to print", async () => {
    const { shown, watch } = watched();
    const combineDocsChain = await createStuffDocumentsChain({
      llm: RunnableLambda.from(watch).pipe(new FakeListChatModel({ responses: ["-"] })),
      prompt,
      documentPrompt: PromptTemplate.fromTemplate("{source} ({relevanceScore})"),
      documentSeparator: "; ",
    });
    await (await createRetrievalChain({ retriever, combineDocsChain })).invoke({ input: question });
    const printed = expected.bundle
      .map(({ id, relevance }) => `page ${id.slice(1)} (${relevance})`)
      .join("; ");
    expect(shown).toEqual([`Answer from these passages:\n${printed}\n${question}`]);
  });

  test("streams through a chain: passages, its step, then the model's words", async () => {
    const chain = await createRetrievalChain({
      retriever,
      combineDocsChain: await createStuffDocumentsChain({
        llm: new FakeStreamingChatModel({ responses: [new AIMessage("Ships.")], sleep: 0 }),
        prompt,
      }),
    });
    const names: string[] = [];
    let documents: DocumentInterface[] = [];
    for await (const { event, name, data } of chain.streamEvents({ input: question }, { version: "v2" })) {
      if (event === "on_retriever_end") documents = data.output;
      if (/^on_(retriever|chat_model)_/.test(event) || name === "oscillink_rerank") names.push(event);
    }
    expect(documents.map(({ id }) => id)).toEqual(ids);
    const order = [...new Set(names)];
    expect(order).toEqual([
      "on_retriever_start",
      "on_chain_start",
      "on_chain_end",
      "on_retriever_end",
      "on_chat_model_start",
      "on_chat_model_stream",
      "on_chat_model_end",
    ]);

    let answer = "";
    for await (const chunk of await chain.stream({ input: question })) answer += chunk.answer ?? "";
    expect(answer).toBe("Ships.");
  });

  test("fails the chain with its own error", async () => {
    const distrustful = new OscillinkRetriever({ vectorStore, trust: () => -1 });
    const chain = distrustful.pipe((documents) => documents.length);
    await expect(chain.invoke(question)).rejects.toMatchObject({
      name: "CandidateError",
      parameter: "candidates[0].trust",
    });
  });
});

test("the reranker behind any retriever serves the same chain with the same bundle", async () => {
  const chain = await createRetrievalChain({
    retriever: new ContextualCompressionRetriever({
      baseRetriever: vectorStore.asRetriever(passages.length),
      baseCompressor: new OscillinkReranker({ embeddings, k: 3, attach: "full" }),
    }),
    combineDocsChain: await createStuffDocumentsChain({
      llm: new FakeListChatModel({ responses: ["A shipwright's."] }),
      prompt,
    }),
  });
  const { context, answer } = await chain.invoke({ input: question });
  expect(answer).toBe("A shipwright's.");
  expect(context.map(({ id }) => id)).toEqual(ids);
  expect(recordOf(context[0]!).receipt).toMatchObject({
    digest: expected.receipt.digest,
    vectors: { fromStore: 0, reembedded: 8 },
  });
});
