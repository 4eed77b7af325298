/** Whose address is held off, with proxies as they are in the field between client and server (A25). */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { childServer } from "../servers/child.ts";
import { startCommand } from "./command.ts";

const folder = mkdtempSync(join(tmpdir(), "oscillink-proxies-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** Keys that are not good, of an address in a minute. */
const MOST = 3;

/** What a proxy is told, so that it serves a server on a port, as its manual says that addresses are handed on. */
const nginx = (port: number, server: string): string => `
pid ${folder}/nginx.pid;
error_log stderr;
daemon off;
events {}
http {
  access_log off;
  client_body_temp_path ${folder}/body;
  proxy_temp_path ${folder}/proxy;
  fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi;
  scgi_temp_path ${folder}/scgi;
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://${server};
      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
    }
  }
}
`;

const haproxy = (port: number, server: string): string => `
defaults
  mode http
  option forwardfor
  timeout connect 5s
  timeout client 30s
  timeout server 30s
frontend clients
  bind 127.0.0.1:${port}
  default_backend servers
backend servers
  server one ${server}
`;

const PROXIES = [
  ["nginx", nginx, ["-v"], (file: string) => ["-e", "stderr", "-c", file]],
  ["haproxy", haproxy, ["-v"], (file: string) => ["-f", file]],
] as const;

/** Why a proxy cannot be run here; null if it can. @throws where none may be missing. */
function whyNot(command: string, flags: readonly string[]): string | null {
  try {
    execFileSync(command, flags, { stdio: "ignore" });
    return null;
  } catch (error) {
    if (process.env.CI || process.env.EVERY_RUNTIME) throw error;
    return `there is no ${command} here`;
  }
}

/** The status of a request with a key that is not good, from an address of this machine. @param forged what it says of where it came from. */
function attempt(url: string, from: string, forged: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const headers = { authorization: "Bearer no-key", "x-forwarded-for": forged };
    // A connection of its own: others may come from elsewhere.
    request(`${url}/v1/models`, { localAddress: from, headers, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode!);
    })
      .once("error", reject)
      .end();
  });
}

/** Each says that it came from somewhere else. */
async function attempts(url: string, from: string, n: number): Promise<number[]> {
  const statuses = [];
  for (let i = 0; i < n; i++) statuses.push(await attempt(url, from, `203.0.113.${i}`));
  return statuses;
}

const held = [...Array(MOST).fill(401), 429, 429];
const limit = ["--limits-address-burst", String(MOST)];

// Linux has all of 127.0.0.0/8; elsewhere there is one address of the machine's own.
describe.runIf(process.platform === "linux")("an address that tries many keys is held off (A25)", () => {
  test("whatever it writes into X-Forwarded-For, where no proxy is trusted", async () => {
    await using server = await startCommand(limit);
    expect(await attempts(server.url, "127.0.0.2", MOST + 2)).toEqual(held);
    expect(await attempt(server.url, "127.0.0.3", "203.0.113.1")).toBe(401);
  });

  test.for(PROXIES)(
    "behind %s: its own, and no other",
    async ([command, configuration, probe, flags], { skip }) => {
      const missing = whyNot(command, probe);
      if (missing !== null) skip(missing);
      await using server = await startCommand([...limit, "--trust-proxy", "127.0.0.1"]);
      const file = join(folder, `${command}.conf`);
      const argsOf = (port: number) => {
        writeFileSync(file, configuration(port, new URL(server.url).host));
        return flags(file);
      };
      await using proxy = await childServer(command, argsOf, "/livez");
      expect(await attempts(proxy.address, "127.0.0.2", MOST + 2)).toEqual(held);
      // Another client of the same proxy is counted by itself, and a good key is taken.
      expect(await attempts(proxy.address, "127.0.0.3", MOST + 2)).toEqual(held);
      const headers = { authorization: `Bearer ${server.key}` };
      expect((await fetch(`${proxy.address}/v1/models`, { headers })).status).toBe(200);
      // Who goes around the proxy is no proxy: what it writes is not believed.
      expect(await attempts(server.url, "127.0.0.4", MOST + 2)).toEqual(held);
    },
  );
});
