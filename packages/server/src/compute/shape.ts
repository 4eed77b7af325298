/** A form of requests and answers: our own, the Python package's, or that of a service whose clients we answer. */
import type { RankedEntry, Receipt, RerankRequest } from "@oscillink/core";

/** What a body asks for, in the terms of core. */
export interface Asked {
  /** The model by the name that the client used; null for none. */
  readonly model: string | null;
  /** What `rerank` of core takes, but for vectors or scores that the model is still to add. Plain data. */
  readonly request: RerankRequest;
  /** What the answer's form depends on. Plain data. */
  readonly form: unknown;
  /** How many times as much it may cost as a ranking of its size. Default: 1. */
  readonly weight?: number;
}

/** What was ranked. */
export interface Answer {
  readonly bundle: readonly RankedEntry[];
  /** The request as it was ranked. */
  readonly request: RerankRequest;
  readonly model: string;
  /** Reads the receipt, which is written at that moment. */
  readonly receipt: () => Receipt;
  readonly signatures: () => readonly { readonly keyid?: string; readonly sig: string }[];
  /** The id of the HTTP request. */
  readonly id: string;
  /** When the request came, in milliseconds since 1970. */
  readonly at: number;
}

export interface Shape {
  /** Whether its clients send texts, and no evidence beside. */
  readonly texts?: true;
  /** One ranking, or several. @throws {Problem} 422 for what cannot be ranked, each fault with its place. */
  read(body: unknown): Asked | readonly Asked[];
  /** The answer to one ranking as a JSON value. */
  write(answer: Answer, form: unknown): unknown;
  /** Several answers, each as JSON, as one. Default: there is one. */
  join?(answers: readonly string[], id: string): string;
}

/** The call that a form of its own answers. */
export interface RunCall {
  readonly id: string;
  readonly at: number;
  /** The header fields that tell what remains to the key. */
  readonly remaining: Readonly<Record<string, string>>;
}

/** A form that computes something else than a ranking, and writes its answer by itself. */
export interface RunShape extends Pick<Shape, "read" | "join"> {
  /** What `X-Profile-Id` says. */
  readonly profile: string;
  /** The answer as a JSON value. @throws {Problem} 422 for what cannot be computed. */
  run(asked: Asked, call: RunCall): unknown;
}

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
