import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Chroma } from "@langchain/community/vectorstores/chroma";
import { ChromaClient } from "chromadb";
import { afterAll, beforeAll } from "vitest";
import { adapterContract } from "../contract.ts";
import { folder, installed } from "../script.ts";
import { type ChildServer, childServer } from "../servers/child.ts";
import { documentsOf, type MakeStore, retrieveFrom } from "./makers.ts";

let server: ChildServer | undefined;

beforeAll(async () => {
  if (!installed("chroma-server")) return;
  // The package is there for its command alone: the client is another version of it.
  const command = join(dirname(fileURLToPath(import.meta.resolve("chroma-server"))), "cli.mjs");
  const options = ["--path", folder(), "--host", "127.0.0.1"];
  server = await childServer(
    process.execPath,
    (port) => [command, "run", ...options, "--port", String(port)],
    "/api/v2/heartbeat",
  );
});

afterAll(() => server?.[Symbol.asyncDispose]());

const chromaStore: MakeStore = async (corpus) => {
  const store = new Chroma(corpus.embeddings, {
    index: new ChromaClient({ host: "127.0.0.1", port: Number(new URL(server!.address).port) }),
    collectionName: "passages",
  });
  await store.addDocuments(documentsOf(corpus), { ids: corpus.passages.map(({ id }) => id) });
  return store;
};

adapterContract("Chroma", retrieveFrom(chromaStore), { needs: "chroma-server" });
