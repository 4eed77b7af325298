import type { Document } from "@langchain/core/documents";
import {
  EmbedderError,
  envelopeOf,
  type OscillinkError,
  type Receipt,
  VectorError,
  verifyReceipt,
} from "@oscillink/core";
import { ed25519Signer, ed25519Verifier, generateKeys } from "@oscillink/core/keys";
import { describe, expect, test } from "vitest";
import { OscillinkReranker, OscillinkRetriever, type RerankFields } from "../src/index.ts";
import { adapters } from "./adapters.ts";
import {
  closedStore,
  digestOf,
  documents,
  embedderWith,
  idsOf,
  inStoreOrder,
  model,
  query,
  receiptOf,
  recordOf,
} from "./world.ts";

const ordered = await inStoreOrder(documents());
const scored = ordered.map((document) => ({
  ...document,
  metadata: { ...document.metadata, relevanceScore: 9, oscillink: "forged" },
}));

/** Hears the custom events of a call. */
function listener() {
  const events: [string, unknown][] = [];
  const callbacks = [
    {
      name: "listener",
      awaitHandlers: true,
      handleCustomEvent: (name: string, data: unknown) => {
        // That a store hands over no vectors is told of once, by whichever call is the first.
        if (!(data as Error).message?.startsWith("vectors: came for none")) events.push([name, data]);
      },
    },
  ];
  return { events, callbacks };
}

describe.each(adapters)("$name", ({ ask }) => {
  test("tells of the receipt, whatever the documents carry of it", async () => {
    for (const attach of ["full", "digest", "none"] as const) {
      const { events, callbacks } = listener();
      const bundle = await ask(ordered, { attach }, { callbacks });
      expect(events.map(([name]) => name)).toEqual(["oscillink_receipt"]);
      const receipt = events[0]![1] as Receipt;
      expect(receipt.bundle.map(({ id }) => id)).toEqual(idsOf(bundle));
      if (attach !== "none") expect(receipt.digest).toBe(digestOf(bundle));
    }
  });

  test("tells of nothing without documents", async () => {
    const { events, callbacks } = listener();
    expect(await ask([], {}, { callbacks })).toEqual([]);
    expect(events).toEqual([]);
  });

  describe("with onError passthrough, after a failure,", () => {
    const fields = { onError: "passthrough", k: 4, trust: () => 2 } as const;

    test("returns the first k as they came, without a record or a score, not even their own, and says why", async () => {
      const warnings: unknown[] = [];
      const { events, callbacks } = listener();
      const onWarning = (error: unknown) => warnings.push(error);
      const bundle = await ask(scored as Document[], { ...fields, onWarning }, { callbacks });
      expect(idsOf(bundle)).toEqual(idsOf(ordered.slice(0, 4)));
      expect(bundle.map(({ metadata }) => metadata)).toEqual(
        ordered.slice(0, 4).map(({ metadata }) => metadata),
      );
      expect(warnings).toEqual([
        expect.objectContaining({ name: "CandidateError", parameter: "candidates[0].trust" }),
      ]);
      const { name, message } = warnings[0] as Error;
      expect(events).toEqual([["oscillink_warning", { name, message }]]);
    });

    test("needs nobody who listens", async () => {
      expect(idsOf(await ask(ordered, fields))).toEqual(idsOf(ordered.slice(0, 4)));
    });

    test("ranks the next query as ever", async () => {
      let calls = 0;
      const trust = () => (++calls === 1 ? 2 : 1);
      await ask(ordered, { onError: "passthrough", trust });
      expect(digestOf(await ask(ordered, { onError: "passthrough", trust }))).toBe(
        digestOf(await ask(ordered)),
      );
    });
  });

  test("signs the receipt with a signer, which the record then carries", async () => {
    const { privateKey, publicKey, keyId } = generateKeys();
    const signer = ed25519Signer(privateKey);
    const bundle = await ask(ordered, { signer });
    const receipt = receiptOf(bundle);
    expect(receipt.digest).toBe(digestOf(await ask(ordered)));
    for (const document of bundle) {
      const { signatures } = recordOf(document);
      expect(signatures).toEqual([{ keyid: keyId, sig: expect.any(String) }]);
      const verified = verifyReceipt(envelopeOf(receipt, signatures!), ed25519Verifier(publicKey));
      expect(verified).toMatchObject({ ok: true, receipt: { digest: receipt.digest } });
    }
    expect(recordOf((await ask(ordered))[0]!)).not.toHaveProperty("signatures");
    const [small] = await ask(ordered, { signer, attach: "digest" });
    expect(JSON.stringify(recordOf(small!)).length).toBeLessThanOrEqual(300);
  });

  test("verifies what a document with the digest names once the receipt that was kept is looked up", async () => {
    const { privateKey, publicKey } = generateKeys();
    const kept = new Map<string, Receipt>();
    const onReplayInputs = (_: unknown, receipt: Receipt) => kept.set(receipt.digest, receipt);
    const fields = { signer: ed25519Signer(privateKey), attach: "digest", onReplayInputs } as const;
    for (const document of await ask(ordered, fields)) {
      const { receipt: digest, signatures } = recordOf(document);
      const receipt = kept.get(digest as string)!;
      const verified = verifyReceipt(envelopeOf(receipt, signatures!), ed25519Verifier(publicKey));
      expect(verified).toMatchObject({ ok: true, receipt: { digest } });
      expect(receipt.bundle.map(({ id }) => id)).toContain(document.id);
    }
  });
});

