/** Refuses a call in which all of one kind of evidence would be lost in silence: a field that has another name. */
import { CandidateError } from "../errors.ts";
import type { Candidate } from "./candidates.ts";
import type { NameOf } from "./input.ts";
import { isList, type Vector } from "./matrix.ts";

/** @throws {CandidateError} where not one candidate has a vector, naming the field that probably holds it. */
export function refuseWithoutVectors(candidates: readonly Candidate[], query: Vector, nameOf: NameOf): void {
  if (candidates.length === 0 || candidates.some(({ embedding }) => (embedding ?? null) !== null)) return;
  const found = fieldOf(candidates[0]!, (value) => isList(value) && value.length === query?.length);
  const all = "is missing, as is that of every candidate: a query vector has nothing to be compared with";
  const others =
    'leave the query out if they have a score, or set missing to "append" or "drop" if it is meant';
  const meant = found ? `has \`${found}\`; did you mean \`embedding\`?` : `${others}`;
  throw new CandidateError(nameOf(0, "embeddings"), `${all}; ${meant}`);
}

/** @throws {CandidateError} where not one candidate says what its text or its title is, naming the field that probably does. */
export function refuseWithoutTexts(candidates: readonly Candidate[], nameOf: NameOf): void {
  const says = ({ text, title }: Candidate) => text !== undefined || title !== undefined;
  if (candidates.length === 0 || candidates.some(says)) return;
  const found = TEXTS.find((name) => typeof at(candidates[0]!, name) === "string");
  const all = "is missing, as is that of every candidate: words of the query have nothing to be found in";
  const others = 'leave queryText out, or say text: "" where there is none';
  const meant = found ? `has \`${found}\`; did you mean \`text\`?` : others;
  throw new CandidateError(nameOf(0, "texts"), `${all}; ${meant}`);
}

/** What frameworks and stores call the words of a document. */
const TEXTS = [
  "pageContent",
  "page_content",
  "content",
  "body",
  "document",
  "chunk",
  "passage",
  "snippet",
  "metadata.text",
];

/** The value of a field, or of a field of its metadata. */
function at(candidate: object, name: string): unknown {
  const [first, second] = name.split(".") as [keyof typeof candidate, string?];
  const value: unknown = candidate[first];
  if (second === undefined) return value;
  return typeof value === "object" && value !== null ? value[second as keyof typeof value] : undefined;
}

/** The name of the first field, the candidate's own or of its metadata, that holds such a value. */
function fieldOf(candidate: object, is: (value: unknown) => boolean): string | undefined {
  const { metadata } = candidate as { metadata?: unknown };
  const inner = typeof metadata === "object" && metadata !== null ? Object.keys(metadata) : [];
  const names = [...Object.keys(candidate), ...inner.map((name) => `metadata.${name}`)];
  return names.find((name) => is(at(candidate, name)));
}
