// Imports core and re-ranks once, or with `empty` does neither: the vectors are made in both, and cancel out.
// Plain JavaScript: for TypeScript Node would first start its own stripper, and WebAssembly with it.
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

const { size, empty } = JSON.parse(process.argv[2]);
const random = xoroshiro128plus(1);
const vector = () => Array.from({ length: size.d }, () => uniformFloat64(random) - 0.5);
const query = vector();
const candidates = Array.from({ length: size.n }, () => ({ embedding: vector() }));

if (!empty) {
  const began = performance.now();
  const { rerank } = await import("@oscillink/core");
  const imported = performance.now();
  rerank({ query, candidates, k: size.k });
  const done = performance.now();
  console.log(JSON.stringify({ import: imported - began, "first call": done - imported }));
}
