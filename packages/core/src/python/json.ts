/** JSON as Python writes it, whose text is what the published signatures cover. */
import { isRecord } from "../receipt/untrusted.ts";

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
export function sourceOf(text: string): unknown {
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
export function pythonJson(value: unknown, floats: ReadonlySet<string>, name = ""): string {
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
