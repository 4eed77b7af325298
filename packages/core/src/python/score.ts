import { zScores } from "../math.ts";
import { type Evidence, fourDigits, type ScoreWeights } from "../rank/evidence.ts";
import type { Scores } from "../rank/fuse.ts";

/** The published `alpha z(coherence drop) + (1 - alpha) cos(U*_i, psi)`: two parts on different scales. */
export function publishedScore(evidence: Evidence, { coherenceWeight: alpha }: ScoreWeights): Scores {
  const none = evidence.settled.map(() => 0);
  const settled = evidence.settled.map((cosine) => (1 - alpha) * cosine);
  const drops = evidence.coherence;
  const gained = drops ? zScores(drops, fourDigits(drops)).map((z) => alpha * z) : none;
  const score = settled.map((s, i) => s + gained[i]!);
  return { score, terms: { settled, text: none, feedback: none, coherence: gained, trust: none } };
}
