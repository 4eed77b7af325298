/** The documents whose `sh` blocks run against a server. */
export const SERVER_DOCUMENTS = ["packages/server/README.md", "docs/server.md", "docs/server-operation.md"];
