/** The focus over frames of image, video and audio: smooth from frame to frame, and it begins anew at a cut. */
import { rerank } from "@oscillink/core";
import { follow, sequences } from "./frames/sequences.ts";

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
for (const sequence of sequences) {
  const { name, frames, cuts, fade } = sequence;
  const { turns, steps } = follow(sequence);
  const within = [...frames.keys()].filter((i) => i > 0 && !cuts.includes(i));
  const found = turns.filter(({ reset }) => reset).map(({ turn }) => turn);
  const moved = mean(within.map((i) => turns[i]!.shift));
  console.log(
    `${name}: ${frames.length} frames, from one to the next ${mean(within.map((i) => steps[i]!)).toFixed(3)}, the focus ${moved.toFixed(3)}`,
  );
  const most = Math.max(...within.map((i) => turns[i]!.energy));
  const least = Math.min(...cuts.map((i) => turns[i]!.energy));
  const cutInFade = fade && found.some((i) => i >= fade[0] && i <= fade[1]);
  console.log(
    `  cuts at ${cuts.join(", ")}: found at ${found.join(", ") || "none"}; energy at a cut ${least.toFixed(2)} or more, else ${most.toFixed(2)} or less`,
  );
  if (fade) console.log(`  the fade of frames ${fade.join(" to ")}: ${cutInFade ? "cut" : "followed"}`);
}

// What the next frame is to be coherent with: the earlier ones that are nearest to the focus, not to the last frame and its noise.
const [{ frames }] = sequences as [(typeof sequences)[0]];
const { query, ...focus } = follow(sequences[0]!).turns.at(-1)!;
const candidates = frames.map((embedding, i) => ({ id: `frame-${i}`, embedding }));
const { bundle, receipt } = rerank({ query, candidates, k: 4, focus });
console.log(`references for the next image: ${bundle.map(({ id }) => id).join(", ")}`);
console.log(receipt.digest);
