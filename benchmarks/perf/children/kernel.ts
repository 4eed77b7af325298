/** Times `rerank` with the kernel that core picks; without WebAssembly, that is gone before the import. */
import { repeat, time } from "../measure.ts";
import { makeVectors } from "../vectors.ts";

const { size, effort, webAssembly } = JSON.parse(process.argv[2]!);
if (!webAssembly) Reflect.deleteProperty(globalThis, "WebAssembly");
const { rerank } = await import("@oscillink/core");

const { query, embeddings } = makeVectors(size);
const candidates = embeddings.map((embedding) => ({ embedding }));
const once = () => rerank({ query, candidates, k: size.k });
const times = repeat(effort, () => time(once));
console.log(JSON.stringify({ kernel: once().receipt.kernel.name, times }));
