/** The OpenAPI document of a port, whose routes describe themselves. */
import { version } from "@oscillink/core";

export interface About {
  readonly title: string;
  readonly summary: string;
  readonly description: string;
  /** Whether routes ask for a key, but for those that say otherwise. */
  readonly keyed: boolean;
}

export const documentOf = ({ keyed, ...about }: About) => ({
  openapi: "3.1.0" as const,
  info: { ...about, version, license: { name: "Apache-2.0", identifier: "Apache-2.0" } },
  servers: [{ url: "/" }],
  components: { securitySchemes: { key: { type: "http" as const, scheme: "bearer" } } },
  security: keyed ? [{ key: [] }] : [],
});
