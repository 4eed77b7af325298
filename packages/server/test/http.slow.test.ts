import { request as httpRequest } from "node:http";
import { describe, expect, it } from "vitest";
import { survives } from "./hostile.ts";
import { base64, makeServer, pool, post, sharedServer, testServer } from "./testing.ts";

const URL = "/v1/oscillink/rerank";

const bodyOf = (n: number, d: number) => {
  const { query, embeddings } = pool(n, d);
  return {
    query: base64(query),
    candidates: embeddings.map((one, i) => ({ id: String(i), embedding: base64(one) })),
  };
};

describe("request ids (A7)", () => {
  it.each([
    ["a good one", "job-1_a.b", true],
    ["one of 5,000 characters", "x".repeat(5000), false],
    ["one with a space", "a b", false],
    ["one with markup", "<b>", false],
    ["an empty one", "", false],
  ])("takes %s: %s", async (_, id, kept) => {
    const server = await sharedServer();
    const answer = await post(server, URL, {}, { "x-request-id": id });
    const own = String(answer.headers["x-request-id"]);
    expect(own === id).toBe(kept);
    expect(own).toMatch(/^[A-Za-z0-9._-]{1,128}$/);
    expect(answer.json.instance).toBe(own);
  });
});

describe("limits of size (A5)", () => {
  it.each([
    ["documents", { LIMITS_DOCUMENTS: "10" }, [10, 4], [11, 4]],
    ["values of a vector", { LIMITS_WIDTH: "8" }, [3, 8], [3, 9]],
    ["values of all vectors", { LIMITS_VALUES: "64", LIMITS_WIDTH: "64" }, [8, 8], [13, 5]],
  ] as const)("takes as many %s as are allowed, and no more", async (_, environment, most, over) => {
    const server = await sharedServer(environment);
    expect((await post(server, URL, bodyOf(most[0], most[1]))).status).toBe(200);
    const { status, json } = await post(server, URL, bodyOf(over[0], over[1]));
    expect(status).toBe(413);
    expect(json.detail).toMatch(/this server takes \d+ at most/);
  });

  it("takes as many bytes as are allowed, and refuses one more before it is parsed", async () => {
    const body = JSON.stringify(bodyOf(8, 8));
    const long = body.padEnd(70_000, " ");
    const server = await sharedServer({
      LIMITS_BODY_BYTES: "70000",
      LIMITS_VALUES: "64",
      LIMITS_WIDTH: "64",
    });
    expect((await post(server, URL, long)).status).toBe(200);
    // It is no JSON either, and nobody has looked.
    expect((await post(server, URL, `${long}{`)).status).toBe(413);
  });

  it("takes 1,200 documents of 128 values as JSON by default", async () => {
    const { query, embeddings } = pool(1200, 128);
    const server = await sharedServer();
    const candidates = embeddings.map((one, i) => ({ id: String(i), embedding: [...one] }));
    expect((await post(server, URL, { query: [...query], candidates })).status).toBe(200);
  });

  it("refuses what would cost more than a request may, and points to the jobs", async () => {
    const server = await sharedServer({ LIMITS_INTERACTIVE_MS: "1" });
    const { status, json } = await post(server, URL, bodyOf(300, 64));
    expect(status).toBe(413);
    expect(json.detail).toContain("/v1/jobs");
  });

  it("cuts a body without a length at the limit, and does not gather the rest (A6)", async () => {
    const server = await makeServer({ LIMITS_BODY_BYTES: String(2 ** 20), LIMITS_VALUES: "100000" });
    await server.listen();
    const before = process.memoryUsage().rss;
    let most = before;
    const status = await new Promise<number>((resolve) => {
      const request = httpRequest(
        `${server.url}${URL}`,
        { method: "POST", headers: { "content-type": "application/json" } },
        (answer) => resolve(answer.statusCode!),
      );
      request.on("error", () => {});
      const chunk = Buffer.alloc(2 ** 16, " ");
      let sent = 0;
      const send = () => {
        most = Math.max(most, process.memoryUsage().rss);
        if (sent++ < 1600 && !request.destroyed) request.write(chunk, () => setImmediate(send));
      };
      send();
    });
    await server.close();
    expect(status).toBe(413);
    // The runner's own garbage is in the figure too: 100 MB would be seen.
    expect(most - before).toBeLessThan(60 * 2 ** 20);
  });
});

