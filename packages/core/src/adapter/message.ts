/** Keys as the large services write them, and what follows `Bearer`. */
const SECRETS =
  /\b(sk|pk|rk|pcsk|gsk|xai|hf|pa|jina|ghp|glpat)([-_])[\w-]{8,}|\bAIza[\w-]{20,}|\b(Bearer\s+)[\w.~+/=-]{8,}/g;
const LONGEST = 1000;

/**
 * What an error says, for messages and events of our own: its message, of a plain object too, as some clients throw those. Keys
 * are masked, for a service repeats the one that it refuses, and logs and traces are read by others than its owner.
 */
export function messageOf(error: unknown): string {
  const own = typeof error === "object" && error !== null ? (error as { message?: unknown }).message : error;
  const text = typeof own === "string" ? own : own === undefined ? "no message" : String(own);
  const masked = text.replace(SECRETS, (_, kind = "", dash = "", bearer = "") => `${bearer}${kind}${dash}…`);
  return masked.length > LONGEST ? `${masked.slice(0, LONGEST)}…` : masked;
}
