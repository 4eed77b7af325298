import { OptionError } from "@oscillink/core";
import { AIMessage, createAgent, fakeModel, SystemMessage, tool } from "langchain";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { OscillinkRetriever } from "../src/index.ts";
import { oscillinkMiddleware } from "../src/middleware.ts";
import { bundleText, CountingEmbeddings, digestOf, documents, memoryStore, queries, query } from "./world.ts";

const vectorStore = await memoryStore(documents());
const retriever = new OscillinkRetriever({ vectorStore, k: 3 });
const [first, second] = [await retriever.invoke(query), await retriever.invoke(queries[1]!)];

const user = (content: string) => ({ role: "user" as const, content });
/** The system message of each call that the model got. */
const systemOf = (llm: ReturnType<typeof fakeModel>) =>
  llm.calls.map(({ messages }) =>
    messages.filter((m) => SystemMessage.isInstance(m)).map(({ text }) => text),
  );

describe("oscillinkMiddleware", () => {
  test("puts the bundle into the system message, and the receipt into the state", async () => {
    const llm = fakeModel().respond(new AIMessage("At Kettering Sound."));
    const agent = createAgent({ model: llm, middleware: [oscillinkMiddleware({ vectorStore, k: 3 })] });
    const result = await agent.invoke({ messages: [user(query)] });
    expect(systemOf(llm)).toEqual([[`Context for the user's last question:\n\n${bundleText(first)}`]]);
    expect(result.receipts.map(({ digest }) => digest)).toEqual([digestOf(first)]);
    expect(result.messages.map(({ text }) => text)).toEqual([query, "At Kettering Sound."]);
    expect(Object.keys(result).sort()).toEqual(["messages", "receipts"]);
  });

  test("keeps the agent's own system prompt, before the context", async () => {
    const llm = fakeModel().respond(new AIMessage("Yes."));
    const middleware = [oscillinkMiddleware({ retriever, format: (found) => `${found.length} passages` })];
    await createAgent({ model: llm, systemPrompt: "Be brief.", middleware }).invoke({
      messages: [user(query)],
    });
    expect(systemOf(llm)).toEqual([["Be brief.\n\nContext for the user's last question:\n\n3 passages"]]);
  });

  test("searches once a user message: the call after a tool has the same context", async () => {
    const embeddings = new CountingEmbeddings();
    const llm = fakeModel()
      .respondWithTools([{ name: "clock", args: {}, id: "call_1" }])
      .respond(new AIMessage("Noon."));
    const clock = tool(() => "12:00", { name: "clock", description: "The time.", schema: z.object({}) });
    const agent = createAgent({
      model: llm,
      tools: [clock],
      middleware: [oscillinkMiddleware({ vectorStore, embeddings, k: 3 })],
    });
    const { receipts } = await agent.invoke({ messages: [user(query)] });
    expect(embeddings.queries).toEqual([query]);
    expect(receipts).toHaveLength(1);
    const [before, after] = systemOf(llm);
    expect(after).toEqual(before);
    expect(before![0]).toContain(bundleText(first));
  });

  test("searches anew for the next user message, and keeps the receipts of all", async () => {
    const llm = fakeModel().respond(new AIMessage("One.")).respond(new AIMessage("Two."));
    const agent = createAgent({ model: llm, middleware: [oscillinkMiddleware({ retriever })] });
    const once = await agent.invoke({ messages: [user(query)] });
    const twice = await agent.invoke({ ...once, messages: [...once.messages, user(queries[1]!)] });
    expect(twice.receipts.map(({ digest }) => digest)).toEqual(
      [first, second].map((bundle) => digestOf(bundle)),
    );
    const [, [context]] = systemOf(llm) as [string[], [string]];
    expect(context).toContain(bundleText(second));
    expect(context).not.toContain(bundleText(first));
  });

  test("leaves an agent without a user message as it is", async () => {
    const llm = fakeModel().respond(new AIMessage("Hello."));
    const agent = createAgent({ model: llm, middleware: [oscillinkMiddleware({ retriever })] });
    const { receipts } = await agent.invoke({ messages: [new AIMessage("How may I help?")] });
    expect(receipts).toEqual([]);
    expect(systemOf(llm)).toEqual([[]]);
  });

  test("searches for no message without words, and leaves out what was found for the one before", async () => {
    const llm = fakeModel().respond(new AIMessage("One.")).respond(new AIMessage("A bridge."));
    const agent = createAgent({ model: llm, middleware: [oscillinkMiddleware({ retriever })] });
    const once = await agent.invoke({ messages: [user(query)] });
    const picture = { type: "image_url", image_url: { url: "data:image/png;base64,AAAA" } };
    const message = { role: "user" as const, content: [picture] };
    const twice = await agent.invoke({ ...once, messages: [...once.messages, message] });
    expect(twice.receipts).toHaveLength(1);
    expect(systemOf(llm)[1]).toEqual([]);
  });

  test("has the searches in the agent's trace, and their receipts in its events", async () => {
    const llm = fakeModel().respond(new AIMessage("At Kettering Sound."));
    const agent = createAgent({ model: llm, middleware: [oscillinkMiddleware({ retriever })] });
    const names: string[] = [];
    for await (const { event, name } of agent.streamEvents({ messages: [user(query)] }, { version: "v2" })) {
      if (name.toLowerCase().includes("oscillink_") || event === "on_retriever_end")
        names.push(`${event} ${name}`);
    }
    expect(names).toEqual([
      "on_chain_start oscillink_rerank",
      "on_custom_event oscillink_receipt",
      "on_chain_end oscillink_rerank",
      "on_retriever_end OscillinkRetriever",
    ]);
  });

  test("passes on what the retriever throws, or goes on with onError passthrough", async () => {
    const agentWith = (onError: "throw" | "passthrough") =>
      createAgent({
        model: fakeModel().respond(new AIMessage("Done.")),
        middleware: [oscillinkMiddleware({ vectorStore, onError, trust: () => 2 })],
      }).invoke({ messages: [user(query)] });
    await expect(agentWith("throw")).rejects.toThrow("candidates[0].trust");
    expect(await agentWith("passthrough")).toMatchObject({ receipts: [], messages: { length: 2 } });
  });

  test.each([
    ["retriever", { retriever: 5 }],
    ["pool", { retriever, pool: 50 }],
    ["vectorStore", {}],
    ["format", { retriever, format: "text" }],
  ])("refuses a wrong %s when it is made", (parameter, fields) => {
    const make = () => oscillinkMiddleware(fields as never);
    expect(make).toThrow(OptionError);
    expect(make).toThrow(expect.objectContaining({ parameter }));
  });
});
