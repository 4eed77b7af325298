/** The log goes to stdout, and a server does not depend on who reads it. */
import { once } from "node:events";
import { openSync } from "node:fs";
import { expect, it } from "vitest";
import { QUIET, type Running, start } from "./command.ts";
import { temporary } from "./testing.ts";

const flags = () => ["--auth", "none", "--data", temporary(), ...QUIET, "--log-level", "info"];

/** It answers, for as long as lines would have been written, and ends when it is told to. */
async function goesOn({ child, url }: Running): Promise<void> {
  for (let i = 0; i < 200; i++) expect((await fetch(`${url}/v1/models`)).status).toBe(200);
  child.kill("SIGTERM");
  expect(await once(child, "exit")).toEqual([0, null]);
}

it("a closed pipe under stdout ends the log and not the server", async () => {
  const server = await start(flags(), "pipe");
  await fetch(`${server.url}/v1/models`);
  server.child.stdout!.destroy();
  await goesOn(server);
}, 60_000);

it.runIf(process.platform === "linux")(
  "a full disk under stdout ends the log and not the server",
  async () => {
    await goesOn(await start(flags(), openSync("/dev/full", "w")));
  },
  60_000,
);

it("a pipe that nobody reads holds up no request", async () => {
  const { url } = await start(flags(), "pipe");
  // More than fits a pipe.
  for (let i = 0; i < 3000; i++) expect((await fetch(`${url}/v1/models`)).status).toBe(200);
}, 60_000);
