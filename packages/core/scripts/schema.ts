/** Makes schema/receipt.v3.json and v2.json, the JSON Schemas of receipts, from their TypeScript types and docstrings. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { createGenerator, type Schema } from "ts-json-schema-generator";

const root = join(import.meta.dirname, "..");

/** The kinds of receipts: the root of each schema, and the forms of it that are definitions there. */
export const KINDS = {
  3: { root: "Receipt", forms: ["SignedReceipt"] },
  2: { root: "LatticeReceipt", forms: ["SignedLatticeReceipt", "PublishedReceipt"] },
} as const;

/** The schema of a kind. Its forms refer to the root where they agree with it. */
export function receiptSchema(kind: keyof typeof KINDS): object {
  const { root: name, forms } = KINDS[kind];
  const generator = createGenerator({
    path: join(root, "src/{receipt/receipt,python/latticeReceipt,python/signature}.ts"),
    tsconfig: join(root, "tsconfig.json"),
    type: name,
    topRef: false,
    // The build checks them, with the TypeScript of the repository; the generator brings an older one.
    skipTypeCheck: true,
  });
  const { $schema, definitions: own, ...receipt } = generator.createSchema(name);
  const definitions: Record<string, unknown> = { ...own };
  for (const form of forms) {
    const { $schema: _, definitions: more, ...schema } = generator.createSchema(form);
    Object.assign(definitions, more, { [form]: referring(schema, receipt, "#") });
  }
  const { Digest, Params } = definitions as Record<string, Schema>;
  // A template type says less than the docstring does; the generator loses `Required`, and takes a package for a tag.
  Object.assign(Digest!, { pattern: "^sha256:[0-9a-f]{64}$" });
  Object.assign(Params!, { required: Object.keys(Params!.properties!) });
  if (kind === 2) {
    // Older versions had other options.
    definitions.Params = { type: "object", description: "All options, resolved." };
  }
  Object.assign(receipt.properties!.version!, {
    description: "The version of @oscillink/core that wrote it.",
  });
  const title = kind === 3 ? "Oscillink receipt" : "Oscillink receipt of a lattice of vectors";
  return { $schema, $id: `urn:oscillink:receipt:${kind}`, title, ...receipt, definitions };
}

/** A schema with references in place of all that stands in `base`, which is at `place`, as well. */
function referring(schema: Schema, base: Schema, place: string): Schema {
  if (isDeepStrictEqual(schema, base)) return { $ref: place };
  const known = base.properties ?? {};
  const properties = Object.entries(schema.properties ?? {}).map(([name, inner]) => [
    name,
    name in known ? referring(inner as Schema, known[name] as Schema, `${place}/properties/${name}`) : inner,
  ]);
  return { ...schema, properties: Object.fromEntries(properties) };
}

if (import.meta.main) {
  for (const kind of [2, 3] as const) {
    const target = join(root, `schema/receipt.v${kind}.json`);
    writeFileSync(target, JSON.stringify(receiptSchema(kind), null, 2));
    execFileSync("biome", ["format", "--write", target], { stdio: "inherit" });
  }
}
