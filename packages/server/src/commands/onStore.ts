import type { Config } from "../config/schema.ts";
import { openStore } from "../start.ts";
import { storeError } from "../startError.ts";

/**
 * Works on the store of a data folder, also beside a server that runs on it, and closes it.
 *
 * @param make whether a store is made where there is none. Default: that is refused, for a folder whose name was misspelt holds none.
 * @throws {StartError} for a store that is not there, or that cannot be read or written.
 */
export async function onStore(
  config: Config,
  work: (store: ReturnType<typeof openStore>) => Promise<void>,
  { make = false } = {},
): Promise<void> {
  const store = openStore(config, { make });
  try {
    await work(store);
  } catch (error) {
    throw storeError(error, config.data);
  } finally {
    await store.state.close();
  }
}
