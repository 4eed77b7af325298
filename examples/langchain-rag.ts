import { createStuffDocumentsChain } from "@langchain/classic/chains/combine_documents";
import { createRetrievalChain } from "@langchain/classic/chains/retrieval";
import { initChatModel } from "@langchain/classic/chat_models/universal";
import { MemoryVectorStore } from "@langchain/classic/vectorstores/memory";
import { ChatPromptTemplate } from "@langchain/core/prompts";
import { FakeListChatModel } from "@langchain/core/utils/testing";
import { OscillinkRetriever } from "@oscillink/langchain";
import { embeddings, passages } from "./corpus/vectors.ts"; // in production: the model itself

const texts = passages.map(({ text }) => text);
const question = "Who founded the shipyard at which the motor ferry Sula was built?";

const vectorStore = await MemoryVectorStore.fromTexts(texts, passages, embeddings);
const retriever = new OscillinkRetriever({ vectorStore, k: 4, trust: ({ metadata }) => metadata.trust });
const prompt = ChatPromptTemplate.fromMessages([
  ["system", "Answer in one sentence, from these passages alone:\n\n{context}"],
  ["user", "{input}"],
]);
const llm = process.env.OPENAI_API_KEY
  ? await initChatModel(process.env.OPENAI_MODEL ?? "gpt-4.1-mini", { modelProvider: "openai" })
  : new FakeListChatModel({
      responses: ["(With a key in OPENAI_API_KEY, a model would answer from these.)"],
    });
const combineDocsChain = await createStuffDocumentsChain({ llm, prompt });
const chain = await createRetrievalChain({ retriever, combineDocsChain });

const { context, answer } = await chain.invoke({ input: question });
console.log(question);
for (const { metadata, pageContent } of context) {
  const { rank, inputRank } = metadata.oscillink;
  console.log(`  ${rank} (was ${inputRank})  ${metadata.title}: ${pageContent.slice(0, 70)}…`);
}
console.log(answer);
console.log(context[0]!.metadata.oscillink.receipt); // its digest
