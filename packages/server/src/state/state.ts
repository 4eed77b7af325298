import type { Durable } from "./durable.ts";
import type { Shared } from "./shared.ts";

/** All that is kept. */
export interface State {
  readonly durable: Durable;
  readonly shared: Shared;
  /** Whether the store answers. */
  ready(): Promise<boolean>;
  /** Writes all of it, as it is at this moment, to a file that does not exist. */
  copyTo(path: string): Promise<void>;
  close(): Promise<void>;
}
