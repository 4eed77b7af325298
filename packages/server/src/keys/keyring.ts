/** Makes keys, changes them, and says who presents one. */
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { LRUCache } from "lru-cache";
import type { Caller } from "../http/caller.ts";
import { Problem } from "../http/problem.ts";
import { StartError } from "../startError.ts";
import type { Audit, KeyLimits, KeyRecord, Keys, Scope } from "../state/durable.ts";
import { macOf, newId, newSecret, readKey, sameMac, writeKey } from "./form.ts";

/** What a new key is like. */
interface NewKey {
  readonly tenant: string;
  readonly name: string;
  readonly scopes: readonly Scope[];
  /** In milliseconds since 1970; null: never. */
  readonly expires: number | null;
  readonly limits: KeyLimits;
}

/** How long another process may not have heard of a change, in milliseconds. */
const STALE = 5000;
/** How long the old secret of a key holds beside its new one, in milliseconds. */
const OVERLAP = 24 * 3_600_000;

/** What can be changed of a key. Of its limits those that are named; null is the configured one again. */
export interface KeyChange extends Partial<Pick<KeyRecord, "status" | "name" | "expires">> {
  readonly limits?: Partial<KeyLimits>;
}

export interface Keyring {
  /** @returns the key, which nobody can read again. */
  create(key: NewKey, who: string): Promise<{ readonly key: string; readonly record: KeyRecord }>;
  /** A second secret for a key: the first holds for a day more. @returns null for no such key. */
  rotate(id: string, who: string): Promise<string | null>;
  /** @returns the record as it is then; null for no such key. */
  change(id: string, change: KeyChange, who: string): Promise<KeyRecord | null>;
  list(): Promise<readonly KeyRecord[]>;
  /** @throws {Problem} 401 for what is no good key, 403 for one that was suspended or revoked. */
  callerOf(presented: string | null): Promise<Caller & { readonly limits: KeyLimits }>;
}

export const NO_LIMITS: KeyLimits = { units: null, unitsMonth: null, burst: null };

/** @param data the folder where the pepper is, or is made. @param given the operator's own; empty for none. */
export function pepperOf(data: string, given: string): string {
  if (given !== "") return given;
  const path = join(data, "pepper");
  try {
    writeFileSync(path, randomBytes(32).toString("base64url"), { mode: 0o600, flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
  }
  const pepper = readFileSync(path, "utf8");
  if (pepper.length >= 32) return pepper;
  throw new StartError(
    "store",
    `data: ${path} must hold 32 characters at least: without it no key that was made with it is good`,
  );
}

export function openKeyring(keys: Keys, audit: Audit, pepper: string): Keyring {
  const known = new LRUCache<string, KeyRecord>({ max: 10_000, ttl: STALE });
  const written = async (record: KeyRecord, who: string, what: string) => {
    // In this process a change holds at once.
    known.set(record.id, record);
    await audit.add({ at: Date.now(), who, what, about: record.id });
  };
  async function get(id: string): Promise<KeyRecord | null> {
    const found = known.get(id);
    if (found) return found;
    const record = await keys.get(id);
    // Only what was read just now is set: a key that is in use all the time would never be read again.
    if (record) known.set(id, record);
    return record;
  }
  return {
    async create({ tenant, name, scopes, expires, limits }, who) {
      const presented = { id: newId(), secret: newSecret() };
      const secrets = [{ mac: macOf(presented.secret, pepper), until: null }];
      const record: KeyRecord = {
        ...{ id: presented.id, tenant, name, scopes, expires, limits, secrets },
        ...{ status: "active", created: Date.now() },
      };
      await keys.add(record);
      await written(record, who, "create");
      return { key: writeKey(presented), record };
    },
    async rotate(id, who) {
      const secret = newSecret();
      const record = await keys.update(id, (before) => {
        mustNotBeRevoked(before);
        const old = before.secrets.slice(0, 1).map(({ mac }) => ({ mac, until: Date.now() + OVERLAP }));
        return { ...before, secrets: [{ mac: macOf(secret, pepper), until: null }, ...old] };
      });
      if (!record) return null;
      await written(record, who, "rotate");
      return writeKey({ id, secret });
    },
    async change(id, change, who) {
      const record = await keys.update(id, (before) => {
        if (change.status) mustNotBeRevoked(before, change.status);
        return { ...before, ...change, limits: { ...before.limits, ...change.limits } };
      });
      const changes = Object.entries(change);
      const said = changes.map(
        ([name, value]) => `${name} ${typeof value === "string" ? value : JSON.stringify(value)}`,
      );
      if (record && changes.length > 0) await written(record, who, `change ${said.join(", ")}`);
      return record;
    },
    list: () => keys.list(),
    async callerOf(presented) {
      if (presented === null)
        throw refused("A key is missing: send it as Authorization: Bearer, or as X-API-Key.");
      const parts = readKey(presented);
      if (!parts)
        throw refused(
          "The key is malformed: a key of this server begins with osk_, and none of it may be missing.",
        );
      const mac = macOf(parts.secret, pepper);
      const now = Date.now();
      // Every secret is compared, so that the time tells nothing of which it was.
      const isGood = (one: KeyRecord | null): one is KeyRecord =>
        (one?.secrets ?? []).filter((s) => sameMac(s.mac, mac) && (s.until === null || s.until > now))
          .length > 0;
      let record = await get(parts.id);
      // Perhaps it was rotated elsewhere a moment ago.
      if (!isGood(record)) record = await keys.get(parts.id);
      if (!isGood(record)) throw refused("The key is not known here.");
      if (record.expires !== null && record.expires <= now) throw refused("The key has expired.");
      if (record.status !== "active") throw new Problem(403, `The key was ${record.status}.`);
      const { id, tenant, scopes, limits } = record;
      return { keyId: id, tenant, scopes, limits };
    },
  };
}

/** @throws {Problem} 409: what was revoked stays so. */
function mustNotBeRevoked({ status }: KeyRecord, wanted?: KeyRecord["status"]): void {
  if (status !== "revoked" || wanted === "revoked") return;
  throw new Problem(409, "The key was revoked, and that is for good: make a new one.");
}

const refused = (detail: string): Problem =>
  new Problem(401, detail, { headers: { "WWW-Authenticate": 'Bearer realm="oscillink"' } });

/** @throws {Problem} 403 for a caller who may not. */
export function require(caller: Caller, scope: Scope): void {
  if (caller.keyId === null || caller.scopes.includes(scope)) return;
  throw new Problem(403, `The key may not do this: it lacks the scope ${scope}.`);
}
