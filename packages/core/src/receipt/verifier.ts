import { kindOf, OptionError } from "../errors.ts";

export type Algorithm = "Ed25519" | "HMAC-SHA256";

/** Bytes in a signature of each algorithm. */
export const SIGNATURE_LENGTH: { readonly [algorithm in Algorithm]: number } = {
  Ed25519: 64,
  "HMAC-SHA256": 32,
};

/** Why a receipt was refused. */
export type Reason =
  /** It carries no signature. */
  | "no-signature"
  /** Its signature is of another algorithm than the verifiers'. */
  | "algorithm"
  /** Its key id names none of the verifiers. */
  | "key"
  /** The signature is not that of the content under the key. */
  | "signature"
  /** It is no JSON, too large, not canonical, or not a receipt. */
  | "schema"
  /** What the receipt says is not what its digest, or the signed payload, says. */
  | "digest"
  /** The signed payload is of another mode than the required one. */
  | "mode"
  /** A schema or payload of a version that is not known here, or not the required one. */
  | "version"
  /** Other candidates, query or options than those of the receipt. */
  | "replay-inputs"
  /** The same inputs give another bundle. */
  | "replay-bundle"
  /** The same inputs give other figures. */
  | "replay-figures";

export interface Refused {
  readonly ok: false;
  readonly reason: Reason;
}

export const refused = (reason: Reason): Refused => ({ ok: false, reason });

/**
 * Checks signatures with one key. `verify` gets a signature of the right length, answers false for a wrong one, and
 * throws only when it could not check; such an error is passed on.
 */
export interface Verifier {
  readonly algorithm: Algorithm;
  /** Signatures that name another key are not tried with this one. Without it, all are. */
  readonly keyId?: string;
  verify(message: Uint8Array, signature: Uint8Array): boolean;
}

/** A verifier that answers later: a key of WebCrypto, or of a key service. */
export interface AsyncVerifier extends Pick<Verifier, "algorithm" | "keyId"> {
  verify(message: Uint8Array, signature: Uint8Array): Promise<boolean>;
}

/** One question to a verifier. */
interface Question<V> {
  readonly verifier: V;
  readonly message: Uint8Array;
  readonly signature: Uint8Array;
}

/** A verification: it asks, is told whether the signature is good, and comes to a result. Once written for both kinds. */
export type Verification<T, V = AsyncVerifier | Verifier> = Generator<Question<V>, T, boolean>;

/** Carries out a verification with verifiers that answer at once. */
export function decide<T>(verification: Verification<T, Verifier>): T {
  let step = verification.next();
  while (!step.done) {
    const { verifier, message, signature } = step.value;
    const answer: unknown = verifier.verify(message, signature);
    if (typeof answer !== "boolean") {
      const what = `must answer true or false, not ${kindOf(answer)}: use verifyReceiptAsync for one that answers later`;
      throw new OptionError("verifiers", what);
    }
    step = verification.next(answer);
  }
  return step.value;
}

/** Carries out a verification with verifiers of either kind. */
export async function decideAsync<T>(verification: Verification<T>): Promise<T> {
  let step = verification.next();
  while (!step.done) {
    const { verifier, message, signature } = step.value;
    step = verification.next((await verifier.verify(message, signature)) === true);
  }
  return step.value;
}

/** The verifiers as a list. @throws OptionError if it is empty, or holds anything else. */
export function listVerifiers<V extends AsyncVerifier | Verifier>(verifiers: V | readonly V[]): readonly V[] {
  const list = Array.isArray(verifiers) ? (verifiers as readonly V[]) : [verifiers as V];
  if (list.length === 0) throw new OptionError("verifiers", "there must be at least one");
  list.forEach((verifier, i) => {
    const known =
      Object.hasOwn(SIGNATURE_LENGTH, verifier?.algorithm) && typeof verifier.verify === "function";
    const named = verifier?.keyId === undefined || typeof verifier.keyId === "string";
    if (known && named) return;
    const what = `must be a verifier such as ed25519Verifier(publicKey) makes, not ${kindOf(verifier)}`;
    throw new OptionError(`verifiers[${i}]`, what);
  });
  return list;
}
