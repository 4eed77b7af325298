import { existsSync } from "node:fs";
import {
  generateKeys,
  type KeyInput,
  keyIdOf,
  privateKeyToJwk,
  privateKeyToPem,
  publicKeyToJwk,
  publicKeyToPem,
  readPrivateKey,
} from "@oscillink/core/keys";
import type { Command } from "commander";
import { Option } from "commander";
import { InputError } from "../exit.ts";
import { print } from "../print/output.ts";
import { writeOut } from "../print/receipt.ts";
import { readKey } from "../read/keys.ts";

export function keys(program: Command): void {
  const command = program
    .command("keys")
    .description("Make and show the Ed25519 keys that sign and verify receipts.");

  command
    .command("generate")
    .description(
      "Make a pair of keys: NAME.private.pem, which you keep, and NAME.public.pem, which you give away.",
    )
    .argument("[name]", "what the files begin with", "oscillink")
    .addHelpText(
      "after",
      `
Nothing is overwritten.

Examples:
  $ oscillink keys generate
  $ oscillink keys generate keys/2027`,
    )
    .action((name: string) => {
      const { privateKey, publicKey, keyId } = generateKeys();
      const files = { private: `${name}.private.pem`, public: `${name}.public.pem` };
      for (const path of Object.values(files)) {
        if (existsSync(path)) throw new InputError(`${path}: is there already, and is not overwritten`);
      }
      // Both refuse what came in between, and nobody else reads the first.
      writeOut(files.private, privateKeyToPem(privateKey), { mode: 0o600, flag: "wx" });
      writeOut(files.public, publicKeyToPem(publicKey), { flag: "wx" });
      print(`key ${keyId}`);
      print(`${files.private}  keep it secret: it signs receipts`);
      print(`${files.public}  give it away: it verifies them`);
    });

  command
    .command("show")
    .description("Show the id and the public half of a key. The private half is never shown.")
    .argument("<file>", "a public or private key: PEM, or a JSON Web Key; - is stdin")
    .addOption(new Option("--format <format>", "how the key is shown").choices(["pem", "jwk"]).default("pem"))
    .addHelpText(
      "after",
      `
Examples:
  $ oscillink keys show oscillink.private.pem
  $ oscillink keys show oscillink.public.pem --format jwk`,
    )
    .action(async (path: string, { format }: { format: "pem" | "jwk" }) => {
      const publicKey = await readKey(path, publicHalf);
      print(`key ${keyIdOf(publicKey)}`);
      if (format === "pem") process.stdout.write(publicKeyToPem(publicKey));
      else print(JSON.stringify(publicKeyToJwk(publicKey)));
    });
}

/** The public key of a key of either kind. */
function publicHalf(key: KeyInput): KeyInput {
  const isPrivate = typeof key === "string" ? key.includes("PRIVATE KEY") : "d" in key;
  if (!isPrivate) return key;
  const { d: _, ...shown } = privateKeyToJwk(readPrivateKey(key));
  return shown;
}
