import { closeSync, existsSync, openSync, unlinkSync, writeSync } from "node:fs";
import { CrError } from "../error.ts";

function taken(path: string, cause?: unknown): CrError {
  return new CrError("the pid file is there already", {
    code: "EEXIST",
    subject: { path },
    cause,
    remedy: "remove it, or choose another --pidfile",
  });
}

/** Refuses a taken name early, before a tree is made that would have to be unmade. */
export function requireNoPidfile(path: string): void {
  if (existsSync(path)) throw taken(path);
}

/** Decimal, without a newline; the file must not exist yet. Relative names lie in the current (work) directory. */
export function writePidfile(path: string, pid: number): void {
  let fd: number;
  try {
    fd = openSync(path, "wx", 0o600);
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code;
    if (code === "EEXIST") throw taken(path);
    throw new CrError("cannot make the pid file", { code, subject: { path }, cause });
  }
  try {
    writeSync(fd, String(pid));
  } catch (cause) {
    unlinkSync(path);
    throw new CrError("cannot write the pid file", { subject: { path }, cause });
  } finally {
    closeSync(fd);
  }
}
