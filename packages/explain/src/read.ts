/** Reading receipts: their form was checked by core as far as core reads them, and the rest may be anything. */
import { type Envelope, explainReceipt, OptionError } from "@oscillink/core";

/** A receipt of either schema, whole or its signed content. */
export type AnyReceipt = Parameters<typeof explainReceipt>[0];

/** A receipt, and the signatures that came with it. */
export interface Signed {
  readonly receipt: AnyReceipt;
  /** Those of the envelope; none for a receipt that came without one. */
  readonly signatures: Envelope["signatures"];
}

/** An own field of data, by the names on the way to it; undefined where there is none. */
export const field = (data: unknown, ...way: readonly string[]): unknown =>
  way.reduce(
    (inner, name) =>
      typeof inner === "object" && inner !== null && Object.hasOwn(inner, name)
        ? (inner as Record<string, unknown>)[name]
        : undefined,
    data,
  );

/** The elements of an array; none of anything else. */
export const listOf = (data: unknown): readonly unknown[] => (Array.isArray(data) ? data : []);

/** The fields of an object; none of anything else. */
export const entriesOf = (data: unknown): readonly (readonly [string, unknown])[] =>
  typeof data === "object" && data !== null ? Object.entries(data) : [];

/** A figure with a fixed number of decimals; a dash where there is none. */
export const fixed = (figure: unknown, decimals = 2): string =>
  typeof figure === "number"
    ? figure
        .toFixed(decimals)
        .replace(/^-(?=[0.]*$)/, "")
        .replace("-", "−")
    : "–";

/** The same with its sign. */
export const signed = (figure: unknown, decimals = 2): string => {
  const text = fixed(figure, decimals);
  return typeof figure === "number" && /[1-9]/.test(text) && figure > 0 ? `+${text}` : text;
};

/** A figure of any size, to three significant digits. */
export const small = (figure: unknown): string =>
  typeof figure === "number" ? String(Number(figure.toPrecision(3))).replaceAll("-", "−") : "–";

/** `1 document`, `2 documents`. */
export const count = (n: number, one: string, many = `${one}s`): string => `${n} ${n === 1 ? one : many}`;

/**
 * The receipt in what was handed in, and its signatures.
 *
 * @throws {OptionError} for what holds no receipt.
 */
export function readSigned(given: AnyReceipt | Envelope): Signed {
  const payload = field(given, "payload");
  if (payload === undefined) {
    explainReceipt(given as AnyReceipt);
    return { receipt: ordered(given as AnyReceipt), signatures: [] };
  }
  let receipt: AnyReceipt;
  try {
    const binary = atob(String(payload).replaceAll("-", "+").replaceAll("_", "/"));
    const bytes = Uint8Array.from(binary, (unit) => unit.charCodeAt(0));
    receipt = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
    explainReceipt(receipt);
  } catch (cause) {
    throw new OptionError("receipt", "must be a receipt, or the envelope of one: its payload holds none", {
      cause,
    });
  }
  const signatures = listOf(field(given, "signatures")).flatMap((one) => {
    const [sig, keyid] = [field(one, "sig"), field(one, "keyid")];
    if (typeof sig !== "string") return [];
    return [{ ...(typeof keyid === "string" && { keyid }), sig }];
  });
  return { receipt: ordered(receipt), signatures };
}

/**
 * A copy as JSON keeps it, with the keys of every object in the order of canonical JSON: facts made of it are the same as those
 * that are made of what a signature covers.
 */
const ordered = <T>(data: T): T =>
  JSON.parse(JSON.stringify(data), (_, value) =>
    typeof value === "object" && value !== null && !Array.isArray(value)
      ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
      : value,
  );
