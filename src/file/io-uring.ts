/** Rings of io_uring hold far more than a descriptor shows: what to do instead, by the program that has them. */
import { readlinkSync } from "node:fs";
import type { OpenFile } from "./kind.ts";

/** What /proc calls one, as a descriptor and as a mapping. */
export const URING = "anon_inode:[io_uring]";

/** Whether a mapping is of this ring: each has an inode of its own (Linux 6.1 or so on). */
export function isRingOf({ link, stat }: Pick<OpenFile, "link" | "stat">, vma: { readonly ino: number }): boolean {
  return link === URING && stat.ino === vma.ino;
}

/** By the last name of the executable. */
const SWITCHES: readonly (readonly [program: RegExp, remedy: string])[] = [
  [/^node/, "start it with UV_USE_IO_URING=0"],
  [/^postgres/, "set io_method = worker in postgresql.conf"],
  [/^(mariadbd|mysqld)/, "set innodb_use_native_aio = 0 in my.cnf"],
  [/^qemu-system/, "start it with aio=threads for its drives"],
  [/^dragonfly/, "start it with --force_epoll"],
  [/^scylla/, "start it with --reactor-backend epoll"],
  [/^ceph-osd/, "set bdev_ioring = false in ceph.conf"],
  [/^smbd/, "take io_uring out of vfs objects in smb.conf"],
];

const ANY =
  "start the program without it: UV_USE_IO_URING=0 for what uses libuv, kernel.io_uring_disabled=2 for all programs";

/** @param path executable of a program */
export function switchOf(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return SWITCHES.find(([program]) => program.test(name))?.[1] ?? ANY;
}

export function withoutIoUring(pid: number): string {
  try {
    return switchOf(readlinkSync(`/proc/${pid}/exe`));
  } catch {
    return ANY;
  }
}
