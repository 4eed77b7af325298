import { createHash } from "node:crypto";
import {
  appendFileSync,
  closeSync,
  existsSync,
  openSync,
  readSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";

/** What becomes the rows of a file. */
export interface Source {
  /** The file, such as `doc.f32`. Until all rows are there, they are in a file beside it that ends with `.part`. */
  readonly file: string;
  /** One text for each row, in the order of the rows. A text without anything but blanks has a row of zeros. */
  readonly texts: readonly string[];
  /** What the vectors depend on beside the texts: another setting starts from nothing. */
  readonly setting: object;
  /** Texts in a call of `embed`. Integer >= 1. */
  readonly slice: number;
  embed(texts: string[]): Promise<number[][]>;
}

/** Rows that are complete but do not have their name yet. */
export interface Rows {
  readonly part: string;
  /** Values in a row. */
  readonly width: number;
}

/**
 * Embeds the texts and writes the vectors, each brought to length 1, to the `.part` file, slice by slice. A part that
 * an earlier run left for the same texts and setting is continued.
 *
 * @param onRows is told how many rows there are: first those that an earlier run left, then after each slice.
 * @throws {Error} if `embed` does not give one vector of the same width for each text, if the part that is there has
 *   vectors that `embed` does not give, or if no text has anything to embed. What `embed` throws comes through.
 */
export async function embedRows(source: Source, onRows: (rows: number) => void): Promise<Rows> {
  const { file, texts, setting, slice } = source;
  const digest = createHash("sha256")
    .update(JSON.stringify([setting, texts]))
    .digest("hex");
  const part = `${file}.${digest.slice(0, 12)}.part`;
  const first = texts.findIndex(isFull);
  if (first < 0) throw new Error(`${file}: no text has anything to embed`);

  let width = 0;
  /** Rows of the texts, zeros for the empty ones, which a server would refuse. */
  const rowsOf = async (some: readonly string[]): Promise<Float32Array> => {
    const full = some.filter(isFull);
    const vectors = full.length === 0 ? [] : await source.embed(full);
    if (vectors.length !== full.length) {
      throw new Error(`${file}: ${vectors.length} vectors came for ${full.length} texts`);
    }
    width ||= vectors[0]!.length;
    const rows = new Float32Array(some.length * width);
    let next = 0;
    some.forEach((text, i) => {
      if (!isFull(text)) return;
      const vector = vectors[next++]!;
      if (vector.length !== width) {
        throw new Error(`${file}: a vector of ${vector.length} values came where others have ${width}`);
      }
      rows.set(unit(vector), i * width);
    });
    return rows;
  };

  // The width, and whether the server's model is still the one that began, are known once it has embedded a text.
  const probe = await rowsOf([texts[first]!]);
  const bytes = 4 * width;
  let done = existsSync(part) ? Math.floor(statSync(part).size / bytes) : 0;
  if (done > first && !isSame(probe, readRow(part, first, width))) {
    throw new Error(`${part}: its vectors are of another model; remove the file to start again`);
  }
  if (done > texts.length) throw new Error(`${part}: it has more rows than there are texts; remove the file`);
  // A run that ended while it wrote leaves a piece of a row.
  if (existsSync(part)) truncateSync(part, done * bytes);
  else writeFileSync(part, "");
  onRows(done);
  while (done < texts.length) {
    const some = texts.slice(done, done + slice);
    const rows = await rowsOf(some);
    appendFileSync(part, new Uint8Array(rows.buffer), { flush: true });
    done += some.length;
    onRows(done);
  }
  if (statSync(part).size !== texts.length * bytes) {
    throw new Error(`${part}: another run writes to it, too; end that one, and remove the file`);
  }
  return { part, width };
}

/** Writes a file so that it is there with all of its content or not at all. */
export function writeWhole(file: string, content: string): void {
  const part = `${file}.part`;
  writeFileSync(part, content, { flush: true });
  renameSync(part, file);
}

const isFull = (text: string): boolean => text.trim() !== "";

/** The vector with length 1; zeros stay zeros. */
function unit(vector: readonly number[]): Float32Array {
  const length = Math.hypot(...vector) || 1;
  return Float32Array.from(vector, (value) => value / length);
}

/** Whether two unit rows are of one model: servers round differently from batch to batch, by far less than this. */
function isSame(a: Float32Array, b: Float32Array): boolean {
  return a.reduce((sum, value, c) => sum + value * b[c]!, 0) > 0.999;
}

function readRow(file: string, row: number, width: number): Float32Array {
  const values = new Float32Array(width);
  const descriptor = openSync(file, "r");
  try {
    readSync(descriptor, values, 0, values.byteLength, row * values.byteLength);
  } finally {
    closeSync(descriptor);
  }
  return values;
}
