/**
 * The C library for TypeScript cases: what the runtime has no words for. Calls that fail end the case with the name of
 * the call and the number of the error.
 */
import { dlopen, ptr, read } from "bun:ffi";
import { readFileSync } from "node:fs";
import { fail } from "./case.ts";

const { symbols } = dlopen("libc.so.6", {
  __errno_location: { args: [], returns: "ptr" },
  pipe2: { args: ["ptr", "i32"], returns: "i32" },
  open: { args: ["cstring", "i32", "i32"], returns: "i32" },
  read: { args: ["i32", "ptr", "usize"], returns: "i32" },
  write: { args: ["i32", "ptr", "usize"], returns: "i32" },
  lseek: { args: ["i32", "i64", "i32"], returns: "i64" },
  close: { args: ["i32"], returns: "i32" },
  dup: { args: ["i32"], returns: "i32" },
  dup2: { args: ["i32", "i32"], returns: "i32" },
  fcntl: { args: ["i32", "i32", "i64"], returns: "i32" },
  flock: { args: ["i32", "i32"], returns: "i32" },
  signalfd: { args: ["i32", "ptr", "i32"], returns: "i32" },
  eventfd: { args: ["u32", "i32"], returns: "i32" },
  timerfd_create: { args: ["i32", "i32"], returns: "i32" },
  timerfd_settime: { args: ["i32", "i32", "ptr", "ptr"], returns: "i32" },
  timerfd_gettime: { args: ["i32", "ptr"], returns: "i32" },
  epoll_create1: { args: ["i32"], returns: "i32" },
  epoll_ctl: { args: ["i32", "i32", "i32", "ptr"], returns: "i32" },
  epoll_wait: { args: ["i32", "ptr", "i32", "i32"], returns: "i32" },
  inotify_init1: { args: ["i32"], returns: "i32" },
  inotify_add_watch: { args: ["i32", "cstring", "u32"], returns: "i32" },
  prctl: { args: ["i32", "usize", "usize", "usize", "usize"], returns: "i32" },
  getrlimit: { args: ["i32", "ptr"], returns: "i32" },
  setrlimit: { args: ["i32", "ptr"], returns: "i32" },
  socketpair: { args: ["i32", "i32", "i32", "ptr"], returns: "i32" },
  memfd_create: { args: ["cstring", "u32"], returns: "i32" },
  ftruncate: { args: ["i32", "i64"], returns: "i32" },
  mkfifo: { args: ["cstring", "u32"], returns: "i32" },
  personality: { args: ["u64"], returns: "i32" },
  pidfd_open: { args: ["i32", "u32"], returns: "i32" },
  pidfd_send_signal: { args: ["i32", "i32", "ptr", "u32"], returns: "i32" },
});

/** The functions as they are: minus one when they fail. */
export const libc = symbols;

/** The error of the last failed call. */
export function errno(): number {
  const at = symbols.__errno_location();
  return at === null ? 0 : read.i32(at);
}

/** The value of a call that must not give minus one. */
export function sys(name: string, value: number | bigint): number {
  if (Number(value) === -1) fail(`${name}: error ${errno()}`);
  return Number(value);
}

/** A string for a C function. */
export function text(value: string): Buffer {
  return Buffer.from(`${value}\0`);
}

/** Two ends, reading end first. Flags as of pipe2(2). */
export function pipe(flags = 0): [number, number] {
  const ends = new Int32Array(2);
  sys("pipe2", symbols.pipe2(ptr(ends), flags));
  return [ends[0] ?? -1, ends[1] ?? -1];
}

/** Reads at most so many bytes; undefined when there is nothing now (EAGAIN). */
export function take(fd: number, most = 65536): string | undefined {
  const room = Buffer.alloc(most);
  const got = symbols.read(fd, ptr(room), most);
  if (got < 0 && errno() === 11) return undefined;
  return room.toString("latin1", 0, sys(`read(${fd})`, got));
}

/** Writes all of it. */
export function put(fd: number, bytes: string): void {
  const from = Buffer.from(bytes, "latin1");
  if (sys(`write(${fd})`, symbols.write(fd, ptr(from), from.length)) !== from.length) fail(`write(${fd}) is short`);
}

/** The lines "name: value" of a descriptor's /proc/self/fdinfo (proc(5)). */
export function fdinfo(fd: number): Map<string, string> {
  const lines = readFileSync(`/proc/self/fdinfo/${fd}`, "utf8").trim().split("\n");
  return new Map(lines.map((l) => [l.slice(0, l.indexOf(":")), l.slice(l.indexOf(":") + 1).trim()]));
}
