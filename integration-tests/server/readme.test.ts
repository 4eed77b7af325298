/** The README's requests, as a reader would send them, and what they print there. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test } from "vitest";
import { SETTINGS } from "../../packages/server/src/config/load.ts";
import { runServer } from "./running.ts";

const execute = promisify(execFile);
const readme = readFileSync(
  fileURLToPath(new URL("../../packages/server/README.md", import.meta.url)),
  "utf8",
);
const requests = [...readme.matchAll(/```sh\n(curl [\s\S]*?)```\n```json\n([\s\S]*?)```/g)];

let server: Awaited<ReturnType<typeof runServer>>;
beforeAll(async () => {
  server = await runServer();
});
afterAll(() => server[Symbol.asyncDispose]());

test("there are requests", () => expect(requests.length).toBeGreaterThan(1));

test.each(requests.map(([, command, printed]) => [command!.slice(0, 60), command!, printed!]))(
  "%s",
  async (_, command, printed) => {
    const here = command.replace("http://127.0.0.1:8080", server.url);
    const { stdout } = await execute("bash", ["-c", here], {
      env: { ...process.env, KEY: server.firstKey! },
    });
    // Every request has an id of its own.
    const plain = (text: string) => ({ ...JSON.parse(text), id: "" });
    expect(plain(stdout)).toEqual(plain(printed));
  },
);

test("docs/server.md lists every setting as it is", () => {
  const page = readFileSync(fileURLToPath(new URL("../../docs/server.md", import.meta.url)), "utf8");
  const rows = SETTINGS.map(({ variable, schema }) => {
    const value =
      typeof schema.default === "object" ? JSON.stringify(schema.default) : String(schema.default);
    return `| \`${variable}\` | ${value === "" ? "" : `\`${value}\``} | ${schema.description} |`;
  });
  const found = page.split("\n").filter((line) => line.startsWith("| `OSCILLINK_"));
  expect(found).toEqual(rows);
});
