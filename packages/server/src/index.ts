/** The server, for who runs it inside a program. */
import type { FastifyBaseLogger, FastifyInstance } from "fastify";
import { pino } from "pino";
import type { Config } from "./config/schema.ts";
import { startServices } from "./start.ts";

export { ConfigError, loadConfig, type Sources } from "./config/load.ts";
export type { Config } from "./config/schema.ts";
export type { Found, FoundDocument, Search, SearchCall } from "./search/store.ts";

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
  /** Opens the ports. */
  listen(): Promise<void>;
  /** Lets what is in flight end, then closes all. */
  close(): Promise<void>;
}

/**
 * Makes a server, which listens when it is told to.
 *
 * @param config what `loadConfig` gives.
 * @example
 * const server = await createServer(loadConfig({ environment: process.env }));
 * await server.listen();
 */
export async function createServer(config: Config): Promise<Server> {
  const log = pino({
    level: config.logLevel,
    redact: ["req.headers.authorization", 'req.headers["x-api-key"]'],
  });
  // The threads start while what serves HTTP is loaded: each takes as long as the other.
  const [{ services, firstKey, close }, { createApp }, { createAdmin }] = await Promise.all([
    startServices(config, log),
    import("./app.ts"),
    import("./admin.ts"),
  ]);
  const app = await createApp(services, log);
  const admin = createAdmin(services, log);
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
      adminUrl = await admin.listen({ host: config.adminHost, port: config.adminPort });
      url = await app.listen({ host: config.host, port: config.port });
    },
    async close() {
      await app.close();
      await admin.close();
      await close();
    },
  };
}
