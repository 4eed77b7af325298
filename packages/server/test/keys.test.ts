import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, describe, expect, it, onTestFinished, vi } from "vitest";
import { NO_LIMITS, openKeyring, pepperOf } from "../src/keys/keyring.ts";
import { SCOPES } from "../src/state/durable.ts";
import { openState } from "../src/state/sqlite/open.ts";
import { temporary } from "./testing.ts";

const all = { tenant: "t", name: "", scopes: SCOPES, expires: null, limits: NO_LIMITS };

/** What a server and a command have: each its own connection to one file. */
function two() {
  const path = join(temporary(), "state.db");
  return [1, 2].map(() => {
    const state = openState(path);
    onTestFinished(() => state.close());
    return openKeyring(state.durable.keys, state.durable.audit, "p".repeat(32));
  }) as [ReturnType<typeof openKeyring>, ReturnType<typeof openKeyring>];
}

describe("a key", () => {
  afterEach(() => void vi.restoreAllMocks());

  it("that another process revokes is refused within 5 s, however often it is used meanwhile (A12)", async () => {
    let time = 1000;
    vi.spyOn(performance, "now").mockImplementation(() => time);
    const [server, command] = two();
    const { key, record } = await server.create(all, "test");
    await command.change(record.id, { status: "revoked" }, "command");
    let refused = 0;
    for (let ms = 0; ms <= 5000; ms += 500) {
      await server.callerOf(key).catch((error) => {
        expect(error).toMatchObject({ status: 403 });
        refused++;
      });
      time += 500;
      // The cache looks at the clock once a millisecond at most.
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    await expect(server.callerOf(key)).rejects.toMatchObject({ status: 403 });
    // It was not asked of the store each time: that is what the cache is for.
    expect(refused).toBeLessThan(3);
  });

  it("that this process revokes is refused at once (A12)", async () => {
    const [server] = two();
    const { key, record } = await server.create(all, "test");
    expect(await server.callerOf(key)).toMatchObject({ keyId: record.id, tenant: "t" });
    await server.change(record.id, { status: "revoked" }, "test");
    await expect(server.callerOf(key)).rejects.toMatchObject({ status: 403 });
  });

  it("keeps what two processes change at once", async () => {
    const [server, command] = two();
    const { record } = await server.create(all, "test");
    await Promise.all([
      server.change(record.id, { status: "suspended" }, "a"),
      command.change(record.id, { name: "other" }, "b"),
      server.rotate(record.id, "c"),
    ]);
    const [now] = await command.list();
    expect(now).toMatchObject({ status: "suspended", name: "other", secrets: [{}, {}] });
  });
});

describe("the pepper", () => {
  it("is made once, and is for its owner alone to read", () => {
    const data = temporary();
    const pepper = pepperOf(data, "");
    expect(pepper).toMatch(/^[\w-]{43}$/);
    expect(pepperOf(data, "")).toBe(pepper);
    expect(statSync(join(data, "pepper")).mode & 0o777).toBe(0o600);
    expect(pepperOf(data, "the operator's own")).toBe("the operator's own");
  });

  it("that was cut is refused, and not replaced", () => {
    const data = temporary();
    writeFileSync(join(data, "pepper"), "");
    expect(() => pepperOf(data, "")).toThrow("32 characters");
    expect(readFileSync(join(data, "pepper"), "utf8")).toBe("");
  });
});
