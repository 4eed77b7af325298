/** @packageDocumentation The focus of a conversation: the vector to search with at each of its turns. */
export { type FocusState, type FocusTurn, QueryFocus } from "./focus.ts";
export type { FocusMode, FocusOptions } from "./options.ts";
