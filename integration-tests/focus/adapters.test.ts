/** The focus of conversations, by every adapter that has one: real stores in memory, and the vectors of all-MiniLM-L6-v2. */
import { MemoryVectorStore } from "@langchain/classic/vectorstores/memory";
import { Document, type DocumentInterface } from "@langchain/core/documents";
import type { BaseRetrieverInterface } from "@langchain/core/retrievers";
import { RunnableLambda } from "@langchain/core/runnables";
import { Annotation, END, MemorySaver, START, StateGraph } from "@langchain/langgraph";
import { type Receipt, replayReceipt } from "@oscillink/core";
import type { Signal } from "@oscillink/core/adapter";
import { QueryFocus } from "@oscillink/core/focus";
import { ConversationFocus, type ConversationState, OscillinkRetriever } from "@oscillink/langchain";
import { oscillinkMiddleware } from "@oscillink/langchain/middleware";
import { OscillinkRetriever as NodeRetriever, OscillinkPostprocessor } from "@oscillink/llamaindex";
import { AIMessage, createAgent, fakeModel } from "langchain";
import { BaseEmbedding, Settings, storageContextFromDefaults, TextNode, VectorStoreIndex } from "llamaindex";
import { describe, expect, test } from "vitest";
import { embeddings, passages, textOf } from "../../examples/corpus/vectors.ts";

/** Two conversations whose last question leaves unsaid what it asks about. */
const bank = {
  turns: [
    "Tell me about the seed bank on Vell.",
    "Who founded it, and what had she studied earlier?",
    "How cold is it down there?",
  ],
  gold: "seed-bank-vaults",
} as const;
const line = {
  turns: [
    "How many arches has the Gorse Viaduct?",
    "Which railway crosses it?",
    "What is at the end of the line?",
  ],
  gold: "kessern",
} as const;

/** The committed vectors; one text can be slow, or fail. */
class Model {
  readonly asked: string[] = [];
  before: (text: string) => unknown = () => {};

  embedQuery = async (text: string): Promise<number[]> => {
    this.asked.push(text);
    await this.before(text);
    return embeddings.embedQuery(text);
  };
  embedDocuments = (texts: string[]) => embeddings.embedDocuments(texts);
}

interface Answer {
  readonly ids: readonly string[];
  readonly receipt: Receipt;
  /** What was told to `onReplayInputs`. */
  readonly replays: () => ReturnType<typeof replayReceipt>;
}

interface Options {
  readonly focus?: ConversationFocus;
  readonly model?: Model;
  readonly signal?: AbortSignal;
  readonly timeout?: number;
}

type Ask = (question: string, thread: string) => Promise<Answer>;

/** An adapter over the corpus, with k = 3. */
interface Kind {
  readonly name: string;
  readonly make: (options: Options) => Promise<Ask>;
}

const shared = ({ focus, timeout, signal }: Options) => {
  let replay: Answer["replays"] | undefined;
  return {
    replayed: () => replay!,
    options: {
      ...{ k: 3, attach: "full" as const },
      ...(focus && { focus }),
      ...(timeout !== undefined && { timeout }),
      ...(signal && { signal: signal as Signal }),
      onReplayInputs: (inputs: Parameters<typeof replayReceipt>[1], receipt: Receipt) => {
        replay = () => replayReceipt(receipt, JSON.parse(JSON.stringify(inputs)));
      },
    },
  };
};

const vectorStore = await MemoryVectorStore.fromDocuments(
  passages.map((p) => new Document({ id: p._id, pageContent: textOf(p), metadata: { title: p.title } })),
  embeddings,
);

const langchain: Kind = {
  name: "OscillinkRetriever of LangChain",
  async make(given) {
    const { options, replayed } = shared(given);
    const retriever = new OscillinkRetriever({
      ...options,
      vectorStore,
      embeddings: given.model ?? embeddings,
    });
    return async (question, thread) => {
      const documents = await retriever.invoke(question, { configurable: { thread_id: thread } });
      const receipt = documents[0]!.metadata.oscillink.receipt as Receipt;
      return { ids: documents.map(({ id }) => id!), receipt, replays: replayed() };
    };
  },
};

