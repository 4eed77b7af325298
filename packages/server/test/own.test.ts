import { createPublicKey, verify } from "node:crypto";
import { envelopeOf, type Receipt, replayReceipt, rerank, verifyReceipt } from "@oscillink/core";
import { ed25519Verifier } from "@oscillink/core/keys";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Server } from "../src/index.ts";
import { base64, makeServer, pool, post } from "./testing.ts";

const URL = "/v1/oscillink/rerank";
const { query, embeddings } = pool(12, 16);
const candidates = embeddings.map((embedding, i) => ({
  id: `d${i}`,
  embedding,
  text: `passage ${i} of the pool`,
}));
const asNumbers = {
  query: [...query],
  queryText: "passage 3",
  candidates: candidates.map((one) => ({ ...one, embedding: [...one.embedding] })),
  k: 4,
};

let server: Server;
beforeAll(async () => {
  server = await makeServer();
});
afterAll(() => server.close());

describe("POST /v1/oscillink/rerank", () => {
  it("gives what rerank gives in the process, and the same digest (A4)", async () => {
    const { status, json, headers } = await post(server, URL, asNumbers);
    const { bundle, receipt } = rerank({ query, queryText: "passage 3", candidates, k: 4 });
    expect(status).toBe(200);
    expect(json.results.map(({ id }: { id: string }) => id)).toEqual(bundle.map(({ id }) => id));
    expect(json.results.map(({ score }: { score: number }) => score)).toEqual(
      bundle.map(({ score }) => score),
    );
    expect(json.receipt.digest).toBe(receipt.digest);
    expect(headers["oscillink-receipt-digest"]).toBe(receipt.digest);
  });

  it.each([
    [
      "base64",
      {
        query: base64(query),
        candidates: candidates.map((one) => ({ ...one, embedding: base64(one.embedding) })),
      },
    ],
    [
      "objects of base64",
      {
        query: { dtype: "float32", data: base64(query) },
        candidates: candidates.map((one) => ({ ...one, embedding: { data: base64(one.embedding) } })),
      },
    ],
    [
      "a matrix",
      {
        query: base64(query),
        candidates: candidates.map(({ embedding: _, ...one }) => one),
        embeddings: {
          ...{ shape: [12, 16], dtype: "float32" },
          data: base64(Float32Array.from(embeddings.flatMap((one) => [...one]))),
        },
      },
    ],
  ])("takes vectors as %s, with the same digest (A4)", async (_, vectors) => {
    const plain = await post(server, URL, asNumbers);
    const { status, json } = await post(server, URL, { ...asNumbers, ...vectors });
    expect(status).toBe(200);
    expect(json.receipt.digest).toBe(plain.json.receipt.digest);
  });

  it("signs the receipt with a key of the served set, and it replays offline (A8)", async () => {
    const { json } = await post(server, URL, asNumbers);
    const jwks = (await server.app.inject("/.well-known/jwks.json")).json();
    const jwk = jwks.keys.find(({ kid }: { kid: string }) => kid === json.signatures[0].keyid);
    const envelope = envelopeOf(json.receipt as Receipt, json.signatures);
    expect(verifyReceipt(envelope, ed25519Verifier(jwk))).toMatchObject({ ok: true, keyId: jwk.kid });
    // Node's own arithmetic agrees.
    const payload = Buffer.from(envelope.payload, "base64");
    const message = Buffer.concat([
      Buffer.from(`DSSEv1 ${envelope.payloadType.length} ${envelope.payloadType} ${payload.length} `),
      payload,
    ]);
    const key = createPublicKey({ key: jwk, format: "jwk" });
    expect(verify(null, message, key, Buffer.from(json.signatures[0].sig, "base64"))).toBe(true);
    expect(replayReceipt(json.receipt, { query, queryText: "passage 3", candidates })).toMatchObject({
      ok: true,
    });
    // And a receipt in which a score was changed does not.
    const forged = structuredClone(json);
    forged.receipt.bundle[0].score += 1;
    expect((await post(server, "/v1/oscillink/verify", forged)).json).toMatchObject({
      ok: false,
      reason: "digest",
    });
    expect((await post(server, "/v1/oscillink/verify", json)).json).toMatchObject({
      ok: true,
      digest: json.receipt.digest,
    });
  });

  it("explains a receipt as sentences and as a page", async () => {
    const { json } = await post(server, URL, asNumbers);
    const lines = await post(server, "/v1/oscillink/explain", json, { accept: "application/json" });
    expect(lines.type).toContain("application/json");
    expect(lines.json.lines.join("\n")).toContain(`kept ${json.results[0].id}`);
    expect(lines.json.said).toMatch(/^valid: signed by this server/);
    const page = await post(server, "/v1/oscillink/explain", json);
    expect(page.type).toContain("text/html");
    expect(page.text).toContain(json.receipt.digest);
    // With what was asked the page computes all again.
    const { query, candidates, queryText } = asNumbers;
    const whole = await post(server, "/v1/oscillink/explain", { ...json, query, candidates, queryText });
    expect(whole.text).toContain("passage 3");
    expect(whole.text).not.toBe(page.text);
  });

  it.each(["application/json", "text/html"])(
    "explains no receipt that was changed, as %s",
    async (accept) => {
      const { json } = await post(server, URL, asNumbers);
      json.receipt.bundle[0].score += 1;
      for (const forged of [json, { receipt: json.receipt }]) {
        const answer = await post(server, "/v1/oscillink/explain", forged, { accept });
        expect(answer.status).toBe(422);
        expect(answer.json.errors[0].detail).toContain("is not that of its content");
      }
    },
  );

  it("verifies and explains the receipt of a compatible form as its answer came", async () => {
    const body = { model: "oscillink-order", query: "moon", documents: ["bread", "the moon"] };
    const { json } = await post(server, "/v2/rerank", { ...body, return_receipt: true });
    expect((await post(server, "/v1/oscillink/verify", json)).json).toMatchObject({ ok: true });
    const { said } = (await post(server, "/v1/oscillink/explain", json, { accept: "application/json" })).json;
    expect(said).toMatch(/^valid/);
  });

  it("ranks texts alone by the order where no model is named, and vectors without a query by nothing", async () => {
    const candidates = [
      { id: "a", text: "terns nest" },
      { id: "b", text: "ferry" },
    ];
    const { json } = await post(server, URL, { queryText: "terns", k: 1, candidates });
    expect(json).toMatchObject({ model: "oscillink-order", results: [{ id: "a" }] });
    const vectors = candidates.map((one) => ({ ...one, embedding: [1, 0] }));
    expect((await post(server, URL, { queryText: "terns", candidates: vectors })).status).toBe(422);
  });

  it.each([
    ["no object", [], "", "must be an object"],
    ["a text for a number", { ...asNumbers, query: ["1"] }, "/query/0", 'not "1"'],
    ["true for a number", { ...asNumbers, query: [true] }, "/query/0", "not true"],
    ["null in a vector", { ...asNumbers, query: [1, null] }, "/query/1", "not null"],
    ["more than float32 holds", { ...asNumbers, query: [1e39] }, "/query/0", "range of float32"],
    ["an empty vector", { ...asNumbers, query: [] }, "/query", "must not be empty"],
    ["what is no base64", { ...asNumbers, query: "AAAA!AAA" }, "/query", "base64"],
    ["base64 of half a value", { ...asNumbers, query: "AAA=" }, "/query", "4 bytes a value"],
    [
      "base64 of NaN",
      { ...asNumbers, query: base64(Float32Array.of(Number.NaN)) },
      "/query",
      "no finite number, at 0",
    ],
    [
      "another type of values",
      { ...asNumbers, query: { dtype: "float64", data: "" } },
      "/query/dtype",
      '"float32"',
    ],
    [
      "a matrix of another shape",
      { ...asNumbers, embeddings: { shape: [12, 2], data: "AAAAAA==" } },
      "/embeddings/data",
      "24 values",
    ],
    ["a matrix of fewer documents", { ...asNumbers, embeddings: [[1]] }, "/embeddings", "12 in all, not 1"],
    ["vectors of two widths", { ...asNumbers, query: [1, 2] }, "/query", "2"],
    ["k of 0", { ...asNumbers, k: 0 }, "/k", "0"],
    ["k as a text", { ...asNumbers, k: "5" }, "/k", '"5"'],
    ["an unknown option", { ...asNumbers, kk: 5 }, "/kk", "unknown"],
    [
      "a trust of 2",
      { ...asNumbers, candidates: [{ ...asNumbers.candidates[0], trust: 2 }] },
      "/candidates/0/trust",
      "2",
    ],
    [
      "two candidates of one id",
      { ...asNumbers, candidates: [asNumbers.candidates[0], asNumbers.candidates[0]] },
      "/candidates/1/id",
      "d0",
    ],
    ["no candidates", { query: [1] }, "/candidates", ""],
    ["candidates that are none", { ...asNumbers, candidates: "all" }, "/candidates", ""],
    ["a receipt of another kind", { ...asNumbers, receipt: "long" }, "/receipt", '"full" or "digest"'],
  ])("refuses %s, and says where (A3)", async (_, body, pointer, detail) => {
    const { status, json, type } = await post(server, URL, body);
    expect({ status, type }).toEqual({ status: 422, type: "application/problem+json; charset=utf-8" });
    expect(json.errors[0].pointer).toBe(pointer);
    expect(json.errors[0].detail).toContain(detail);
  });

  it.each([
    ["no JSON", "{", 400],
    ["NaN, which is no JSON", '{"query":[NaN]}', 400],
    ["bytes that are no UTF-8", Buffer.from([0x22, 0xff, 0x22]), 400],
    ["an empty body", "", 400],
  ])("refuses %s", async (_, body, status) => {
    expect(await post(server, URL, body)).toMatchObject({
      status,
      json: { status, instance: expect.any(String) },
    });
  });

  it("refuses a body that does not say that it is JSON, and tells how to say so", async () => {
    const { status, json } = await post(server, URL, "a=b", {
      "content-type": "application/x-www-form-urlencoded",
    });
    expect(status).toBe(415);
    expect(json.detail).toContain("Content-Type");
  });
});

describe("POST /v1/oscillink/rerank-many", () => {
  it("gives for each request what it gives alone, with options for all", async () => {
    const { k: _, ...one } = asNumbers;
    const { status, json } = await post(server, `${URL}-many`, { k: 4, requests: [one, { ...one, k: 2 }] });
    expect(status).toBe(200);
    const alone = await post(server, URL, asNumbers);
    expect(json.answers.map(({ results }: { results: [] }) => results.length)).toEqual([4, 2]);
    expect(json.answers[0].receipt.digest).toBe(alone.json.receipt.digest);
  });

  it("says of which request a fault is", async () => {
    const { status, json } = await post(server, `${URL}-many`, {
      requests: [asNumbers, { ...asNumbers, query: ["x"] }],
    });
    expect({ status, pointer: json.errors[0].pointer }).toEqual({
      status: 422,
      pointer: "/requests/1/query/0",
    });
  });
});
