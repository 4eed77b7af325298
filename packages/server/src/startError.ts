/** What keeps a server from starting, or a command from its work, in a sentence that names the setting. */
import { resolve } from "node:path";

/**
 * `config`: a setting that cannot be meant. `rights`: what this user may not do. `taken`: what another process has. `store`: files of
 * the data folder that cannot be read or written.
 */
type Kind = "config" | "rights" | "taken" | "store";

/** A server that cannot start, for a reason that its operator can do something about. */
export class StartError extends Error {
  override readonly name = "StartError";
  readonly kind: Kind;

  constructor(kind: Kind, message: string, options?: ErrorOptions) {
    super(message, options);
    this.kind = kind;
  }
}

/** By the code of the operating system. */
const OF_FILES: Readonly<Record<string, readonly [Kind, string]>> = {
  EEXIST: ["config", "is a file, and must be a folder"],
  ENOTDIR: ["config", "cannot be a folder: part of it is a file"],
  EISDIR: ["config", "is a folder, and must be a file"],
  ENAMETOOLONG: ["config", "is too long for a path"],
  ENOENT: ["config", "cannot be made: what should hold it is not there"],
  EACCES: ["rights", "must be for this user to read and write"],
  EPERM: ["rights", "must be for this user to read and write"],
  EROFS: ["rights", "cannot be written to: its file system is read-only"],
  ENOSPC: ["store", "cannot be written to: the disk is full"],
  EDQUOT: ["store", "cannot be written to: the disk is full"],
  EIO: ["store", "cannot be read or written: the disk fails"],
};

/** By the kind of error that SQLite gives. */
const OF_SQLITE: Readonly<Record<number, readonly [Kind, string]>> = {
  5: ["taken", "is held by another program"],
  6: ["taken", "is held by another program"],
  8: ["rights", "must be for this user to read and write"],
  10: ["store", "cannot be read or written: the disk fails, or is full"],
  11: ["store", "is damaged: put a backup of the folder in its place"],
  13: ["store", "cannot be written to: the disk is full"],
  14: ["rights", "must be for this user to read and write, and so must its folder"],
  26: ["store", "is no database of SQLite: the folder is another program's, or the file is damaged"],
};

/**
 * What went wrong with the files of a data folder.
 *
 * @returns the very error for what nobody foresaw.
 */
export function storeError(error: unknown, data: string): unknown {
  const {
    code = "",
    errcode = 0,
    path,
  } = (error ?? {}) as { code?: string; errcode?: number; path?: string };
  const sqlite = code === "ERR_SQLITE_ERROR";
  // The low byte is the kind, the rest is detail.
  const [kind, what] = (sqlite ? OF_SQLITE[errcode & 0xff] : OF_FILES[code]) ?? [];
  if (!kind) return error;
  const where = sqlite ? `state.db in ${resolve(data)}` : resolve(path ?? data);
  return new StartError(kind, `data: ${where} ${what}`, { cause: error });
}

/** What went wrong with a port. @param names the settings of the host and the port. */
export function listenError(
  error: unknown,
  { host, port }: { readonly host: string; readonly port: number },
  names: readonly [host: string, port: string],
): unknown {
  const { code = "" } = (error ?? {}) as NodeJS.ErrnoException;
  const [kind, message] =
    (
      {
        EADDRINUSE: ["taken", `${names[1]}: address already in use, ${host}:${port}: take another, or 0`],
        EACCES: ["rights", `${names[1]}: this user may not listen at port ${port}: take one above 1023`],
        EADDRNOTAVAIL: ["config", `${names[0]}: ${host} is no address of this machine`],
        EINVAL: ["config", `${names[0]}: ${host} cannot be listened at`],
        ENOTFOUND: ["config", `${names[0]}: the name ${host} has no address`],
        EAI_AGAIN: ["config", `${names[0]}: nobody could be asked for the address of ${host}`],
      } as Readonly<Record<string, readonly [Kind, string]>>
    )[code] ?? [];
  return kind ? new StartError(kind, message!, { cause: error }) : error;
}
