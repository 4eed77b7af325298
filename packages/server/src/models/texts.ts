/** What models that read texts need alike. */
import type { Candidate, RerankRequest } from "@oscillink/core";
import { Problem } from "../http/problem.ts";

/** The words of a document, its title first; empty where there is none but blanks. */
export const textOf = ({ title = "", text = "" }: Candidate): string =>
  title.trim() === "" ? (text.trim() === "" ? "" : text) : `${title}\n${text}`;

/** Whether what the model would find came along: vectors to compare with the query's, or the scores of all. */
export const isComplete = ({ query }: RerankRequest, candidates: readonly Candidate[]): boolean =>
  query === undefined
    ? candidates.every(({ score }) => score !== undefined)
    : candidates.some(({ embedding }) => (embedding ?? null) !== null);

/** The request by scores alone: no vectors that might be of another kind beside them. */
export function withScores(
  { query: _, ...request }: RerankRequest,
  candidates: readonly Candidate[],
  scoreOf: (i: number) => number,
): RerankRequest {
  return {
    ...request,
    candidates: candidates.map(({ embedding: __, ...one }, i) => ({ ...one, score: scoreOf(i) })),
  };
}

/** What stands in for a model before it is asked: it finds all documents alike. */
export const alike = (name: string) => ({
  complete(request: RerankRequest): RerankRequest {
    const { candidates } = wordsOf(name, request);
    return isComplete(request, candidates) ? request : withScores(request, candidates, () => 0);
  },
});

/** Of what a model asks elsewhere, which failed: nothing of the other's own text reaches the client. */
export const failed = (status: "424" | "503", what: string, cause?: unknown): Problem =>
  new Problem(Number(status), what, {
    cause,
    ...(status === "503" && { headers: { "Retry-After": "5" } }),
  });

/** @throws {Problem} 422 where a request holds lists, or no words of a query: such a model has nothing to read. */
export function wordsOf(
  name: string,
  { queryText, candidates }: { queryText?: string; candidates?: readonly Candidate[] },
) {
  if (typeof queryText !== "string" || queryText.trim() === "" || !Array.isArray(candidates)) {
    throw new Problem(
      422,
      `The model ${name} reads texts: it needs the words of the query and the candidates.`,
    );
  }
  const all: readonly Candidate[] = candidates;
  const wrong = all.findIndex(
    (one) =>
      typeof one !== "object" ||
      one === null ||
      !["string", "undefined"].includes(typeof one.text) ||
      !["string", "undefined"].includes(typeof one.title),
  );
  if (wrong >= 0) {
    throw new Problem(422, `The model ${name} reads texts, and a candidate has none.`, {
      faults: [
        { pointer: `/candidates/${wrong}`, detail: "must be an object whose text and title are texts" },
      ],
    });
  }
  return { queryText, candidates: all };
}
