/** For those who come from the Python package Oscillink, or must read what it wrote. */
export { latticeFromPython } from "./lattice.ts";
export {
  type ModeOptions,
  type PublishedPayload,
  type PublishedReceipt,
  type PublishedSignature,
  type PublishedVerified,
  type SignatureMode,
  signPublished,
  verifyReceiptMode,
  verifyReceiptModeAsync,
} from "./signature.ts";
export { type PublishedState, publishedStateSignature } from "./state.ts";
