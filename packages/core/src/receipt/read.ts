/** Reading receipts that may have been written by anyone. */
import canonicalize from "canonicalize";
import { CHANNELS, TERMS } from "../rank/evidence.ts";
import { contentDigest, type SignedReceipt, signedContent } from "./receipt.ts";
import { field, isRecord } from "./untrusted.ts";
import type { Reason } from "./verifier.ts";

const SCHEMA = "oscillink-receipt/2";

/**
 * The signed content that data hold, or why they hold none. Only fields that the digest covers are taken over, and the
 * digest is computed again.
 */
export function readContent(data: unknown): SignedReceipt | Reason {
  const schema = field(data, "schema");
  if (typeof schema !== "string") return "schema";
  if (schema !== SCHEMA) return schema.startsWith("oscillink-receipt/") ? "version" : "schema";
  if (!isReceipt(data)) return "schema";
  try {
    const content = signedContent(data);
    if (contentDigest(content) !== content.digest) return "digest";
    // Out comes what the digest covers: canonical JSON knows no -0.
    return JSON.parse(canonicalize(content) as string) as SignedReceipt;
  } catch {
    return "schema";
  }
}

/** A kind of value: of JSON, with `?` where it may be null; of an array, its elements'; of an object, its fields'. */
type Shape = "boolean" | "number" | "string" | "number?" | "string?" | readonly [Shape] | Fields;

interface Fields {
  /** Whether null may stand for the whole. */
  readonly orNull?: true;
  readonly fields: Readonly<Record<string, Shape>>;
}

const all = <Name extends string>(shape: Shape, ...names: readonly Name[]) =>
  Object.fromEntries(names.map((name) => [name, shape]));

const PLACE = { id: "string", inputRank: "number" } as const;

/**
 * What is read of a receipt, here and where it is explained or replayed; the whole is in schema/receipt.v2.json. A function,
 * so that bundlers leave it out where no receipt is read.
 */
const receiptShape = (): Fields => ({
  fields: {
    ...all("string", "version", "profile", "space", "digest"),
    ...all("number", "deltaH_total", "cg_iters", "residual"),
    params: { fields: all("number", "k", "textWeight", "diversity", "lamC", "coherenceWeight") },
    inputs: {
      fields: {
        ...all("number", "n", "d", "missing", "excluded"),
        ...all("string?", "candidates", "query", "scores", "texts", "titles", "queryText"),
      },
    },
    chain: { orNull: true, fields: { nodes: ["number"], lamP: "number", weights: ["number"] } },
    bundle: [
      {
        fields: {
          ...PLACE,
          rank: "number",
          score: "number?",
          parts: {
            orNull: true,
            fields: {
              ...all("number?", ...CHANNELS.map(({ part }) => part)),
              ...all("number", "similarity", "settled", "trust"),
            },
          },
          terms: { orNull: true, fields: all("number", ...TERMS, "trust") },
        },
      },
    ],
    left_out: [{ fields: { ...PLACE, rank: "number?", score: "number?", copyOf: "string?" } }],
    energy: { fields: all("number", "initial", "final", "minimum", "remaining") },
    meta: {
      fields: {
        ...all("number", "ustar_iters", "ustar_res"),
        ...all("boolean", "ustar_converged"),
        ...all("string", "receipt_detail", "state_sig"),
        null_threshold: "number?",
        crowding: { fields: all("number", "share", "passed") },
        null_points_summary: { orNull: true, fields: all("number", "returned_null_points") },
      },
    },
    certificate: {
      fields: { ...all("number", "residual", "bound"), margin: "number?", orderCertified: "boolean" },
    },
  },
});

function fits(data: unknown, shape: Shape): boolean {
  if (typeof shape === "string") {
    const [kind, orNull] = [shape.replace("?", ""), shape.endsWith("?")];
    return typeof data === kind || (orNull && data === null);
  }
  if ("fields" in shape) {
    if (data === null) return shape.orNull === true;
    return isRecord(data) && Object.entries(shape.fields).every(([name, of]) => fits(field(data, name), of));
  }
  return Array.isArray(data) && data.every((element) => fits(element, shape[0]));
}

/** Whether data are a receipt by their form: what they say is for the digest, the signature and a replay to vouch for. */
export function isReceipt(data: unknown): data is SignedReceipt {
  if (!fits(data, receiptShape())) return false;
  const { bundle, certificate } = data as SignedReceipt;
  const { margin, orderCertified } = certificate;
  return bundle.every(({ rank }, i) => rank === i + 1) && (!orderCertified || margin === null || margin > 0);
}
