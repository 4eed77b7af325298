/** The header fields by which a browser is careful with what it got. They are the same for every answer, and written once. */
import type { IncomingMessage, ServerResponse } from "node:http";
import helmet from "helmet";

export const SECURITY_FIELDS: Readonly<Record<string, string>> = fieldsOf(
  helmet({
    // TLS is the proxy's affair: a page that came by plain HTTP asks by plain HTTP.
    contentSecurityPolicy: {
      directives: { "script-src": ["'self'", "'unsafe-inline'"], "upgrade-insecure-requests": null },
    },
    strictTransportSecurity: false,
    xPoweredBy: false,
  }),
);

function fieldsOf(write: ReturnType<typeof helmet>): Record<string, string> {
  const fields: Record<string, string> = {};
  const response = { setHeader: (name: string, value: string) => (fields[name] = value) };
  write({} as IncomingMessage, response as unknown as ServerResponse, (error) => {
    if (error) throw error;
  });
  return fields;
}
