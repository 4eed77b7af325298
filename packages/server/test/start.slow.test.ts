/** How the command begins, where it must not, and what it says then. */
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, openSync, readdirSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readKey } from "../src/keys/form.ts";
import { QUIET, run, start } from "./command.ts";
import { temporary } from "./testing.ts";

/** Root may do anything: tests of rights are run as nobody in particular. */
const POWERLESS = [
  "setpriv",
  "--reuid",
  "65532",
  "--regid",
  "65532",
  "--clear-groups",
  "--bounding-set",
  "-all",
];
const AS_ROOT = process.getuid?.() === 0;

const serve = (data: string, ...flags: string[]) => ["serve", ...QUIET, "--data", data, ...flags];

describe("a data folder is one server's", () => {
  it("a second ends with 69 before it opens a port; after kill -9 of the first it starts", async () => {
    const data = temporary();
    const first = await start(serve(data));
    const refused = await run(serve(data));
    expect(refused.code).toBe(69);
    expect(refused.said).toMatch(/^oscillink-server: data: another server works in .*\n$/);
    expect((await fetch(`${first.url}/livez`)).status).toBe(200);
    first.child.kill("SIGKILL");
    await once(first.child, "exit");
    const second = await start(serve(data));
    expect((await fetch(`${second.url}/readyz`)).status).toBe(200);
    second.child.kill("SIGTERM");
    expect(await once(second.child, "exit")).toEqual([0, null]);
  });

  it("of several that start at once one does", async () => {
    const data = temporary();
    const all = await Promise.allSettled(Array.from({ length: 4 }, () => start(serve(data))));
    expect(all.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const one of all)
      if (one.status === "rejected") expect(String(one.reason)).toContain("another server");
  });

  it("commands work beside it, and it hears of what they change", async () => {
    const data = temporary();
    const { url, key } = await start(serve(data));
    const on = ["--data", data];
    const made = (await run(["keys", "create", ...on, "--units", "500", "--days", "3"])).out.trim();
    const models = async (own: string) =>
      (await fetch(`${url}/v1/models`, { headers: { authorization: `Bearer ${own}` } })).status;
    expect([await models(key), await models(made)]).toEqual([200, 200]);
    expect(await run(["keys", "revoke", readKey(made)!.id, ...on])).toMatchObject({ code: 0 });
    await expect.poll(() => models(made), { timeout: 6000 }).toBe(403);
    for (const command of [["keys", "list"], ["usage"], ["audit"], ["jobs"], ["doctor", "--threads", "1"]])
      expect(await run([...command, ...on])).toMatchObject({ code: 0, said: "" });
  });
});

describe("the list of keys", () => {
  it("tells limits and ends, and a name moves no line", async () => {
    const data = temporary();
    const made = await run([
      ...["keys", "create", "--data", data, "--units", "500", "--burst", "0", "--days", "3"],
      ...["--name", "two\nlines"],
    ]);
    const { id } = readKey(made.out.trim())!;
    const { out } = await run(["keys", "list", "--data", data]);
    const [head, row, ...more] = out.trimEnd().split("\n");
    expect(more).toEqual([]);
    expect(head!.split(/ {2,}/)).toEqual([
      ...["key", "status", "tenant", "name", "scopes", "units", "a month", "burst", "expires"],
    ]);
    const until = new Date(Date.now() + 3 * 24 * 3_600_000).toISOString().slice(0, 10);
    expect(row!.split(/ {2,}/)).toEqual([
      ...[id, "active", "default", "two lines", "rerank jobs feedback", "500", "default", "0"],
      expect.stringContaining(until),
    ]);
    expect(row!.indexOf("500")).toBe(head!.indexOf("units"));
  });
});

