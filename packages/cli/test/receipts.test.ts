import { readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { explainReceipt } from "@oscillink/core";
import { describe, expect, test } from "vitest";
import { folder, jsonl, NOTES, oscillink, printed, QUESTION } from "./run.ts";

const cwd = folder({ "notes.jsonl": jsonl(NOTES) });
const asked = ["-q", QUESTION, "--lexical"];
const read = (file: string) => readFileSync(join(cwd, file), "utf8");
const generated = await printed(["keys", "generate"], { cwd });
await printed(["keys", "generate", "other"], { cwd });
await printed(["rerank", "notes.jsonl", ...asked, "--receipt", "plain.json"], { cwd });
const sign = ["--receipt", "signed.json", "--sign", "oscillink.private.pem"];
await printed(["rerank", "notes.jsonl", ...asked, ...sign], { cwd });

const verify = (...args: string[]) => oscillink(["verify", ...args], { cwd });
const KEY = ["--key", "oscillink.public.pem"];

describe("keys", () => {
  const [, id] = /^key ([0-9a-f]{16})$/m.exec(generated)!;

  test("generate makes two files, the private one for its owner alone", () => {
    expect(read("oscillink.public.pem")).toMatch(/^-----BEGIN PUBLIC KEY-----/);
    expect(read("oscillink.private.pem")).toMatch(/^-----BEGIN PRIVATE KEY-----/);
    if (process.platform !== "win32")
      expect(statSync(join(cwd, "oscillink.private.pem")).mode & 0o777).toBe(0o600);
  });

  test("generate overwrites nothing", async () => {
    const before = read("oscillink.private.pem");
    const { code, stderr } = await oscillink(["keys", "generate"], { cwd });
    expect({ code, stderr }).toEqual({
      code: 3,
      stderr: "error: oscillink.private.pem: is there already, and is not overwritten\n",
    });
    expect(read("oscillink.private.pem")).toBe(before);
  });

  test("show prints the public half of either", async () => {
    const shown = await printed(["keys", "show", "oscillink.public.pem"], { cwd });
    expect(shown).toBe(`key ${id}\n${read("oscillink.public.pem")}`);
    expect(await printed(["keys", "show", "oscillink.private.pem"], { cwd })).toBe(shown);
    const jwk = await printed(["keys", "show", "oscillink.private.pem", "--format", "jwk"], { cwd });
    expect(JSON.parse(jwk.split("\n")[1]!)).toEqual({ kty: "OKP", crv: "Ed25519", x: expect.any(String) });
  });

  test("a file that is no key is refused", async () => {
    const { code, stderr } = await oscillink(["keys", "show", "notes.jsonl"], { cwd });
    expect(code).toBe(3);
    expect(stderr).toMatch(/^error: notes\.jsonl:/);
  });
});

describe("verify", () => {
  test("tells a signed receipt by its key", async () => {
    const { code, stdout } = await verify("signed.json", ...KEY);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^valid: signed by the key [0-9a-f]{16}\n$/);
    expect(await oscillink(["verify", "-", ...KEY], { cwd, stdin: read("signed.json") })).toMatchObject({
      code: 0,
      stdout,
    });
  });

  test("without a key tells whether it is intact, and that no signature was checked", async () => {
    expect(await verify("plain.json")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("it is not signed"),
    });
    expect(await verify("signed.json")).toMatchObject({
      code: 0,
      stdout: expect.stringContaining("was not checked"),
    });
  });

  test("replays it on its candidates", async () => {
    const { code, stdout } = await verify("signed.json", ...KEY, "--candidates", "notes.jsonl", ...asked);
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringContaining("replayed: the same candidates"),
    });
  });

  const changed = { ...JSON.parse(read("plain.json")), deltaH_total: 7 };
  writeFileSync(join(cwd, "changed.json"), JSON.stringify(changed));
  const envelope = JSON.parse(read("signed.json"));
  const payload = Buffer.from(envelope.payload, "base64").toString().replace('"rank":1', '"rank":1 ');
  writeFileSync(
    join(cwd, "forged.json"),
    JSON.stringify({ ...envelope, payload: Buffer.from(payload).toString("base64") }),
  );
  writeFileSync(join(cwd, "fewer.jsonl"), jsonl(NOTES.slice(1)));

  test.each([
    ["another key", ["signed.json", "--key", "other.public.pem"], "key"],
    ["no signature", ["plain.json", ...KEY], "no-signature"],
    ["a changed figure", ["changed.json"], "digest"],
    ["a changed payload", ["forged.json", ...KEY], "signature"],
    [
      "other candidates",
      ["signed.json", ...KEY, "--candidates", "fewer.jsonl", ...asked],
      "replay-inputs (inputs.candidates, inputs.ids, inputs.n, ",
    ],
    [
      "another question",
      ["signed.json", "--candidates", "notes.jsonl", "-q", "Who?", "--lexical"],
      "replay-inputs (inputs.query, ",
    ],
  ])("ends with 1 and the reason: %s", async (_, args, reason) => {
    const { code, stdout } = await verify(...args);
    expect({ code, stdout }).toEqual({ code: 1, stdout: expect.stringContaining(`not valid: ${reason}`) });
  });

  test.each([
    ["a file that is not there", ["none.json"], "none.json: there is no such file or folder"],
    ["no JSON", ["notes.jsonl"], "notes.jsonl:2:1: is no JSON"],
    ["another document", ["other.json"], "other.json: holds no receipt"],
    [
      "a private key in place of the public one",
      ["signed.json", "--key", "oscillink.private.pem"],
      "oscillink.private.pem: is the private key: give the public one",
    ],
  ])("ends with 3: %s", async (_, args, message) => {
    writeFileSync(join(cwd, "other.json"), "{}");
    const { code, stdout, stderr } = await verify(...args);
    expect({ code, stdout }).toEqual({ code: 3, stdout: "" });
    expect(stderr).toContain(message);
  });
});

