/** A store for the server's tool `search`, as its operator writes one: Postgres with pgvector, asked by the vector of the question. */
import { PGlite } from "@electric-sql/pglite";
import { vector } from "@electric-sql/pglite-pgvector";
import { LexicalEmbedder } from "@oscillink/lexical";
import type { Search } from "@oscillink/server";

const embedder = LexicalEmbedder.fit([], { dimensions: 128 });
const database = await PGlite.create({ extensions: { vector } });
await database.exec(
  "CREATE EXTENSION vector; CREATE TABLE store (id integer PRIMARY KEY, text text, embedding vector(128))",
);
const literal = (vector: Float32Array) => `[${vector.join()}]`;

export async function fill(texts: readonly string[]): Promise<void> {
  for (const [id, text] of texts.entries()) {
    const row = [id, text, literal(embedder.embed(text))];
    await database.query("INSERT INTO store VALUES ($1, $2, $3)", row);
  }
}

const search: Search = async ({ query, limit }) => {
  const queryEmbedding = embedder.embed(query);
  const { rows } = await database.query<{ id: number; text: string; embedding: string }>(
    "SELECT id, text, embedding::text FROM store ORDER BY embedding <=> $1 LIMIT $2",
    [literal(queryEmbedding), limit],
  );
  return {
    candidates: rows.map((row) => ({ ...row, embedding: JSON.parse(row.embedding) as number[] })),
    queryEmbedding,
  };
};

export default search;
export const close = () => database.close();
