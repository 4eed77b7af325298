import { DatabaseSync } from "node:sqlite";
import { Document } from "@langchain/core/documents";
import type { EmbeddingsInterface } from "@langchain/core/embeddings";
import { VectorStore } from "@langchain/core/vectorstores";
import { load } from "sqlite-vec";

/**
 * sqlite-vec as a store of LangChain, as a user would write it: LangChain has none. The one method with
 * `…AndEmbedding` in its name is all that hands the vectors over.
 */
export class SqliteVecStore extends VectorStore {
  readonly #db = new DatabaseSync(":memory:", { allowExtension: true });

  constructor(embeddings: EmbeddingsInterface, dimensions: number) {
    super(embeddings, {});
    load(this.#db);
    this.#db.exec(`CREATE VIRTUAL TABLE passages USING vec0(
      id TEXT PRIMARY KEY, embedding FLOAT[${dimensions}] distance_metric=cosine, +text TEXT, +metadata TEXT)`);
  }

  override _vectorstoreType(): string {
    return "sqlite-vec";
  }

  override async addDocuments(documents: Document[]): Promise<void> {
    const vectors = await this.embeddings.embedDocuments(documents.map(({ pageContent }) => pageContent));
    await this.addVectors(vectors, documents);
  }

  override async addVectors(vectors: number[][], documents: Document[]): Promise<void> {
    const insert = this.#db.prepare("INSERT INTO passages VALUES (?, ?, ?, ?)");
    documents.forEach(({ id, pageContent, metadata }, i) => {
      const bytes = new Uint8Array(Float32Array.from(vectors[i]!).buffer);
      insert.run(id ?? crypto.randomUUID(), bytes, pageContent, JSON.stringify(metadata));
    });
  }

  override async similaritySearchVectorWithScore(query: number[], k: number): Promise<[Document, number][]> {
    const found = await this.similaritySearchVectorWithScoreAndEmbedding(query, k);
    return found.map(([document, distance]) => [document, distance]);
  }

  async similaritySearchVectorWithScoreAndEmbedding(
    query: number[],
    k: number,
  ): Promise<[Document, number, Uint8Array][]> {
    const bytes = new Uint8Array(Float32Array.from(query).buffer);
    const rows = this.#db
      .prepare("SELECT * , distance FROM passages WHERE embedding MATCH ? AND k = ? ORDER BY distance")
      .all(bytes, k) as {
      id: string;
      embedding: Uint8Array;
      text: string;
      metadata: string;
      distance: number;
    }[];
    return rows.map(({ id, text, metadata, distance, embedding }) => [
      new Document({ id, pageContent: text, metadata: JSON.parse(metadata) }),
      distance,
      embedding,
    ]);
  }
}
