/** What remains to a key, in the fields of the Python package's server: read from those that we send everywhere. */
import { type Item, isInnerList, parseList } from "structured-headers";

/** What a window of units has left. */
interface Quota {
  readonly limit: number;
  readonly remaining: number;
  /** When it is full again, in seconds since 1970. */
  readonly reset: number;
}

/** What the month has left. */
interface Monthly {
  readonly limit: number;
  readonly used: number;
  readonly remaining: number;
  /** Year and month (UTC), as `202611`. */
  readonly period: string;
}

export interface Limits {
  readonly quota: Quota | null;
  readonly monthly: Monthly | null;
}

/** The names of the two limits in the RateLimit fields. */
const WINDOW = "units";
const MONTH = "month";

/** @param headers with `RateLimit` and `RateLimit-Policy`, by whatever case. @param at when the request came, in milliseconds since 1970. */
export function limitsOf(headers: Readonly<Record<string, unknown>>, at: number): Limits {
  const field = (name: string) => Object.entries(headers).find(([key]) => key.toLowerCase() === name)?.[1];
  const policy = itemsOf(field("ratelimit-policy"));
  const left = itemsOf(field("ratelimit"));
  const of = (name: string) => {
    const limit = policy.get(name)?.get("q");
    const remaining = left.get(name)?.get("r");
    if (typeof limit !== "number" || typeof remaining !== "number") return null;
    return { limit, remaining, seconds: Number(left.get(name)?.get("t") ?? policy.get(name)?.get("w") ?? 0) };
  };
  const window = of(WINDOW);
  const month = of(MONTH);
  return {
    quota: window && {
      ...{ limit: window.limit, remaining: window.remaining },
      reset: Math.floor(at / 1000) + window.seconds,
    },
    monthly: month && {
      ...{ limit: month.limit, used: month.limit - month.remaining, remaining: month.remaining },
      period: new Date(at).toISOString().slice(0, 7).replace("-", ""),
    },
  };
}

/** The header fields. @param refused whether the request was: the month then had other names. */
export function headersOf({ quota, monthly }: Limits, refused: boolean): Record<string, string> {
  const fields: Record<string, string | number> = {};
  if (quota) {
    fields["X-Quota-Limit"] = quota.limit;
    fields["X-Quota-Remaining"] = quota.remaining;
    fields["X-Quota-Reset"] = quota.reset;
  }
  if (monthly && refused) {
    fields["X-MonthCap-Limit"] = monthly.limit;
    fields["X-MonthCap-Remaining"] = monthly.remaining;
  } else if (monthly) {
    fields["X-Monthly-Cap"] = monthly.limit;
    fields["X-Monthly-Used"] = monthly.used;
    fields["X-Monthly-Remaining"] = monthly.remaining;
    fields["X-Monthly-Period"] = monthly.period;
  }
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, String(value)]));
}

function itemsOf(field: unknown): Map<unknown, Item[1]> {
  if (typeof field !== "string") return new Map();
  return new Map(
    parseList(field).flatMap((item) => (isInnerList(item) ? [] : [[item[0], item[1]] as const])),
  );
}
