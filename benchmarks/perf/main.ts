/** How long a re-ranking takes, packing and full receipt included, on seeded unit vectors. */
import { cpus } from "node:os";
import { rerank } from "@oscillink/core";
import { Command } from "commander";
import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import { Bench } from "tinybench";

const sizes: readonly (readonly [n: number, d: number, k: number])[] = [
  [20, 1536, 4],
  [50, 1536, 5],
  [100, 384, 10],
  [100, 1536, 10],
];
const { json } = new Command("bench:perf")
  .description("Times rerank on seeded unit vectors.")
  .option("--json", "print JSON lines")
  .parse()
  .opts<{ json?: true }>();

const random = xoroshiro128plus(1);
const vector = (d: number): Float32Array => {
  const values = Float32Array.from({ length: d }, () => uniformFloat64(random) - 0.5);
  const length = Math.sqrt(values.reduce((sum, v) => sum + v * v, 0));
  return values.map((v) => v / length);
};

const bench = new Bench({ time: 500, warmupTime: 250 });
for (const [n, d, k] of sizes) {
  const query = vector(d);
  const candidates = Array.from({ length: n }, () => ({ embedding: vector(d) }));
  bench.add(JSON.stringify({ n, d, k }), () => {
    rerank({ query, candidates, k });
  });
}
await bench.run();

if (!json) {
  process.stdout.write(
    `${cpus()[0]!.model}, Node ${process.version}\n(N, D, k)        median ms   min ms  runs\n`,
  );
}
for (const { name, result } of bench.tasks) {
  if (!("latency" in result)) throw new Error(`${name} did not complete`);
  const { p50, min, samplesCount } = result.latency;
  const { n, d, k } = JSON.parse(name) as { n: number; d: number; k: number };
  process.stdout.write(
    json
      ? `${JSON.stringify({ n, d, k, medianMs: p50, minMs: min, runs: samplesCount })}\n`
      : `${`(${n}, ${d}, ${k})`.padEnd(16)} ${p50!.toFixed(2).padStart(8)} ${min.toFixed(2).padStart(8)} ${String(samplesCount).padStart(5)}\n`,
  );
}