describe("a data folder that cannot be one", () => {
  it.each(["keys list", "keys rotate x", "usage", "audit", "jobs", "backup copy"])(
    "%s makes no store where there is none",
    async (command) => {
      const data = join(temporary(), "misspelt");
      const { code, said } = await run([...command.split(" "), "--data", data]);
      expect(said).toMatch(/^oscillink-server: data: there is no store in .*misspelt: .*\n$/);
      expect([code, existsSync(data)]).toEqual([78, false]);
    },
  );

  it("is tried before there is a store, and none is made", async () => {
    const data = join(temporary(), "new");
    const { code, out } = await run(["doctor", "--data", data]);
    expect(out).toContain("none yet");
    expect([code, existsSync(data)]).toEqual([0, false]);
  });

  it("is copied to a folder that is not there, and over none that is", async () => {
    const [data, copy] = [join(temporary(), "data"), join(temporary(), "copy")];
    await run(["keys", "create", "--data", data]);
    expect(await run(["backup", copy, "--data", data])).toMatchObject({ code: 0 });
    const listed = await run(["keys", "list", "--data", copy]);
    expect(listed).toEqual(await run(["keys", "list", "--data", data]));
    const again = await run(["backup", copy, "--data", data]);
    expect(again).toMatchObject({ code: 64, said: expect.stringContaining("exists already") });
  });

  it.each([
    ["a file", (path: string) => writeFileSync(path, ""), 78, "is a file, and must be a folder"],
    [
      "a folder with a state.db of another kind",
      (path: string) => {
        mkdirSync(path);
        writeFileSync(
          join(path, "state.db"),
          "a text that is longer than the head of a file of SQLite".repeat(9),
        );
      },
      74,
      "is no database of SQLite",
    ],
    [
      "a store that is damaged",
      async (path: string) => {
        await run(["keys", "create", "--data", path]);
        const file = openSync(join(path, "state.db"), "r+");
        writeSync(file, Buffer.alloc(3000, 255), 0, 3000, 100);
      },
      74,
      "is damaged",
    ],
    [
      "a store whose pepper was cut",
      async (path: string) => {
        await run(["keys", "create", "--data", path]);
        writeFileSync(join(path, "pepper"), "");
      },
      74,
      "must hold 32 characters",
    ],
  ] as const)("%s is named in one line", async (_, make, code, what) => {
    const data = join(temporary(), "data");
    await make(data);
    for (const command of [serve(data), ["keys", "create", "--data", data]]) {
      const ended = await run(command);
      expect(ended).toMatchObject({ code, out: "" });
      expect(ended.said).toMatch(/^oscillink-server: data: [^\n]*\n$/);
      expect(ended.said).toContain(what);
    }
  });

  it.skipIf(process.platform === "win32")("one that this user may not write to ends with 77", async () => {
    const root = temporary();
    chmodSync(root, 0o755);
    const data = join(root, "data");
    mkdirSync(data);
    chmodSync(data, 0o555);
    for (const place of [data, join(data, "within")]) {
      const { code, said } = await run(serve(place), AS_ROOT ? POWERLESS : []);
      expect(said).toMatch(/^oscillink-server: data: .* must be for this user to read and write[^\n]*\n$/);
      expect(code).toBe(77);
    }
    expect(readdirSync(data)).toEqual([]);
  });

  it.runIf(process.platform === "linux" && AS_ROOT)("one on a full disk ends with 74", async () => {
    const data = temporary();
    for (const size of ["8k", "64k"]) {
      const script = 'mount -t tmpfs -o size="$1" tmpfs "$2" && shift 2 && exec "$@"';
      const ended = await run(serve(data), ["unshare", "-m", "sh", "-c", script, "sh", size, data]);
      expect(ended.said).toMatch(/^oscillink-server: data: .*(disk is full|or is full)\n$/);
      expect(ended.code).toBe(74);
    }
  });
});

describe("a port that cannot be opened", () => {
  it.each([
    [
      "an address of another machine",
      ["--host", "1.2.3.4"],
      78,
      "host: 1.2.3.4 is no address of this machine",
    ],
    ["the same for the second port", ["--admin-host", "1.2.3.4"], 78, "adminHost: 1.2.3.4 is no address"],
    [
      "a name that there is not",
      ["--host", "there-is-none.invalid"],
      78,
      "host: the name there-is-none.invalid",
    ],
  ])("%s ends with 78", async (_, flags, code, what) => {
    const { said, ...ended } = await run(serve(temporary(), ...flags));
    expect(said).toContain(`oscillink-server: ${what}`);
    expect(said.trimEnd().split("\n")).toHaveLength(2);
    expect(ended.code).toBe(code);
  });

  it.runIf(process.platform === "linux" && AS_ROOT)("one that asks for rights ends with 77", async () => {
    const data = temporary();
    chmodSync(data, 0o777);
    // In a network of its own the first 1024 ports are the administrator's, whatever they are outside.
    const script =
      'ip link set lo up 2>/dev/null; sysctl -qw net.ipv4.ip_unprivileged_port_start=1024; exec "$@"';
    const { code, said } = await run(serve(data, "--port", "80"), [
      "unshare",
      "-n",
      "sh",
      "-c",
      script,
      "sh",
      ...POWERLESS,
    ]);
    expect(said).toContain("oscillink-server: port: this user may not listen at port 80");
    expect(code).toBe(77);
  });
});