describe("hostile bodies (A2)", () => {
  it(
    "never fail the server: a few hundred made of pieces of good ones, and of anything",
    () => survives(300),
    20_000,
  );

  it.each([150, 2000, 4500, 100_000])(
    "refuses what is nested %i times on every route, and goes on",
    async (depth) => {
      const server = await sharedServer();
      const deep = `${"[".repeat(depth)}${"]".repeat(depth)}`;
      const bodies = [
        deep,
        `{"context":${deep}}`,
        `{"x":${deep}}`,
        `{"query":[1],"candidates":[{"id":"a","embedding":[1],"x":${deep}}]}`,
      ];
      const urls = [URL, "/v1/rerank", "/v1/jobs", "/v1/settle", "/v1/oscillink/verify"];
      for (const url of urls) {
        for (const body of bodies) expect((await post(server, url, body)).status).toBe(422);
      }
      expect((await post(server, URL, bodyOf(3, 4))).status).toBe(200);
    },
    30_000,
  );

  it.each([
    ["candidates", URL, (list: string) => `{"query":[1],"candidates":${list}}`, "{}"],
    ["lists", URL, (list: string) => `{"query":[1],"lists":[{"name":"a","items":${list}}]}`, "{}"],
    ["an unknown field", URL, (list: string) => `{"query":[1],"x":${list}}`, "[]"],
    ["requests", `${URL}-many`, (list: string) => `{"requests":${list}}`, "{}"],
    ["documents", "/v1/rerank", (list: string) => `{"query":"a","documents":${list}}`, '""'],
    ["rows", "/v1/settle", (list: string) => `{"Y":${list}}`, "[1]"],
    ["a chain", "/v1/chain/receipt", (list: string) => `{"Y":[[1],[2]],"chain":${list}}`, "0"],
    ["texts for an assistant", "/mcp", (list: string) => `{"jsonrpc":"2.0","texts":${list}}`, "1"],
  ])("refuses a list of a hundred thousand, before it is read: %s", async (_, url, body, entry) => {
    const server = await sharedServer();
    const list = `[${Array(100_000).fill(entry).join(",")}]`;
    const answer = await post(server, url, body(list), {
      host: "127.0.0.1",
      accept: "application/json, text/event-stream",
    });
    expect(answer.status).toBe(413);
    expect(answer.text.length).toBeLessThan(2000);
  });
});

describe("/mcp", () => {
  it("takes no batch, which was many calls under the limits of one", async () => {
    const server = await sharedServer();
    const call = { jsonrpc: "2.0", id: 1, method: "tools/list", params: {} };
    const headers = { host: "127.0.0.1", accept: "application/json, text/event-stream" };
    const answer = await post(server, "/mcp", [call, { ...call, id: 2 }], headers);
    expect(answer.status).toBe(400);
    expect(answer.text).toContain("no batch");
  });
});

describe("overload", () => {
  it("answers 503 to more than it can work on, and says when to come back", async () => {
    const server = await testServer({ LIMITS_IN_FLIGHT: "2", LIMITS_WAIT_MS: "0" });
    const answers = await Promise.all(Array.from({ length: 12 }, () => post(server, URL, bodyOf(200, 64))));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 503]));
    const refused = answers.find(({ status }) => status === 503)!;
    expect(refused.headers["retry-after"]).toBe("1");
    expect(refused.json.type).toMatch(/temporary-reduced-capacity$/);
    // And what was refused left nothing behind.
    expect((await post(server, URL, bodyOf(3, 4))).status).toBe(200);
  });

  it("lets more than it can work on wait for their turn", async () => {
    const server = await testServer({ LIMITS_IN_FLIGHT: "1", LIMITS_WAIT_MS: "60000" });
    const answers = await Promise.all(Array.from({ length: 12 }, () => post(server, URL, bodyOf(20, 8))));
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200]));
  });
});

describe("a body that is packed", () => {
  it("is refused for what it is", async () => {
    const server = await sharedServer();
    expect((await post(server, URL, bodyOf(3, 4), { "content-encoding": "gzip" })).status).toBe(415);
  });
});

describe("methods", () => {
  it.each([
    ["GET", "/v1/oscillink/rerank", "POST"],
    ["PUT", "/v1/jobs/some", "DELETE, GET, HEAD"],
    ["POST", "/livez", "GET, HEAD"],
  ] as const)("%s %s is a 405 that names those that there are", async (method, url, allowed) => {
    const server = await sharedServer();
    const answer = await server.app.inject({ method, url });
    expect([answer.statusCode, answer.headers.allow]).toEqual([405, allowed]);
  });
});

describe("health", () => {
  it.each(["/livez", "/readyz", "/health"])("%s is open to anyone", async (url) => {
    const server = await sharedServer({ AUTH: "keys" });
    expect((await server.app.inject(url)).json()).toMatchObject({ status: "ok" });
  });
});

describe("pages of other origins", () => {
  it("may ask where that is configured, and read the limits", async () => {
    const server = await sharedServer({ CORS: "https://app.example" });
    const { headers } = await server.app.inject({
      url: "/livez",
      headers: { origin: "https://app.example" },
    });
    expect(headers["access-control-allow-origin"]).toBe("https://app.example");
    expect(headers["access-control-expose-headers"]).toContain("RateLimit");
    const other = await server.app.inject({ url: "/livez", headers: { origin: "https://other.example" } });
    expect(other.headers["access-control-allow-origin"]).toBeUndefined();
  });
});
