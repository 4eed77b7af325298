import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { gain, promoted } from "../src/learn/learner.ts";
import { administer, ask, base64, bearer, keyOf, pool, post, testServer } from "./testing.ts";

const URL = "/v1/oscillink/rerank";
const bodyOf = (seed: number) => {
  const { query, embeddings } = pool(8, 6, seed);
  return {
    query: base64(query),
    k: 4,
    candidates: embeddings.map((one, i) => ({ id: `d${i}`, embedding: base64(one) })),
  };
};
const arm = (profile: string, rewards: readonly number[]) => ({
  profile,
  count: rewards.length,
  sum: rewards.reduce((sum, one) => sum + one, 0),
  squares: rewards.reduce((sum, one) => sum + one * one, 0),
});
const many = (n: number, of: (i: number) => number) => Array.from({ length: n }, (_, i) => of(i));

describe("the gain of an answer", () => {
  const of = (ids: string, relevant: string, irrelevant = "") =>
    gain([...ids], new Set(relevant), new Set(irrelevant));

  it.each([
    ["all that is relevant comes first", "abcd", "ab", "cd", 1],
    ["nothing relevant is there", "abcd", "xy", "ab", 0],
    ["the one that is relevant comes second of two that were labelled", "abcd", "b", "a", 1 / Math.log2(3)],
    ["what nobody labelled does not count", "abcd", "b", "", 1],
    ["half of what is relevant is missed", "a", "ab", "", 1],
    ["nothing was labelled", "abcd", "", "", 0],
  ])("%s", (_, ids, relevant, irrelevant, expected) => {
    expect(of(ids, relevant, irrelevant)).toBeCloseTo(expected, 12);
  });

  it("lies in [0, 1], and never falls when a relevant document moves up", () => {
    const documents = [..."abcdefgh"];
    const order = fc.shuffledSubarray(documents, { minLength: 8 });
    fc.assert(
      fc.property(order, fc.subarray(documents), fc.nat(6), (ids, relevant, at) => {
        const labels = [
          new Set(relevant),
          new Set(documents.filter((id) => !relevant.includes(id))),
        ] as const;
        const value = gain(ids, ...labels);
        expect(value).toBeGreaterThanOrEqual(0);
        expect(value).toBeLessThanOrEqual(1 + 1e-12);
        if (labels[0].has(ids[at]!) || !labels[0].has(ids[at + 1]!)) return;
        const better = [...ids];
        [better[at], better[at + 1]] = [ids[at + 1]!, ids[at]!];
        expect(gain(better, ...labels)).toBeGreaterThan(value);
      }),
    );
  });
});

describe("promotion", () => {
  const noisy = (mean: number) => (i: number) => mean + ((i * 7) % 11) / 100;

  it.each([
    ["nothing is known", [], "evidence"],
    [
      "another is better, surely and with enough labels",
      [arm("evidence", many(200, noisy(0.5))), arm("cosine", many(100, noisy(0.6)))],
      "cosine",
    ],
    [
      "it has too few labels",
      [arm("evidence", many(200, noisy(0.5))), arm("cosine", many(99, noisy(0.9)))],
      "evidence",
    ],
    [
      "the difference may be chance",
      [
        arm(
          "evidence",
          many(200, (i) => i % 2),
        ),
        arm(
          "cosine",
          many(100, (i) => Number(i % 20 !== 0) - (i % 2) * 0.85),
        ),
      ],
      "evidence",
    ],
    [
      "it is worse",
      [arm("evidence", many(200, noisy(0.6))), arm("cosine", many(200, noisy(0.5)))],
      "evidence",
    ],
    ["the present one was never labelled", [arm("cosine", many(200, noisy(0.9)))], "evidence"],
  ])("%s", (_, arms, expected) => expect(promoted(arms, 100)).toBe(expected));
});

