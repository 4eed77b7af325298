import type { Server } from "node:http";

/** How long a connection is kept that asks nothing while the server closes, in milliseconds. */
const LINGER = 1000;

/**
 * Has a server that is about to close keep its idle connections for a while. Node would end them together with the listener, and with
 * them the requests that are on their way. Whoever asks within that time is answered, and told that the connection ends.
 */
export function linger(server: Server): void {
  server.closeIdleConnections = () => {};
  setTimeout(() => {
    // That of the class again.
    delete (server as Partial<Server>).closeIdleConnections;
    server.closeIdleConnections();
  }, LINGER).unref();
}
