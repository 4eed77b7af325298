/** Something that a person asked for and that cannot be done. */
export class CommandError extends Error {
  override readonly name = "CommandError";
}

export const print = (line: string): void => void process.stdout.write(`${line}\n`);
