import { PGlite } from "@electric-sql/pglite";
import { vector } from "@electric-sql/pglite-pgvector";
import { PGLiteSocketServer } from "@electric-sql/pglite-socket";
import { PGVectorStore } from "@langchain/community/vectorstores/pgvector";
import type { Corpus } from "../contract.ts";
import { documentsOf } from "./makers.ts";

/** A Postgres with pgvector in this process, behind a socket as a real one is. */
export interface Postgres extends AsyncDisposable {
  /** For a client of it. */
  readonly url: string;
  /** A new store of the corpus, in a table of its own. */
  makeStore(corpus: Corpus): Promise<PGVectorStore>;
}

export async function postgres(): Promise<Postgres> {
  const db = await PGlite.create({ extensions: { vector } });
  const server = new PGLiteSocketServer({ db, port: 0, maxConnections: 32 });
  await server.start();
  const [host, port] = server.getServerConn().split(":") as [string, string];
  const stores: PGVectorStore[] = [];
  return {
    url: `postgres://postgres@${host}:${port}/postgres`,
    async makeStore(corpus) {
      const store = await PGVectorStore.initialize(corpus.embeddings, {
        // Two, for the store keeps one of them to itself.
        postgresConnectionOptions: {
          host,
          port: Number(port),
          user: "postgres",
          database: "postgres",
          max: 2,
        },
        tableName: `passages_${stores.length}`,
      });
      stores.push(store);
      await store.addDocuments(documentsOf(corpus), { ids: corpus.passages.map(({ id }) => id) });
      return store;
    },
    async [Symbol.asyncDispose]() {
      for (const store of stores) await store.end();
      await server.stop();
      await db.close();
    },
  };
}
