import { PGlite } from "@electric-sql/pglite";
import { vector } from "@electric-sql/pglite-pgvector";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";
import { PGVectorStore } from "@langchain/community/vectorstores/pgvector";
import { Document } from "@langchain/core/documents";
import { RunnableLambda } from "@langchain/core/runnables";
import { OscillinkRetriever } from "@oscillink/langchain";
import { embeddings, passages } from "./corpus/vectors.ts"; // in production: the model itself

// Your own Postgres if DATABASE_URL names one, else a Postgres in this process.
const local = process.env.DATABASE_URL === undefined ? await localPostgres() : null;
const connectionString = process.env.DATABASE_URL ?? local!.url;

const vectorStore = await PGVectorStore.initialize(embeddings, {
  postgresConnectionOptions: { connectionString, max: 2 }, // the store keeps one connection to itself
  tableName: `oscillink_example_${Date.now()}`,
});
const documentsIn = passages.map(({ text, ...metadata }) => new Document({ pageContent: text, metadata }));
// Ids of our own: random ones would make another receipt each time.
const ids = passages.map((_, i) => `00000000-0000-4000-8000-${String(i).padStart(12, "0")}`);
await vectorStore.addDocuments(documentsIn, { ids });

type Row = { id: string; text: string; metadata: object; score: number };
// The same table, searched by words. The rows that have one of them are enough: it is a question, not a list of keywords.
const sql = `SELECT id, text, metadata, ts_rank(to_tsvector('english', text), words) AS score
  FROM ${vectorStore.tableName}, CAST(replace(plainto_tsquery('english', $1)::text, '&', '|') AS tsquery) words
  WHERE to_tsvector('english', text) @@ words ORDER BY score DESC, id LIMIT 50`;
const fullText = RunnableLambda.from(async (query: string) => {
  const { rows } = await vectorStore.pool.query(sql, [query]);
  return (rows as Row[]).map(({ id, text, metadata, score }) => {
    return new Document({ id, pageContent: text, metadata: { ...metadata, score } });
  });
});

const retriever = new OscillinkRetriever({
  vectorStore,
  retrievers: [{ name: "fulltext", retriever: fullText, score: ({ metadata }) => metadata.score }],
  k: 3,
  attach: "full", // the whole receipt with each document, not its digest
  trust: ({ metadata }) => metadata.trust,
});
const question = "Aboard which vessel was the document that Lamp Day commemorates signed?";
const documents = await retriever.invoke(question);

console.log(question);
for (const { pageContent, metadata } of documents) {
  const { rank, inputRank, score } = metadata.oscillink;
  console.log(`${rank} (was ${inputRank})  score ${score.toFixed(2)}  ${pageContent.slice(0, 70)}…`);
}
const { digest, inputs, vectors } = documents[0]!.metadata.oscillink.receipt;
console.log(`${inputs.n} candidates of two lists, their vectors:`, vectors);
console.log(digest);

await vectorStore.pool.query(`DROP TABLE ${vectorStore.tableName}`);
await vectorStore.end();
await local?.close();

/** Postgres with pgvector, compiled to WebAssembly; behind a socket, for the store speaks with no other. */
async function localPostgres() {
  const db = await PGlite.create({ extensions: { vector } });
  const server = new PGLiteSocketServer({ db, port: 0, maxConnections: 4 });
  await server.start();
  return {
    url: `postgres://postgres@${server.getServerConn()}/postgres`,
    async close() {
      await server.stop();
      await db.close();
    },
  };
}
