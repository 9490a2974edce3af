import { afterAll, describe, expect, test } from "bun:test";
import { closeSync, openSync } from "node:fs";
import {
  compareFiles,
  epollTarget,
  hasKcmp,
  KCMP,
  kcmp,
  sameFile,
  sameFiles,
  sameFs,
  sameIo,
  sameSighand,
  sameSysvsem,
  sameVm,
} from "./kcmp.ts";
import { NR } from "./nr.ts";
import { ProcDir } from "./proc/read.ts";
import { Victim } from "./proc/victim.testing.ts";
import { addressOf, must } from "./sys.ts";
import { EPOLL, EPOLL_CTL } from "./uapi/event.ts";

describe.skipIf(!hasKcmp())("kernel objects (skipped on kernels without CONFIG_KCMP)", () => {
  const me = process.pid;
  const open: number[] = [];
  const keep = (fd: number): number => {
    open.push(fd);
    return fd;
  };
  afterAll(() => open.forEach(closeSync));

  test("descriptions, of one process and of two", async () => {
    const a = keep(openSync("/dev/null", "r"));
    const b = keep(openSync("/dev/null", "r"));
    const twin = keep(must(NR.dup, [a]));
    expect(sameFile(me, a, me, twin)).toBe(true);
    expect(sameFile(me, a, me, b)).toBe(false);
    expect(compareFiles(me, a, me, b)).toBe(-compareFiles(me, b, me, a));
    await using victim = await Victim.start("exec 7<&0");
    expect(sameFile(victim.pid, 0, victim.pid, 7)).toBe(true);
    expect(sameFile(victim.pid, 0, me, a)).toBe(false);
  });

  test("a stable order, fit for sorting", () => {
    const fds = Array.from({ length: 8 }, () => keep(openSync("/dev/null", "r")));
    const sorted = fds.toSorted((x, y) => compareFiles(me, x, me, y));
    expect(fds.toReversed().sort((x, y) => compareFiles(me, x, me, y))).toEqual(sorted);
  });

  test("threads share everything, processes nothing", async () => {
    using self = new ProcDir(me);
    const tid = self.list("task").find((one) => one !== me) ?? me;
    await using victim = await Victim.start("");
    for (const same of [sameVm, sameFiles, sameFs, sameSighand]) {
      expect(same(me, tid)).toBe(true);
      expect(same(me, victim.pid)).toBe(false);
    }
    // no I/O context and no undo list on either side counts as one
    expect(sameIo(me, me)).toBe(true);
    expect(sameSysvsem(me, me)).toBe(true);
  });

  test("what an epoll watches, after the number was given to another file", () => {
    const epfd = keep(must(NR.epoll_create1, [0]));
    const watched = must(NR.eventfd2, [0, 0]);
    const kept = keep(must(NR.dup, [watched]));
    const event = new Uint32Array(new ArrayBuffer(16)).fill(EPOLL.IN);
    must(NR.epoll_ctl, [epfd, EPOLL_CTL.ADD, watched, addressOf(event)]);
    expect(epollTarget(me, watched, me, epfd, watched)).toBe(true);
    // the epoll goes on watching what `kept` is, under a number that is another file now
    must(NR.dup3, [epfd, watched, 0]);
    keep(watched);
    expect(epollTarget(me, watched, me, epfd, watched)).toBe(false);
    expect(epollTarget(me, kept, me, epfd, watched)).toBe(true);
    expect(epollTarget(me, kept, me, epfd, 54321)).toBe(false);
    expect(epollTarget(me, kept, me, epfd, watched, 1)).toBe(false);
  });

  test("errors name the process", async () => {
    const victim = await Victim.start("");
    const { pid } = victim;
    expect(() => kcmp(me, pid, KCMP.FILE, 0, 65535)).toThrow("bad file descriptor");
    await victim.end();
    expect(() => kcmp(me, pid, KCMP.VM)).toThrow("no such process");
  });
});
