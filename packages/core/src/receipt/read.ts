/** Reading receipts that may have been written by anyone. */
import { canonicalJson } from "./canonical.ts";
import { type AnySigned, contentDigest, isLattice, signedContent } from "./receipt.ts";
import { field, isRecord } from "./untrusted.ts";
import type { Reason } from "./verifier.ts";

/**
 * The signed content that data hold, or why they hold none. Only fields that the digest covers are taken over, and the
 * digest is computed again.
 */
export function readContent(data: unknown): AnySigned | Reason {
  const schema = field(data, "schema");
  if (typeof schema !== "string") return "schema";
  if (!Object.hasOwn(SHAPES, schema)) return schema.startsWith("oscillink-receipt/") ? "version" : "schema";
  if (!isReceipt(data)) return "schema";
  try {
    const content = signedContent(data);
    if (contentDigest(content) !== content.digest) return "digest";
    // Out comes what the digest covers: canonical JSON knows no -0.
    return JSON.parse(canonicalJson(content)) as AnySigned;
  } catch {
    return "schema";
  }
}

/**
 * A kind of value: of JSON, with `?` where it may be null; of an array, its elements' (with `elements`, one that may be null);
 * of an object, its fields', or that of all its fields.
 */
type Shape =
  | "boolean"
  | "number"
  | "string"
  | "number?"
  | "string?"
  | "string|number"
  | readonly [Shape]
  | { readonly orNull?: true; readonly each: Shape }
  | { readonly orNull: true; readonly elements: Shape }
  | Fields;

interface Fields {
  /** Whether null may stand for the whole. */
  readonly orNull?: true;
  /** Whether it may be absent, as from receipts that were written before there was such a field. */
  readonly optional?: true;
  readonly fields: Readonly<Record<string, Shape>>;
}

const all = <Name extends string>(shape: Shape, ...names: readonly Name[]) =>
  Object.fromEntries(names.map((name) => [name, shape]));

/** What both kinds of receipts have. */
const common = () => ({
  focus: {
    ...{ orNull: true, optional: true },
    fields: { ...all("number", "turn", "shift"), reset: "boolean" },
  } as Fields,
  ...all("string", "version", "profile", "digest"),
  ...all("number", "deltaH_total"),
  chain: { orNull: true, fields: { nodes: ["number"], lamP: "number", weights: ["number"] } } as Fields,
  left_out: [
    {
      fields: {
        ...all("string", "id"),
        ...all("number", "inputRank"),
        ...all("number?", "rank", "score"),
        ...all("string?", "copyOf"),
      },
    },
  ] as const,
});

const INPUTS = {
  counts: ["n", "d", "missing", "excluded"],
  digests: ["candidates", "query", "scores", "texts", "titles", "queryText"],
} as const;

/**
 * What is read of a receipt, here and where it is explained or replayed, by its schema; the whole is in the folder schema.
 * Functions, so that bundlers leave them out where no receipt is read.
 */
const SHAPES: Readonly<Record<string, () => Fields>> = {
  "oscillink-receipt/3": () => ({
    fields: {
      ...common(),
      params: {
        fields: {
          ...all("number", "k", "lamC", "lamG", "diversity", "textWeight", "minRelevance"),
          relevanceCalibration: { fields: all("number", "level", "slope") },
        },
      },
      inputs: {
        fields: {
          ...all("number", ...INPUTS.counts),
          ...all("string?", ...INPUTS.digests),
          lists: [{ fields: all("string", "name", "scores") }],
          links: "string?",
        },
      },
      context: { orNull: true, each: "string|number" },
      relevance: {
        orNull: true,
        fields: {
          ...all("string", "basis"),
          ...all("number", "reached"),
          scale: { orNull: true, fields: all("number", "mean", "spread") },
        },
      },
      evidence: {
        fields: {
          weights: { each: "number" },
          words: { orNull: true, fields: all("number", "belief", "skew") },
          best: ["number"],
          lamC: "number",
          cut: "number",
        },
      },
      bundle: [
        {
          fields: {
            ...all("string", "id"),
            ...all("number", "rank", "inputRank"),
            ...all("number?", "score", "ownRank", "relevance"),
            namedBy: "string?",
            parts: { orNull: true, each: "number" },
            terms: { orNull: true, each: "number" },
            neighbours: {
              orNull: true,
              elements: { fields: { ...all("string", "id"), ...all("number", "by") } },
            },
          },
        },
      ],
      energy: { fields: all("number", "initial", "final") },
      meta: {
        fields: {
          ...all("string", "receipt_detail", "state_sig"),
          null_threshold: "number?",
          crowding: { fields: all("number", "share", "passed") },
          null_points_summary: { orNull: true, fields: all("number", "returned_null_points") },
        },
      },
      certificate: {
        fields: {
          ...all("number", "residual", "bound"),
          margin: "number?",
          orderCertified: "boolean",
          open: "string?",
        },
      },
    },
  }),
  "oscillink-receipt/2": () => ({
    fields: {
      ...common(),
      ...all("string", "space"),
      ...all("number", "cg_iters", "residual"),
      params: { fields: all("number", "k", "textWeight", "diversity", "lamC", "coherenceWeight") },
      inputs: { fields: { ...all("number", ...INPUTS.counts), ...all("string?", ...INPUTS.digests) } },
      bundle: [
        {
          fields: {
            ...all("string", "id"),
            ...all("number", "rank", "inputRank"),
            score: "number?",
            parts: { orNull: true, fields: all("number", "similarity", "settled", "trust") },
            terms: {
              orNull: true,
              fields: all("number", "settled", "text", "feedback", "coherence", "trust"),
            },
          },
        },
      ],
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
  }),
};

function fits(data: unknown, shape: Shape): boolean {
  if (typeof shape === "string") {
    const orNull = shape.endsWith("?");
    return (
      shape
        .replace("?", "")
        .split("|")
        .includes(typeof data) ||
      (orNull && data === null)
    );
  }
  if ("fields" in shape) {
    if (data === null) return shape.orNull === true;
    if (data === undefined) return shape.optional === true;
    return isRecord(data) && Object.entries(shape.fields).every(([name, of]) => fits(field(data, name), of));
  }
  if ("each" in shape) {
    if (data === null) return shape.orNull === true;
    return isRecord(data) && Object.values(data).every((value) => fits(value, shape.each));
  }
  if ("elements" in shape) {
    return data === null ? shape.orNull : fits(data, [shape.elements]);
  }
  return Array.isArray(data) && data.every((element) => fits(element, shape[0]));
}

/** Whether data are a receipt by their form: what they say is for the digest, the signature and a replay to vouch for. */
export function isReceipt(data: unknown): data is AnySigned {
  const shape = SHAPES[String(field(data, "schema"))];
  if (shape === undefined || !fits(data, shape())) return false;
  const receipt = data as AnySigned;
  const { margin, orderCertified } = receipt.certificate;
  const ranked = receipt.bundle.every(({ rank }, i) => rank === i + 1);
  const open = isLattice(receipt) || (receipt.certificate.open === null) === orderCertified;
  return ranked && open && (!orderCertified || margin === null || margin > 0);
}
