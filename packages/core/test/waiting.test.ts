import { describe, expect, test } from "vitest";
import { OscillinkError, TimeoutError, waitFor } from "../src/adapter/index.ts";

const reason = new Error("the user left");
const never = () => new Promise<never>(() => {});
const failureOf = (asked: Promise<unknown>): Promise<unknown> =>
  asked.then(
    () => expect.fail("it came back"),
    (error) => error,
  );

describe("waitFor", () => {
  test("gives what the work gives, with limits and without, and leaves no listener behind", async () => {
    const listeners = new Set<unknown>();
    const signal = {
      aborted: false,
      reason: undefined,
      addEventListener: (_: "abort", listener: () => void) => void listeners.add(listener),
      removeEventListener: (_: "abort", listener: () => void) => void listeners.delete(listener),
    };
    for (const waiting of [{}, { signal }, { timeout: 1000 }, { signal, timeout: 1000 }]) {
      expect(await waitFor(async () => 5, waiting, "it")).toBe(5);
      expect(await waitFor(() => 5, waiting, "it")).toBe(5);
      expect(await failureOf(waitFor(() => Promise.reject(reason), waiting, "it"))).toBe(reason);
      const thrown = waitFor(
        () => {
          throw reason;
        },
        waiting,
        "it",
      );
      expect(await failureOf(thrown)).toBe(reason);
    }
    expect(listeners.size).toBe(0);
  });

  test("does not begin for a signal that is aborted", async () => {
    let begun = 0;
    const work = () => ++begun;
    expect(await failureOf(waitFor(work, { signal: AbortSignal.abort(reason) }, "it"))).toBe(reason);
    expect(begun).toBe(0);
  });

  test.each([[reason], ["a text"], [undefined], [null]])(
    "rejects with the reason of the signal: %o",
    async (why) => {
      const controller = new AbortController();
      const asked = failureOf(waitFor(never, { signal: controller.signal, timeout: 1000 }, "it"));
      controller.abort(why);
      expect(await asked).toBe(controller.signal.reason);
    },
  );

  test("rejects with an error of the package after the timeout, once", async () => {
    const start = performance.now();
    const error = await failureOf(waitFor(never, { timeout: 20 }, "the store"));
    expect(performance.now() - start).toBeGreaterThan(15);
    expect(error).toBeInstanceOf(TimeoutError);
    expect(error).toBeInstanceOf(OscillinkError);
    expect(error).toMatchObject({
      name: "TimeoutError",
      parameter: "timeout",
      message: "timeout: the store gave no answer within 20 ms",
    });
  });

  test("drops what comes later, and an abort by the work that throws", async () => {
    const unhandled: unknown[] = [];
    const listen = (error: unknown) => void unhandled.push(error);
    process.on("unhandledRejection", listen);
    const late = () => new Promise<never>((_, reject) => setTimeout(reject, 20, new Error("too late")));
    await failureOf(waitFor(late, { timeout: 5 }, "it"));
    const controller = new AbortController();
    const aborting = () => {
      controller.abort(reason);
      throw new Error("of the work");
    };
    const error = await failureOf(waitFor(aborting, { signal: controller.signal }, "it"));
    expect(error).toMatchObject({ message: "of the work" });
    await new Promise((resolve) => setTimeout(resolve, 40));
    process.off("unhandledRejection", listen);
    expect(unhandled).toEqual([]);
  });
});
