import { OscillinkPinecone, toMetadata } from "@oscillink/pinecone";
import { Pinecone } from "@pinecone-database/pinecone";
import { startPinecone } from "../integration-tests/servers/pinecone.ts";
import { dimensions, embeddings, passages } from "./corpus/vectors.ts"; // in production: the model itself

// With a key and the name of an index of 384 dimensions: the real Pinecone. Without: a small one on this machine.
const { PINECONE_API_KEY: apiKey, PINECONE_INDEX: name } = process.env;
const local = apiKey && name ? null : await startPinecone({ dimension: dimensions });
const pinecone = local
  ? new Pinecone({ apiKey: "local", controllerHostUrl: local.url })
  : new Pinecone({ apiKey: apiKey! });
const index = pinecone.index({ name: local ? "library" : name!, namespace: "oscillink-example" });

const { dimension } = await index.describeIndexStats();
if (dimension !== dimensions) throw new Error(`${name} is not an index of ${dimensions} dimensions`);
const vectors = await embeddings.embedDocuments(passages.map(({ text }) => text));
await index.upsert({
  records: passages.map(({ _id, title, text, trust = 1 }, i) => ({
    id: _id,
    values: vectors[i]!,
    metadata: { title, text, trust },
  })),
});
const stored = async () => (await index.describeIndexStats()).namespaces?.["oscillink-example"]?.recordCount;
while ((await stored()) !== passages.length) await new Promise((done) => setTimeout(done, 1000));

const queryText = "Who founded the shipyard at which the motor ferry Sula was built?";
const vector = await embeddings.embedQuery(queryText);
const searcher = new OscillinkPinecone({
  index,
  trust: ({ metadata }) => metadata?.trust as number | undefined,
});
const { data, receipt } = await searcher.query({ vector, queryText, topK: 2, includeMetadata: true });

console.log(queryText);
for (const { index: place, score, document } of data) {
  console.log(
    `  was ${place + 1} in Pinecone  score ${score?.toFixed(2)}  ${String(document.metadata?.text).slice(0, 60)}…`,
  );
}
console.log("to be kept with the answer:", toMetadata(receipt!));
await local?.close();