describe.each(adapters.filter(({ name }) => !name.includes("MemoryVectorStore")))(
  "$name, whose embedder fails and whose onError is passthrough,",
  ({ ask }) => {
    test.each<[string, Partial<RerankFields["embeddings"]>, typeof OscillinkError]>([
      ["throws", { embedDocuments: () => Promise.reject(new Error("429")) }, EmbedderError],
      [
        "times out",
        { embedDocuments: () => Promise.reject(new DOMException("late", "TimeoutError")) },
        EmbedderError,
      ],
      ["gives too few", { embedDocuments: async () => [] }, EmbedderError],
      ["gives strings", { embedDocuments: async (all) => all.map(() => "[1, 2]" as never) }, VectorError],
      ["gives another width", { embedDocuments: async (all) => all.map(() => [1, 2]) }, VectorError],
    ])("because it %s, loses no document", async (_, replaced, kind) => {
      const warnings: unknown[] = [];
      const bundle = await ask(ordered, {
        embeddings: embedderWith(replaced),
        onError: "passthrough",
        onWarning: (error) => warnings.push(error),
        k: 20,
      });
      expect(idsOf(bundle)).toEqual(idsOf(ordered));
      expect(warnings).toEqual([expect.any(kind)]);
    });
  },
);

test.each(adapters.slice(0, 3))(
  "$name passes the documents through if the query cannot be embedded",
  async ({ ask }) => {
    const embeddings = embedderWith({ embedQuery: () => Promise.reject(new Error("429")) });
    expect(idsOf(await ask(ordered, { embeddings, onError: "passthrough" }))).toEqual(
      idsOf(ordered.slice(0, 5)),
    );
  },
);

test.each(adapters.slice(3))(
  "$name finds nothing to pass through if the query cannot be embedded",
  async ({ ask }) => {
    const cause = new Error("429");
    const embeddings = embedderWith({
      embedQuery: () => Promise.reject(cause),
      embedDocuments: model.embedDocuments,
    });
    await expect(ask(ordered, { embeddings, onError: "passthrough" })).rejects.toMatchObject({ cause });
  },
);

describe("OscillinkRetriever over a store that fails", () => {
  const cause = new Error("connection lost");
  const fail = () => {
    throw cause;
  };

  test("to hand over its vectors: throws with the cause, or passes the hits through", async () => {
    const vectorStore = Object.assign(await closedStore(documents()), { memoryVectors: { filter: fail } });
    await expect(new OscillinkRetriever({ vectorStore }).invoke(query)).rejects.toMatchObject({ cause });
    const warnings: unknown[] = [];
    const bundle = await new OscillinkRetriever({
      vectorStore,
      onError: "passthrough",
      onWarning: (error) => warnings.push(error),
    }).invoke(query);
    expect(idsOf(bundle)).toEqual(idsOf(ordered.slice(0, 5)));
    expect(warnings).toEqual([expect.objectContaining({ cause })]);
  });

  test("to find anything: throws, whatever onError says", async () => {
    const vectorStore = Object.assign(await closedStore(documents()), {
      similaritySearchVectorWithScore: fail,
    });
    const retriever = new OscillinkRetriever({ vectorStore, onError: "passthrough" });
    await expect(retriever.invoke(query)).rejects.toBe(cause);
  });
});

test("documents without metadata failed, and could not be passed through", async () => {
  const bare = documents().map((document) =>
    Object.assign(document, { metadata: null }),
  ) as unknown as Document[];
  const reranker = new OscillinkReranker({ embeddings: model, k: 3 });
  const bundle = await reranker.compressDocuments(bare, query);
  expect(bundle).toHaveLength(3);
  expect(bundle[0]!.metadata.oscillink.rank).toBe(1);
  const failing = new OscillinkReranker({
    embeddings: embedderWith({ embedDocuments: () => Promise.reject(new Error("429")) }),
    onError: "passthrough",
    k: 3,
  });
  const passed = await failing.compressDocuments(bare, query);
  expect(passed.map(({ pageContent }) => pageContent)).toEqual(
    bare.slice(0, 3).map(({ pageContent }) => pageContent),
  );
});
