/**
 * What this package uses of the platform beyond the language. Everything is declared in this one file, for the types of
 * the language alone do not know it. All but `process` exists in browsers, workers, Node, Bun and Deno alike.
 */

/** SHA-256 in pieces. */
export interface Hash {
  update(bytes: Uint8Array): Hash;
  /** The hexadecimal digits. */
  hex(): string;
}

/** SHA-256. */
export interface Sha256 {
  create(): Hash;
  /** The hexadecimal digits of a text's hash, as UTF-8. */
  ofText(text: string): string;
}

interface PlatformHash {
  update(data: Uint8Array | string): PlatformHash;
  digest(encoding: "hex"): string;
}

/** What is needed of a CryptoKey of WebCrypto. */
export interface WebCryptoKey {
  readonly algorithm: { readonly name: string };
  readonly usages: readonly string[];
}

/** What is used of an AbortSignal. */
export interface Signal {
  readonly aborted: boolean;
  readonly reason: unknown;
  addEventListener(type: "abort", listener: () => void): void;
  removeEventListener(type: "abort", listener: () => void): void;
}

interface SubtleCrypto {
  sign(algorithm: string, key: WebCryptoKey, message: Uint8Array): Promise<ArrayBuffer>;
  verify(algorithm: string, key: WebCryptoKey, signature: Uint8Array, message: Uint8Array): Promise<boolean>;
}

declare const performance: { now(): number };
declare const atob: (base64: string) => string;
declare const btoa: (binary: string) => string;
declare class TextEncoder {
  encodeInto(text: string, into: Uint8Array): { readonly read: number; readonly written: number };
}
declare class TextDecoder {
  constructor(encoding: string, options: { fatal: boolean });
  decode(bytes: Uint8Array): string;
}
declare const crypto: { readonly subtle: SubtleCrypto };
declare const WebAssembly: {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object) => { readonly exports: unknown };
};
declare class AbortController {
  readonly signal: Signal;
  abort(reason: unknown): void;
}
declare const setTimeout: (done: () => void, milliseconds: number) => unknown;
declare const clearTimeout: (timer: unknown) => void;
declare const console: { warn(text: string): void } | undefined;
declare const process:
  | {
      getBuiltinModule?(name: string): {
        createHash?(name: string): PlatformHash;
        hash?(name: string, text: string): string;
        readonly Worker?: new (script: unknown, options: object) => NodeWorker;
        readonly parentPort?: NodePort | null;
      };
    }
  | undefined;
declare const setImmediate: ((task: () => void) => unknown) | undefined;
declare const MessageChannel:
  | (new () => { readonly port1: MessagePort; readonly port2: MessagePort })
  | undefined;
declare const URL: new (url: string) => object;
declare const navigator: { readonly userAgent?: string } | undefined;
declare const WorkerGlobalScope: unknown;
declare const addEventListener: (
  type: "message",
  listener: (event: { readonly data: unknown }) => void,
) => void;
declare const postMessage: (message: unknown) => void;

interface MessagePort {
  onmessage: (() => void) | null;
  postMessage(message: null): void;
  close(): void;
}

interface NodePort {
  on(type: "message", listener: (message: unknown) => void): void;
  postMessage(message: unknown): void;
}

/** What is used of a Worker of node:worker_threads. */
export interface NodeWorker {
  on(type: string, listener: (value: unknown) => void): void;
  postMessage(message: unknown, transfer: readonly ArrayBuffer[]): void;
  ref(): void;
  unref(): void;
  terminate(): unknown;
}

/** Milliseconds since some moment: only differences mean anything. */
export const now = (): number => (typeof performance === "object" ? performance : Date).now();

/** Calls back once a time has passed. What it returns calls that off. */
export function after(milliseconds: number, done: () => void): () => void {
  const timer = setTimeout(done, milliseconds);
  return () => clearTimeout(timer);
}

// As they are when this is loaded: whoever stops the clock in a test need not know of them.
const immediate = typeof setImmediate === "function" ? setImmediate : null;
const Channel = typeof MessageChannel === "function" ? MessageChannel : null;

/** Calls back in another turn of the event loop, when timers and what came in had theirs. */
export function nextTurn(task: () => void): void {
  if (immediate) {
    immediate(task);
  } else if (Channel) {
    const { port1, port2 } = new Channel();
    port1.onmessage = () => {
      port1.close();
      task();
    };
    port2.postMessage(null);
  } else {
    setTimeout(task, 0);
  }
}

