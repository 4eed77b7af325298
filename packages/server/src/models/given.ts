import { Problem } from "../http/problem.ts";
import type { LocalModel } from "./local.ts";

/** What comes along is all there is: vectors, or scores. */
export const given: LocalModel = {
  name: "oscillink",
  description: "Ranks by the vectors or the scores of the request, and by its words.",
  available: true,
  asksOthers: false,
  complete(request) {
    const { query, candidates, lists } = request;
    const nothing =
      query === undefined &&
      lists === undefined &&
      Array.isArray(candidates) &&
      candidates.length > 0 &&
      candidates.every((one) => one?.score === undefined);
    if (!nothing) return request;
    const missing =
      "The model oscillink ranks by the vectors or the scores of the first search, and the request has none";
    const instead = "send them, or ask for oscillink-embed, oscillink-lexical or oscillink-order";
    throw new Problem(422, `${missing}: ${instead}.`);
  },
};
