import { expect, test } from "bun:test";
import { readSync, writeSync } from "node:fs";
import { closeFd, reopen } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { statFd } from "../kernel/stat.ts";
import { addressOf, check, cstring, sys } from "../kernel/sys.ts";
import { F, F_SEAL, MFD, O } from "../kernel/uapi/fcntl.ts";
import { Rehearsal, show } from "./rehearsal.ts";

function make(run: Rehearsal, name: string, flags: number, text: string): number {
  const fd = run.high(check(sys(NR.memfd_create, addressOf(cstring(name)), flags), "memfd_create"));
  if (text !== "") writeSync(fd, text);
  return fd;
}

function seals(fd: number): number {
  return sys(NR.fcntl, fd, F.GET_SEALS, 0);
}

test("memfds keep name, content, mode, owner, seals, flags and positions, and share one inode", () => {
  using run = new Rehearsal();
  const plain = make(run, "plain", 0, "unsealed");
  const sealed = make(run, "sealed", MFD.ALLOW_SEALING, "sealed content");
  sys(NR.fchmod, sealed, 0o4741);
  sys(NR.fchown, sealed, 5, 6);
  check(sys(NR.fcntl, sealed, F.ADD_SEALS, F_SEAL.SHRINK | F_SEAL.WRITE), "seal");
  const open = make(run, "open", MFD.ALLOW_SEALING | MFD.CLOEXEC, "");
  const noexec = make(run, "noexec", MFD.NOEXEC_SEAL, "data");
  const reader = run.high(reopen(sealed, O.RDONLY));
  const appender = run.high(reopen(plain, O.WRONLY | O.APPEND | O.NONBLOCK));
  const all = [plain, sealed, open, noexec, reader, appender];
  const before = all.map((fd) => [fd, statFd(fd), seals(fd)] as const);
  run.dump(all);
  run.restore();
  expect(run.blockers).toEqual([]);
  for (const [fd, shown] of run.before) expect({ fd, ...show(process.pid, fd) }).toEqual({ fd, ...shown });
  for (const [fd, { mode, uid, gid, size }, sealing] of before) {
    const now = statFd(fd);
    expect({ fd, mode: now.mode, uid: now.uid, gid: now.gid, size: now.size, seals: seals(fd) }).toEqual({
      fd,
      mode,
      uid,
      gid,
      size,
      seals: sealing,
    });
  }
  expect(statFd(reader).ino).toBe(statFd(sealed).ino);
  const bytes = Buffer.alloc(14);
  readSync(reader, bytes, 0, 14, 0);
  expect(bytes.toString()).toBe("sealed content");
  expect(sys(NR.ftruncate, sealed, 3)).toBe(-1);
});

test("a memfd can be given by name", () => {
  using run = new Rehearsal();
  run.dump([make(run, "given", 0, "old")]);
  const other = check(sys(NR.memfd_create, addressOf(cstring("elsewhere")), MFD.CLOEXEC), "memfd_create");
  run.restore({ inheritFds: [{ fd: other, resource: "/memfd:given" }] });
  closeFd(other);
  const [fd = -1] = run.before.keys();
  expect(show(process.pid, fd).link).toBe("/memfd:elsewhere (deleted)");
});
