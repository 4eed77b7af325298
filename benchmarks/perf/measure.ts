/**
 * Timing by hand: benchmark libraries run one task to its end before the next, so that a drift of the machine
 * would fall on one contender alone.
 */

/** How often a round is repeated. */
export interface Effort {
  /** At least so many rounds. */
  readonly runs: number;
  /** So many, where a run takes more than two seconds. */
  readonly slowRuns: number;
  /** The warm-up and the measurement each last at least so long. */
  readonly milliseconds: number;
}

/** A median and what it is the median of. */
export interface Summary {
  readonly median: number;
  readonly min: number;
  readonly runs: number;
}

const SLOW = 2000;

/** Every result passes through here, so that no compiler can leave out the work behind it. */
export const sink: { last: unknown } = { last: null };

/** Milliseconds that a call takes. */
export function time(task: () => unknown): number {
  const began = performance.now();
  sink.last = task();
  return performance.now() - began;
}

/** As {@link time}, until the promise that the task returns has settled. */
async function timeAsync(task: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  sink.last = await task();
  return performance.now() - began;
}

/**
 * Calls a round for warm-up, then again and again: what the later calls returned.
 *
 * @param tasks how many runs make a round.
 */
export function repeat<R>(
  { runs, slowRuns, milliseconds }: Effort,
  round: (turn: number) => R,
  tasks = 1,
): R[] {
  const results: R[] = [];
  let turn = 0;
  const first = time(() => round(turn++));
  for (let spent = first; spent < milliseconds; ) spent += time(() => round(turn++));
  const least = first > SLOW * tasks ? slowRuns : runs;
  for (let spent = 0; results.length < least || spent < milliseconds; ) {
    spent += time(() => results.push(round(turn++)));
  }
  return results;
}

/** Runs each task once a round, the tasks in turn; each round starts with another. */
export function interleave<T extends string>(
  effort: Effort,
  tasks: Readonly<Record<T, () => unknown>>,
): Record<T, Summary> {
  const names = Object.keys(tasks) as T[];
  const round = (turn: number): Record<T, number> => {
    const times = Object.fromEntries(names.map((name) => [name, 0])) as Record<T, number>;
    names.forEach((_, i) => {
      const name = names[(turn + i) % names.length]!;
      times[name] = time(tasks[name]);
    });
    return times;
  };
  return summaries(repeat(effort, round, names.length));
}

/**
 * As {@link interleave}, for tasks that return promises. Apart from it, so that the synchronous ones are timed without
 * a promise around them.
 */
export async function interleaveAsync<T extends string>(
  { runs, slowRuns, milliseconds }: Effort,
  tasks: Readonly<Record<T, () => Promise<unknown>>>,
): Promise<Record<T, Summary>> {
  const names = Object.keys(tasks) as T[];
  const rows: Record<T, number>[] = [];
  let [warm, spent, least] = [0, 0, runs];
  for (let turn = 0; rows.length < least || spent < milliseconds; turn++) {
    const times = Object.fromEntries(names.map((name) => [name, 0])) as Record<T, number>;
    const began = performance.now();
    for (let i = 0; i < names.length; i++) {
      const name = names[(turn + i) % names.length]!;
      times[name] = await timeAsync(tasks[name]);
    }
    const took = performance.now() - began;
    if (turn === 0 && took > SLOW * names.length) least = slowRuns;
    if (turn === 0 || warm < milliseconds) {
      warm += took;
    } else {
      spent += took;
      rows.push(times);
    }
  }
  return summaries(rows);
}

/** The summary of each column of figures. */
export function summaries<T extends string>(
  rows: readonly Readonly<Record<T, number>>[],
): Record<T, Summary> {
  const columns = Object.keys(rows[0]!) as T[];
  const entries = columns.map((name) => [name, summary(rows.map((row) => row[name]))] as const);
  return Object.fromEntries(entries) as Record<T, Summary>;
}

export function summary(figures: readonly number[]): Summary {
  const sorted = figures.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const upper = sorted[middle]!;
  const median = sorted.length % 2 === 1 ? upper : (sorted[middle - 1]! + upper) / 2;
  return { median, min: sorted[0]!, runs: sorted.length };
}
