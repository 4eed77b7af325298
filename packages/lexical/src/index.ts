export { LexicalEmbedder, type LexicalState } from "./embedder.ts";
export type { LexicalOptions } from "./options.ts";
