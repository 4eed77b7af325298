/**
 * What clients send, and what they read of the answer: written by hand from their sources (the types of cohere-ai 8.1.0, vLLM's
 * protocol.py, Infinity's pymodels.py, TEI's types.rs, LiteLLM's types/rerank.py, voyageai 0.4.0, and what Open WebUI, Dify, LibreChat,
 * Milvus and Weaviate post).
 */
import { type TSchema, Type } from "typebox";

const query = "What moves the tides?";
const documents = [
  "Bread rises when yeast eats sugar.",
  "The moon pulls the water of the seas, and so come the tides.",
  "Tides are low and high water; the moon and the sun move them.",
  "The moon pulls the water of the seas, and so come the tides.",
];
const Score = Type.Number({ minimum: 0, maximum: 1 });
const Index = Type.Integer({ minimum: 0, maximum: documents.length - 1 });
const TextObject = Type.Object({ text: Type.String() });
const results = (item: TSchema) => Type.Array(item, { minItems: 1, maxItems: documents.length });
const ranked = (more: Record<string, TSchema> = {}) =>
  results(Type.Object({ index: Index, relevance_score: Score, ...more }));
const units = Type.Object({ search_units: Type.Integer() });
const usage = Type.Object({ total_tokens: Type.Integer({ minimum: 1 }) });

const CohereV2 = Type.Object({
  id: Type.String(),
  results: Type.Array(Type.Object({ index: Index, relevance_score: Score }, { additionalProperties: false })),
  meta: Type.Object({ api_version: Type.Object({ version: Type.Literal("2") }), billed_units: units }),
});
const CohereV1 = Type.Object({
  id: Type.String(),
  results: ranked({ document: Type.Optional(TextObject) }),
  meta: Type.Object({ api_version: Type.Object({ version: Type.String() }), billed_units: units }),
});
const Jina = Type.Object({ model: Type.String(), usage, results: ranked({ document: TextObject }) });
const Vllm = Type.Object({
  id: Type.String(),
  model: Type.String(),
  usage,
  results: ranked({ document: TextObject }),
});
const LiteLlm = Type.Object({
  id: Type.String(),
  results: ranked(),
  meta: Type.Object({
    billed_units: Type.Object({ search_units: Type.Integer(), total_tokens: Type.Integer() }),
  }),
});
const Tei = (more: Record<string, TSchema> = {}) =>
  results(Type.Object({ index: Index, score: Score, ...more }, { additionalProperties: false }));
const InfinityAnswer = (more: Record<string, TSchema> = {}) =>
  Type.Object({
    object: Type.Literal("rerank"),
    id: Type.String(),
    created: Type.Integer(),
    model: Type.String(),
    usage: Type.Object({ prompt_tokens: Type.Integer(), total_tokens: Type.Integer() }),
    results: results(
      Type.Object({ index: Index, relevance_score: Score, ...more }, { additionalProperties: false }),
    ),
  });
const Voyage = (more: Record<string, TSchema> = {}) =>
  Type.Object({
    object: Type.Literal("list"),
    data: results(
      Type.Object({ index: Index, relevance_score: Score, ...more }, { additionalProperties: false }),
    ),
    model: Type.String(),
    usage,
  });
const Weaviate = Type.Object({
  query: Type.String(),
  scores: Type.Array(Type.Object({ document: Type.String(), score: Score }), {
    minItems: documents.length,
    maxItems: documents.length,
  }),
});
const LibreChat = Type.Object({
  model: Type.String(),
  results: results(Type.Object({ index: Index, score: Score })),
});

/** A client: the path that it posts to, its body, the schema of what it reads, and how many documents it must get. */
export interface Client {
  readonly client: string;
  readonly path: string;
  readonly body: Readonly<Record<string, unknown>>;
  readonly answer: TSchema;
  readonly count: number;
}

const client = (
  name: string,
  path: string,
  body: Readonly<Record<string, unknown>>,
  answer: TSchema,
  count: number = documents.length,
): Client => ({ client: name, path, body: { query, ...body }, answer, count });

export const clients: readonly Client[] = [
  client("cohere-ai v2", "/v2/rerank", { model: "rerank-v3.5", documents, top_n: 2 }, CohereV2, 2),
  client("cohere-ai v1", "/v1/rerank", { model: "rerank-v3.5", documents, return_documents: true }, CohereV1),
  client(
    "cohere-ai v1 with fields",
    "/v1/rerank",
    { documents: documents.map((body) => ({ name: "n", body })), rank_fields: ["name", "body"], top_n: 3 },
    CohereV1,
    3,
  ),
  client(
    "LangChain's CohereRerank",
    "/v1/rerank",
    { model: "rerank-v3.5", documents, top_n: 3, max_chunks_per_doc: null },
    CohereV1,
    3,
  ),
  client("Jina", "/v1/rerank", { model: "jina-reranker-v2", documents, top_n: 3 }, Jina, 3),
  client("vLLM", "/rerank", { model: "bge", documents, top_n: 0, truncate_prompt_tokens: -1 }, Vllm),
  client("vLLM v2", "/v2/rerank", { model: "bge", documents }, CohereV2),
  client(
    "LiteLLM hosted_vllm",
    "/rerank",
    {
      model: "oscillink",
      documents,
      top_n: 2,
      rank_fields: null,
      return_documents: true,
      max_chunks_per_doc: null,
    },
    LiteLlm,
    2,
  ),
  client("Open WebUI", "/v1/rerank", { model: "oscillink", documents, top_n: documents.length }, CohereV1),
  client("Dify", "/v1/rerank", { model: "oscillink", documents, top_n: 4 }, Jina),
  client("Milvus vllm", "/rerank", { documents }, Vllm),
  client("Milvus tei", "/rerank", { texts: documents, truncate: true, truncation_direction: "Right" }, Tei()),
  client(
    "text-embeddings-inference",
    "/rerank",
    { texts: documents, raw_scores: false, return_text: true },
    Tei({ text: Type.String() }),
  ),
  client(
    "Infinity",
    "/infinity/rerank",
    { model: "bge", documents, return_documents: false },
    InfinityAnswer(),
  ),
  client(
    "Infinity with texts",
    "/infinity/rerank",
    { model: "bge", documents, top_n: 2, return_documents: true },
    InfinityAnswer({ document: Type.String() }),
    2,
  ),
  client("voyageai", "/voyage/v1/rerank", { model: "rerank-2", documents }, Voyage()),
  client(
    "voyageai at /v1/rerank",
    "/v1/rerank",
    { model: "rerank-2", documents, top_k: 2, return_documents: true, truncation: true },
    Voyage({ document: Type.String() }),
    2,
  ),
  client("Weaviate", "/rerank", { documents, property: "text" }, Weaviate),
  client(
    "LibreChat by Jina",
    "/v1/rerank",
    { model: "jina-reranker-v2-base-multilingual", documents, top_n: 3, return_documents: true },
    Jina,
    3,
  ),
  client(
    "LibreChat's rag_api",
    "/rerank",
    {
      profile: "default",
      candidates: documents.map((text, i) => ({ id: "file", text, base_score: 0.9 - i / 10 })),
      top_n: 3,
    },
    LibreChat,
    3,
  ),
];
