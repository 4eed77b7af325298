import type { Durable } from "./durable.ts";
import type { Shared } from "./shared.ts";

/** All that is kept. */
export interface State {
  readonly durable: Durable;
  readonly shared: Shared;
  /** Whether the store answers. */
  ready(): Promise<boolean>;
  close(): Promise<void>;
}
