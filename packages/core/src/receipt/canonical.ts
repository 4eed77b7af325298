/** Most texts hold nothing that is to be escaped, and no surrogate. */
const PLAIN = /^[ !#-[\]-~]*$/;

function quoted(text: string): string {
  if (PLAIN.test(text)) return `"${text}"`;
  if (!text.isWellFormed()) throw new TypeError("half of a surrogate pair has no canonical JSON");
  return JSON.stringify(text);
}

/**
 * Canonical JSON (RFC 8785) of plain data: keys in the order of their UTF-16 units, nothing between the tokens, numbers as
 * ECMAScript writes them. Members that are undefined are left out.
 *
 * @throws {TypeError} for what has none: NaN, infinite numbers, half of a surrogate pair, and what is no JSON.
 */
export function canonicalJson(value: unknown): string {
  if (typeof value === "string") return quoted(value);
  if (Number.isFinite(value) || typeof value === "boolean" || value === null) return String(value);
  if (typeof value !== "object") throw new TypeError(`${String(value)} has no canonical JSON`);
  let written = "";
  if (Array.isArray(value)) {
    for (const element of value) written += `${written === "" ? "" : ","}${canonicalJson(element)}`;
    return `[${written}]`;
  }
  const members = value as Readonly<Record<string, unknown>>;
  for (const key of Object.keys(members).sort()) {
    const member = members[key];
    if (member === undefined) continue;
    written += `${written === "" ? "" : ","}${quoted(key)}:${canonicalJson(member)}`;
  }
  return `{${written}}`;
}