/**
 * Whether what one call set going goes on when another call has ended. In Cloudflare's workers it does not: what a request waits
 * for ends with that request.
 */
export const outlivesCalls = (): boolean =>
  !(typeof navigator === "object" && navigator?.userAgent === "Cloudflare-Workers");

/** A signal of the platform's own, and what aborts it. */
export const newSignal = (): AbortController => new AbortController();

/**
 * A signal that is aborted as soon as one of two is, whoever made them: `AbortSignal.any` takes one that is not the platform's own,
 * and never hears of it again. It keeps no listener that was not given to it.
 */
export function eitherSignal(a: Signal | undefined, b: Signal | undefined): Signal | undefined {
  if (!a || !b || a === b) return a ?? b;
  return {
    get aborted() {
      return a.aborted || b.aborted;
    },
    get reason() {
      return a.aborted ? a.reason : b.reason;
    },
    addEventListener(type, listener) {
      for (const signal of [a, b]) signal.addEventListener(type, listener);
    },
    removeEventListener(type, listener) {
      for (const signal of [a, b]) signal.removeEventListener(type, listener);
    },
  };
}

/** Tells whoever reads the console, where there is one. */
export function warnConsole(text: string): void {
  try {
    if (typeof console === "object") console.warn(text);
  } catch {
    // A sandbox may refuse it.
  }
}

/** One character a byte, from padded base64; throws for what is none. */
export const fromBase64Text = (base64: string): string => atob(base64);
export const toBase64Text = (binary: string): string => btoa(binary);

/** @throws TypeError for bytes that are no UTF-8. */
export const fromUtf8 = (bytes: Uint8Array): string =>
  new TextDecoder("utf-8", { fatal: true }).decode(bytes);

/** A function that writes a text as UTF-8: how many of its units were read, and how many bytes written. */
export function utf8Writer(): TextEncoder["encodeInto"] {
  const encoder = new TextEncoder();
  return (text, into) => encoder.encodeInto(text, into);
}

export const webCrypto = (): SubtleCrypto => crypto.subtle;

/** What a WebAssembly module without imports exports. Throws where WebAssembly is missing or refused. */
export const instantiate = (bytes: Uint8Array): unknown =>
  new WebAssembly.Instance(new WebAssembly.Module(bytes)).exports;

/**
 * Starts a worker of Node. Throws where there is none.
 *
 * @param script the URL of a file.
 */
export function startNodeWorker(script: string): NodeWorker {
  const { Worker } = process!.getBuiltinModule!("node:worker_threads");
  // Flags of the process, such as a loader's, are none of the script's.
  return new Worker!(new URL(script), { execArgv: [] });
}

/** Answers what a worker is asked: a Web Worker, or one of node:worker_threads. Elsewhere nothing is done, and false returned. */
export function answerMessages(answer: (message: unknown) => unknown): boolean {
  if (typeof WorkerGlobalScope === "function") {
    addEventListener("message", ({ data }) => postMessage(answer(data)));
    postMessage(READY);
    return true;
  }
  const port =
    typeof process === "object" ? process.getBuiltinModule?.("node:worker_threads").parentPort : null;
  port?.on("message", (message) => port.postMessage(answer(message)));
  port?.postMessage(READY);
  return Boolean(port);
}

/** What a worker says when it has started. */
export const READY = "ready";

/**
 * The platform's own SHA-256, where it can be had at once and without an import; null elsewhere. A sandbox may have a
 * `process` whose functions, or whose every property, throws: the edge runtime of Next.js has.
 */
export function platformSha256(): Sha256 | null {
  try {
    const { createHash, hash } = process!.getBuiltinModule!("node:crypto");
    createHash!("sha256");
    return {
      create: () => inPieces(createHash!("sha256")),
      // Without an object in between, which takes longer than the hash of a short text. Older releases have no such function.
      ofText: hash
        ? (text) => hash("sha256", text)
        : (text) => createHash!("sha256").update(text).digest("hex"),
    };
  } catch {
    return null;
  }
}

function inPieces(hash: PlatformHash): Hash {
  const pieces: Hash = {
    update(bytes) {
      hash.update(bytes);
      return pieces;
    },
    hex: () => hash.digest("hex"),
  };
  return pieces;
}
