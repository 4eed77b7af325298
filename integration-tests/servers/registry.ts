import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

/** What a publish sends: the manifest of each version, and the files in base64. */
interface Publication {
  readonly versions: Readonly<Record<string, Published>>;
  readonly _attachments: Readonly<Record<string, { readonly data: string }>>;
}

/** The manifest of a version, as far as the tests read it. */
interface Published {
  readonly name: string;
  readonly version: string;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly repository?: { readonly directory?: string };
}

/**
 * A package registry on this machine that knows no package before it is published, takes what is published, and keeps
 * the tarballs in a folder under their file names.
 */
export async function startRegistry(tarballs: string) {
  const published: Published[] = [];
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk);
    if (request.method === "PUT") {
      const { versions, _attachments }: Publication = JSON.parse(Buffer.concat(chunks).toString());
      published.push(...Object.values(versions));
      for (const [name, { data }] of Object.entries(_attachments)) {
        writeFileSync(join(tarballs, name.slice(1).replace("/", "-")), Buffer.from(data, "base64"));
      }
    }
    const status = request.method === "PUT" ? 201 : 404;
    response.writeHead(status, { "content-type": "application/json" }).end("{}");
  });
  await new Promise<void>((done) => server.listen(0, "127.0.0.1", done));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    /** The manifests, in the order in which they came. */
    published,
    [Symbol.asyncDispose]: () => new Promise<void>((done) => server.close(() => done())),
  };
}
