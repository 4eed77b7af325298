import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { Chroma } from "@langchain/community/vectorstores/chroma";
import { ChromaClient } from "chromadb";
import { afterAll, beforeAll } from "vitest";
import { adapterContract } from "../contract.ts";
import { folder, installed } from "../script.ts";
import { documentsOf, type MakeStore, retrieveFrom } from "./makers.ts";

let server: ChildProcess | undefined;
let port: number;

beforeAll(async () => {
  if (!installed("chroma-server")) return;
  port = await freePort();
  // The package is there for its command alone: the client is another version of it.
  const command = join(dirname(fileURLToPath(import.meta.resolve("chroma-server"))), "cli.mjs");
  const args = [command, "run", "--path", folder(), "--host", "127.0.0.1", "--port", String(port)];
  server = spawn(process.execPath, args, { stdio: "ignore" });
  await answers(`http://127.0.0.1:${port}/api/v2/heartbeat`);
});

afterAll(async () => {
  if (!server?.kill()) return;
  await once(server, "exit");
});

const chromaStore: MakeStore = async (corpus) => {
  const store = new Chroma(corpus.embeddings, {
    index: new ChromaClient({ host: "127.0.0.1", port }),
    collectionName: "passages",
  });
  await store.addDocuments(documentsOf(corpus), { ids: corpus.passages.map(({ id }) => id) });
  return store;
};

adapterContract("Chroma", retrieveFrom(chromaStore), { needs: "chroma-server" });

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer().listen(0, "127.0.0.1", () => {
      const address = probe.address() as { port: number };
      probe.close(() => resolve(address.port));
    });
  });
}

async function answers(address: string): Promise<void> {
  for (let left = 100; ; left--) {
    const up = await fetch(address).then(
      ({ ok }) => ok,
      () => false,
    );
    if (up) return;
    if (left === 0 || server?.exitCode !== null) throw new Error(`no server at ${address}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
