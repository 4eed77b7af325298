/** Sequences of frames as an embedder would give them, made by rule: no model is run. Only arithmetic, so that all engines agree. */
import { type FocusTurn, QueryFocus } from "@oscillink/core/focus";

/** The embeddings of a sequence of frames, in scenes that drift. */
export interface Sequence {
  /** What the frames are. */
  readonly name: string;
  readonly frames: readonly Float64Array[];
  /** The frames at which another scene begins at once. */
  readonly cuts: readonly number[];
  /** The frames over which one scene fades into the next; null where none does. */
  readonly fade: readonly [from: number, to: number] | null;
}

/** Numbers from -1 to 1 that look random: a linear congruential generator of 32 bits (Numerical Recipes). */
function noise(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  };
}

function unit(vector: Float64Array): Float64Array {
  const length = Math.sqrt(vector.reduce((sum, v) => sum + v * v, 0));
  return vector.map((v) => v / length);
}

/** How much each frame has of noise of its own, and how far a scene drifts in all, beside 1 of the scene. */
const NOISE = 0.6;
const DRIFT = 0.5;

/**
 * @param lengths how many frames each scene has.
 * @param fading how many frames the last change of scene takes; 0: a cut too.
 */
function sequence(
  name: string,
  dimensions: number,
  lengths: readonly number[],
  fading: number,
  seed: number,
): Sequence {
  const next = noise(seed);
  const direction = () => unit(Float64Array.from({ length: dimensions }, next));
  const scenes = lengths.map(() => ({ start: direction(), drift: direction() }));
  const starts = lengths.map((_, i) => lengths.slice(0, i).reduce((a, b) => a + b, 0));
  const frames = lengths.flatMap((length, s) =>
    Array.from({ length }, (_, t) => {
      const { start, drift } = scenes[s]!;
      const before = scenes[s - 1];
      // Of the scene before: all of it at first, and less with each frame.
      const share = before && s === lengths.length - 1 ? Math.max(0, 1 - (t + 1) / (fading + 1)) : 0;
      const own = direction();
      return unit(
        start.map((v, i) => {
          const here = v + (DRIFT * t * drift[i]!) / length;
          const there = before ? before.start[i]! + DRIFT * before.drift[i]! : 0;
          return (1 - share) * here + share * there + NOISE * own[i]!;
        }),
      );
    }),
  );
  const changes = starts.slice(1);
  const cuts = fading > 0 ? changes.slice(0, -1) : changes;
  const fade = fading > 0 ? ([changes.at(-1)!, changes.at(-1)! + fading] as const) : null;
  return { name, frames, cuts, fade };
}

export const sequences: readonly Sequence[] = [
  sequence("image", 512, [14, 12, 14], 0, 1),
  sequence("video", 768, [16, 20, 24], 10, 2),
  sequence("audio", 128, [20, 20], 0, 3),
];

/** A focus that follows frames: critically damped, and it begins anew where a frame is nearly at a right angle to it. */
const follower = (): QueryFocus =>
  new QueryFocus({ mode: "oscillator", stiffness: 1, damping: 2, resetAbove: 0.6 });

/** What the focus makes of a sequence. */
export interface Followed {
  readonly turns: readonly FocusTurn[];
  /** How far each frame is from the one before: 1 - cosine. 0 for the first. */
  readonly steps: readonly number[];
}

export function follow({ frames }: Sequence): Followed {
  const focus = follower();
  const turns = frames.map((frame) => focus.next(frame));
  const cosine = (a: Float64Array, b: Float64Array) => a.reduce((sum, v, i) => sum + v * b[i]!, 0);
  return { turns, steps: frames.map((frame, i) => (i === 0 ? 0 : 1 - cosine(frame, frames[i - 1]!))) };
}
