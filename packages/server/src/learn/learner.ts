/** Learns from labels, key by key, which named profile ranks best: see docs/server.md. */
import { createHash } from "node:crypto";
import type { Call } from "../answer.ts";
import type { RankDone } from "../compute/worker.ts";
import type { Config } from "../config/schema.ts";
import type { Caller } from "../http/caller.ts";
import { Problem } from "../http/problem.ts";
import type { Arm, Learning, Remembered } from "../state/durable.ts";

/** The profiles that are tried beside the present one, by name alone: every answer can be replayed from its receipt. */
const PROFILES = ["evidence", "cosine"] as const;

/** The share of requests that try another profile than the present one. */
const EXPLORED = 0.1;

/** What somebody says of an answer. */
export interface Feedback {
  readonly digest: string;
  readonly relevant: readonly (string | number)[];
  readonly irrelevant: readonly (string | number)[];
}

export interface Learner {
  /** The profile for a request that names none; null: core's own. The same request of the same state gets the same. */
  choose(call: Pick<Call, "caller" | "body">): Promise<string | null>;
  /** What was answered, so that it can be labelled. */
  remember(caller: Caller, done: RankDone & { readonly digest: string }): Promise<void>;
  /**
   * Takes labels of an answer that this key got, once.
   *
   * @returns its reward: nDCG.
   * @throws {Problem} 404 for no such answer, 422 for labels of documents that it was not about.
   */
  learn(caller: Caller, feedback: Feedback): Promise<number>;
}

export function openLearner(learning: Learning, { learning: on, learningLabels }: Config): Learner {
  return {
    async choose({ caller, body }) {
      if (!on || caller.keyId === null) return null;
      const pinned = await learning.pinned(caller.keyId);
      if (pinned !== null) return pinned;
      const present = promoted(await learning.arms(caller.keyId), learningLabels);
      const [share, which] = numbersOf(body);
      const others = PROFILES.filter((profile) => profile !== present);
      return share! < EXPLORED ? others[Math.floor(which! * others.length)]! : present;
    },
    async remember({ keyId }, { digest, profile, ids, others }) {
      if (!on || keyId === null) return;
      await learning.remember({ digest, keyId, profile, ids, others, at: Date.now() });
    },
    async learn({ keyId }, { digest, relevant, irrelevant }) {
      const found = keyId === null ? null : await learning.find(digest, keyId);
      if (found) mustKnow(found, { relevant, irrelevant });
      const answer = found && (await learning.take(digest, found.keyId));
      if (!answer)
        throw new Problem(404, "This key got no answer of that digest, or said already what it was worth.");
      const reward = gain(answer.ids, new Set(relevant.map(String)), new Set(irrelevant.map(String)));
      await learning.reward(answer.keyId, answer.profile, reward);
      return reward;
    },
  };
}

/** @throws {Problem} 422: a label of a document that the answer was not about is a slip, and says nothing of its worth. */
function mustKnow({ ids, others }: Remembered, labels: Omit<Feedback, "digest">): void {
  const known = new Set([...ids, ...others]);
  const faults = Object.entries(labels).flatMap(([name, list]) =>
    list.flatMap((id, i) =>
      known.has(String(id))
        ? []
        : [
            {
              pointer: `/${name}/${i}`,
              detail: `no document of this answer has the id ${JSON.stringify(id)}`,
            },
          ],
    ),
  );
  if (faults.length === 0) return;
  throw new Problem(422, "The feedback is of documents that the answer was not about.", { faults });
}

/**
 * nDCG of a bundle under labels: documents that nobody labelled are left out of it, for nothing is known of them.
 * Järvelin & Kekäläinen 2002.
 */
export function gain(
  ids: readonly string[],
  relevant: ReadonlySet<string>,
  irrelevant: ReadonlySet<string>,
): number {
  const labelled = ids.filter((id) => relevant.has(id) || irrelevant.has(id));
  const discount = (place: number) => 1 / Math.log2(place + 2);
  const sum = (places: readonly number[]) => places.reduce((total, place) => total + discount(place), 0);
  const found = sum(labelled.flatMap((id, place) => (relevant.has(id) ? [place] : [])));
  // A relevant document that the bundle lacks is missed.
  const ideal = sum(Array.from({ length: Math.min(relevant.size, ids.length) }, (_, place) => place));
  return ideal === 0 ? 0 : found / ideal;
}

/**
 * The profile that holds: the first, until another with enough labels is better by more than chance explains (the interval of 95 % of the
 * difference of their means lies above 0).
 */
export function promoted(arms: readonly Arm[], labels: number): string {
  const [first] = PROFILES;
  const armOf = (profile: string) => arms.find((arm) => arm.profile === profile);
  let present = first as string;
  for (const profile of PROFILES.slice(1)) {
    const [arm, held] = [armOf(profile), armOf(present)];
    if (!arm || !held || arm.count < labels || held.count < 2) continue;
    const [mine, theirs] = [statistics(arm), statistics(held)];
    const error = Math.sqrt(mine.variance / arm.count + theirs.variance / held.count);
    if (mine.mean - theirs.mean > 1.96 * error) present = profile;
  }
  return present;
}

function statistics({ count, sum, squares }: Arm): { mean: number; variance: number } {
  const mean = sum / count;
  return { mean, variance: Math.max(0, (squares - count * mean * mean) / (count - 1)) };
}

/** Two numbers in [0, 1) that follow from a body. */
function numbersOf(body: Uint8Array): number[] {
  const digest = createHash("sha256").update(body).digest();
  return [digest.readUInt32BE(0) / 2 ** 32, digest.readUInt32BE(4) / 2 ** 32];
}
