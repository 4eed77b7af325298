import { EmbedderError, OptionError, OscillinkError } from "@oscillink/core";
import { TuneError } from "@oscillink/core/tune";

/** What the exit codes mean; a failure of the program itself is 70, as in sysexits.h. */
export const EXIT = { done: 0, no: 1, usage: 2, input: 3, embedder: 4, bug: 70 } as const;

export const EXIT_HELP = `
Exit codes:
  0   done
  1   the answer is no: a receipt is not valid, nothing was found, or nothing is gained
  2   usage: a command, an argument or an option is wrong
  3   input: a file is missing or broken, or too little
  4   the embedding model's server failed`;

/** An argument or an option that cannot be used. */
export class UsageError extends Error {}

/** A file, or a part of it, that cannot be used. The message begins with its name, and line and column where they are known. */
export class InputError extends Error {}

/** What the command ends with after an error. */
export function exitOf(error: unknown): number {
  if (error instanceof InputError) return EXIT.input;
  if (error instanceof UsageError) return EXIT.usage;
  if (error instanceof EmbedderError) return EXIT.embedder;
  if (error instanceof TuneError) return EXIT.input;
  if (error instanceof OptionError) return EXIT.usage;
  if (error instanceof OscillinkError) return EXIT.input;
  return EXIT.bug;
}