/** An index whose model is the given one. */
async function indexOf(model: Model): Promise<VectorStoreIndex> {
  class Committed extends BaseEmbedding {
    override getTextEmbedding = model.embedQuery;
    override getTextEmbeddings = model.embedDocuments;
  }
  const nodes = passages.map((p) => new TextNode({ id_: p._id, text: textOf(p) }));
  const index = await Settings.withEmbedModel(Reflect.construct(Committed, []), async () => {
    const storageContext = await storageContextFromDefaults({});
    return VectorStoreIndex.init({ storageContext, nodes });
  });
  model.asked.length = 0;
  return index;
}

const llamaindex = (name: string, postprocess: boolean): Kind => ({
  name,
  async make(given) {
    const { focus } = given;
    const index = await indexOf(given.model ?? new Model());
    const { options, replayed } = shared(given);
    let thread = "";
    const known = { ...options, index, ...(focus && { thread: () => thread }) };
    const retriever = new NodeRetriever(known);
    const postprocessor = new OscillinkPostprocessor(known);
    const all = index.asRetriever({ similarityTopK: 50 });
    return async (question, id) => {
      const found = postprocess ? await all.retrieve(bank.turns[0]) : [];
      thread = id;
      const nodes = postprocess
        ? await postprocessor.postprocessNodes(found, question)
        : await retriever.retrieve(question);
      const receipt = nodes[0]!.node.metadata.oscillink.receipt as Receipt;
      return { ids: nodes.map(({ node }) => node.id_), receipt, replays: replayed() };
    };
  },
});

const kinds = [
  langchain,
  llamaindex("OscillinkRetriever of LlamaIndex", false),
  llamaindex("OscillinkPostprocessor of LlamaIndex", true),
];

/** The focus of some turns, as QueryFocus computes it. */
async function focusOf(turns: readonly string[]) {
  const focus = new QueryFocus();
  let last: ReturnType<QueryFocus["next"]> | undefined;
  for (const [i, turn] of turns.entries()) {
    const joined = turns.slice(0, i + 1).join(" ");
    last = focus.next(await embeddings.embedQuery(turn), await embeddings.embedQuery(joined));
  }
  return { last: last!, focus };
}

async function talk(ask: Ask, turns: readonly string[], thread: string): Promise<Answer[]> {
  const answers: Answer[] = [];
  for (const turn of turns) answers.push(await ask(turn, thread));
  return answers;
}

