import type { Model } from "./models.ts";

/** What comes along is all there is: vectors, or scores. Core says what is missing. */
export const given: Model = {
  name: "oscillink",
  description: "Ranks by the vectors or the scores of the request, and by its words.",
  complete: (request) => request,
};
