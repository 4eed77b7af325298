import { rerank } from "@oscillink/core";
import { LexicalEmbedder } from "@oscillink/lexical";
import { OscillinkPinecone, rerankMatches, toMetadata } from "@oscillink/pinecone";
import { Errors, Pinecone, type RecordMetadata } from "@pinecone-database/pinecone";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type PineconeServer, type PineconeServerOptions, startPinecone } from "../servers/pinecone.ts";

const texts = Array.from({ length: 8 }, (_, farm) => [
  `The orchard of farm ${farm} was planted by grower number ${farm} with ${20 + farm} pear trees.`,
  `Grower number ${farm} learned grafting in the valley of the ${farm + 2} mills.`,
  `In the valley of the ${farm + 2} mills the harvest feast is held on day ${farm + 5} of October.`,
  `Pears of farm ${farm} are sent by barge, ${farm + 3} crates to the boat.`,
]).flat();
const queryText = "Where did the grower who planted the orchard of farm 3 learn grafting?";
const dimensions = 96;
const model = LexicalEmbedder.fit(texts, { dimensions });
/** As the server keeps and sends vectors: in float32, as JSON. */
const embed = (text: string) => Array.from(model.embed(text), Math.fround);
const vector = embed(queryText);
/** Ids that must be escaped in an address. */
const idOf = (i: number) => `farm/${i}?&`;

const servers: PineconeServer[] = [];
afterAll(() => Promise.all(servers.map((server) => server.close())));

async function start(options: Partial<PineconeServerOptions> = {}) {
  const server = await startPinecone({ dimension: dimensions, embed, ...options });
  servers.push(server);
  const connect = (settings: { maxRetries?: number; fetchApi?: typeof fetch } = {}, namespace?: string) =>
    new Pinecone({ apiKey: "local", controllerHostUrl: server.url, maxRetries: 0, ...settings }).index({
      host: server.url,
      ...(namespace !== undefined && { namespace }),
    });
  const index = connect();
  await index.upsert({
    records: texts.map((text, i) => ({
      id: idOf(i),
      values: embed(text),
      metadata: { text, kind: ["orchard", "grower", "valley", "boat"][i % 4]!, farm: Math.floor(i / 4) },
    })),
  });
  return { server, index, connect };
}

let world: Awaited<ReturnType<typeof start>>;
let searcher: OscillinkPinecone;
beforeAll(async () => {
  world = await start();
  searcher = new OscillinkPinecone({ index: world.index });
});
beforeEach(() => {
  (world.server.requests as unknown[]).length = 0;
});

const pathsOf = ({ requests }: PineconeServer) => requests.map(({ path }) => path);
const idsOf = (data: readonly { document: { id: string } }[]) => data.map(({ document }) => document.id);

/** What core makes of the pool that Pinecone returns for the query. */
async function direct(k: number, topK = 50, filter?: object) {
  const { matches } = await world.index.query({
    vector,
    topK,
    includeMetadata: true,
    ...(filter && { filter }),
  });
  const candidates = matches.map(({ id, metadata }) => {
    const text = metadata!.text as string;
    return { id, text, embedding: embed(text) };
  });
  return { ...rerank({ query: vector, queryText, candidates, k }), order: matches.map(({ id }) => id) };
}

async function faultOf(asked: Promise<unknown>): Promise<Error> {
  const outcome = await asked.then(
    () => "it was accepted",
    (error: unknown) => error,
  );
  expect(outcome).toBeInstanceOf(Error);
  return outcome as Error;
}