describe.each(kinds)("$name", ({ make }) => {
  test("a follow-up question finds what the bare one does not", async () => {
    const bare = await (await make({}))(bank.turns[2], "a");
    expect(bare.receipt.focus).toBeNull();
    const focus = new ConversationFocus();
    const last = (await talk(await make({ focus }), bank.turns, "a")).at(-1)!;
    expect(last.ids).toContain(bank.gold);
    expect(bare.ids).not.toContain(bank.gold);
  });

  test("the receipt says the turn and its shift, and is replayed exactly on what was handed out", async () => {
    const answers = await talk(await make({ focus: new ConversationFocus() }), bank.turns, "a");
    for (const [i, { receipt, replays }] of answers.entries()) {
      const { last } = await focusOf(bank.turns.slice(0, i + 1));
      const shift = Number(last.shift.toPrecision(6));
      expect(receipt.focus).toEqual({ turn: i, shift, reset: false });
      if (i === 2) expect(replays()).toEqual({ ok: true });
    }
  });

  test("two threads do not mix, whatever their order", async () => {
    const alone = await Promise.all(
      [bank, line].map(async ({ turns }) =>
        talk(await make({ focus: new ConversationFocus() }), turns, "alone"),
      ),
    );
    const ask = await make({ focus: new ConversationFocus() });
    for (const [i] of bank.turns.entries()) {
      expect((await ask(bank.turns[i]!, "bank")).receipt.digest).toBe(alone[0]![i]!.receipt.digest);
      expect((await ask(line.turns[i]!, "line")).receipt.digest).toBe(alone[1]![i]!.receipt.digest);
    }
  });

  test("a conversation that was kept as JSON goes on with the same bytes", async () => {
    const whole = await talk(await make({ focus: new ConversationFocus() }), bank.turns, "a");
    const first = new ConversationFocus();
    await talk(await make({ focus: first }), bank.turns.slice(0, 2), "a");
    const kept = JSON.stringify(first.stateOf("a"));
    const second = new ConversationFocus();
    second.restore("b", JSON.parse(kept));
    expect(JSON.stringify(second.stateOf("b"))).toBe(kept);
    const { receipt } = await (await make({ focus: second }))(bank.turns[2], "b");
    expect(receipt.digest).toBe(whole[2]!.receipt.digest);
    expect(JSON.stringify(second.stateOf("b"))).not.toBe(kept);
    expect(JSON.stringify(second.stateOf("b")?.focus)).toBe(
      JSON.stringify((await focusOf(bank.turns)).focus),
    );
  });

  test("a turn that fails is not counted: the embedder, a timeout, an aborted signal", async () => {
    const [focus, model] = [new ConversationFocus(), new Model()];
    const ask = await make({ focus, model, timeout: 200 });
    await talk(ask, bank.turns.slice(0, 2), "a");
    const before = JSON.stringify(focus.stateOf("a"));
    const failures: ((text: string) => unknown)[] = [
      () => Promise.reject(new Error("the model is out")),
      // Of the joined turns alone.
      (text) => text.startsWith("Tell me") && Promise.reject(new Error("too long")),
      () => new Promise(() => {}),
    ];
    for (const failure of failures) {
      model.before = (text) => (text.includes("cold") ? failure(text) : undefined);
      await expect(ask(bank.turns[2], "a")).rejects.toThrow(/the model is out|too long|200 ms/);
      expect(JSON.stringify(focus.stateOf("a"))).toBe(before);
    }
    model.before = () => {};
    expect((await ask(bank.turns[2], "a")).receipt.focus?.turn).toBe(2);

    const controller = new AbortController();
    const ended = await make({ focus, model, signal: controller.signal });
    model.before = () => controller.abort(new Error("enough"));
    const then = JSON.stringify(focus.stateOf("a"));
    await expect(ended(bank.turns[0], "a")).rejects.toThrow("enough");
    expect(JSON.stringify(focus.stateOf("a"))).toBe(then);
  });

  test("the question and the joined turns are embedded at the same time, at the first turn the question alone", async () => {
    const model = new Model();
    const ask = await make({ focus: new ConversationFocus(), model });
    await ask(bank.turns[0], "a");
    const own = (texts: readonly string[]) => texts.filter((text) => text !== bank.turns[0]);
    expect(own(model.asked)).toEqual([]);
    const under: string[] = [];
    const both = Promise.withResolvers<void>();
    model.before = (text) => {
      if (text === bank.turns[0]) return undefined;
      under.push(text);
      if (under.length === 2) both.resolve();
      return both.promise;
    };
    await ask(bank.turns[1], "a");
    expect(under).toEqual([bank.turns[1], bank.turns.slice(0, 2).join(" ")]);
  });
});

test.each(kinds.slice(0, 2))(
  "$name: turns of one thread that come at once are taken in their order",
  async ({ make }) => {
    const inTurn = await talk(await make({ focus: new ConversationFocus() }), bank.turns, "a");
    const [focus, model] = [new ConversationFocus(), new Model()];
    const ask = await make({ focus, model });
    // The first is the slowest.
    model.before = (text) => new Promise((go) => setTimeout(go, text === bank.turns[0] ? 60 : 1));
    const atOnce = await Promise.all(bank.turns.map((turn) => ask(turn, "a")));
    expect(atOnce.map(({ receipt }) => receipt.digest)).toEqual(inTurn.map(({ receipt }) => receipt.digest));
  },
);

test("one that fails among turns that come at once leaves the others as if it had not been", async () => {
  const model = new Model();
  const ask = await langchain.make({ focus: new ConversationFocus(), model });
  model.before = (text) => text === bank.turns[1] && Promise.reject(new Error("out"));
  const outcomes = await Promise.allSettled(bank.turns.map((turn) => ask(turn, "a")));
  expect(outcomes.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "rejected"]);
  // The third joins the first and itself, which is not among the committed texts.
  expect(model.asked.at(-1)).toBe(`${bank.turns[0]} ${bank.turns[2]}`);
});

