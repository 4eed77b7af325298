import { initChatModel } from "@langchain/classic/chat_models/universal";
import { MemoryVectorStore } from "@langchain/classic/vectorstores/memory";
import { createOscillinkTool, OscillinkRetriever } from "@oscillink/langchain";
import { oscillinkMiddleware } from "@oscillink/langchain/middleware";
import { LexicalEmbedder } from "@oscillink/lexical"; // in production: the embeddings of a real model
import { AIMessage, createAgent, fakeModel, ToolMessage } from "langchain";
import { passages } from "./corpus/vectors.ts";

const texts = passages.map(({ text }) => text);
const question = "What did the founder of the Vell Seed Bank survey on the sea cliffs early in her career?";

// A model may search for anything, while the corpus has the vectors of its own questions alone.
const vectorStore = await MemoryVectorStore.fromTexts(texts, passages, LexicalEmbedder.fit(texts));
const retriever = new OscillinkRetriever({ vectorStore, k: 3, trust: ({ metadata }) => metadata.trust });

// What the agent starts from comes with the question; what it still misses it can search for.
const context = oscillinkMiddleware({ retriever });
const search = createOscillinkTool({ retriever, description: "Searches the handbook of the Halden Isles." });
const model = process.env.OPENAI_API_KEY
  ? await initChatModel(process.env.OPENAI_MODEL ?? "gpt-4.1-mini", { modelProvider: "openai" })
  : fakeModel()
      .respondWithTools([
        { name: search.name, args: { query: "What did Helga Ostrand survey in her youth?" }, id: "call_1" },
      ])
      .respond(new AIMessage("(With a key in OPENAI_API_KEY, a model would answer from these.)"));
const agent = createAgent({
  model,
  tools: [search],
  middleware: [context],
  systemPrompt: "Answer in one sentence. Search if the context does not say.",
});
const { messages, receipts } = await agent.invoke({ messages: [{ role: "user", content: question }] });

console.log(question);
for (const { bundle, inputs, digest } of receipts) {
  console.log(`  came with the question: ${bundle.length} of ${inputs.n} passages  ${digest}`);
}
for (const { artifact } of messages.filter((message) => ToolMessage.isInstance(message))) {
  console.log(`  searched for: ${artifact.documents.length} passages  ${artifact.receipt.digest}`);
  for (const { metadata } of artifact.documents) console.log(`    ${metadata.title}`);
}
console.log(messages.at(-1)!.text);