describe("query", () => {
  test("fetches a pool with its values, and returns topK of it, with the receipt that core writes", async () => {
    const { data, receipt, namespace, usage } = await searcher.query({ vector, queryText, topK: 3 });
    const [sent] = world.server.requests;
    expect(sent).toMatchObject({ path: "/query", body: { topK: 50, includeValues: true } });
    expect(sent!.body).not.toHaveProperty("queryText");
    const expected = await direct(3);
    expect(receipt!.digest).toBe(expected.receipt.digest);
    expect(idsOf(data)).toEqual(expected.bundle.map(({ id }) => id));
    expect(data.map(({ index }) => expected.order[index])).toEqual(idsOf(data));
    expect(namespace).toBe("__default__");
    expect(usage).toMatchObject({ readUnits: 1 });
  });

  test("returns values and metadata only to those who ask", async () => {
    const [bare] = (await searcher.query({ vector, topK: 1 })).data;
    expect(Object.keys(bare!.document).sort()).toEqual(["id", "score"]);
    const [full] = (await searcher.query({ vector, topK: 1, includeValues: true, includeMetadata: true }))
      .data;
    expect(full!.document.values).toHaveLength(dimensions);
    expect(full!.document.metadata).toHaveProperty("text");
  });

  test("is the same as rerankMatches over the answer", async () => {
    const response = await world.index.query({
      vector,
      topK: 50,
      includeValues: true,
      includeMetadata: true,
    });
    const { receipt } = await rerankMatches(response, { query: vector, queryText, k: 3 });
    const other = await searcher.query({ vector, queryText, topK: 3 });
    expect(other.receipt!.digest).toBe(receipt!.digest);
  });

  test.each([
    [5, undefined, 50],
    [7, undefined, 70],
    [5, 12, 12],
    [20, 12, 20],
  ])("topK %i with pool %s asks for %i", async (topK, pool, fetched) => {
    const wider = new OscillinkPinecone({ index: world.index, ...(pool && { pool }) });
    await wider.query({ vector, topK });
    expect(world.server.requests[0]!.body.topK).toBe(fetched);
  });

  test.each([[0], [1.5], ["3"], [undefined]])("refuses the topK %o", async (topK) => {
    await expect(searcher.query({ vector, topK: topK as number })).rejects.toMatchObject({
      parameter: "topK",
    });
    expect(world.server.requests).toEqual([]);
  });

  test("hands the filter on, and a pool that it empties gives no rows", async () => {
    const filter = { kind: { $in: ["grower", "valley"] } };
    const { data, receipt } = await searcher.query({ vector, queryText, topK: 3, filter });
    expect(world.server.requests[0]!.body.filter).toEqual(filter);
    expect(receipt!.digest).toBe((await direct(3, 50, filter)).receipt.digest);
    expect(data).toHaveLength(3);
    const none = await searcher.query({ vector, queryText, topK: 3, filter: { kind: "harbour" } });
    expect(none.data).toEqual([]);
    expect(none.receipt!.inputs.n).toBe(0);
  });

  test("searches the namespace that it is told, or that of the index", async () => {
    const north = world.connect({}, "north");
    await north.upsert({ records: [{ id: "n1", values: embed("A pear.") }] });
    const told = await searcher.query({ vector, topK: 2, namespace: "north" });
    expect([idsOf(told.data), told.namespace]).toEqual([["n1"], "north"]);
    const own = await new OscillinkPinecone({ index: north }).query({ vector, topK: 2 });
    expect(idsOf(own.data)).toEqual(["n1"]);
  });

  test("by id takes the vector of that record, fetched if the filter keeps it out of the pool", async () => {
    const id = idOf(12);
    const inside = await searcher.query({ id, topK: 3 });
    expect(pathsOf(world.server)).toEqual(["/query"]);
    const byVector = await searcher.query({ vector: embed(texts[12]!), topK: 3 });
    expect(inside.receipt!.digest).toBe(byVector.receipt!.digest);
    const filter = { kind: { $eq: "grower" } };
    const outside = await searcher.query({ id, topK: 3, filter });
    expect(pathsOf(world.server).slice(2)).toEqual(["/query", "/vectors/fetch"]);
    const same = await searcher.query({ vector: embed(texts[12]!), topK: 3, filter });
    expect(outside.receipt!.digest).toBe(same.receipt!.digest);
  });

  test("an id that is not there gives no rows", async () => {
    expect((await searcher.query({ id: "nobody", topK: 3 })).data).toEqual([]);
  });

  test("keeps ids of all kinds apart, with names of Object's own among them", async () => {
    const odd = world.connect({}, "odd");
    const ids = ["constructor", "__proto__", "a b&c=d", "0"];
    await odd.upsert({ records: ids.map((id, i) => ({ id, values: embed(texts[i]!) })) });
    const { data, receipt } = await new OscillinkPinecone({ index: odd }).query({ vector, topK: 9 });
    expect(idsOf(data).sort()).toEqual([...ids].sort());
    expect(receipt!.inputs.missing).toBe(0);
  });

  test("duplicate and unordered matches: none lost, none wrong", async () => {
    world.server.fail("/query", (answer) => {
      answer.matches.reverse();
      answer.matches.push(answer.matches[0]);
      return answer;
    });
    const { data, receipt } = await searcher.query({ vector, queryText, topK: 40, includeMetadata: true });
    expect(data).toHaveLength(texts.length + 1);
    for (const { document } of data) {
      expect(document.metadata!.text).toBe(texts.findLast((_, i) => idOf(i) === document.id));
    }
    expect(new Set(receipt!.bundle.map(({ id }) => id)).size).toBe(texts.length + 1);
  });

  test("matches without values come last and are counted; values of another width are refused", async () => {
    world.server.fail("/query", (answer) => {
      for (const match of answer.matches.slice(0, 2)) match.values = [];
      return answer;
    });
    const holes = await searcher.query({ vector, queryText, topK: 40 });
    expect(holes.receipt!.inputs.missing).toBe(2);
    expect(holes.data.slice(-2).map(({ index, score }) => [index, score])).toEqual([
      [0, null],
      [1, null],
    ]);
    world.server.fail("/query", (answer) => {
      answer.matches[4].values.pop();
      return answer;
    });
    await expect(searcher.query({ vector, topK: 3 })).rejects.toThrow(
      `candidates[4].embedding: has ${dimensions - 1} values where the others have ${dimensions}`,
    );
  });
});