test("a turn that waits for the one before it ends with its signal, and the one behind it still waits", async () => {
  const [focus, controller] = [new ConversationFocus(), new AbortController()];
  const first = Promise.withResolvers<string>();
  const embed = embeddings.embedQuery;
  const order: string[] = [];
  const work = (name: string, done?: Promise<unknown>) => async (asked: () => Promise<unknown>) => {
    await asked();
    await done;
    order.push(name);
  };
  const signal = controller.signal as Signal;
  const one = focus.turn("a", bank.turns[0], embed, undefined, work("one", first.promise));
  const two = focus.turn("a", bank.turns[1], embed, signal, work("two"));
  const three = focus.turn("a", bank.turns[1], embed, undefined, work("three"));
  controller.abort(new Error("enough"));
  await expect(two).rejects.toThrow("enough");
  expect(order).toEqual([]);
  first.resolve("");
  await Promise.all([one, three]);
  expect(order).toEqual(["one", "three"]);
  expect(focus.stateOf("a")?.turns).toEqual(bank.turns.slice(0, 2));
});

describe("LangGraph", () => {
  const graphOf = (focus: ConversationFocus, thread?: (config: object) => object) => {
    const retriever = new OscillinkRetriever({ vectorStore, focus, k: 3, attach: "full" });
    const State = Annotation.Root({
      question: Annotation<string>,
      digest: Annotation<string>,
      focus: Annotation<ConversationState | null>,
    });
    return new StateGraph(State)
      .addNode("retrieve", async ({ question, focus: kept }, config) => {
        const id = config.configurable!.thread_id as string;
        focus.restore(id, kept);
        // The config of the run around it is known without being handed on, too.
        const [found] = await retriever.invoke(question, thread?.(config));
        const { digest } = found!.metadata.oscillink.receipt as Receipt;
        return { digest, focus: focus.stateOf(id) };
      })
      .addEdge(START, "retrieve")
      .addEdge("retrieve", END)
      .compile({ checkpointer: new MemorySaver() });
  };

  test.each([
    ["with", (config: object) => config],
    ["without", undefined],
  ])(
    "the conversation lives in the graph's state and follows its checkpoints: %s the config handed on",
    async (_, thread) => {
      const expected = await talk(await langchain.make({ focus: new ConversationFocus() }), bank.turns, "x");
      const digests = expected.map(({ receipt }) => receipt.digest);
      const graph = graphOf(new ConversationFocus({ threads: 1 }), thread);
      const config = { configurable: { thread_id: "x" } };
      const other = { configurable: { thread_id: "y" } };
      for (const [i, question] of bank.turns.entries()) {
        expect((await graph.invoke({ question }, config)).digest).toBe(digests[i]);
        // One conversation alone is kept in memory, but the state brings back what it needs.
        await graph.invoke({ question: line.turns[i]! }, other);
      }
      // Back in time: the second question once more, from the checkpoint after the first.
      const history = [];
      for await (const snapshot of graph.getStateHistory(config)) history.push(snapshot);
      const afterFirst = history.find(
        ({ values, next }) => next.length === 0 && values.digest === digests[0],
      )!;
      const again = await graph.invoke({ question: bank.turns[1] }, afterFirst.config);
      expect(again.digest).toBe(digests[1]);
    },
  );
});

test("an agent with the middleware: each user message is a turn of the agent's thread", async () => {
  const model = fakeModel();
  for (const _ of bank.turns) model.respond(new AIMessage("So it is."));
  const fields = { vectorStore, embeddings, k: 3, focus: {} };
  const agent = createAgent({
    model,
    middleware: [oscillinkMiddleware(fields)],
    checkpointer: new MemorySaver(),
  });
  const config = { configurable: { thread_id: "anna" } };
  let receipts: readonly Receipt[] = [];
  for (const content of bank.turns) {
    ({ receipts } = await agent.invoke({ messages: [{ role: "user", content }] }, config));
  }
  const alone = await talk(await langchain.make({ focus: new ConversationFocus() }), bank.turns, "x");
  expect(receipts.map(({ digest }) => digest)).toEqual(alone.map(({ receipt }) => receipt.digest));
});

