/** The server, for who runs it inside a program. */
import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import type { Config } from "./config/schema.ts";
import { openLog } from "./log.ts";
import { startServices } from "./start.ts";
import { listenError } from "./startError.ts";

export { ConfigError, loadConfig, type Sources } from "./config/load.ts";
export type { Config } from "./config/schema.ts";
export type { Found, FoundDocument, Search, SearchCall } from "./search/store.ts";
export { StartError } from "./startError.ts";

export interface Server {
  /** The application of Fastify, for further routes and for `inject`. */
  readonly app: FastifyInstance;
  /** That of the second port. */
  readonly admin: FastifyInstance;
  readonly log: FastifyBaseLogger;
  /** Where it listens; empty before. */
  readonly url: string;
  /** Where its second port is; empty before. */
  readonly adminUrl: string;
  /** The key that was made because there was none; null if there was one, or none is asked for. */
  readonly firstKey: string | null;
  /** Opens the ports. @throws {StartError} for a port that cannot be opened. */
  listen(): Promise<void>;
  /** Lets what is in flight end, then closes all. */
  close(): Promise<void>;
}

/**
 * Makes a server, which listens when it is told to.
 *
 * @param config what `loadConfig` gives.
 * @throws {StartError} where its data folder cannot be worked in.
 * @example
 * const server = await createServer(loadConfig({ environment: process.env }));
 * await server.listen();
 */
export async function createServer(config: Config): Promise<Server> {
  const log = openLog(config);
  // The threads start while what serves HTTP is loaded: each takes as long as the other.
  const [{ services, firstKey, close }, { createApp }, { createAdmin }] = await Promise.all([
    startServices(config, log),
    import("./app.ts"),
    import("./admin.ts"),
  ]);
  const app = await createApp(services, log);
  const admin = await createAdmin(services, log);
  let [url, adminUrl] = ["", ""];
  return {
    app,
    admin,
    log,
    firstKey,
    get url() {
      return url;
    },
    get adminUrl() {
      return adminUrl;
    },
    async listen() {
      const { host, port, adminHost, adminPort } = config;
      adminUrl = await opened(admin, { host: adminHost, port: adminPort }, ["adminHost", "adminPort"]);
      url = await opened(app, { host, port }, ["host", "port"]);
    },
    async close() {
      // What is in flight for longer than it may is cut off, so that the store is still closed in order.
      const late = setTimeout(() => app.server.closeAllConnections(), config.graceSeconds * 1000);
      // The job that is worked on ends, or is put back, meanwhile: one after the other would take longer than there is.
      await Promise.all([app.close(), services.jobs.close()]);
      clearTimeout(late);
      await admin.close();
      await close();
    },
  };
}

async function opened(
  app: FastifyInstance,
  where: { readonly host: string; readonly port: number },
  names: readonly [host: string, port: string],
): Promise<string> {
  try {
    return await app.listen(where);
  } catch (error) {
    throw listenError(error, where, names);
  }
}