describe("learning", () => {
  const LEARNING = { AUTH: "keys", LEARNING: "true", LEARNING_LABELS: "2" };

  it("tries another profile for a tenth of the requests, the same for the same one, and names it", async () => {
    const server = await testServer(LEARNING);
    const key = bearer(server.firstKey!);
    const profiles: string[] = [];
    for (let seed = 1; seed <= 60; seed++) {
      const { headers, json } = await post(server, URL, bodyOf(seed), key);
      expect(headers["x-profile-id"]).toBe(json.receipt.profile);
      profiles.push(String(headers["x-profile-id"]));
    }
    const tried = profiles.flatMap((profile, i) => (profile === "cosine" ? [i + 1] : []));
    expect(tried.length).toBeGreaterThan(0);
    expect(tried.length).toBeLessThan(20);
    const again = await post(server, URL, bodyOf(tried[0]!), key);
    expect(again.headers["x-profile-id"]).toBe("cosine");
    const named = await post(server, URL, { ...bodyOf(tried[0]!), profile: "evidence" }, key);
    expect(named.headers["x-profile-id"]).toBe("evidence");
  });

  it("takes feedback once, from the key that was answered", async () => {
    const server = await testServer(LEARNING);
    const [mine, theirs] = [bearer(server.firstKey!), bearer(await keyOf(server))];
    const { json } = await post(server, URL, bodyOf(1), mine);
    const body = {
      digest: json.receipt.digest,
      relevant: [json.results[1].id],
      irrelevant: [json.results[0].id],
    };
    expect((await post(server, "/v1/feedback", body, theirs)).status).toBe(404);
    const told = await post(server, "/v1/feedback", body, mine);
    expect(told.json.reward).toBeCloseTo(1 / Math.log2(3), 12);
    expect((await post(server, "/v1/feedback", body, mine)).status).toBe(404);
    const [{ id }] = (await administer(server, { url: "/admin/keys", headers: mine })).json().keys;
    const profiles = async () =>
      (await administer(server, { url: `/admin/keys/${id}/profiles`, headers: mine })).json();
    expect(await profiles()).toMatchObject({ pinned: null, profiles: [{ profile: "evidence", labels: 1 }] });
    const reset = await administer(server, {
      method: "DELETE",
      url: `/admin/keys/${id}/profiles`,
      headers: mine,
    });
    expect(reset.statusCode).toBe(204);
    expect(await profiles()).toMatchObject({ profiles: [] });
    await administer(server, {
      method: "PATCH",
      url: `/admin/keys/${id}`,
      headers: mine,
      payload: { pinned: "cosine" },
    });
    for (let seed = 2; seed < 6; seed++) {
      expect((await post(server, URL, bodyOf(seed), mine)).headers["x-profile-id"]).toBe("cosine");
    }
  });

  it("refuses labels of documents that the answer was not about, and counts nothing", async () => {
    const server = await testServer(LEARNING);
    const key = bearer(server.firstKey!);
    const { json } = await post(server, URL, bodyOf(1), key);
    const { digest } = json.receipt;
    const chosen = json.results.map(({ id }: { id: string }) => id);
    const missed = bodyOf(1)
      .candidates.map(({ id }) => id)
      .find((id) => !chosen.includes(id))!;
    const refused = await post(
      server,
      "/v1/feedback",
      { digest, relevant: [chosen[0], "d99"], irrelevant: [7] },
      key,
    );
    expect(refused).toMatchObject({ status: 422 });
    expect(refused.json.errors).toEqual([
      { pointer: "/relevant/1", detail: 'no document of this answer has the id "d99"' },
      { pointer: "/irrelevant/0", detail: "no document of this answer has the id 7" },
    ]);
    // What was asked about and not chosen is known, and the answer still waits for what is said of it.
    const told = await post(server, "/v1/feedback", { digest, relevant: [chosen[0], missed] }, key);
    expect(told.status).toBe(200);
    expect(told.json.reward).toBeCloseTo(1 / (1 + 1 / Math.log2(3)), 12);
    const job = await post(server, "/v1/jobs", bodyOf(2), key);
    const place = { url: String(job.headers.location), headers: { ...key, prefer: "wait=20" } };
    const { answer } = (await ask(server, place)).json;
    const worst = bodyOf(2)
      .candidates.map(({ id }) => id)
      .find((id) => answer.results.every((one: { id: string }) => one.id !== id));
    const labels = { digest: answer.receipt.digest, relevant: [], irrelevant: [worst] };
    expect((await post(server, "/v1/feedback", labels, key)).status).toBe(200);
  });

  it.each([
    ["a digest that is none", { digest: "sha256:1" }, 422],
    ["relevant documents that are no list", { digest: `sha256:${"0".repeat(64)}`, relevant: "a" }, 422],
    ["an answer that there was not", { digest: `sha256:${"0".repeat(64)}`, relevant: ["a"] }, 404],
  ])("refuses %s", async (_, body, status) => {
    const server = await testServer(LEARNING);
    expect((await post(server, "/v1/feedback", body, bearer(server.firstKey!))).status).toBe(status);
  });

  it("is off by default, and says so", async () => {
    const server = await testServer({ AUTH: "keys" });
    const body = { digest: `sha256:${"0".repeat(64)}`, relevant: ["a"] };
    expect(await post(server, "/v1/feedback", body, bearer(server.firstKey!))).toMatchObject({
      status: 404,
      json: { detail: expect.stringContaining("does not learn") },
    });
    expect((await ask(server, { url: "/v1/models", headers: bearer(server.firstKey!) })).status).toBe(200);
  });
});