describe("several searches", () => {
  const asked: string[] = [];
  const all = passages.map((p) => new Document({ id: p._id, pageContent: textOf(p) }));
  const byWords = RunnableLambda.from((question: string) => {
    asked.push(question);
    return all.filter(({ pageContent }) => pageContent.includes("cold"));
  }) as unknown as BaseRetrieverInterface;

  test.each([["reembed"], ["never"]] as const)(
    "the store is searched with the focus, the others with the question's words: vectors %j",
    async (vectors) => {
      asked.length = 0;
      const focus = new ConversationFocus();
      const fields = { vectorStore, embeddings, k: 3, attach: "full", vectors } as const;
      const retriever = new OscillinkRetriever({ ...fields, retrievers: [byWords], focus });
      const config = { configurable: { thread_id: "a" } };
      let last: DocumentInterface[] = [];
      for (const turn of bank.turns) last = await retriever.invoke(turn, config);
      expect(asked).toEqual(bank.turns);
      const receipt = last[0]!.metadata.oscillink.receipt as Receipt;
      expect(receipt.focus?.turn).toBe(2);
      // Near the question alone lies another passage than near the focus.
      const bare = new OscillinkRetriever({ ...fields, retrievers: [byWords] });
      const without = await bare.invoke(bank.turns[2]);
      expect(last.map(({ id }) => id)).not.toEqual(without.map(({ id }) => id));
      expect((without[0]!.metadata.oscillink.receipt as Receipt).focus).toBeNull();
    },
  );
});

describe("options", () => {
  test("a focus without a thread's id is refused at the call, as conversations of two people must not mix", async () => {
    const retriever = new OscillinkRetriever({ vectorStore, focus: {} });
    for (const config of [undefined, { configurable: {} }, { configurable: { thread_id: "" } }]) {
      await expect(retriever.invoke(bank.turns[0], config)).rejects.toMatchObject({
        name: "OptionError",
        parameter: "configurable.thread_id",
      });
    }
  });

  test("in LlamaIndex it is refused when the adapter is made", async () => {
    const index = await indexOf(new Model());
    expect(() => new NodeRetriever({ index, focus: {} })).toThrow("thread: must name the conversation");
    expect(() => new OscillinkPostprocessor({ index, thread: "a" })).toThrow("thread: is for a focus");
    const retriever = new NodeRetriever({ index, focus: {}, thread: () => undefined as unknown as string });
    await expect(retriever.retrieve(bank.turns[0])).rejects.toMatchObject({ parameter: "thread" });
  });

  test.each<[object, string]>([
    [{ mode: "memory" }, "focus.mode"],
    [{ threads: 0 }, "focus.threads"],
    [{ weight: 1 }, "focus.weight"],
    [7 as unknown as object, "focus"],
  ])("%j names the one that is wrong", (focus, parameter) => {
    expect(() => new OscillinkRetriever({ vectorStore, focus })).toThrow(
      expect.objectContaining({ parameter }),
    );
  });

  test("a focus needs a search by vectors", () => {
    const retrievers = [vectorStore.asRetriever(20)];
    expect(() => new OscillinkRetriever({ retrievers, embeddings, vectors: "never", focus: {} })).toThrow(
      expect.objectContaining({ parameter: "focus" }),
    );
  });

  test("the conversation that was quiet for longest is forgotten past the most that are kept", async () => {
    const focus = new ConversationFocus({ threads: 2 });
    const ask = await langchain.make({ focus });
    for (const [thread, turn] of [
      ["a", 0],
      ["b", 0],
      ["a", 1],
      ["c", 0],
    ] as const) {
      await ask(bank.turns[turn], thread);
    }
    expect(["a", "b", "c"].map((thread) => focus.stateOf(thread) === null)).toEqual([false, true, false]);
  });

  test("what stateOf cannot have returned is refused", async () => {
    const focus = new ConversationFocus();
    await (await langchain.make({ focus }))(bank.turns[0], "a");
    const state = focus.stateOf("a")!;
    const wrong = [
      [7, "state"],
      [{ ...state, version: 2 }, "state.version"],
      [{ ...state, turns: [1] }, "state.turns"],
      [{ ...state, focus: { ...state.focus, since: 9 } }, "state.since"],
    ] as const;
    for (const [given, parameter] of wrong) {
      expect(() => focus.restore("a", given as ConversationState)).toThrow(
        expect.objectContaining({ parameter }),
      );
    }
    expect(focus.stateOf("a")).toEqual(state);
    focus.restore("a", null);
    expect(focus.stateOf("a")).toBeNull();
  });
});
