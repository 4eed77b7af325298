/** How many requests there may be in a short time, whatever they cost. In this process's memory: it is there to protect it. */
import { RateLimiterMemory, type RateLimiterRes } from "rate-limiter-flexible";
import { Problem } from "../http/problem.ts";

export interface Burst {
  /** Counts a request of a key. @throws {Problem} 429 */
  key(id: string, most: number): Promise<void>;
  /** Refuses an address that presented too many keys that are not good. @throws {Problem} 429 */
  address(address: string): Promise<void>;
  /** Counts a key that is not good. */
  failed(address: string): Promise<void>;
}

/** @param window the length of a window, in seconds. @param addresses keys that are not good of an address in a minute; 0 is no limit. */
export function openBurst(window: number, addresses: number): Burst {
  // Of each key the count alone is asked for: how many there may be is the key's own affair.
  const keys = new RateLimiterMemory({ points: Number.MAX_SAFE_INTEGER, duration: window });
  const failures = new RateLimiterMemory({ points: Math.max(addresses, 1), duration: 60 });
  return {
    async key(id, most) {
      if (most === 0) return;
      const { consumedPoints, msBeforeNext } = await keys.consume(id);
      if (consumedPoints > most)
        throw tooMany(`The key sends more than ${most} requests in ${window} s.`, msBeforeNext);
    },
    async address(address) {
      if (addresses === 0) return;
      const seen = await failures.get(address);
      if (seen && seen.consumedPoints >= addresses)
        throw tooMany("Too many keys that are not good came from this address.", seen.msBeforeNext);
    },
    async failed(address) {
      if (addresses === 0) return;
      await failures.consume(address).catch((_: RateLimiterRes) => {});
    },
  };
}

const tooMany = (detail: string, wait: number): Problem =>
  new Problem(429, detail, { headers: { "Retry-After": String(Math.max(1, Math.ceil(wait / 1000))) } });
