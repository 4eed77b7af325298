import type { Receipt } from "@oscillink/core/adapter";
import type { RecordMetadata } from "@pinecone-database/pinecone";

/**
 * The gist of a receipt as metadata of Pinecone, which is flat and knows no null: what was chosen from how many, by what,
 * and the digest under which the whole receipt can be kept elsewhere.
 *
 * @param prefix what the fields' names begin with. Default `"oscillink_"`.
 * @example
 * await index.update({ id: answerId, metadata: toMetadata(receipt) });
 */
export function toMetadata(receipt: Receipt, prefix = "oscillink_"): RecordMetadata {
  const { digest, schema, version, profile, inputs, bundle, deltaH_total } = receipt;
  const gist: RecordMetadata = {
    digest,
    schema,
    version,
    profile,
    evidence: inputs.scores === null ? "vectors" : "scores",
    candidates: inputs.n,
    missing: inputs.missing,
    ids: bundle.map(({ id }) => id),
    deltaH_total,
  };
  return Object.fromEntries(Object.entries(gist).map(([name, value]) => [`${prefix}${name}`, value]));
}
