import { setTimeout as sleep } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { openPlaces, type PlacesOptions } from "../src/http/places.ts";
import { Problem } from "../src/http/problem.ts";

const never = new AbortController().signal;

function open(options: Partial<PlacesOptions> = {}) {
  const places = openPlaces({ inFlight: 1, waitMs: 500, loopDelayMs: 60_000, ...options });
  onTestFinished(() => places.close());
  return places;
}

/** What has become of it until now. */
async function soFar(work: Promise<unknown>): Promise<string> {
  const pending = new Promise((resolve) => setImmediate(() => resolve("waits")));
  return String(
    await Promise.race([
      work.then(
        () => "in",
        (error) => (error instanceof Problem ? error.status : (error as Error).name),
      ),
      pending,
    ]),
  );
}

describe("places", () => {
  it("are given in the order in which requests came, and never more than there are", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.constantFrom("come", "go"), { maxLength: 60 }),
        async (inFlight, steps) => {
          const places = openPlaces({ inFlight, waitMs: 60_000, loopDelayMs: 60_000 });
          const entered: number[] = [];
          const requests: { readonly number: number }[] = [];
          let left = 0;
          for (const step of steps) {
            if (step === "come") {
              const request = { number: requests.length };
              requests.push(request);
              places.take(request, never).then(
                () => entered.push(request.number),
                () => {},
              );
            } else if (left < entered.length) places.leave(requests[entered[left++]!]!);
            await new Promise(setImmediate);
            expect(entered).toEqual(requests.slice(0, left + inFlight).map(({ number }) => number));
          }
          places.close();
        },
      ),
      { numRuns: 200 },
    );
  });

  it("are held by nobody who only waits for room: half a body keeps out no other", async () => {
    const places = open();
    await places.room(never);
    await places.room(never);
    expect(await soFar(places.take({}, never))).toBe("in");
  });

  it("go to the next where one that was let through is slow to take its place", async () => {
    const places = open();
    const working = {};
    await places.take(working, never);
    const [slow, next] = [places.room(never), places.room(never)];
    places.leave(working);
    expect([await soFar(slow), await soFar(next)]).toEqual(["in", "waits"]);
    await sleep(100);
    expect(await soFar(next)).toBe("in");
  });

  it("go at once to one whose body is there, before those who only wait for room", async () => {
    const places = open();
    const working = {};
    await places.take(working, never);
    const [room, ready] = [places.room(never), places.take({}, never)];
    places.leave(working);
    expect([await soFar(room), await soFar(ready)]).toEqual(["waits", "in"]);
  });

  it("are looked after by one timer, however often the line was empty", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    onTestFinished(() => void vi.useRealTimers());
    const places = open();
    let working = {};
    await places.take(working, never);
    for (let i = 0; i < 50; i++) {
      const next = {};
      const entered = places.take(next, never);
      places.leave(working);
      await entered;
      working = next;
    }
    expect(vi.getTimerCount()).toBe(1);
    vi.advanceTimersByTime(100);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("are refused after the wait, in the order of the line, with a word on when to come back", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout", "Date"] });
    onTestFinished(() => void vi.useRealTimers());
    const places = open();
    await places.take({}, never);
    const first = places.take({}, never);
    vi.advanceTimersByTime(300);
    const second = places.take({}, never);
    vi.advanceTimersByTime(250);
    expect([await soFar(first), await soFar(second)]).toEqual(["503", "waits"]);
    vi.advanceTimersByTime(300);
    expect(await soFar(second)).toBe("503");
    await expect(first).rejects.toMatchObject({ headers: { "Retry-After": "1" } });
  });

  it("are refused at once where nobody may wait, and where the line is full", async () => {
    const impatient = open({ waitMs: 0 });
    await impatient.take({}, never);
    expect(await soFar(impatient.take({}, never))).toBe("503");
    const places = open();
    await places.take({}, never);
    const line = Array.from({ length: 33 }, () => soFar(places.take({}, never)));
    expect((await Promise.all(line)).filter((what) => what === "503")).toHaveLength(1);
  });

  it("pass over a client that has left", async () => {
    const places = open();
    const working = {};
    await places.take(working, never);
    const client = new AbortController();
    const [gone, next] = [places.take({}, client.signal), places.take({}, never)];
    client.abort();
    expect(await soFar(gone)).toBe("AbortError");
    places.leave(working);
    expect(await soFar(next)).toBe("in");
  });

  it("are open after a stall of an idle loop, and closed by one while there is work", async () => {
    let delay = 200;
    const places = openPlaces(
      { inFlight: 2, waitMs: 500, loopDelayMs: 100 },
      { delay: () => delay, stop() {} },
    );
    onTestFinished(() => places.close());
    expect(await soFar(places.take({}, never))).toBe("in");
    const other = places.take({}, never);
    expect(await soFar(other)).toBe("waits");
    delay = 0;
    await sleep(100);
    expect(await soFar(other)).toBe("in");
  });
});
