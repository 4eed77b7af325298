import { Option } from "commander";
import type { InputError } from "../exit.ts";
import { note } from "../print/output.ts";
import type { OnBroken } from "./records.ts";

export type OnError = "stop" | "skip";

export const onErrorOption = () =>
  new Option("--on-error <what>", "at a broken line: end there, or leave it out and count it")
    .choices(["stop", "skip"])
    .default("stop");

/** What is done with parts of the input that cannot be used. */
export interface Broken {
  readonly on: OnBroken;
  /** Says on stderr how many were skipped, if any were. */
  report(): void;
}

/** `stop` throws the first; `skip` names each on stderr, so that nothing is lost unseen. */
export function brokenBy(policy: OnError): Broken {
  let skipped = 0;
  return {
    on(error: InputError) {
      if (policy === "stop") throw error;
      skipped++;
      note(`skipped ${error.message}`);
    },
    report() {
      if (skipped > 0) note(`${skipped} skipped`);
    },
  };
}
