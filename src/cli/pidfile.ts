import { accessSync, closeSync, constants, existsSync, openSync, unlinkSync, writeSync } from "node:fs";
import { dirname } from "node:path";
import { CrError } from "../error.ts";
import { fileError } from "./file-error.ts";

function taken(path: string): CrError {
  return new CrError("the pid file is there already", {
    code: "EEXIST",
    subject: { path },
    remedy: "remove it, or choose another --pidfile",
  });
}

const elsewhere = "choose another --pidfile: a relative name lies in the work directory";

/** Refuses a name that cannot be made early, before a tree is made that would have to be unmade. */
export function requireNoPidfile(path: string): void {
  if (existsSync(path)) throw taken(path);
  try {
    accessSync(dirname(path), constants.W_OK);
  } catch (error) {
    throw fileError("cannot make the pid file", path, error, elsewhere);
  }
}

/** Decimal, without a newline; the file must not exist yet. Relative names lie in the current (work) directory. */
export function writePidfile(path: string, pid: number): void {
  let fd: number;
  try {
    fd = openSync(path, "wx", 0o600);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") throw taken(path);
    throw fileError("cannot make the pid file", path, error, elsewhere);
  }
  try {
    writeSync(fd, String(pid));
  } catch (error) {
    unlinkSync(path);
    throw fileError("cannot write the pid file", path, error);
  } finally {
    closeSync(fd);
  }
}
