/** The options of {@link LexicalEmbedder.fit}. */
export interface LexicalOptions {
  /**
   * Length of the vectors. Integer from 16 to 32768, default 2048. Terms share the places by hash: fewer mean
   * more terms mistaken for one another (1024 cost 0.01 to 0.02 of nDCG@10 where measured), more cost memory and time.
   */
  dimensions?: number;
  /**
   * How much of the weight character n-grams have; words have the rest. In [0, 1], default 0.5. With 0 only whole
   * words count, so that "wing" and "wings" have nothing in common; with 1 only n-grams count.
   */
  gramShare?: number;
  /**
   * Characters in an n-gram, counting the blank at either end of the word. Integer from 2 to 8, default 4. Use 2 or
   * 3 for scripts that write no blanks between words. Without effect if `gramShare` is 0.
   */
  gramLength?: number;
}

interface Range {
  readonly initial: number;
  readonly min: number;
  readonly max: number;
  readonly integer: boolean;
}

const ranges: Record<keyof LexicalOptions, Range> = {
  dimensions: { initial: 2048, min: 16, max: 32768, integer: true },
  gramShare: { initial: 0.5, min: 0, max: 1, integer: false },
  gramLength: { initial: 4, min: 2, max: 8, integer: true },
};

export const optionNames = Object.keys(ranges) as (keyof LexicalOptions)[];

/**
 * The one place where options are judged. Fills in the defaults; an option given as `undefined` counts as not given.
 *
 * @throws {TypeError} for an unknown name or a value that is no number.
 * @throws {RangeError} for a number outside its range.
 */
export function resolveOptions(options: unknown): Required<LexicalOptions> {
  const given = expectRecord("options", options);
  for (const name of Object.keys(given)) {
    if (!Object.hasOwn(ranges, name)) {
      throw new TypeError(`${name}: unknown option; known are ${optionNames.join(", ")}`);
    }
  }
  const resolve = (name: keyof LexicalOptions): number => {
    const { initial, min, max, integer } = ranges[name];
    const value = given[name];
    if (value === undefined) return initial;
    const wanted = `must be ${integer ? "an integer" : "a number"} from ${min} to ${max}, not ${show(value)}`;
    if (typeof value !== "number") throw new TypeError(`${name}: ${wanted}`);
    // Written so that NaN, which compares with nothing, is refused too.
    if (!(value >= min && value <= max) || (integer && !Number.isInteger(value))) {
      throw new RangeError(`${name}: ${wanted}`);
    }
    return value;
  };
  return {
    dimensions: resolve("dimensions"),
    gramShare: resolve("gramShare"),
    gramLength: resolve("gramLength"),
  };
}

/** @throws {TypeError} unless `value` is an object that is no array. */
export function expectRecord(name: string, value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new TypeError(`${name}: must be an object, not ${show(value)}`);
  }
  return value as Record<string, unknown>;
}

/** @throws {TypeError} unless `value` is a string. */
export function expectString(name: string, value: unknown): string {
  if (typeof value !== "string") throw new TypeError(`${name}: must be a string, not ${show(value)}`);
  return value;
}

/** How a value is shown in a message: short, and never the whole of a long text. */
export function show(value: unknown): string {
  if (typeof value === "string") return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}…` : value);
  if (Array.isArray(value)) return `an array of ${value.length}`;
  if (typeof value === "function") return "a function";
  if (typeof value === "object" && value !== null) return "an object";
  return String(value);
}
