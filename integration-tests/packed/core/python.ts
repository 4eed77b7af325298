import { rerank } from "@oscillink/core";
import { hmacSigner, hmacVerifier } from "@oscillink/core/keys";
import { signPublished, verifyReceiptMode } from "@oscillink/core/python";

const { receipt } = rerank({ query: [1, 0], candidates: [{ embedding: [1, 0] }], profile: "reference" });
const secret = "thirty-two bytes that no one guesses";
const signed = signPublished(receipt, hmacSigner(secret));
console.log(verifyReceiptMode(JSON.stringify(signed), hmacVerifier(secret)).ok); // true
