import { closeSync, constants, openSync, readFileSync, writeSync } from "node:fs";
import { CrError } from "../error.ts";

/** The errno name of an error of node:fs, or "FAILED". */
export function errnoOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "FAILED";
}

type Remedies = Readonly<Record<string, string>>;

/** What helps when images cannot be written. */
export const toWrite: Remedies = {
  ENOSPC: "make room there, or choose another directory with --images-dir",
  EDQUOT: "the quota of this user is used up: choose another directory with --images-dir",
  EROFS: "it is mounted read-only: choose another directory with --images-dir",
  EACCES: "choose a directory that this user may write to with --images-dir",
  EPERM: "choose a directory that may be written to with --images-dir",
  ENOENT: "the directory of the images is gone: make it again, or choose another with --images-dir",
  ENOTDIR: "choose a directory with --images-dir",
  EFBIG: "raise the file size limit (ulimit -f), or choose another file system",
  EIO: "the medium fails: choose another directory with --images-dir",
};

/** What helps when images cannot be read. */
export const toRead: Remedies = {
  EACCES: "run as the user who dumped, or as root",
  ENOENT: "name the directory of a finished dump with --images-dir",
  ENOTDIR: "name the directory of a finished dump with --images-dir",
  EIO: "the medium fails: use another copy of the images",
};

/** The kernel's word alone, out of `EROFS: read-only file system, open '/path'`: the rest is said already. */
function reasonOf(error: unknown): unknown {
  return (error instanceof Error && /^[A-Z0-9]+: (.+?), [a-z0-9]+(?: '.*)?$/s.exec(error.message)?.[1]) || error;
}

/** An error of node:fs as a CrError with the file, the kernel's word and what to do. */
export function storageError(what: string, path: string, error: unknown, remedies: Remedies = {}): CrError {
  if (error instanceof CrError) return error;
  const code = errnoOf(error);
  return new CrError(`cannot ${what}`, { code, subject: { path }, cause: reasonOf(error), remedy: remedies[code] });
}

/** The whole file, or undefined where there is none. */
export function readIfThere(path: string): Uint8Array | undefined {
  try {
    const { buffer, byteOffset, byteLength } = readFileSync(path);
    // as what its type says: slices of a Buffer are no copies
    return new Uint8Array(buffer, byteOffset, byteLength);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw storageError("read the image", path, error, toRead);
  }
}

/** Opens for reading, close-on-exec; undefined where there is no such file. The caller closes it. */
export function openIfThere(path: string): number | undefined {
  try {
    return openSync(path, constants.O_RDONLY);
  } catch (error) {
    if (errnoOf(error) === "ENOENT") return undefined;
    throw storageError("open the image", path, error, toRead);
  }
}

/** Creates a file that must not exist, mode 0644, for reading and writing. `shown` is its name for errors. */
export function createNew(path: string, shown: string): number {
  try {
    return openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW, 0o644);
  } catch (error) {
    throw storageError("create the image", shown, error, toWrite);
  }
}

/** Writes all bytes at the descriptor's position. `path` is for errors. */
export function writeFully(fd: number, bytes: Uint8Array, path: string): void {
  try {
    for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
  } catch (error) {
    throw storageError("write the image", path, error, toWrite);
  }
}

export function closeQuietly(fd: number): void {
  try {
    closeSync(fd);
  } catch {
    // A second close is all that can go wrong: writes have reported their errors.
  }
}
