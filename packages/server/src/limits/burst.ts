/** How many requests there may be in a short time, whatever they cost. In this process's memory: it is there to protect it. */
import { LRUCache } from "lru-cache";
import { Problem } from "../http/problem.ts";
import { type Left, limitFields } from "./fields.ts";

export interface Burst {
  /** Counts a request of a key. @returns what remains; null where there is no limit. @throws {Problem} 429 */
  key(id: string, most: number): Left | null;
  /** Refuses an address that presented too many keys that are not good. @throws {Problem} 429 */
  address(address: string): void;
  /** Counts a key that is not good. */
  failed(address: string): void;
}

/** How many names are counted at a time: about 10 MB. Where there are more, the one that was quiet for longest is forgotten. */
const NAMES = 50_000;

/** @param window the length of a window, in seconds. @param addresses keys that are not good of an address in a minute; 0 is no limit. */
export function openBurst(window: number, addresses: number): Burst {
  const [keys, failures] = [counter(window), counter(60)];
  return {
    key(id, most) {
      if (most === 0) return null;
      const { count, wait } = keys.add(id);
      const left = {
        ...({ name: "burst", limit: most, window } as const),
        ...{ left: Math.max(0, most - count), reset: secondsOf(wait) },
      };
      if (count > most)
        throw tooMany(`The key sends more than ${most} requests in ${window} s.`, wait, limitFields([left]));
      return left;
    },
    address(address) {
      if (addresses === 0) return;
      const { count, wait } = failures.get(address);
      if (count >= addresses) {
        throw tooMany("Too many keys that are not good came from this address.", wait);
      }
    },
    failed(address) {
      if (addresses > 0) failures.add(address);
    },
  };
}

interface Count {
  count: number;
  readonly until: number;
}

/** Counts by name, in windows that begin with the first of a name. */
function counter(window: number) {
  const counts = new LRUCache<string, Count>({ max: NAMES });
  // A clock that nobody can set.
  const now = () => performance.now() / 1000;
  const find = (name: string) => {
    const found = counts.get(name);
    return found && found.until > now() ? found : { count: 0, until: now() + window };
  };
  const told = ({ count, until }: Count) => ({ count, wait: until - now() });
  return {
    get: (name: string) => told(find(name)),
    add(name: string) {
      const found = find(name);
      found.count++;
      counts.set(name, found);
      return told(found);
    },
  };
}

/** @param wait in seconds. */
const tooMany = (detail: string, wait: number, fields: Readonly<Record<string, string>> = {}): Problem =>
  new Problem(429, detail, { headers: { ...fields, "Retry-After": String(secondsOf(wait)) } });

const secondsOf = (wait: number): number => Math.max(1, Math.ceil(wait));
