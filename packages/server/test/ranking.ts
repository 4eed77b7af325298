/** A ranking from body to answer, without HTTP: as the threads do it. */
import { rerank, signReceipt } from "@oscillink/core";
import { ed25519Signer, generateKeys } from "@oscillink/core/keys";
import { compatiblePaths, compatibleShapes } from "../src/compatible/shapes.ts";
import type { Asked } from "../src/compute/shape.ts";
import type { Model } from "../src/models/models.ts";
import { order } from "../src/models/order.ts";

const signer = ed25519Signer(generateKeys().privateKey);

const shapeAt = (path: string) => compatibleShapes[compatiblePaths[path]!];

export const readAt = (path: string, body: unknown) => shapeAt(path).read(body) as Asked;

export async function answerAt(path: string, body: unknown, model: Model = order("order")): Promise<unknown> {
  const { request: asked, form } = readAt(path, body);
  const request = await model.complete(asked, new AbortController().signal);
  const result = rerank(request);
  const written = shapeAt(path).write(
    {
      bundle: result.bundle.map((entry) => ({ ...entry, index: entry.inputRank - 1 })),
      receipt: () => result.receipt,
      signatures: () => signReceipt(result.receipt, signer).signatures,
      ...{ request, model: model.name, id: "request-1", at: 1_700_000_000_500 },
    },
    form,
  );
  return JSON.parse(JSON.stringify(written));
}
