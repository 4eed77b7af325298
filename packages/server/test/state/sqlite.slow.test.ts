/** The embedded driver: the contract, and what is its own. */
import { statSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { fileURLToPath } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { openState } from "../../src/state/sqlite/open.ts";
import { base64, bearer, makeServer, pool, post, temporary } from "../testing.ts";
import { durableContract, type Opened } from "./durable.contract.ts";
import { netsToZero } from "./killed.ts";
import { sharedContract } from "./shared.contract.ts";

async function open(): Promise<Opened> {
  const path = join(temporary(), "state.db");
  let state = openState(path);
  onTestFinished(() => state.close());
  return {
    state,
    async reopen() {
      await state.close();
      state = openState(path);
      return state;
    },
  };
}

durableContract("SQLite", open);
sharedContract("SQLite", open);

describe("a file of SQLite", () => {
  const audit = (what: string) => ({ at: 0, who: "command", what, about: "" });

  it("of a later version is left alone", async () => {
    const path = join(temporary(), "state.db");
    await openState(path).close();
    const sql = new DatabaseSync(path);
    sql.exec("PRAGMA user_version = 99");
    expect(() => openState(path)).toThrow("the store is of version 99");
    expect(sql.prepare("PRAGMA user_version").get()).toEqual({ user_version: 99 });
    sql.close();
  });

  it("that is none is refused, and not written to", () => {
    const path = fileURLToPath(import.meta.url);
    const before = statSync(path).size;
    expect(() => openState(path)).toThrow("not a database");
    expect(statSync(path).size).toBe(before);
  });

  it("has what was asked for in one turn when it is closed", async () => {
    const { state, reopen } = await open();
    const written = Promise.all([1, 2, 3].map((i) => state.durable.audit.add(audit(String(i)))));
    const { durable } = await reopen();
    await written;
    expect(await durable.audit.rows(9)).toHaveLength(3);
  });

  it("that another process holds refuses after a while, all of a group alike, and works again then", async () => {
    const path = join(temporary(), "state.db");
    const state = openState(path);
    const other = new DatabaseSync(path);
    other.exec("BEGIN IMMEDIATE");
    const answers = await Promise.allSettled([1, 2].map((i) => state.durable.audit.add(audit(String(i)))));
    expect(answers.map(({ status }) => status)).toEqual(["rejected", "rejected"]);
    expect(await state.ready()).toBe(false);
    other.exec("ROLLBACK");
    await state.durable.audit.add(audit("3"));
    expect(await state.ready()).toBe(true);
    expect((await state.durable.audit.rows(9)).map(({ what }) => what)).toEqual(["3"]);
    other.close();
    await state.close();
  });

  it("that does not answer makes metered requests 503, and others none the worse", async () => {
    const data = temporary();
    const server = await makeServer({ AUTH: "keys" }, data);
    const { query, embeddings } = pool(5, 4);
    const body = {
      query: base64(query),
      candidates: embeddings.map((one, i) => ({ id: String(i), embedding: base64(one) })),
    };
    const ask = () => post(server, "/v1/oscillink/rerank", body, bearer(server.firstKey!));
    expect((await ask()).status).toBe(200);
    const other = new DatabaseSync(join(data, "state.db"));
    other.exec("BEGIN IMMEDIATE");
    const refused = await ask();
    expect(refused).toMatchObject({ status: 503, headers: { "retry-after": "1" } });
    expect(refused.text).not.toMatch(/sqlite|database|locked/i);
    expect((await server.app.inject("/livez")).statusCode).toBe(200);
    expect((await server.app.inject("/readyz")).statusCode).toBe(503);
    other.exec("ROLLBACK");
    expect((await ask()).status).toBe(200);
    expect((await server.app.inject("/readyz")).statusCode).toBe(200);
    other.close();
    await server.close();
  }, 30_000);

  it("nets to 0 however often its process is killed (A22): two kills", () => netsToZero(2, 300), 60_000);
});
