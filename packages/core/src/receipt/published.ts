import { sha256 } from "@noble/hashes/sha2.js";
import { bytesToHex, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { OptionError, show } from "../errors.ts";
import { refuse } from "../options.ts";
import type { Receipt } from "./receipt.ts";
import { checkReceipt, checkSignature, readContent, type SignedReceipt, type Signer } from "./sign.ts";
import { field, isRecord, readUntrusted, type Untrusted } from "./untrusted.ts";
import {
  type AsyncVerifier,
  decide,
  decideAsync,
  listVerifiers,
  type Refused,
  refused,
  type Verification,
  type Verifier,
} from "./verifier.ts";

/** What the Python package's signatures of a state cover. */
export interface PublishedState {
  /** The vectors, row after row, in float32. */
  readonly vectors: Float32Array;
  readonly query: Float32Array;
  readonly gates: Float32Array;
  /** lamG, lamC, lamQ, lamP. */
  readonly weights: readonly [number, number, number, number];
  /** Neighbours asked for, at most n - 1. */
  readonly neighbors: number;
  /** Candidates in the chain; null without one. */
  readonly chainLength: number | null;
  /** The graph's edges in both directions, row by row. */
  readonly pairs: readonly (readonly [number, number])[];
}

/** The Python package looks at no more edges than these. */
const PAIRS = 2048;

/**
 * The published `state_sig`: SHA-256 of Python's JSON text of the query, the gates, the weights and a hash of the first
 * 2048 edges. It covers neither the vectors nor the chain's contents; receipts of other profiles use a digest that does.
 */
export function publishedStateSignature(state: PublishedState): string {
  const { query, gates, weights, neighbors, chainLength } = state;
  const floats = (values: Iterable<number>) => `[${Array.from(values, pythonFloat).join(", ")}]`;
  const text = [
    `{"B": ${floats(gates.map(round6))}`,
    `"adj": "${bytesToHex(sha256(edgeBytes(state)))}"`,
    `"chain_len": ${chainLength ?? 0}`,
    `"chain_present": ${chainLength !== null}`,
    '"detk": true',
    `"k": ${neighbors}`,
    `"lam": ${floats(weights)}`,
    `"psi": ${floats(query.map(round6))}}`,
  ].join(", ");
  return bytesToHex(sha256(utf8ToBytes(text)));
}

/** The published provenance: SHA-256 of vectors, query, gates, weights and the first 2048 edges, little-endian. */
export function publishedProvenance(state: PublishedState): string {
  const hash = sha256.create();
  for (const values of [state.vectors, state.query, state.gates]) hash.update(numberBytes(values, 4));
  hash.update(numberBytes(state.weights, 8)).update(edgeBytes(state));
  return bytesToHex(hash.digest());
}

/** How much a published signature says: the state and its energy, or the parameters and the solve as well. */
export type SignatureMode = "extended" | "minimal";

/** What a published signature covers. */
export interface PublishedPayload {
  readonly sig_v: number;
  readonly mode: SignatureMode;
  readonly state_sig: string;
  readonly deltaH_total: number;
  /** The digest of the receipt, and with it all of its content. Not in receipts of the Python package. */
  readonly digest?: string;
  /** These and what follows: in mode `extended` only. */
  readonly ustar_iters?: number;
  readonly ustar_res?: number;
  readonly ustar_converged?: boolean;
  readonly params?: {
    readonly lamG: number;
    readonly lamC: number;
    readonly lamQ: number;
    readonly lamP: number;
  };
  readonly graph?: {
    readonly k: number;
    readonly deterministic_k: boolean;
    readonly neighbor_seed: number | null;
  };
}

/** The published `meta.signature`. */
export interface PublishedSignature {
  readonly algorithm: "HMAC-SHA256";
  readonly payload: PublishedPayload;
  /** HMAC-SHA256 of Python's JSON text of the payload, in lower-case hexadecimal digits. */
  readonly signature: string;
}

/** A receipt with a published signature. */
export type PublishedReceipt = Omit<Receipt, "meta"> & {
  readonly meta: Receipt["meta"] & { readonly signature: PublishedSignature };
};

/**
 * A copy of a receipt with a signature of the published form, which the Python package verifies on its JSON text, as
 * `JSON.stringify` writes it. Its payload names the digest too, so that here the whole receipt is verified by it.
 *
 * @param options.mode - what the payload says; default `minimal`, as there.
 * @throws OptionError for a signer other than of HMAC-SHA256, and for a receipt whose digest is not that of its content.
 */
export function signPublished(
  receipt: Receipt,
  signer: Signer,
  { mode = "minimal", ...others }: { readonly mode?: SignatureMode } = {},
): PublishedReceipt {
  refuse(others, "mode");
  if (mode !== "minimal" && mode !== "extended") {
    throw new OptionError("mode", `must be "minimal" or "extended", got ${show(mode)}`);
  }
  if (signer?.algorithm !== "HMAC-SHA256" || typeof signer.sign !== "function") {
    const what = `the published form knows HMAC-SHA256 only, got ${show(signer?.algorithm)}: make one with hmacSigner(secret)`;
    throw new OptionError("signer", what);
  }
  const { meta, params, chain, deltaH_total, digest } = checkReceipt(receipt);
  const payload: PublishedPayload = {
    sig_v: 1,
    mode,
    state_sig: meta.state_sig,
    deltaH_total,
    digest,
    ...(mode === "extended" && {
      ustar_iters: meta.ustar_iters,
      ustar_res: meta.ustar_res,
      ustar_converged: meta.ustar_converged,
      params: { lamG: params.lamG, lamC: params.lamC, lamQ: params.lamQ, lamP: chain?.lamP ?? 0 },
      graph: { k: params.neighbors, deterministic_k: true, neighbor_seed: null },
    }),
  };
  const bytes = signer.sign(utf8ToBytes(pythonJson(payload, NONE)));
  checkSignature(signer.algorithm, bytes);
  const signature: PublishedSignature = {
    algorithm: signer.algorithm,
    payload,
    signature: bytesToHex(bytes),
  };
  return { ...receipt, meta: { ...receipt.meta, signature } };
}

/** What {@link verifyReceiptMode} asks beyond a good signature. */
export interface ModeOptions {
  /** Refuses payloads of another mode; default: none. */
  readonly requireMode?: SignatureMode | null;
  /**
   * Whether the signature of a minimal payload will do where an extended one is shown; what is returned then is the
   * minimal one. Default false.
   */
  readonly minimalSubset?: boolean;
  /** Refuses payloads of another `sig_v`; default: none. */
  readonly requiredSigV?: number | null;
}

/** What {@link verifyReceiptMode} found. Trust `payload`, and nothing else of what was handed in. */
export type PublishedVerified =
  | { readonly ok: true; readonly payload: PublishedPayload; readonly keyId?: string }
  | Refused;

/**
 * The published `verify_receipt_mode`, for a receipt as an object or as its JSON text. Never throws for what `receipt`
 * is. Stricter than there in one point: figures of the receipt that differ from those of the signed payload are refused.
 *
 * @throws OptionError if `verifiers` are none, or for an unknown option.
 */
export const verifyReceiptMode = (
  receipt: unknown,
  verifiers: Verifier | readonly Verifier[],
  options: ModeOptions = {},
): PublishedVerified => decide(checkMode(receipt, listVerifiers(verifiers), options));

/** As {@link verifyReceiptMode}, with verifiers of either kind. */
export const verifyReceiptModeAsync = async (
  receipt: unknown,
  verifiers: AsyncVerifier | Verifier | readonly (AsyncVerifier | Verifier)[],
  options: ModeOptions = {},
): Promise<PublishedVerified> => decideAsync(checkMode(receipt, listVerifiers(verifiers), options));

function* checkMode<V extends AsyncVerifier | Verifier>(
  receipt: unknown,
  verifiers: readonly V[],
  options: ModeOptions,
): Verification<PublishedVerified, V> {
  const { requireMode, minimalSubset, requiredSigV, ...others } = options;
  refuse(others, "requireMode, minimalSubset, requiredSigV");
  const input = readUntrusted(receipt);
  if (input === null) return refused("schema");
  const found = yield* checkPublished(input, verifiers, options);
  if (!found.ok) return found;
  const { content: _, ...verified } = found;
  return verified;
}

/** A good published signature: its payload, and the receipt where the payload names its digest. */
interface PublishedFound {
  readonly ok: true;
  readonly payload: PublishedPayload;
  readonly content: SignedReceipt | null;
  readonly keyId?: string;
}

/** No payload of the schema is as long as this, in characters of Python's JSON. */
const MAX_TEXT = 2 ** 12;

/** Verifies the published form. */
export function* checkPublished<V extends AsyncVerifier | Verifier>(
  input: Untrusted,
  verifiers: readonly V[],
  { requireMode = null, minimalSubset = false, requiredSigV = null }: ModeOptions = {},
): Verification<PublishedFound | Refused, V> {
  const block = field(field(input.data, "meta"), "signature") ?? null;
  if (block === null) return isRecord(input.data) ? refused("no-signature") : refused("schema");
  const able = verifiers.filter(({ algorithm }) => algorithm === "HMAC-SHA256");
  if (field(block, "algorithm") !== "HMAC-SHA256" || able.length === 0) return refused("algorithm");
  const payload = field(block, "payload");
  const signature = field(block, "signature") ?? null;
  if (signature === null) return refused("no-signature");
  if (!isRecord(payload) || pythonJson(payload, NONE).length > MAX_TEXT) return refused("schema");
  const mode = field(payload, "mode");
  if (requireMode && mode !== requireMode) return refused("mode");
  if (requiredSigV !== null && field(payload, "sig_v") !== requiredSigV) return refused("version");
  if (typeof signature !== "string" || !/^[0-9a-f]{64}$/.test(signature)) return refused("signature");

  const claims = [pythonTexts(payload, input)];
  if (minimalSubset && mode === "extended" && requireMode !== "extended") {
    claims.push(pythonTexts(minimalOf(payload), null));
  }
  for (const texts of claims) {
    for (const text of texts) {
      for (const verifier of able) {
        if (!(yield { verifier, message: utf8ToBytes(text), signature: hexToBytes(signature) })) continue;
        const verified = JSON.parse(text) as PublishedPayload;
        if (differs(input.data, verified)) return refused("digest");
        const content = verified.digest === undefined ? null : readContent(input.data);
        if (typeof content === "string") return refused(content);
        if (content !== null && content.digest !== verified.digest) return refused("digest");
        return {
          ok: true,
          payload: verified,
          content,
          ...(verifier.keyId !== undefined && { keyId: verifier.keyId }),
        };
      }
    }
  }
  return refused("signature");
}

/** The minimal payload that an extended one contains; `null` stands for a missing field, as in Python. */
const minimalOf = (payload: Readonly<Record<string, unknown>>) => ({
  sig_v: field(payload, "sig_v") ?? null,
  mode: "minimal",
  state_sig: field(payload, "state_sig") ?? null,
  deltaH_total: field(payload, "deltaH_total") ?? null,
});

/**
 * Whether a receipt contradicts its signed payload (finding O6: the published verification does not look). A figure
 * that either of them leaves out is no contradiction.
 */
function differs(receipt: unknown, payload: unknown): boolean {
  const meta = field(receipt, "meta");
  const figures: [string, unknown][] = [
    ["deltaH_total", field(receipt, "deltaH_total")],
    ...["state_sig", "ustar_iters", "ustar_res", "ustar_converged"].map((name): [string, unknown] => [
      name,
      field(meta, name),
    ]),
  ];
  return figures.some(([name, shown]) => {
    const signed = field(payload, name);
    return shown !== undefined && signed !== undefined && shown !== signed;
  });
}

/** The payload's figures that are floats in Python, unless a user gave an integer. */
const FLOATS = ["deltaH_total", "ustar_res", "lamG", "lamC", "lamQ", "lamP"];
const NONE: ReadonlySet<string> = new Set();

/**
 * The texts that a payload may have been signed as. Python keeps 1.0 and 1 apart and signs the text, and JavaScript
 * does not (finding O9). Where the source of the numbers can be had, it comes first; then each way of writing the
 * floats that are whole numbers, `1.0` first. All texts say the same, so it is no matter which of them was signed.
 */
function* pythonTexts(payload: unknown, input: Untrusted | null): Generator<string> {
  const source = input?.verbatim ? sourceOf(input.text) : null;
  if (source !== null) {
    yield pythonJson(field(field(field(source, "meta"), "signature"), "payload"), NONE);
  }
  const values = { ...(payload as object), ...(field(payload, "params") as object | undefined) };
  const whole = FLOATS.filter((name) => Number.isInteger(field(values, name)));
  for (let choice = 2 ** whole.length - 1; choice >= 0; choice--) {
    yield pythonJson(payload, new Set(whole.filter((_, i) => choice & (1 << i))));
  }
}

/** A number that JavaScript would not write as Python does. */
class Spelled {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

/** `JSON.parse` with access to the source of numbers (ECMAScript 2026), which the library's types do not have yet. */
const parse = JSON.parse as (
  text: string,
  reviver: (key: string, value: unknown, context?: { readonly source?: string }) => unknown,
) => unknown;

/** The data of a text, with numbers spelled as Python would spell them; null where the platform hides the source. */
function sourceOf(text: string): unknown {
  let shown = true;
  const data = parse(text, (_key, value, context) => {
    if (typeof value !== "number") return value;
    const source = context?.source;
    shown &&= source !== undefined;
    // Python's integers are as long as they come, and have no negative zero.
    if (source !== undefined && /^-?\d+$/.test(source)) return new Spelled(source === "-0" ? "0" : source);
    return new Spelled(pythonFloat(value));
  });
  return shown ? data : null;
}

/**
 * Python's `json.dumps(value, sort_keys=True)` of plain data. Whole numbers are written as integers, as `JSON.stringify`
 * does and as Python then reads them, but for those of the fields named in `floats`.
 */
function pythonJson(value: unknown, floats: ReadonlySet<string>, name = ""): string {
  if (value instanceof Spelled) return value.text;
  if (typeof value === "number") {
    return Number.isInteger(value) && !floats.has(name) ? JSON.stringify(value) : pythonFloat(value);
  }
  if (typeof value === "string") return pythonString(value);
  if (Array.isArray(value)) return `[${value.map((item) => pythonJson(item, floats)).join(", ")}]`;
  if (!isRecord(value)) return String(value);
  const entries = Object.keys(value).sort();
  return `{${entries.map((key) => `${pythonString(key)}: ${pythonJson(value[key], floats, key)}`).join(", ")}}`;
}

/** A string in ASCII: everything beyond as `\u` and four hexadecimal digits. */
const pythonString = (text: string): string =>
  JSON.stringify(text).replace(
    /[\u007f-\uffff]/g,
    (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );

/** Python's `repr` of a float: always with a point or an exponent, and that of two digits at least. */
export function pythonFloat(x: number): string {
  if (!Number.isFinite(x)) return Number.isNaN(x) ? "NaN" : x > 0 ? "Infinity" : "-Infinity";
  if (Object.is(x, -0)) return "-0.0";
  const size = Math.abs(x);
  if (x !== 0 && (size < 1e-4 || size >= 1e16)) {
    const [mantissa, exponent] = x.toExponential().split("e") as [string, string];
    return `${mantissa}e${exponent[0]}${exponent.slice(1).padStart(2, "0")}`;
  }
  const text = String(x);
  return text.includes(".") ? text : `${text}.0`;
}

/** numpy's rounding of a float32 to six decimals: half to even, in float32 throughout. */
export function round6(x: number): number {
  const scaled = Math.fround(Math.fround(x) * 1e6);
  const floor = Math.floor(scaled);
  const rest = scaled - floor;
  const even = rest < 0.5 || (rest === 0.5 && floor % 2 === 0) ? floor : floor + 1;
  return Math.fround((even === 0 && (x < 0 || Object.is(x, -0)) ? -0 : even) / 1e6);
}

function edgeBytes({ pairs }: PublishedState): Uint8Array {
  const kept = pairs.slice(0, PAIRS).flat();
  const bytes = new Uint8Array(8 * kept.length);
  const view = new DataView(bytes.buffer);
  kept.forEach((index, at) => {
    view.setBigInt64(8 * at, BigInt(index), true);
  });
  return bytes;
}

function numberBytes(values: ArrayLike<number>, width: 4 | 8): Uint8Array {
  const bytes = new Uint8Array(width * values.length);
  const view = new DataView(bytes.buffer);
  for (let i = 0; i < values.length; i++) {
    if (width === 4) view.setFloat32(4 * i, values[i]!, true);
    else view.setFloat64(8 * i, values[i]!, true);
  }
  return bytes;
}
