import { CrError } from "../../error.ts";
import { readProcFile } from "./read.ts";

/** Where a lock to the end of the file ends: the kernel's OFFSET_MAX. */
export const LOCK_EOF = 0x7fff_ffff_ffff_ffffn;

/** One lock, as /proc/locks and `lock:` lines of fdinfo show it. */
export interface FileLock {
  readonly kind: "POSIX" | "OFDLCK" | "FLOCK" | "LEASE" | "DELEG" | "ACCESS";
  /** `ADVISORY`, `MANDATORY`, for leases `ACTIVE`, `BREAKING` or `BREAKER`, … */
  readonly mode: string;
  readonly mandatory: boolean;
  readonly type: "READ" | "WRITE" | "UNLCK" | "RW" | "NONE";
  /** As seen in the pid namespace of this /proc; -1 for locks of a description (OFDLCK). */
  readonly pid: number;
  /** Kernel encoding major << 20 | minor. */
  readonly dev: number;
  readonly ino: number;
  /** First and last byte, both inclusive; `LOCK_EOF` for a lock to the end. */
  readonly start: bigint;
  readonly end: bigint;
  /** It waits for another lock: only in /proc/locks. */
  readonly blocked: boolean;
}

/**
 * Reads one line: `1: POSIX  ADVISORY  WRITE 12 fe:00:34 0 EOF`, with `->` after the number for one that waits.
 * @throws CrError BAD_PROC
 */
export function parseLock(line: string): FileLock {
  const words = line.trim().split(/\s+/);
  const blocked = words[1] === "->";
  const [kind, mode, type, pid, file, start, end] = words.slice(blocked ? 2 : 1);
  const [major, minor, ino] = (file ?? "").split(":");
  if (end === undefined || ino === undefined) {
    // a file system may lock without an inode, shown as <none>:0
    if (end === undefined || file !== "<none>:0") {
      throw new CrError("a lock of an unknown form in /proc", { code: "BAD_PROC", subject: { line } });
    }
  }
  return {
    kind: kind as FileLock["kind"],
    mode: mode ?? "",
    mandatory: mode === "MANDATORY",
    type: type as FileLock["type"],
    pid: Number(pid),
    dev: ino === undefined ? 0 : Number.parseInt(major ?? "0", 16) * 0x100000 + Number.parseInt(minor ?? "0", 16),
    ino: ino === undefined ? 0 : Number(ino),
    start: BigInt(start ?? 0),
    end: end === "EOF" ? LOCK_EOF : BigInt(end),
    blocked,
  };
}

/** The text of /proc/locks. */
export function parseLocks(text: string): FileLock[] {
  return text.split("\n").filter(Boolean).map(parseLock);
}

/** All locks that this pid namespace may see. */
export function readLocks(): FileLock[] {
  return parseLocks(readProcFile("/proc/locks"));
}
