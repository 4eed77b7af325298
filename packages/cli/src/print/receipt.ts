import { writeFileSync } from "node:fs";
import { explainReceipt, type Receipt, signReceipt } from "@oscillink/core";
import { ed25519Signer } from "@oscillink/core/keys";
import type { Command } from "commander";
import { InputError, UsageError } from "../exit.ts";
import { readKey } from "../read/keys.ts";
import type { AnyReceipt } from "../read/receipt.ts";
import { reasonOf } from "../read/text.ts";

export interface ReceiptFlags {
  receipt?: string;
  sign?: string;
}

export const addReceiptFlags = (command: Command): Command =>
  command
    .option("--receipt <file>", "write the receipt there")
    .option("--sign <key>", "sign it with this private key, as `oscillink keys generate` makes it");

/** Writes the receipt to where the flags say, signed if they name a key: then as a DSSE envelope. */
export async function writeReceipt(receipt: Receipt, { receipt: path, sign }: ReceiptFlags): Promise<void> {
  if (sign !== undefined && path === undefined)
    throw new UsageError("--sign KEY needs --receipt FILE, where the receipt goes");
  if (path === undefined) return;
  const signer = sign === undefined ? null : await readKey(sign, ed25519Signer);
  writeOut(path, `${JSON.stringify(signer === null ? receipt : signReceipt(receipt, signer), null, 2)}\n`);
}

/** Writes a file. @throws {InputError} that names it. */
export function writeOut(path: string, text: string, options: { mode?: number; flag?: string } = {}): void {
  try {
    writeFileSync(path, text, options);
  } catch (cause) {
    throw new InputError(`${path}: ${reasonOf(cause)}`, { cause });
  }
}

/** Why each document of a bundle is where it is: what the explanation of its receipt says of it, in the bundle's order. */
export const reasonsOf = (receipt: AnyReceipt): string[] =>
  explainReceipt(receipt)
    .filter((line) => line.startsWith("kept "))
    .map((line) => line.replace(/^kept .*?\): /, ""));