describe("other metrics", () => {
  test("similarity is computed anew: a dot product or a distance gives the same ranking as the cosine", async () => {
    const expected = await searcher.query({ vector, queryText, topK: 5 });
    for (const metric of ["dotproduct", "euclidean"] as const) {
      const { index } = await start({ metric });
      const { receipt } = await new OscillinkPinecone({ index }).query({ vector, queryText, topK: 5 });
      expect(receipt!.bundle.map(({ id, score }) => [id, score])).toEqual(
        expected.receipt!.bundle.map(({ id, score }) => [id, score]),
      );
    }
  });

  test("sparse values go on unchanged, beside a vector and alone", async () => {
    const { server, index } = await start({ metric: "dotproduct" });
    await index.upsert({
      records: [
        { id: "hybrid", values: embed(texts[5]!), sparseValues: { indices: [3, 9], values: [0.5, 4] } },
        { id: "weak", values: embed(texts[6]!), sparseValues: { indices: [9], values: [0.25] } },
      ],
    });
    const sparseVector = { indices: [9], values: [2] };
    const hybrids = new OscillinkPinecone({ index });
    const both = await hybrids.query({ vector, sparseVector, topK: 3, includeValues: true });
    expect(server.requests.at(-1)!.body.sparseVector).toEqual(sparseVector);
    expect(both.receipt!.vectors).toEqual({ fromStore: texts.length + 2, reembedded: 0 });
    const all = await hybrids.query({ vector, sparseVector, topK: 50, includeValues: true });
    const hybrid = all.data.find(({ document }) => document.id === "hybrid")!.document;
    expect(hybrid.sparseValues).toEqual({ indices: [3, 9], values: [0.5, 4] });

    const alone = await hybrids.query({ sparseVector, topK: 2 } as never);
    expect(alone.receipt!.inputs).toMatchObject({ d: 0, scores: expect.stringMatching(/^sha256:/) });
    expect(idsOf(alone.data)).toEqual(["hybrid", "weak"]);
  });
});

