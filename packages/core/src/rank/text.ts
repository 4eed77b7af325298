import { naturalLog } from "./math.ts";

/** Length of the character n-grams. Four letters tell words apart and still join their inflections. */
const GRAM = 4;
/** BM25's saturation of repeated terms and its correction for length: the usual values (Robertson & Zaragoza 2009). */
const K1 = 1.2;
const B = 0.75;

/**
 * BM25 of the query over the pool alone, on character 4-grams: no index, no stop list, no stemmer, any language.
 *
 * Words are what stands between white space, in lower case, with one blank on each side; their grams are the windows
 * of four characters, and a shorter word is one gram. Document frequencies and the mean length come from the pool:
 *
 *     idf(g) = ln(1 + (N - df + 1/2) / (df + 1/2))
 *     score  = Σ over the query's grams g of  idf(g) tf (k1 + 1) / (tf + k1 (1 - b + b length / mean))
 *
 * A gram that the query repeats counts once. Documents without text score 0.
 *
 * @returns one score >= 0 a document; null if the query holds no word, or none of the documents has text.
 */
export function textScores(query: string, documents: readonly string[]): Float64Array | null {
  const grams = new QueryGrams(query);
  const n = documents.length;
  if (grams.size === 0) return null;
  const counts = new Int32Array(n * grams.size);
  const lengths = new Int32Array(n);
  let total = 0;
  for (let i = 0; i < n; i++) {
    lengths[i] = grams.count(documents[i]!, counts.subarray(i * grams.size, (i + 1) * grams.size));
    total += lengths[i]!;
  }
  if (total === 0) return null;

  const scores = new Float64Array(n);
  for (let g = 0; g < grams.size; g++) {
    let df = 0;
    for (let i = 0; i < n; i++) if (counts[i * grams.size + g]! > 0) df++;
    if (df === 0) continue;
    const idf = naturalLog(1 + (n - df + 0.5) / (df + 0.5));
    for (let i = 0; i < n; i++) {
      const tf = counts[i * grams.size + g]!;
      if (tf > 0) scores[i]! += (idf * tf * (K1 + 1)) / (tf + K1 * (1 - B + (B * lengths[i]! * n) / total));
    }
  }
  return scores;
}

/**
 * The query's grams, to be counted in documents in one pass and without a string for each gram: characters that the
 * query holds are numbered, and a gram is the number that its characters spell in that base.
 */
class QueryGrams {
  readonly #code = new Map<number, number>();
  readonly #base: number;
  readonly #index = new Map<number, number>();

  constructor(query: string) {
    const text = normalized(query);
    for (let at = 0; at < text.length; at++) {
      const unit = text.charCodeAt(at);
      if (isWordUnit(unit) && !this.#code.has(unit)) this.#code.set(unit, this.#code.size + 2);
    }
    // 0 is a character that the query does not have, 1 the blank around words. Four digits stay below 2^53 up to base
    // 9741; characters beyond that many different ones count as ones that the query does not have.
    this.#base = Math.min(this.#code.size + 2, 9741);
    this.#eachGram(text, (gram) => {
      if (!this.#index.has(gram)) this.#index.set(gram, this.#index.size);
    });
  }

  /** The number of different grams. */
  get size(): number {
    return this.#index.size;
  }

  /** Adds to `counts[g]` how often the text holds gram g. Returns the number of all its grams. */
  count(text: string, counts: Int32Array): number {
    return this.#eachGram(normalized(text), (gram) => {
      const known = this.#index.get(gram);
      if (known !== undefined) counts[known]!++;
    });
  }

  /** Visits the grams made of the query's characters alone; returns the number of all. */
  #eachGram(text: string, visit: (gram: number) => void): number {
    const base = this.#base;
    const window = base ** (GRAM - 1);
    let total = 0;
    // Between words `size` is 0; inside one it counts the characters since its leading blank, that included.
    let size = 0;
    let gram = 0;
    // How many of the coming windows still hold a character that the query does not have.
    let foreign = 0;
    for (let at = 0; at <= text.length; at++) {
      const unit = at < text.length ? text.charCodeAt(at) : BLANK;
      const inside = isWordUnit(unit);
      if (size === 0) {
        if (!inside) continue;
        gram = 1;
        size = 1;
        foreign = 0;
      }
      const code = inside ? (this.#code.get(unit) ?? 0) : 1;
      gram = (gram % window) * base + code;
      size++;
      if (code === 0 || code >= base) foreign = GRAM;
      if (size >= GRAM || !inside) {
        // A short word ends with fewer digits than a window has: its number is that of no window.
        total++;
        if (foreign === 0) visit(gram);
      }
      if (foreign > 0) foreign--;
      if (!inside) size = 0;
    }
    return total;
  }
}

const BLANK = 32;

/** One form for each text: compatibility characters and case folded as Unicode says. */
const normalized = (text: string): string => text.normalize("NFKC").toLowerCase();

const wordUnit = new Uint8Array(0x10000);
const IN_WORD = 1;
const WHITE_SPACE = 2;

/** Whether a UTF-16 unit is part of a word, that is, no white space. Looked up once a unit. */
function isWordUnit(unit: number): boolean {
  let known = wordUnit[unit]!;
  if (known === 0) {
    known = /\s/.test(String.fromCharCode(unit)) ? WHITE_SPACE : IN_WORD;
    wordUnit[unit] = known;
  }
  return known === IN_WORD;
}
