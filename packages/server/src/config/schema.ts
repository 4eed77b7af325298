/** Everything that can be set: one schema for the file, the environment and the flags. */
import { type Static, Type } from "typebox";

const closed = { additionalProperties: false } as const;
const text = (description: string, value: string) => Type.String({ description, default: value });
/** The largest integer of a header field (RFC 9651). */
const LARGEST = 999_999_999_999_999;
const count = (description: string, value: number, minimum = 0) =>
  Type.Integer({ description, default: value, minimum, maximum: LARGEST });
const amount = (description: string, value: number, minimum = 0) =>
  Type.Number({ description, default: value, minimum });
const flag = (description: string, value: boolean) => Type.Boolean({ description, default: value });

const limits = Type.Object(
  {
    bodyBytes: count("The longest body of a request, in bytes.", 16 * 2 ** 20, 1024),
    documents: count("The most documents of a request.", 2000, 1),
    width: count("The most values of a vector.", 4096, 1),
    values: count("The most values of all vectors of a request together.", 2 ** 21, 1),
    interactiveMs: amount(
      "The most that a request may cost if it is answered at once, in milliseconds of a processor.",
      1000,
      1,
    ),
    jobMs: amount("The most that a job may cost, in milliseconds of a processor.", 120_000, 1),
    inFlight: count("The most requests that are processed at once; further ones wait.", 64, 1),
    waitMs: count("How long a request waits for its turn before it gets 503, in milliseconds.", 250),
    loopDelayMs: amount(
      "While the event loop is late by this, in milliseconds, no further request is begun.",
      100,
      1,
    ),
    units: count("The most units of a key in a window; 0 is no limit.", 0),
    unitsWindow: count("The length of the window of units, in seconds.", 3600, 1),
    unitsMonth: count("The most units of a key in a calendar month (UTC); 0 is no limit.", 0),
    textUnits: count("The units of a document that comes without a vector.", 384, 1),
    burst: count("The most requests of a key in a burst window; 0 is no limit.", 0),
    burstWindow: count("The length of a burst window, in seconds.", 1, 1),
    addressBurst: count(
      "The most requests without a good key from one address in a minute; 0 is no limit.",
      600,
    ),
  },
  closed,
);

/** The models that can be served. */
export const MODEL_NAMES: readonly string[] = [
  ...["oscillink", "oscillink-embed", "oscillink-cascade", "oscillink-lexical", "oscillink-order"],
];

const models = Type.Object(
  {
    default: text(
      "The model for texts if a request names none; else the embedder or the upstream that is set up, else oscillink-order.",
      "",
    ),
    aliases: Type.Record(Type.String(), Type.String(), {
      description:
        "Other names for models, such as those that clients ask for: `rerank-v3.5=oscillink-embed`; `*` is every other name.",
      default: {},
    }),
    embedUrl: text(
      "The URL of an OpenAI-compatible embedding server, /v1 included; it turns on oscillink-embed.",
      "",
    ),
    embedModel: text("The embedding model to ask for there.", ""),
    embedQueryModel: text("The model for queries, if it has another name there.", ""),
    embedKey: text("The key of that server.", ""),
    embedQueryPrefix: text("What is put before each query that is embedded.", ""),
    embedDocumentPrefix: text("What is put before each document that is embedded.", ""),
    embedScale: text("The measured scale of the embedding model, by its name in core; empty for none.", ""),
    embedCacheBytes: count(
      "How many bytes of vectors are kept in memory, by the digest of their texts; 0 keeps none.",
      64 * 2 ** 20,
    ),
    upstreamUrl: text("The whole URL of another server's rerank route; it turns on oscillink-cascade.", ""),
    upstreamModel: text("The model to ask for there.", ""),
    upstreamKey: text("The key of that server.", ""),
    timeoutMs: count("How long an embedder or an upstream may take, in milliseconds.", 10_000, 1),
    failure: Type.Union([Type.Literal("424"), Type.Literal("503")], {
      description: "The status of a request if its embedder or upstream fails.",
      default: "424",
    }),
    prior: Type.Union([Type.Literal("order"), Type.Literal("none")], {
      description:
        "What oscillink-order takes for the scores of the first search: the order of the documents, or nothing.",
      default: "order",
    }),
  },
  closed,
);

const search = Type.Object(
  {
    module: text(
      "A file with an ES module that searches your documents; it turns on the tool `search` of /mcp.",
      "",
    ),
    pool: count("How many candidates the module of the search is asked for.", 50, 1),
  },
  closed,
);

export const Config = Type.Object(
  {
    host: text("The address to listen on.", "127.0.0.1"),
    port: Type.Integer({
      description: "The port; 0 takes a free one.",
      default: 8080,
      minimum: 0,
      maximum: 65535,
    }),
    adminHost: text("The address of the second port, for metrics and administration.", "127.0.0.1"),
    adminPort: Type.Integer({
      description: "The second port; 0 takes a free one.",
      default: 8081,
      minimum: 0,
      maximum: 65535,
    }),
    data: text("The folder for everything that is kept: keys, counters, jobs.", "oscillink-data"),
    auth: Type.Union([Type.Literal("keys"), Type.Literal("none")], {
      description: "Whether requests need a key. `none` is refused at any address but the machine's own.",
      default: "keys",
    }),
    threads: count("How many threads rank; 0 is one a processor.", 0),
    logLevel: Type.Union(
      ["fatal", "error", "warn", "info", "debug", "trace", "silent"].map((level) => Type.Literal(level)),
      { description: "The least level that is logged.", default: "info" },
    ),
    trustProxy: Type.Array(Type.String(), {
      description: "The proxies whose X-Forwarded-For is believed, as addresses or networks.",
      default: [],
    }),
    cors: Type.Array(Type.String(), {
      description: "The origins of web pages that may send requests.",
      default: [],
    }),
    signReceipts: flag("Whether receipts are signed.", true),
    signingKey: text(
      "A file with the private key that signs receipts, as PEM or as a JSON Web Key; if empty, one is made in the data folder.",
      "",
    ),
    pepper: text(
      "The secret that keys are hashed with, of at least 32 bytes; if empty, one is made in the data folder.",
      "",
    ),
    cacheBytes: count(
      "How many bytes of answers the cache keeps, for the same request sent again; 0 turns it off.",
      0,
    ),
    cacheSeconds: count("How long the cache keeps an answer, in seconds.", 300, 1),
    cacheUnits: Type.Number({
      description: "The share of its units that a request costs if its answer comes from the cache.",
      default: 0.1,
      minimum: 0,
      maximum: 1,
    }),
    jobSeconds: count("How long a job is kept after its end, in seconds.", 3600, 1),
    ledgerDays: count("How long a row of the ledger is kept, in days; 0 keeps all.", 400),
    jobsQueued: count("The most jobs of a tenant that may wait at once.", 100, 1),
    learning: flag("Whether profiles are learned from feedback, key by key.", false),
    learningLabels: count("How many labelled answers a profile needs before it can be promoted.", 100, 2),
    tracing: flag("Whether spans are sent to OpenTelemetry, as OTEL_… in the environment says.", false),
    graceSeconds: count("How long a shutdown waits for requests that are in flight, in seconds.", 20, 1),
    limits,
    models,
    search,
  },
  closed,
);

/** What a server is told: every value of it filled in. */
export type Config = Static<typeof Config>;
