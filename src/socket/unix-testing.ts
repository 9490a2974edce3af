/** What the tests of unix sockets are made of. */
import { afterEach, beforeEach, expect } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closeFd, fcntl, tryRead, tryWrite } from "../kernel/fd.ts";
import { byInode, SockDiag } from "../kernel/sock-diag.ts";
import { makeSocket, makeSocketPair, tryBind, tryReceive, trySend, unixAddress } from "../kernel/socket.ts";
import { statFd } from "../kernel/stat.ts";
import { F, O } from "../kernel/uapi/fcntl.ts";
import { AF, MSG } from "../kernel/uapi/socket.ts";

/** A directory for names, fresh for each test. */
export let dir = "";
/** What is closed at the end of each test. */
export const open: number[] = [];

/** For a file of tests: each has sockets and a directory of its own. */
export function haveSockets(): void {
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "tscriu-unix-"));
  });
  afterEach(() => {
    closeAll();
    rmSync(dir, { recursive: true, force: true });
  });
}

export function closeAll(): void {
  for (const fd of open.splice(0)) closeFd(fd);
}

export function pair(type: number): [number, number] {
  const ends = makeSocketPair(AF.UNIX, type);
  open.push(...ends);
  return ends;
}

export function socket(type: number, name?: string): number {
  const fd = makeSocket(AF.UNIX, type);
  open.push(fd);
  if (name !== undefined) expect(tryBind(fd, address(name))).toBe(0);
  return fd;
}

/** An `@` stands for an abstract name. */
export function address(name: string): Uint8Array {
  return name.startsWith("@") ? unixAddress(Buffer.from(`\0${name.slice(1)}`)) : unixAddress(name);
}

export const plain = (text: string) => ({ bytes: Buffer.from(text), rights: [], credentials: undefined });
export const send = (fd: number, text: string, to?: Uint8Array) =>
  expect(trySend(fd, plain(text), to)).toBe(text.length);

/** One message; "" at the end, undefined when there is none. */
export function receive(fd: number, most = 1 << 20): string | undefined {
  const message = tryReceive(fd, new Uint8Array(most), MSG.DONTWAIT);
  return typeof message === "number" ? undefined : Buffer.from(message.bytes).toString();
}

export const flags = (fd: number) => fcntl(fd, F.GETFL, 0, "") & ~O.CLOEXEC;
export const name = (bytes: Uint8Array | undefined) =>
  Buffer.from((bytes ?? new Uint8Array()).subarray(2))
    .toString()
    .replace(/\0$/, "");
export function row(fd: number) {
  using diag = new SockDiag();
  return byInode(diag.unix()).get(statFd(fd).ino);
}

export function put(fd: number, text: string): void {
  expect(tryWrite(fd, Buffer.from(text))).toBe(text.length);
}

export function read(fd: number): string {
  const bytes = new Uint8Array(100);
  return Buffer.from(bytes.buffer, 0, tryRead(fd, bytes)).toString();
}
