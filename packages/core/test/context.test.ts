/** Facts of the caller's own that are bound into receipts. */
import { describe, expect, test } from "vitest";
import {
  explainReceipt,
  Lattice,
  OptionError,
  replayReceipt,
  rerank,
  rerankMany,
  signReceipt,
  verifyReceipt,
} from "../src/index.ts";
import { signers, verifiers } from "./receipts.ts";

const inputs = {
  query: [1, 0.2],
  queryText: "tea",
  candidates: [
    { id: "a", embedding: [1, 0], text: "green tea" },
    { id: "b", embedding: [0, 1], text: "a crane" },
  ],
};
const context = { request: "7f3a", at: 1764320000, model: "all-MiniLM-L6-v2" };

describe("the context of a receipt", () => {
  test.each(["evidence", "cosine", "reference"] as const)("is digested and signed: profile %s", (profile) => {
    const { receipt } = rerank({ ...inputs, profile, context });
    expect(receipt.context).toEqual(context);
    const envelope = signReceipt(receipt, signers.Ed25519);
    const verified = verifyReceipt(JSON.stringify(envelope), verifiers.Ed25519);
    expect(verified).toMatchObject({ ok: true, receipt: { context } });
    const changed = { ...receipt, context: { ...context, at: 1 } };
    expect(() => signReceipt(changed, signers.Ed25519)).toThrow("its digest");
    expect(replayReceipt(changed, inputs)).toMatchObject({ ok: false, reason: "digest" });
  });

  test.each(["evidence", "reference"] as const)("has no part in the computation: profile %s", (profile) => {
    const [plain, bound] = [rerank({ ...inputs, profile }), rerank({ ...inputs, profile, context })];
    const { context: _, digest: __, t_ms: ___, ...rest } = bound.receipt;
    expect(plain.receipt).toMatchObject(rest);
    expect(bound.receipt.digest).not.toBe(plain.receipt.digest);
    expect(bound.bundle).toEqual(plain.bundle);
  });

  test("is not asked for by a replay, as the receipt holds it", () => {
    for (const profile of ["evidence", "reference"] as const) {
      expect(replayReceipt(rerank({ ...inputs, profile, context }).receipt, inputs)).toEqual({ ok: true });
    }
  });

  test("is null where nothing was bound", () => {
    for (const none of [undefined, {}, { request: undefined as unknown as string }]) {
      expect(rerank({ ...inputs, ...(none && { context: none }) }).receipt.context).toBeNull();
    }
  });

  test("can be of a lattice's receipt, and of each request of several", () => {
    const lattice = new Lattice({
      embeddings: [
        [1, 0],
        [0, 1],
      ],
    }).setQuery([1, 0]);
    expect(lattice.receipt({ context }).context).toEqual(context);
    const results = rerankMany([{ ...inputs, context }, inputs]);
    expect(results.map(({ receipt }) => receipt.context)).toEqual([context, null]);
  });

  test("is told where the receipt is explained", () => {
    const [, line] = explainReceipt(rerank({ ...inputs, context }).receipt);
    expect(line).toBe("bound to it: request 7f3a, at 1764320000, model all-MiniLM-L6-v2");
    const forged = rerank({ ...inputs, context: { "a\nkept b": "\u202ex\n" } }).receipt;
    expect(explainReceipt(forged)[1]).toBe('bound to it: "a\\nkept b" "\\u202ex\\n"');
  });

  test("is copied: what is done to it afterwards changes nothing", () => {
    const mine = { ...context };
    const { receipt } = rerank({ ...inputs, context: mine });
    mine.request = "other";
    expect(receipt.context).toEqual(context);
  });

  test.each<[unknown, string]>([
    ["7f3a", "context"],
    [["7f3a"], "context"],
    [{ "": 1 }, "context"],
    [{ ["n".repeat(65)]: 1 }, "context"],
    [Object.fromEntries(Array.from({ length: 33 }, (_, i) => [`n${i}`, i])), "context"],
    [{ at: new Date(0) }, "context.at"],
    [{ at: Number.NaN }, "context.at"],
    [{ user: { id: 1 } }, "context.user"],
    [{ user: null }, "context.user"],
    [{ note: "\ud83c" }, "context.note"],
    [{ note: "n".repeat(1025) }, "context.note"],
  ])("%j is refused", (wrong, parameter) => {
    const ask = () => rerank({ ...inputs, context: wrong as typeof context });
    expect(ask).toThrow(OptionError);
    expect(ask).toThrow(expect.objectContaining({ parameter }));
  });

  test("a name that every object has is a name like any other", () => {
    const odd = JSON.parse('{"__proto__": "x", "constructor": 1, "toString": 2}') as Record<string, string>;
    const { receipt } = rerank({ ...inputs, context: odd });
    const verified = verifyReceipt(signReceipt(receipt, signers.Ed25519), verifiers.Ed25519);
    expect(verified.ok && JSON.stringify((verified.receipt as typeof receipt).context)).toBe(
      JSON.stringify(odd, ["__proto__", "constructor", "toString"]),
    );
  });
});
