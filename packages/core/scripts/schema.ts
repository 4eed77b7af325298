/** Makes schema/receipt.v2.json, the JSON Schema of the receipt, from its TypeScript types and their docstrings. */
import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { createGenerator, type Schema } from "ts-json-schema-generator";

const root = join(import.meta.dirname, "..");

/** The schema. Its root is `Receipt`; the two signed forms are definitions that refer to it where they agree with it. */
export function receiptSchema(): object {
  const generator = createGenerator({
    path: join(root, "src/{receipt/receipt,receipt/sign,python/signature}.ts"),
    tsconfig: join(root, "tsconfig.json"),
    type: "Receipt",
    topRef: false,
    // The build checks them, with the TypeScript of the repository; the generator brings an older one.
    skipTypeCheck: true,
  });
  const { $schema, definitions: own, ...receipt } = generator.createSchema("Receipt");
  const definitions: Record<string, unknown> = { ...own };
  for (const form of ["SignedReceipt", "PublishedReceipt"]) {
    const { $schema: _, definitions: more, ...schema } = generator.createSchema(form);
    Object.assign(definitions, more, { [form]: referring(schema, receipt, "#") });
  }
  const { Digest, Params } = definitions as Record<string, Schema>;
  // A template type says less than the docstring does; the generator loses `Required`, and takes a package for a tag.
  Object.assign(Digest!, { pattern: "^sha256:[0-9a-f]{64}$" });
  Object.assign(Params!, { required: Object.keys(Params!.properties!) });
  Object.assign(receipt.properties!.version!, {
    description: "The version of @oscillink/core that wrote it.",
  });
  return { $schema, $id: "urn:oscillink:receipt:2", title: "Oscillink receipt", ...receipt, definitions };
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
  const target = join(root, "schema/receipt.v2.json");
  writeFileSync(target, JSON.stringify(receiptSchema(), null, 2));
  execFileSync("biome", ["format", "--write", target], { stdio: "inherit" });
}
