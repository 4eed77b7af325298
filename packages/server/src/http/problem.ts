/** Refusals, as RFC 9457 (problem+json) has them on the wire. */

/** One fault of a request, and where it is. */
export interface Fault {
  /** The place in the body, as a JSON pointer (RFC 6901), such as `/candidates/3/embedding`; empty for the whole of it. */
  readonly pointer: string;
  readonly detail: string;
}

/** What a refusal says beside its status and its sentence. */
export interface ProblemOptions {
  /** A URI that names the kind of the refusal. Default: `about:blank`, and the title is that of the status. */
  readonly type?: string;
  readonly title?: string;
  readonly faults?: readonly Fault[];
  /** Further members of the body, such as `violated-policies`. */
  readonly members?: Readonly<Record<string, unknown>>;
  /** Header fields, such as `Retry-After`. */
  readonly headers?: Readonly<Record<string, string>>;
  readonly cause?: unknown;
}

/** A request that is refused on purpose. What it says goes to the client: it holds no text of a library, and no secret. */
export class Problem extends Error {
  override readonly name = "Problem";
  readonly status: number;
  readonly type: string;
  readonly title: string | undefined;
  readonly faults: readonly Fault[];
  readonly members: Readonly<Record<string, unknown>>;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, detail: string, options: ProblemOptions = {}) {
    super(detail, { cause: options.cause });
    this.status = status;
    this.type = options.type ?? "about:blank";
    this.title = options.title;
    this.faults = options.faults ?? [];
    this.members = options.members ?? {};
    this.headers = options.headers ?? {};
  }
}

/** The body of a refusal. */
export interface ProblemBody {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** The id of the request. */
  readonly instance: string;
  readonly errors?: readonly Fault[];
  readonly [member: string]: unknown;
}

/** An import would read all that there is in it, a client of HTTP too, which takes each thread 70 ms. */
const { STATUS_CODES } = process.getBuiltinModule("node:http");

export const problemOf = (problem: Problem, instance: string): ProblemBody => ({
  ...problem.members,
  type: problem.type,
  title: problem.title ?? STATUS_CODES[problem.status] ?? "Error",
  status: problem.status,
  detail: problem.message,
  instance,
  ...(problem.faults.length > 0 && { errors: problem.faults }),
});