describe("failures of the server", () => {
  const asked = () => searcher.query({ vector, queryText, topK: 3 });

  test("come as the client's own errors, and the next query is well", async () => {
    const { server } = world;
    server.fail("/query", 429);
    expect(await faultOf(asked())).toBeInstanceOf(Errors.PineconeUnmappedHttpError);
    server.fail("/query", 404);
    expect(await faultOf(asked())).toBeInstanceOf(Errors.PineconeNotFoundError);
    server.fail("/query", 500);
    expect(await faultOf(asked())).toBeInstanceOf(Errors.BasePineconeError);
    server.fail("/query", "cut");
    expect(await faultOf(asked())).toBeInstanceOf(Errors.PineconeConnectionError);
    expect((await asked()).data).toHaveLength(3);
  });

  test("a wrong key, a wrong dimension and a bad filter are Pinecone's to refuse", async () => {
    const { server } = world;
    const stranger = new Pinecone({ apiKey: "stolen", maxRetries: 0 }).index({ host: server.url });
    const fault = await faultOf(new OscillinkPinecone({ index: stranger }).query({ vector, topK: 3 }));
    expect(fault).toBeInstanceOf(Errors.PineconeAuthorizationError);
    for (const bad of [{ vector: [1, 2] }, { vector, filter: { kind: { $like: "g%" } } }]) {
      expect(await faultOf(searcher.query({ topK: 3, ...bad }))).toBeInstanceOf(
        Errors.PineconeBadRequestError,
      );
    }
  });

  test("a 500 that passes is retried by the client", async () => {
    world.server.fail("/query", 500);
    const patient = new OscillinkPinecone({ index: world.connect({ maxRetries: 1 }) });
    expect((await patient.query({ vector, topK: 3 })).data).toHaveLength(3);
  });

  test("a server that does not answer ends with the fetch that gives up", async () => {
    world.server.fail("/query", "hang");
    const hurried = world.connect({
      fetchApi: (input, init) => fetch(input, { ...init, signal: AbortSignal.timeout(50) }),
    });
    const fault = await faultOf(new OscillinkPinecone({ index: hurried }).query({ vector, topK: 3 }));
    expect(fault).toBeInstanceOf(Errors.PineconeConnectionError);
  });

  test("a failed search has nothing to pass through", async () => {
    const lenient = new OscillinkPinecone({ index: world.index, onError: "passthrough" });
    world.server.fail("/query", 429);
    await expect(lenient.query({ vector, topK: 3 })).rejects.toThrow(Errors.PineconeUnmappedHttpError);
  });
});

