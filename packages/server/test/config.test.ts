import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { type AddressInfo, createServer } from "node:net";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { ConfigError, loadConfig, SETTINGS, shown } from "../src/config/load.ts";
import { temporary } from "./testing.ts";

/** What is wrong with an environment. */
function faultsOf(environment: Record<string, string>, file?: string): readonly string[] {
  try {
    loadConfig({ environment, file });
    return [];
  } catch (error) {
    expect(error).toBeInstanceOf(ConfigError);
    return (error as ConfigError).faults;
  }
}

describe("bad values are named as they were written (A27)", () => {
  const wrong = SETTINGS.filter(({ schema }) => schema.type !== "string" && schema.type !== "array");
  it.each(wrong.map(({ variable }) => [variable]))("%s", (variable) => {
    const [fault] = faultsOf({ [variable]: "100/min" });
    expect(fault).toMatch(new RegExp(`^${variable}: must be .*, not `));
  });

  it.each([
    ["True for a flag", { OSCILLINK_LEARNING: "True" }, "OSCILLINK_LEARNING: must be true or false"],
    ["an unknown name", { OSCILLINK_RATE_LIMITS: "5" }, "OSCILLINK_RATE_LIMITS: is no setting"],
    ["more than a header field can tell", { OSCILLINK_LIMITS_UNITS: "10000000000000000" }, "must be at most"],
    ["a misspelt one", { OSCILLINK_BODY_BYTES: "5" }, "did you mean OSCILLINK_LIMITS_BODY_BYTES?"],
    [
      "no authentication at all addresses (A16)",
      { OSCILLINK_AUTH: "none", OSCILLINK_HOST: "0.0.0.0" },
      "OSCILLINK_AUTH",
    ],
    ["more values than bytes (F20)", { OSCILLINK_LIMITS_BODY_BYTES: "1048576" }, "limits.values"],
    ["a request that may cost more than a job", { OSCILLINK_LIMITS_JOB_MS: "10" }, "OSCILLINK_LIMITS_JOB_MS"],
    [
      "a URL that is none",
      { OSCILLINK_MODELS_EMBED_URL: "embedder:80" },
      "OSCILLINK_MODELS_EMBED_URL: must be a URL",
    ],
    ["an embedder without a model", { OSCILLINK_MODELS_EMBED_URL: "http://e/v1" }, "models.embedModel"],
    ["an alias without a model", { OSCILLINK_MODELS_ALIASES: "rerank-v3.5" }, "OSCILLINK_MODELS_ALIASES"],
    ["a default that is no model", { OSCILLINK_MODELS_DEFAULT: "nope" }, "there is no model nope"],
    ["an alias of no model", { OSCILLINK_MODELS_ALIASES: "rerank-v3.5=nope" }, "there is no model nope"],
    [
      "a model that was not set up",
      { OSCILLINK_MODELS_DEFAULT: "oscillink-embed" },
      "oscillink-embed needs models.embedUrl",
    ],
    ["a published name", { OSCILLINK_MAX_NODES: "many" }, "OSCILLINK_MAX_NODES: must be an integer"],
  ] as const)("%s", (_, environment, said) => {
    expect(faultsOf(environment).join("\n")).toContain(said);
  });

  it("tells all of them at once", () => {
    expect(faultsOf({ OSCILLINK_PORT: "x", OSCILLINK_THREADS: "-1" })).toHaveLength(2);
  });

  it("never shows a secret, not even a wrong one", () => {
    const secret = "hunter2-hunter2";
    expect(faultsOf({ OSCILLINK_PEPPER: secret }).join()).not.toContain(secret);
    const config = loadConfig({
      environment: { OSCILLINK_PEPPER: secret.repeat(3), OSCILLINK_MODELS_EMBED_KEY: secret },
    });
    expect(JSON.stringify(shown(config))).not.toContain(secret);
  });
});

describe("where values come from", () => {
  it("a flag is over the environment, that over a file, and that over the defaults", () => {
    const file = join(temporary(), "config.json");
    writeFileSync(file, JSON.stringify({ port: 1, threads: 3, limits: { width: 8 } }));
    const config = loadConfig({
      file,
      environment: { OSCILLINK_PORT: "2", OSCILLINK_THREADS: "4" },
      flags: { port: "5" },
    });
    expect([config.port, config.threads, config.limits.width, config.limits.documents]).toEqual([
      5, 4, 8, 2000,
    ]);
  });

  it.each([
    ["is not there", null, "is not there"],
    ["is no JSON", "{", "is no JSON"],
    ["holds an unknown name", '{"limits":{"widths":3}}', "limits.widths"],
    ["holds a text for a number", '{"port":"80"}', "port in"],
  ])("a file that %s is refused", (_, content, said) => {
    const file = join(temporary(), "config.json");
    if (content !== null) writeFileSync(file, content);
    expect(faultsOf({}, file).join()).toContain(said);
  });
});

it("the command ends with 78, names the value, and opens no port (A27)", async () => {
  const main = new URL("../src/main.ts", import.meta.url).pathname;
  const child = spawn(process.execPath, [main, "--limits-width", "wide", "--data", temporary()]);
  let said = "";
  child.stderr.on("data", (chunk) => {
    said += chunk;
  });
  const [code] = await once(child, "exit");
  expect({ code, said }).toEqual({
    code: 78,
    said: 'oscillink-server: --limits-width: must be an integer, not "wide"\n',
  });
});

it("the command ends with 69 where its port is taken, and says so", async () => {
  const taken = createServer().listen(0, "127.0.0.1");
  await once(taken, "listening");
  const { port } = taken.address() as AddressInfo;
  const main = new URL("../src/main.ts", import.meta.url).pathname;
  const flags = [
    "--port",
    String(port),
    "--admin-port",
    "0",
    "--auth",
    "none",
    "--threads",
    "1",
    "--data",
    temporary(),
  ];
  const child = spawn(process.execPath, [main, ...flags, "--log-level", "silent"]);
  let said = "";
  child.stderr.on("data", (chunk) => {
    said += chunk;
  });
  const [code] = await once(child, "exit");
  taken.close();
  expect(code).toBe(69);
  expect(said).toContain("address already in use");
}, 20_000);
