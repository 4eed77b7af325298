import { bytesToHex, hexToBytes, utf8ToBytes } from "@noble/hashes/utils.js";
import { OptionError, refuseUnknown, show } from "../errors.ts";
import { readContent } from "../receipt/read.ts";
import { type AnyReceipt, type AnySigned, isLattice } from "../receipt/receipt.ts";
import { checkReceipt, checkSignature, type Signer } from "../receipt/sign.ts";
import { field, isRecord, readUntrusted, type Untrusted } from "../receipt/untrusted.ts";
import {
  type AsyncVerifier,
  decide,
  decideAsync,
  listVerifiers,
  type Refused,
  refused,
  type Verification,
  type Verifier,
} from "../receipt/verifier.ts";
import { pythonJson, sourceOf } from "./json.ts";
import type { LatticeReceipt } from "./latticeReceipt.ts";

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
export type PublishedReceipt = Omit<LatticeReceipt, "meta"> & {
  readonly meta: LatticeReceipt["meta"] & { readonly signature: PublishedSignature };
};

/**
 * A copy of a receipt with a signature of the published form, which the Python package verifies on its JSON text, as
 * `JSON.stringify` writes it. Its payload names the digest too, so that here the whole receipt is verified by it.
 *
 * @param options.mode - what the payload says; default `minimal`, as there.
 * @throws OptionError for a signer other than of HMAC-SHA256, for a receipt of another profile than `reference`, and for one
 * whose digest is not that of its content.
 */
export function signPublished(
  receipt: AnyReceipt,
  signer: Signer,
  { mode = "minimal", ...others }: { readonly mode?: SignatureMode } = {},
): PublishedReceipt {
  refuseUnknown(others, ["mode"]);
  if (mode !== "minimal" && mode !== "extended") {
    throw new OptionError("mode", `must be "minimal" or "extended", not ${show(mode)}`);
  }
  if (signer?.algorithm !== "HMAC-SHA256" || typeof signer.sign !== "function") {
    const what = `must be of HMAC-SHA256, the one algorithm of the published form, not ${show(signer?.algorithm)}: make one with hmacSigner(secret)`;
    throw new OptionError("signer", what);
  }
  const content = checkReceipt(receipt);
  if (!isLattice(content)) {
    throw new OptionError(
      "receipt",
      "must be of the profile reference: the published form tells of a lattice of vectors",
    );
  }
  const { meta, params, chain, deltaH_total, digest } = content;
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
  return { ...(receipt as LatticeReceipt), meta: { ...(receipt as LatticeReceipt).meta, signature } };
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
  refuseUnknown(others, ["requireMode", "minimalSubset", "requiredSigV"]);
  const input = readUntrusted(receipt);
  if (input === null) return refused("schema");
  const found = yield* checkPublished(input, verifiers, options);
  if (!found.ok) return found;
  const { content: _, ...verified } = found;
  return verified;
}

/** A good published signature: its payload, and the receipt where the payload names its digest. */
interface FoundPublished {
  readonly ok: true;
  readonly payload: PublishedPayload;
  readonly content: AnySigned | null;
  readonly keyId?: string;
}

/** No payload of the schema is as long as this, in characters of Python's JSON. */
const MAX_TEXT = 2 ** 12;

/** Verifies the published form. */
export function* checkPublished<V extends AsyncVerifier | Verifier>(
  input: Untrusted,
  verifiers: readonly V[],
  { requireMode = null, minimalSubset = false, requiredSigV = null }: ModeOptions = {},
): Verification<FoundPublished | Refused, V> {
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