describe("searchRecords", () => {
  const embedder = { embedQuery: async (text: string) => embed(text) };
  const search = { query: { topK: 3, inputs: { text: queryText } }, namespace: "texts" };
  const hitsOf = (data: readonly { document: { _id: string } }[]) => data.map(({ document }) => document._id);
  let withEmbedder: OscillinkPinecone;

  beforeAll(async () => {
    await world.index.upsertRecords({
      namespace: "texts",
      records: texts.map((chunk_text, i) => ({ _id: idOf(i), chunk_text, farm: Math.floor(i / 4) })),
    });
    withEmbedder = new OscillinkPinecone({ index: world.index, embedder });
  });

  test("fetches the hits' vectors: the same bundle and digest as a query by vector", async () => {
    const { data, receipt, usage } = await withEmbedder.searchRecords(search);
    expect(pathsOf(world.server)).toEqual(["/records/namespaces/texts/search", "/vectors/fetch"]);
    expect(world.server.requests[0]!.body.query).toMatchObject({ top_k: 50, inputs: { text: queryText } });
    expect(world.server.requests[1]!.body.namespace).toBe("texts");
    const queried = await searcher.query({ vector, queryText, topK: 3 });
    expect(receipt!.digest).toBe(queried.receipt!.digest);
    expect(receipt!.vectors).toEqual({ fromStore: texts.length, reembedded: 0 });
    expect(hitsOf(data)).toEqual(idsOf(queried.data));
    expect(data[0]!.document.fields).toHaveProperty("chunk_text");
    expect(usage.embedTotalTokens).toBe(queryText.split(" ").length);
  });

  test("the model that Pinecone hosts can be the embedder", async () => {
    const { url } = world.server;
    const { inference } = new Pinecone({ apiKey: "local", controllerHostUrl: url, maxRetries: 0 });
    const hosted = {
      embedQuery: async (text: string) => {
        const parameters = { inputType: "query" };
        const { data } = await inference.embed({ model: "local-embed", inputs: [text], parameters });
        return data[0]!.vectorType === "dense" ? data[0]!.values : [];
      },
    };
    const { receipt } = await new OscillinkPinecone({ index: world.index, embedder: hosted }).searchRecords(
      search,
    );
    expect(pathsOf(world.server)).toContain("/embed");
    expect(receipt!.digest).toBe((await withEmbedder.searchRecords(search)).receipt!.digest);
  });

  test("takes the query's vector as it is given, from the search, or from a record", async () => {
    const digest = async (request: Parameters<OscillinkPinecone["searchRecords"]>[0]) =>
      (await searcher.searchRecords({ namespace: "texts", ...request })).receipt!.digest;
    const expected = (await withEmbedder.searchRecords(search)).receipt!.digest;
    expect(await digest({ ...search, queryVector: vector })).toBe(expected);
    const values = { topK: 3, vector: { values: vector } };
    expect(await digest({ query: values, queryText })).toBe(expected);
    const record = embed(texts[9]!);
    const byId = await digest({ query: { topK: 3, id: idOf(9) }, queryText });
    expect(byId).toBe(await digest({ query: { topK: 3, vector: { values: record } }, queryText }));
  });

  test("without a vector for the query: scores and words decide, nothing is fetched, the receipt says so", async () => {
    const { data, receipt } = await searcher.searchRecords(search);
    expect(pathsOf(world.server)).toEqual(["/records/namespaces/texts/search"]);
    expect(data).toHaveLength(3);
    expect(receipt!.vectors).toBeNull();
    expect(receipt!.inputs).toMatchObject({ d: 0, query: null, scores: expect.stringMatching(/^sha256:/) });
    expect(toMetadata(receipt!).oscillink_evidence).toBe("scores");
  });

  test("hands fields and filter on, and a pool that the filter empties gives no rows", async () => {
    const filter = { farm: { $gte: 6 } };
    const { data } = await withEmbedder.searchRecords({
      ...search,
      query: { ...search.query, filter },
      fields: ["farm"],
    });
    expect(world.server.requests[0]!.body).toMatchObject({ query: { filter }, fields: ["farm"] });
    expect(data.map(({ document }) => Object.keys(document.fields))).toEqual([["farm"], ["farm"], ["farm"]]);
    const none = await withEmbedder.searchRecords({
      ...search,
      query: { ...search.query, filter: { farm: 99 } },
    });
    expect(none.data).toEqual([]);
  });

  test("many and long ids are fetched in requests of modest size", async () => {
    const long = world.connect({}, "long");
    const records = texts.map((text, i) => ({ id: `${i}/`.padEnd(500, "%"), values: embed(text) }));
    await long.upsert({ records });
    const short = Array.from({ length: 260 }, (_, i) => ({ id: `s${i}`, values: embed(`pear ${i}`) }));
    await long.upsert({ records: short });
    (world.server.requests as unknown[]).length = 0;
    const { receipt } = await new OscillinkPinecone({ index: long, pool: 500 }).searchRecords({
      query: { topK: 3, vector: { values: vector } },
    });
    const fetches = world.server.requests.filter(({ path }) => path === "/vectors/fetch");
    expect(fetches.length).toBeGreaterThan(3);
    expect(receipt!.vectors).toEqual({ fromStore: records.length + short.length, reembedded: 0 });
  });

  test("a record that is gone when its vector is fetched comes last and is counted", async () => {
    const whole = await withEmbedder.searchRecords({ ...search, query: { ...search.query, topK: 40 } });
    const gone = whole.data[0]!.document._id;
    world.server.fail("/vectors/fetch", (answer) => {
      delete answer.vectors[gone];
      return answer;
    });
    const { data, receipt } = await withEmbedder.searchRecords({
      ...search,
      query: { ...search.query, topK: 40 },
    });
    expect(hitsOf(data).at(-1)).toBe(gone);
    expect(hitsOf(data).sort()).toEqual(hitsOf(whole.data).sort());
    expect(receipt!.inputs.missing).toBe(1);
    expect(receipt!.vectors).toEqual({ fromStore: texts.length - 1, reembedded: 0 });
  });

  test("vectors that come in another order, or as text, are never another's", async () => {
    world.server.fail("/vectors/fetch", (answer) => ({
      ...answer,
      vectors: Object.fromEntries(Object.entries(answer.vectors).reverse()),
    }));
    const turned = await withEmbedder.searchRecords(search);
    expect(turned.receipt!.digest).toBe((await withEmbedder.searchRecords(search)).receipt!.digest);
    world.server.fail("/vectors/fetch", (answer) => {
      answer.vectors[idOf(0)].values = "[0.1, 0.2]";
      return answer;
    });
    await expect(withEmbedder.searchRecords(search)).rejects.toThrow(/must be an array of numbers/);
  });

  test.each([[429], [500], ["cut"]] as const)(
    "a fetch that fails (%s) throws, or passes the hits through",
    async (fault) => {
      world.server.fail("/vectors/fetch", fault);
      const thrown = await faultOf(withEmbedder.searchRecords(search));
      expect(thrown).toBeInstanceOf(Errors.BasePineconeError);
      world.server.fail("/vectors/fetch", fault);
      const warnings: unknown[] = [];
      const lenient = new OscillinkPinecone({
        index: world.index,
        embedder,
        onError: "passthrough",
        onWarning: (error) => warnings.push(error),
      });
      const { data, receipt } = await lenient.searchRecords(search);
      const { result } = await world.index.searchRecords(search);
      expect(data.map(({ document }) => document)).toEqual(result.hits);
      expect(receipt).toBeNull();
      expect(warnings).toEqual([expect.any(Errors.BasePineconeError)]);
    },
  );

  test("an embedder that fails is the cause", async () => {
    const cause = new Error("429 too many requests");
    const failing = { embedQuery: () => Promise.reject(cause) };
    const fault = await faultOf(
      new OscillinkPinecone({ index: world.index, embedder: failing }).searchRecords(search),
    );
    expect(fault).toMatchObject({ name: "EmbedderError", cause });
  });
});

test("the gist of a receipt can be stored with a record", async () => {
  const { receipt } = await searcher.query({ vector, queryText, topK: 3 });
  const answers = world.connect({}, "answers");
  const values = embed("The answer.");
  const raw = { receipt } as unknown as RecordMetadata;
  await expect(answers.upsert({ records: [{ id: "a1", values, metadata: raw }] })).rejects.toThrow(
    Errors.PineconeBadRequestError,
  );
  await answers.upsert({ records: [{ id: "a1", values }] });
  await answers.update({ id: "a1", metadata: toMetadata(receipt!) });
  const { records } = await answers.fetch({ ids: ["a1"] });
  expect(records.a1!.metadata).toEqual(toMetadata(receipt!));
});
