import { createStuffDocumentsChain } from "@langchain/classic/chains/combine_documents";
import { createRetrievalChain } from "@langchain/classic/chains/retrieval";
import { MultiQueryRetriever } from "@langchain/classic/retrievers/multi_query";
import { ParentDocumentRetriever } from "@langchain/classic/retrievers/parent_document";
import { InMemoryStore } from "@langchain/classic/storage/in_memory";
import { TextSplitter } from "@langchain/classic/text_splitter";
import { MemoryVectorStore } from "@langchain/classic/vectorstores/memory";
import { Document } from "@langchain/core/documents";
import { StringOutputParser } from "@langchain/core/output_parsers";
import { ChatPromptTemplate } from "@langchain/core/prompts";
import { RunnablePassthrough, RunnableSequence } from "@langchain/core/runnables";
import { FakeListChatModel } from "@langchain/core/utils/testing";
import { expect, test } from "vitest";
import { OscillinkReranker, OscillinkRetriever } from "../src/index.ts";
import {
  digestOf,
  direct,
  documents,
  idsOf,
  inStoreOrder,
  memoryStore,
  model,
  queries,
  query,
  recordOf,
  texts,
} from "./world.ts";

const vectorStore = await memoryStore(documents());
const ordered = await inStoreOrder(documents());
const expected = direct(ordered, { k: 3 });
const prompt = ChatPromptTemplate.fromTemplate("Context:\n{context}\nQuestion: {input}");

/** A model that says what it was asked, so that a test sees what reached it. */
const echo = () => {
  const asked: string[] = [];
  const llm = new FakeListChatModel({ responses: ["At Kettering Sound."] }).withConfig({
    callbacks: [
      {
        name: "listener",
        awaitHandlers: true,
        handleChatModelStart: (_, [messages]) => {
          asked.push(messages!.map(({ text }) => text).join());
        },
      },
    ],
  });
  return { llm, asked };
};

test("a RunnableSequence fills the prompt with the bundle, in its order", async () => {
  const { llm, asked } = echo();
  const context = new OscillinkRetriever({ vectorStore, k: 3 }).pipe((found) =>
    found.map(({ pageContent }) => pageContent).join("\n"),
  );
  const chain = RunnableSequence.from([
    { context, input: new RunnablePassthrough() },
    prompt,
    llm,
    new StringOutputParser(),
  ]);
  expect(await chain.invoke(query)).toBe("At Kettering Sound.");
  const bundle = expected.bundle.map(({ candidate }) => candidate.text).join("\n");
  expect(asked).toEqual([`Context:\n${bundle}\nQuestion: ${query}`]);
});

test("createRetrievalChain returns the documents with their records", async () => {
  const { llm, asked } = echo();
  const chain = await createRetrievalChain({
    retriever: new OscillinkRetriever({ vectorStore, k: 3 }),
    combineDocsChain: await createStuffDocumentsChain({ llm, prompt }),
  });
  const { context, answer } = await chain.invoke({ input: query });
  expect(answer).toBe("At Kettering Sound.");
  expect(idsOf(context)).toEqual(expected.bundle.map(({ id }) => id));
  expect(digestOf(context)).toBe(expected.receipt.digest);
  for (const { pageContent } of context) expect(asked[0]).toContain(pageContent);
  // The record is for people and programs, not for the model.
  expect(asked[0]).not.toContain(expected.receipt.digest);
});

test("MultiQueryRetriever has the union of its searches re-ranked for the question that was asked", async () => {
  const documentCompressor = new OscillinkReranker({ embeddings: model, k: 3 });
  const retriever = MultiQueryRetriever.fromLLM({
    llm: new FakeListChatModel({ responses: [`${queries[1]}\n${queries[2]}`] }),
    retriever: vectorStore.asRetriever(6),
    documentCompressor,
  });
  const events: [string, number][] = [];
  const bundle = await retriever.invoke(query, {
    callbacks: [
      {
        name: "listener",
        awaitHandlers: true,
        handleCustomEvent: (name, { inputs }) => {
          events.push([name, inputs.n]);
        },
      },
    ],
  });
  const searches = await Promise.all([1, 2].map((i) => vectorStore.similaritySearch(queries[i]!, 6)));
  const union = [...new Map(searches.flat().map((d) => [d.id, d])).values()] as Document[];
  expect(new Set(idsOf(bundle))).toEqual(new Set(direct(union, { k: 3 }).bundle.map(({ id }) => id)));
  expect(bundle.map((document) => recordOf(document).rank)).toEqual([1, 2, 3]);
  expect(events).toEqual([["oscillink_receipt", union.length]]);
});

test("ParentDocumentRetriever has the children re-ranked, and returns their parents in that order", async () => {
  class Sentences extends TextSplitter {
    async splitText(text: string): Promise<string[]> {
      return text.split("\n");
    }
  }
  const pages = Array.from(
    { length: 5 },
    (_, page) =>
      new Document({ pageContent: texts.slice(4 * page, 4 * page + 4).join("\n"), metadata: { page } }),
  );
  const children = new MemoryVectorStore(model);
  const retriever = new ParentDocumentRetriever({
    vectorstore: children,
    byteStore: new InMemoryStore<Uint8Array>(),
    childSplitter: new Sentences(),
    childK: 20,
    documentCompressor: new OscillinkReranker({ embeddings: model, k: 4 }),
  });
  await retriever.addDocuments(pages);
  const parents = await retriever.invoke(query);
  const ranked = direct((await children.similaritySearch(query, 20)) as Document[], { k: 4 });
  const inOrder = ranked.bundle.map(({ candidate }) =>
    pages.findIndex((p) => p.pageContent.includes(candidate.text!)),
  );
  expect(parents.map(({ metadata }) => metadata.page)).toEqual([...new Set(inOrder)]);
  expect(parents.map(({ pageContent }) => pageContent)).toEqual(
    [...new Set(inOrder)].map((i) => pages[i]!.pageContent),
  );
});
