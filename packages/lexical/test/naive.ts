/** The same weights without hashing: terms as strings, logarithms from `Math`, sums in any order. */
export function naiveCosine(
  corpus: string[],
  options: { gramShare: number; gramLength: number },
): (a: string, b: string) => number {
  const terms = (text: string): string[] =>
    text.split(" ").flatMap((word) => [`word ${word}`, ...gramsOf(word, options.gramLength)]);
  const share = (term: string): number =>
    term.startsWith("word ") ? 1 - options.gramShare : options.gramShare;
  const frequency = (term: string): number => corpus.filter((text) => terms(text).includes(term)).length;
  const idf = (term: string): number =>
    1 + Math.floor(Math.log2(corpus.length / Math.max(1, frequency(term))));

  const weights = (text: string): Map<string, number> => {
    const all = terms(text);
    return new Map(
      all.map((term) => {
        const count = all.filter((other) => other === term).length;
        return [term, (share(term) * idf(term) * count) / (count + 4)];
      }),
    );
  };
  const dot = (a: Map<string, number>, b: Map<string, number>): number =>
    [...a].reduce((sum, [term, weight]) => sum + weight * (b.get(term) ?? 0), 0);

  return (a, b) => {
    const [x, y] = [weights(a), weights(b)];
    return dot(x, y) / Math.sqrt(dot(x, x) * dot(y, y));
  };
}

function gramsOf(word: string, length: number): string[] {
  const padded = ` ${word} `;
  if (padded.length <= length) return [`gram ${padded}`];
  return Array.from({ length: padded.length - length + 1 }, (_, i) => `gram ${padded.slice(i, i + length)}`);
}
