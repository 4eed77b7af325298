import { AIMessage, HumanMessage } from "@langchain/core/messages";
import type { VectorStoreInterface } from "@langchain/core/vectorstores";
import type { Receipt } from "@oscillink/core/adapter";
import { type AgentMiddleware, createMiddleware } from "langchain";
// In zod 3.25 and 4 alike.
import { z } from "zod/v4";
import { type Format, formatOf } from "./format.ts";
import { type RetrieverSource, retrieve, retrieverOf } from "./retrieve.ts";

/** What {@link oscillinkMiddleware} takes: a `retriever`, or the fields of an `OscillinkRetriever`, and this. */
export type OscillinkMiddlewareFields<Store extends VectorStoreInterface = VectorStoreInterface> =
  RetrieverSource<Store> & {
    /** Turns the documents into the context. Default: each quoted inside a numbered tag, with its title. */
    format?: Format;
  };

const stateSchema = z.object({
  /** The receipts of all user messages so far, in their order. */
  receipts: z.array(z.custom<Receipt>()).default([]),
  /** What was found for the last of them. The underscore keeps it out of the agent's output. */
  _oscillinkContext: z.string().default(""),
});

/**
 * Gives an agent of `createAgent` the bundle for each new user message, in its system message, and puts the receipts into
 * the agent's state: `invoke` returns them as `receipts`. One search a user message; the calls that follow it, after
 * tools, get the same context.
 *
 * @throws {OptionError} for a field that is unknown or out of range.
 *
 * @example
 * const agent = createAgent({ model, middleware: [oscillinkMiddleware({ vectorStore, k: 5 })] });
 * const { messages, receipts } = await agent.invoke({ messages: [{ role: "user", content: question }] });
 */
export function oscillinkMiddleware<Store extends VectorStoreInterface>({
  format,
  ...source
}: OscillinkMiddlewareFields<Store>): AgentMiddleware<typeof stateSchema> {
  const toText = formatOf(format);
  const retriever = retrieverOf(source as RetrieverSource);
  return createMiddleware({
    name: "OscillinkMiddleware",
    stateSchema,
    async beforeModel({ messages, receipts }) {
      // After an answer of the model, as when its tools have run, there is no new question.
      const last = messages.findLast((m) => HumanMessage.isInstance(m) || AIMessage.isInstance(m));
      if (!HumanMessage.isInstance(last)) return;
      // There may be a picture alone.
      if (last.text === "") return { _oscillinkContext: "" };
      const found = await retrieve(retriever, last.text);
      return {
        receipts: [...receipts, ...found.receipts],
        _oscillinkContext: toText(found.documents),
      };
    },
    wrapModelCall(request, handler) {
      const context = request.state._oscillinkContext;
      if (context === "") return handler(request);
      const text = `Context for the user's last question:\n\n${context}`;
      const before = request.systemMessage.text === "" ? "" : "\n\n";
      return handler({ ...request, systemMessage: request.systemMessage.concat(`${before}${text}`) });
    },
  });
}
