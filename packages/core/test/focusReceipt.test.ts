/** The turn of a conversation in a receipt. */
import { describe, expect, test } from "vitest";
import { type FocusTurn, QueryFocus } from "../src/focus/index.ts";
import {
  explainReceipt,
  Lattice,
  OptionError,
  type Receipt,
  replayReceipt,
  rerank,
  signReceipt,
  verifyReceipt,
} from "../src/index.ts";
import { contentDigest } from "../src/receipt/receipt.ts";
import { signers, verifiers } from "./receipts.ts";

const candidates = [
  { id: "a", embedding: [1, 0], text: "green tea" },
  { id: "b", embedding: [0, 1], text: "a crane" },
];

/** The turns of a conversation whose last begins a new topic. */
const turns = ((): [FocusTurn, FocusTurn, FocusTurn] => {
  const focus = new QueryFocus({ resetAbove: 0.5 });
  const [first, second] = [focus.next([1, 0.2]), focus.next([0.7, 0.7], [0.9, 0.4])];
  return [first, second, focus.next([-1, 0.1], [-0.9, 0])];
})();
const [, follow] = turns;
const ask = (turn: FocusTurn, options = {}) =>
  rerank({ query: turn.query, queryText: "tea", candidates, focus: turn, ...options }).receipt;

describe("the focus in a receipt", () => {
  test.each(["evidence", "cosine", "reference"] as const)(
    "is digested, signed and replayed: profile %s",
    (profile) => {
      const receipt = ask(follow, { profile });
      const { turn, shift, reset } = follow;
      expect(receipt.focus).toEqual({ turn, shift: Number(shift.toPrecision(6)), reset });
      const envelope = signReceipt(receipt, signers.Ed25519);
      expect(verifyReceipt(JSON.stringify(envelope), verifiers.Ed25519)).toMatchObject({
        ok: true,
        receipt: { focus: receipt.focus },
      });
      const inputs = { query: follow.query, queryText: "tea", candidates };
      expect(replayReceipt(receipt, inputs)).toEqual({ ok: true });
      const changed = { ...receipt, focus: { ...receipt.focus!, turn: 2 } };
      expect(replayReceipt(changed, inputs)).toMatchObject({ ok: false, reason: "digest" });
    },
  );

  test("has no part in the computation", () => {
    const { focus, digest, t_ms: _, ...rest } = ask(follow);
    const plain = rerank({ query: follow.query, queryText: "tea", candidates }).receipt;
    expect(plain).toMatchObject(rest);
    expect(plain.focus).toBeNull();
    expect(plain.digest).not.toBe(digest);
    expect(focus).not.toBeNull();
  });

  test("can be of a lattice's receipt", () => {
    const lattice = new Lattice({ embeddings: candidates.map(({ embedding }) => embedding) });
    expect(lattice.setQuery(follow.query).receipt({ focus: follow }).focus?.turn).toBe(1);
  });

  test("is told where the receipt is explained", () => {
    expect(turns.map((turn) => explainReceipt(ask(turn))[1])).toMatchInlineSnapshot(`
      [
        "asked as the 1st turn of a conversation, with its focus",
        "asked as the 2nd turn of a conversation, with its focus, which moved by 0.124373 since the turn before",
        "asked as the 3rd turn of a conversation, with its focus, which began anew and moved by 1.6959 since the turn before",
      ]
    `);
  });

  test("may be absent, as from a receipt that was written before there was a focus", () => {
    const { focus: _, ...rest } = rerank({ query: [1, 0], queryText: "tea", candidates }).receipt;
    const older = { ...rest, digest: contentDigest(rest) } as Receipt;
    const verified = verifyReceipt(signReceipt(older, signers.Ed25519), verifiers.Ed25519);
    expect(verified).toMatchObject({ ok: true });
    expect(verified.ok && "focus" in verified.receipt).toBe(false);
    expect(replayReceipt(older, { query: [1, 0], queryText: "tea", candidates })).toEqual({ ok: true });
    expect(explainReceipt(older)).toHaveLength(explainReceipt({ ...rest, focus: null } as Receipt).length);
  });

  test.each([[7], ["first"], [{ turn: "1", shift: 0, reset: false }], [{ turn: 1, shift: 0 }]])(
    "is refused by a reader that meets %j",
    (focus) => {
      const forged = { ...ask(follow), focus } as unknown as Receipt;
      const signed = { ...forged, digest: contentDigest(forged) };
      expect(() => explainReceipt(signed)).toThrow("must be a receipt");
      expect(replayReceipt(signed, {})).toMatchObject({ reason: "schema" });
    },
  );

  test.each<[unknown, string]>([
    [3, "focus"],
    [{}, "focus.turn"],
    [{ turn: -1, shift: 0, reset: false }, "focus.turn"],
    [{ turn: 1.5, shift: 0, reset: false }, "focus.turn"],
    [{ turn: 1, shift: Number.NaN, reset: false }, "focus.shift"],
    [{ turn: 1, shift: 2.1, reset: false }, "focus.shift"],
    [{ turn: 1, shift: 0, reset: 0 }, "focus.reset"],
  ])("%j cannot be bound", (wrong, parameter) => {
    const bind = () => rerank({ query: [1, 0], candidates, focus: wrong as FocusTurn });
    expect(bind).toThrow(OptionError);
    expect(bind).toThrow(expect.objectContaining({ parameter }));
  });
});