describe("explain", () => {
  test.each(["plain.json", "signed.json"])("says what core says of %s", async (file) => {
    const lines = explainReceipt(JSON.parse(read("plain.json")));
    expect(await printed(["explain", file], { cwd })).toBe(`${lines.join("\n")}\n`);
  });

  test("writes a page that shows the candidates and has the key, and says where", async () => {
    const args = ["explain", "signed.json", "--html", "why.html", "--key", "oscillink.public.pem"];
    const { code, stdout, stderr } = await oscillink([...args, "--candidates", "notes.jsonl", "--lexical"], {
      cwd,
    });
    expect({ code, stdout, stderr }).toEqual({
      code: 0,
      stdout: "",
      stderr: "why.html: written; open it in a browser\n",
    });
    const page = read("why.html");
    expect(page).toMatch(/^<!doctype html>/);
    expect(page).toContain(JSON.parse(read("plain.json")).digest);
    expect(page).toContain("BEGIN PUBLIC KEY");
  });

  test.each([
    [["--key", "oscillink.public.pem"], 2, "--key is for the page of --html FILE"],
    [["--html", "why.html", "--key", "oscillink.private.pem"], 3, "oscillink.private.pem: "],
    [["--html", "none/why.html"], 3, "none/why.html: "],
    [["--html", "why.html", "--candidates", "none.jsonl"], 3, "none.jsonl: "],
  ])("refuses %j", async (args, code, message) => {
    const answer = await oscillink(["explain", "signed.json", ...args], { cwd });
    expect(answer).toMatchObject({ code, stdout: "" });
    expect(answer.stderr).toContain(message);
  });

  test("ends with 3 for what is no receipt", async () => {
    const { code, stderr } = await oscillink(["explain"], { cwd });
    expect({ code, stderr }).toMatchObject({ code: 2 });
    expect(await oscillink(["explain", "-"], { stdin: "[]" })).toMatchObject({
      code: 3,
      stderr: expect.stringContaining("stdin: holds no receipt"),
    });
  });
});
