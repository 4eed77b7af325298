import { createServer, type IncomingHttpHeaders, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { LexicalEmbedder } from "@oscillink/lexical";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";

/** What goes wrong with one request: an error response, a connection that is cut, or no answer at all. */
type Fault =
  | { readonly status: number; readonly headers?: Record<string, string> }
  | "cut"
  | "cut in the middle"
  | "silence";

/** A request to `/v1/embeddings` that was accepted. */
interface Embedding {
  readonly model: string;
  readonly input: string | readonly string[];
  readonly dimensions?: number;
  readonly encoding_format?: "float" | "base64";
}

/** A local server that speaks the wire format of the OpenAI API: embeddings and chat completions. */
export interface OpenAIServer extends AsyncDisposable {
  /** For the client's `baseURL`. */
  readonly url: string;
  /** The embedding requests that were answered, in the order of their answers. */
  readonly answered: readonly Embedding[];
  /** How often each request came again, as the client says: 0 for a first attempt. */
  readonly attempts: readonly number[];
  /** The largest number of requests that were under way at a time. */
  readonly busiest: number;
  /** How many requests the client gave up. */
  readonly abandoned: number;
}

export interface OpenAIServerOptions {
  /** What becomes of the first requests, one entry each; later ones, and those of null, are answered. */
  readonly faults?: readonly (Fault | null)[];
  /** Milliseconds before an embedding is answered. Default 0. */
  readonly delay?: (input: readonly string[]) => number;
  /** Told the headers of each request. */
  readonly onRequest?: (headers: IncomingHttpHeaders) => void;
  /** Changes the entries of a response before they are sent. */
  readonly spoil?: (data: Record<string, unknown>[]) => unknown;
  /** What the chat model says to the messages. Default: that it is none. */
  readonly reply?: (messages: readonly { role: string; content: string }[]) => string;
  /** Embeds the texts. Default: a lexical embedder that was fitted on nothing. */
  readonly embedder?: { embedDocuments(texts: string[]): Promise<number[][]> };
}

/** The limits of the API. Every byte counts as a token here: what the worst text would cost. */
const LIMITS = { inputs: 2048, tokens: 300_000 };

/** Starts a server on a free port. Requests that the API would refuse are refused with its status and error body. */
export async function openaiServer({
  faults = [],
  delay = () => 0,
  onRequest = () => {},
  spoil = (data) => data,
  reply = () => "I am no model.",
  embedder = LexicalEmbedder.fit([]),
}: OpenAIServerOptions = {}): Promise<OpenAIServer> {
  const answered: Embedding[] = [];
  const attempts: number[] = [];
  const left = [...faults];
  const generator = xoroshiro128plus(7);
  let [busy, busiest, abandoned] = [0, 0, 0];

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    onRequest(request.headers);
    const body = await read(request);
    attempts.push(Number(request.headers["x-stainless-retry-count"]));
    const fault = left.shift() ?? null;
    if (fault === "silence") return;
    if (fault === "cut") return void request.socket.destroy();
    if (fault === "cut in the middle") {
      response.writeHead(200, { "content-type": "application/json", "content-length": "1000" });
      response.write('{"object": "list", "data": [');
      return void setImmediate(() => request.socket.destroy());
    }
    if (fault !== null) return refuse(response, fault.status, "this is a fault", fault.headers);
    if (!/^Bearer .+/.test(request.headers.authorization ?? "")) return refuse(response, 401, "no API key");
    if (request.headers["content-type"] !== "application/json") return refuse(response, 415, "not JSON");
    const path = `${request.method} ${request.url}`;
    if (path === "POST /v1/chat/completions") return complete(response, body);
    if (path !== "POST /v1/embeddings") return refuse(response, 404, `unknown: ${path}`);
    const wrong = faultOf(body);
    if (wrong !== null) return refuse(response, 400, wrong);
    const asked = body as unknown as Embedding;
    const input = [asked.input].flat() as string[];
    await new Promise((resolve) => setTimeout(resolve, delay(input)));
    if (response.destroyed) return;
    answered.push(asked);
    const vectors = await embedder.embedDocuments(input);
    const data = vectors.map((values, index) => {
      const vector = Float32Array.from(values).slice(0, asked.dimensions);
      const base64 = Buffer.from(vector.buffer).toString("base64");
      const embedding = asked.encoding_format === "base64" ? base64 : Array.from(vector);
      return { object: "embedding", index, embedding };
    });
    // The order is nowhere promised: `index` is there to be read.
    for (let i = data.length - 1; i > 0; i--) {
      const j = uniformInt(generator, 0, i);
      [data[i], data[j]] = [data[j]!, data[i]!];
    }
    const tokens = bytesOf(input);
    const usage = { prompt_tokens: tokens, total_tokens: tokens };
    send(response, 200, { object: "list", data: spoil(data), model: asked.model, usage });
  };

  const complete = (response: ServerResponse, body: Record<string, unknown>) => {
    const { model, messages } = body;
    if (typeof model !== "string" || !Array.isArray(messages) || messages.length === 0) {
      return refuse(response, 400, "model and messages are required");
    }
    const message = { role: "assistant", content: reply(messages), refusal: null };
    send(response, 200, {
      id: "chatcmpl-1",
      object: "chat.completion",
      created: 0,
      model,
      choices: [{ index: 0, message, logprobs: null, finish_reason: "stop" }],
      usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
    });
  };

  const server = createServer((request, response) => {
    busiest = Math.max(busiest, ++busy);
    response.once("close", () => {
      busy--;
      if (!response.writableEnded) abandoned++;
    });
    answer(request, response).catch((error) => refuse(response, 500, String(error)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    answered,
    attempts,
    get busiest() {
      return busiest;
    },
    get abandoned() {
      return abandoned;
    },
    [Symbol.asyncDispose]: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

/** Why the API would not take the body of an embedding request; null if it would. */
function faultOf({
  model,
  input,
  dimensions,
  encoding_format,
  user,
  ...others
}: Record<string, unknown>): string | null {
  if (Object.keys(others).length > 0) return `Unrecognized request arguments: ${Object.keys(others)}`;
  if (typeof model !== "string" || model === "") return "you must provide a model parameter";
  const texts = [input].flat();
  if (texts.length === 0 || texts.length > LIMITS.inputs) return "'$.input' is invalid: too many or none";
  if (!texts.every((text) => typeof text === "string" && text !== "")) return "'$.input' is invalid";
  if (bytesOf(texts as string[]) > LIMITS.tokens) return "too many tokens in the request";
  if (dimensions !== undefined && !(Number.isInteger(dimensions) && (dimensions as number) >= 1)) {
    return "'dimensions' must be an integer of at least 1";
  }
  if (!["float", "base64", undefined].includes(encoding_format as string)) return "unknown encoding_format";
  return user === undefined || typeof user === "string" ? null : "'user' must be a string";
}

const bytesOf = (texts: readonly string[]): number =>
  texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0);

async function read(request: IncomingMessage): Promise<Record<string, unknown>> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  return JSON.parse(Buffer.concat(chunks).toString());
}

function send(response: ServerResponse, status: number, body: object, headers: Record<string, string> = {}) {
  response.writeHead(status, { "content-type": "application/json", ...headers });
  response.end(JSON.stringify(body));
}

function refuse(response: ServerResponse, status: number, message: string, headers?: Record<string, string>) {
  const type = status === 429 ? "rate_limit_error" : status >= 500 ? "server_error" : "invalid_request_error";
  send(response, status, { error: { message, type, param: null, code: null } }, headers);
}
