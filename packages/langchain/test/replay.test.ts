/** What an application keeps of a re-ranking, so that it can be named, bound and computed again. */
import { OptionError, type Receipt, replayReceipt } from "@oscillink/core";
import { expect, test } from "vitest";
import { OscillinkRetriever, recordOf } from "../src/index.ts";
import { documents, memoryStore, query } from "./world.ts";

const vectorStore = await memoryStore(documents());

test("a receipt names documents as it is told, holds the context of its call, and is replayed on what was handed out", async () => {
  const kept: string[] = [];
  let call = 0;
  const retriever = new OscillinkRetriever({
    attach: "full",
    vectorStore,
    k: 3,
    id: ({ pageContent }) => `passage ${pageContent.length}`,
    context: () => ({ request: `r${++call}` }),
    onReplayInputs: (inputs, receipt) => kept.push(JSON.stringify({ inputs, receipt })),
  });
  await retriever.invoke(query);
  const [first] = await retriever.invoke(query);
  expect(kept).toHaveLength(2);
  const { inputs, receipt } = JSON.parse(kept[1]!) as { inputs: { queryText: string }; receipt: Receipt };
  expect(receipt.context).toEqual({ request: "r2" });
  expect(receipt.bundle[0]!.id).toMatch(/^passage \d+/);
  expect((recordOf(first!)!.receipt as Receipt).digest).toBe(receipt.digest);
  expect(replayReceipt(receipt, inputs)).toEqual({ ok: true });
  expect(replayReceipt(receipt, { ...inputs, queryText: "another" })).toMatchObject({
    reason: "replay-inputs",
  });
});

test("a listener that fails costs no answer, and a context that cannot be recorded is refused when it is made", async () => {
  const onReplayInputs = () => {
    throw new Error("disk full");
  };
  expect(
    await new OscillinkRetriever({ attach: "full", vectorStore, k: 3, onReplayInputs }).invoke(query),
  ).toHaveLength(3);
  const wrong = { vectorStore, context: { user: { id: 1 } } as never };
  expect(() => new OscillinkRetriever(wrong)).toThrow(OptionError);
  expect(recordOf({ metadata: { oscillink: "forged" } })).toBeUndefined();
});
