import { createConfig, lintFromString } from "@redocly/openapi-core";
import { Ajv } from "ajv";
import { expect, it } from "vitest";
import { testServer } from "./testing.ts";

const PORTS = ["app", "admin"] as const;

it.each(PORTS)(
  "the document of %s is of OpenAPI 3.1, and lints clean (A1)",
  { timeout: 30_000 },
  async (port) => {
    const server = await testServer({ AUTH: "keys" });
    const document = (await server[port].inject("/openapi.json")).json();
    expect(document.openapi).toBe("3.1.0");
    const config = await createConfig({
      extends: ["recommended"],
      rules: { "operation-4xx-response": "off" },
    });
    const problems = await lintFromString({ source: JSON.stringify(document), config });
    const said = problems.map(
      ({ severity, ruleId, message, location }) =>
        `${severity} ${ruleId} ${location[0]?.pointer}: ${message}`,
    );
    expect(said).toEqual([]);
  },
);

/** Pages for people, the document itself, and what the protocol of assistants has no more. */
const HIDDEN = /^(HEAD|GET \/$|GET \/reference|GET \/openapi.json$|(GET|DELETE) \/mcp$)/;

/** The routes of a tree as Fastify draws it: each line continues the line that it hangs from. */
function routesOf(tree: string): string[] {
  const above: string[] = [];
  return tree.split("\n").flatMap((line) => {
    const [, indent, part, methods] = /^([ │├└─]*)(\S+) \(([A-Z, ]+)\)$/.exec(line) ?? [];
    if (indent === undefined) return [];
    const depth = indent.length / 4;
    above.length = depth;
    above[depth] = (above[depth - 1] ?? "") + part!;
    const url = above[depth].replace(/:(\w+)/g, "{$1}");
    return methods!.split(", ").map((method) => `${method} ${url}`);
  });
}

it.each(PORTS)("every route of %s is in its document (A1)", async (port) => {
  const server = await testServer();
  const { paths } = (await server[port].inject("/openapi.json")).json();
  const routes = routesOf(server[port].printRoutes({ commonPrefix: false })).filter(
    (route) => !HIDDEN.test(route),
  );
  const documented = Object.entries(paths as Record<string, object>).flatMap(([path, operations]) =>
    Object.keys(operations).map((method) => `${method.toUpperCase()} ${path}`),
  );
  expect(routes.length).toBeGreaterThan(9);
  expect(documented.sort()).toEqual(routes.sort());
});

it("what is said of a receipt has a schema for each type, and examples that fit it", async () => {
  const server = await testServer();
  const { paths } = (await server.app.inject("/openapi.json")).json();
  const { content } = paths["/v1/oscillink/explain"].post.responses[200];
  expect(Object.keys(content)).toEqual(["text/html", "application/json"]);
  const verdict = paths["/v1/oscillink/verify"].post.responses[200].content["application/json"].schema;
  for (const schema of [content["application/json"].schema, verdict]) {
    const validate = new Ajv({ strict: false }).compile({ ...schema, additionalProperties: false });
    expect(schema.examples.length).toBeGreaterThan(0);
    for (const example of schema.examples) expect(validate(example), JSON.stringify(example)).toBe(true);
  }
});

it("the page of the reference is there, and open", async () => {
  const server = await testServer({ AUTH: "keys" });
  const page = await server.app.inject("/reference/");
  expect(page.statusCode).toBe(200);
  expect(page.body).toContain("swagger-ui");
});
