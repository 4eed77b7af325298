/** What JSON may be like before anybody looks at what it says. */
import { Problem } from "./problem.ts";

/** Deeper than anything that means something here. */
const DEPTH = 100;

/**
 * Refuses what is nested deeper than can be handed from thread to thread, and arrays that are longer than any that is allowed.
 *
 * @param length the most entries of an array.
 * @throws {Problem} 413, or 422.
 */
export function judgeBounds(value: unknown, length: number, depth = 0): void {
  if (typeof value !== "object" || value === null) return;
  if (depth === DEPTH) throw new Problem(422, `The request is nested deeper than ${DEPTH} times.`);
  const entries = Array.isArray(value) ? value : Object.values(value);
  if (entries.length > length) {
    throw new Problem(
      413,
      `The request holds a list of ${entries.length}, and this server takes ${length} at most.`,
    );
  }
  for (const entry of entries) {
    // Most are numbers, of which there may be a hundred thousand.
    if (typeof entry === "object") judgeBounds(entry, length, depth + 1);
  }
}

/** The longest list that a request may hold: of documents, or of the values of a vector. */
export const longestOf = ({
  documents,
  width,
}: {
  readonly documents: number;
  readonly width: number;
}): number => Math.max(documents, width);
