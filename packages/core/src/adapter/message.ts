/** Keys as the large services write them, what follows `Bearer`, and the password of an address. */
const SECRETS =
  /\b(sk|pk|rk|pcsk|gsk|xai|hf|pa|jina|gh[opsur]|github|glpat|nvapi|r8)([-_])[\w-]{8,}|\b(?:AIza[\w-]{20,}|AKIA[A-Z0-9]{12,}|eyJ[\w-]{8,}\.[\w.-]+)|\b(Bearer\s+)[\w.~+/=-]{8,}|\b([a-z][a-z\d+.-]*:\/\/[^\s:@/]*:)[^\s@/]+(?=@)/gi;
const LONGEST = 1000;

/**
 * What an error says, for messages and events of our own: its message, of a plain object too, as some clients throw those. Keys
 * are masked, for a service repeats the one that it refuses, and logs and traces are read by others than its owner.
 */
export function messageOf(error: unknown): string {
  const text = textOf(error);
  const masked = text.replace(
    SECRETS,
    (_, kind = "", dash = "", bearer = "", user = "") => `${bearer}${user}${kind}${dash}…`,
  );
  return masked.length > LONGEST ? `${masked.slice(0, LONGEST)}…` : masked;
}

/** What some error says, though it may be anything, and throw when it is looked at. */
function textOf(error: unknown): string {
  try {
    const own =
      typeof error === "object" && error !== null ? (error as { message?: unknown }).message : error;
    return own === undefined ? "no message" : String(own);
  } catch {
    return "no message";
  }
}

/** What kind of error it is: `Error`, where that cannot be told. */
export function nameOf(error: unknown): string {
  try {
    return error instanceof Error ? error.name : "Error";
  } catch {
    return "Error";
  }
}
