import { afterAll, describe, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NR } from "../nr.ts";
import { pidfdOpen } from "../pidfd.ts";
import { statFd } from "../stat.ts";
import { addressOf, cstring, must, sys } from "../sys.ts";
import { CLOCK, EFD, EPOLL, EPOLL_CTL, IN, TFD } from "../uapi/event.ts";
import { F, F_LOCK, LOCK, O } from "../uapi/fcntl.ts";
import { TFD_IOC_SET_TICKS } from "../uapi/ioctl.ts";
import { SCM, SOL } from "../uapi/socket.ts";
import { fdInfoLine, parseFdInfo, readFdInfo } from "./fdinfo.ts";
import { LOCK_EOF } from "./locks.ts";
import { ProcDir } from "./read.ts";
import { Victim } from "./victim.testing.ts";

const HEAD = "pos:\t4096\nflags:\t02100002\nmnt_id:\t24\n";

describe("text", () => {
  test("an ordinary file, of a kernel without inodes and of one with", () => {
    expect(parseFdInfo(HEAD)).toEqual({ pos: 4096, flags: 0o2100002, mntId: 24, locks: [], raw: HEAD });
    expect(parseFdInfo(`${HEAD}ino:\t77\n`).ino).toBe(77);
  });

  test("values of 64 bits stay exact", () => {
    const info = parseFdInfo(
      `${HEAD}tfd:        5 events: 80000019 data: fffffffffffffff1  pos:3 ino:1b sdev:d\n` +
        `tfd:     1000 events:       19 data:                7  pos:0 ino:1c sdev:800013\n`,
    );
    expect(info.epoll).toEqual([
      { tfd: 5, events: 0x80000019, data: 0xfffffffffffffff1n, pos: 3, ino: 0x1b, sdev: 0xd },
      { tfd: 1000, events: 0x19, data: 7, pos: 0, ino: 0x1c, sdev: 0x800013 },
    ]);
    expect(parseFdInfo(`${HEAD}eventfd-count: fffffffffffffffe\n`).eventfd?.count).toBe(0xfffffffffffffffen);
    expect(parseFdInfo(`${HEAD}ticks: 18446744073709551615\n`).timerfd?.ticks).toBe(0xffffffffffffffffn);
    expect(parseFdInfo(`${HEAD}sigmask:\t8000000000000001\n`).signalfd).toBe(0x8000000000000001n);
  });

  test("fanotify and its marks", () => {
    const info = parseFdInfo(
      `${HEAD}fanotify flags:10 event-flags:8002\n` +
        "fanotify ino:4f969 sdev:800013 mflags:0 mask:3b ignored_mask:40000000 fhandle-bytes:8 fhandle-type:1 f_handle:69f90400c275b5b4\n" +
        "fanotify mnt_id:1a mflags:40 mask:38 ignored_mask:40000003\n" +
        "fanotify sdev:2b mflags:0 mask:1 ignored_mask:0\n",
    );
    const none = { ino: 0, sdev: 0, mntId: 0, mflags: 0, handle: undefined };
    expect(info.fanotify).toEqual({
      flags: 0x10,
      eventFlags: 0x8002,
      marks: [
        {
          ...none,
          kind: "inode",
          ino: 0x4f969,
          sdev: 0x800013,
          mask: 0x3b,
          ignoredMask: 0x40000000,
          handle: { type: 1, bytes: Uint8Array.of(0x69, 0xf9, 4, 0, 0xc2, 0x75, 0xb5, 0xb4) },
        },
        { ...none, kind: "mount", mntId: 0x1a, mflags: 0x40, mask: 0x38, ignoredMask: 0x40000003 },
        { ...none, kind: "filesystem", sdev: 0x2b, mask: 1, ignoredMask: 0 },
      ],
    });
  });

  test("leases and locks without an inode", () => {
    const info = parseFdInfo(
      `${HEAD}lock:\t1: LEASE  BREAKING  READ  12 fe:00:34 0 EOF\nlock:\t2: OFDLCK ADVISORY  WRITE -1 08:10f:9 5 14\nlock:\t3: FLOCK  ADVISORY  READ 7 <none>:0 0 EOF\n`,
    );
    expect(info.locks).toEqual([
      {
        kind: "LEASE",
        mode: "BREAKING",
        mandatory: false,
        type: "READ",
        pid: 12,
        dev: 0xfe00000,
        ino: 34,
        start: 0n,
        end: LOCK_EOF,
        blocked: false,
      },
      {
        kind: "OFDLCK",
        mode: "ADVISORY",
        mandatory: false,
        type: "WRITE",
        pid: -1,
        dev: 8 * 0x100000 + 0x10f,
        ino: 9,
        start: 5n,
        end: 14n,
        blocked: false,
      },
      {
        kind: "FLOCK",
        mode: "ADVISORY",
        mandatory: false,
        type: "READ",
        pid: 7,
        dev: 0,
        ino: 0,
        start: 0n,
        end: LOCK_EOF,
        blocked: false,
      },
    ]);
  });

  test("a terminal's master, a socket, and lines that nobody asked for", () => {
    const info = parseFdInfo(`${HEAD}tty-index:\t7\nscm_fds: 3\nmap_type:\t2\n`);
    expect(info).toMatchObject({ ttyIndex: 7, scmFds: 3 });
    expect(fdInfoLine(info, "map_type")).toBe("2");
    expect(fdInfoLine(info, "map")).toBeUndefined();
  });

  test.each(["", "pos:\t0\n", "lock:\tnonsense\n"])("refuses %p", (text) => {
    expect(() => parseFdInfo(text)).toThrow();
  });
});

describe("descriptors of our own", () => {
  const dir = mkdtempSync(join(tmpdir(), "fdinfo-"));
  const self = new ProcDir(process.pid);
  const open: number[] = [];
  const keep = (fd: number): number => {
    open.push(fd);
    return fd;
  };
  const file = (name: string): number => {
    writeFileSync(join(dir, name), "0123456789");
    return keep(openSync(join(dir, name), "r+"));
  };
  afterAll(() => {
    for (const fd of open) closeSync(fd);
    self[Symbol.dispose]();
    rmSync(dir, { recursive: true });
  });

  test("position and flags", () => {
    writeFileSync(join(dir, "plain"), "0123456789");
    const path = cstring(join(dir, "plain"));
    const fd = keep(must(NR.openat, [-100, addressOf(path), O.RDWR | O.APPEND | O.NONBLOCK, 0]));
    must(NR.lseek, [fd, 7, 0]);
    expect(readFdInfo(self, fd)).toMatchObject({ pos: 7, mntId: statFd(fd).mntId, ino: statFd(fd).ino });
    // the kernel adds O_LARGEFILE on machines of 64 bits
    expect(readFdInfo(self, fd).flags).toBe(O.RDWR | O.APPEND | O.NONBLOCK | O.LARGEFILE);
    must(NR.fcntl, [fd, F.SETFD, 1]);
    expect(readFdInfo(self, fd).flags & O.CLOEXEC).toBe(O.CLOEXEC);
  });

  test("eventfd", () => {
    const fd = keep(must(NR.eventfd2, [0x1234, EFD.SEMAPHORE]));
    expect(readFdInfo(self, fd).eventfd).toMatchObject({ count: 0x1234, semaphore: true });
  });

  test("epoll", () => {
    const epfd = keep(must(NR.epoll_create1, [0]));
    const target = keep(must(NR.eventfd2, [0, 0]));
    // packed on x86_64 alone
    const event = new DataView(new ArrayBuffer(16));
    event.setUint32(0, EPOLL.IN + EPOLL.ET, true);
    event.setBigUint64(process.arch === "x64" ? 4 : 8, 0xdeadbeefcafef00dn, true);
    expect(readFdInfo(self, epfd).epoll).toBeUndefined();
    must(NR.epoll_ctl, [epfd, EPOLL_CTL.ADD, target, addressOf(event)]);
    const { dev, ino } = statFd(target);
    expect(readFdInfo(self, epfd).epoll).toEqual([
      { tfd: target, events: expect.any(Number), data: 0xdeadbeefcafef00dn, pos: 0, ino, sdev: dev },
    ]);
    const events = readFdInfo(self, epfd).epoll?.[0]?.events ?? 0;
    expect(events & ~(EPOLL.ERR | EPOLL.HUP)).toBe((EPOLL.IN + EPOLL.ET) | 0);
  });

  test("signalfd shows what it accepts", () => {
    const mask = new BigUint64Array(new ArrayBuffer(8)).fill((1n << 63n) | (1n << 9n));
    const fd = keep(must(NR.signalfd4, [-1, addressOf(mask), 8, 0]));
    expect(readFdInfo(self, fd).signalfd).toBe((1n << 63n) | (1n << 9n));
  });

  test("timerfd", () => {
    const fd = keep(must(NR.timerfd_create, [CLOCK.MONOTONIC, 0]));
    // interval 1000.5 s, first after 2000 s
    const spec = new BigInt64Array([1000n, 500_000_000n, 2000n, 0n]);
    must(NR.timerfd_settime, [fd, 0, addressOf(spec), 0]);
    const ticks = new BigUint64Array([42n]);
    must(NR.ioctl, [fd, TFD_IOC_SET_TICKS, addressOf(ticks)]);
    const { timerfd } = readFdInfo(self, fd);
    expect(timerfd).toMatchObject({
      clockid: 1,
      ticks: 42,
      settimeFlags: 0,
      interval: { sec: 1000, nsec: 500_000_000 },
    });
    expect(timerfd?.value.sec).toBeGreaterThan(1900);
    expect(timerfd?.value.sec).toBeLessThanOrEqual(2000);
    must(NR.timerfd_settime, [fd, TFD.TIMER_ABSTIME, addressOf(spec), 0]);
    expect(readFdInfo(self, fd).timerfd?.settimeFlags).toBe(TFD.TIMER_ABSTIME);
  });

  test("inotify", () => {
    const fd = keep(must(NR.inotify_init1, [0]));
    const path = cstring(dir);
    const wd = must(NR.inotify_add_watch, [fd, addressOf(path), IN.CREATE | IN.DELETE]);
    const [watch, ...more] = readFdInfo(self, fd).inotify ?? [];
    expect(more).toEqual([]);
    expect(watch).toMatchObject({ wd, ino: statSync(dir).ino, ignoredMask: 0 });
    expect((watch?.mask ?? 0) & IN.CREATE).toBe(IN.CREATE);
    if (watch?.handle) expect(watch.handle.bytes.length).toBeGreaterThan(0);
  });

  test("locks of a process, of a description and of flock", () => {
    const fd = file("locked");
    const { dev, ino } = statFd(fd);
    // struct flock: type, whence, start, length, pid
    const flock = new DataView(new ArrayBuffer(32));
    flock.setInt16(0, F_LOCK.WRLCK, true);
    flock.setBigInt64(8, 5n, true);
    flock.setBigInt64(16, 10n, true);
    must(NR.fcntl, [fd, F.SETLK, addressOf(flock)]);
    const other = file("locked too");
    flock.setInt16(0, F_LOCK.RDLCK, true);
    flock.setBigInt64(8, 0x7fff_0000_0000_0000n, true);
    flock.setBigInt64(16, 0n, true);
    must(NR.fcntl, [other, F.OFD_SETLK, addressOf(flock)]);
    must(NR.flock, [other, LOCK.EX]);
    const common = { mode: "ADVISORY", mandatory: false, blocked: false };
    expect(readFdInfo(self, fd).locks).toEqual([
      { ...common, kind: "POSIX", type: "WRITE", pid: process.pid, dev, ino, start: 5n, end: 14n },
    ]);
    const { locks } = readFdInfo(self, other);
    expect(locks).toHaveLength(2);
    const theirs = statFd(other);
    expect(locks.find((lock) => lock.kind === "OFDLCK")).toEqual({
      ...common,
      kind: "OFDLCK",
      type: "READ",
      pid: -1,
      dev: theirs.dev,
      ino: theirs.ino,
      start: 0x7fff_0000_0000_0000n,
      end: LOCK_EOF,
    });
    expect(locks.find((lock) => lock.kind === "FLOCK")).toMatchObject({
      ...common,
      type: "WRITE",
      start: 0n,
      end: LOCK_EOF,
    });
  });

  test("pidfd, also of the dead", async () => {
    const victim = await Victim.start("");
    const fd = keep(pidfdOpen(victim.pid));
    expect(readFdInfo(self, fd).pidfd).toEqual({ pid: victim.pid, nspid: [victim.pid] });
    await victim.end();
    expect(readFdInfo(self, fd).pidfd?.pid).toBe(-1);
  });

  test("descriptors on their way through a unix socket", () => {
    const pair = new Int32Array(new ArrayBuffer(8));
    must(NR.socketpair, [1, 2, 0, addressOf(pair)]);
    const [near = -1, far = -1] = pair;
    keep(near);
    keep(far);
    const text = cstring("x");
    const iov = new BigUint64Array([BigInt(addressOf(text)), 1n]);
    const control = new DataView(new ArrayBuffer(24));
    control.setBigUint64(0, 20n, true);
    control.setInt32(8, SOL.SOCKET, true);
    control.setInt32(12, SCM.RIGHTS, true);
    control.setInt32(16, near, true);
    const header = new BigUint64Array([0n, 0n, BigInt(addressOf(iov)), 1n, BigInt(addressOf(control)), 24n, 0n]);
    must(NR.sendmsg, [near, addressOf(header), 0]);
    expect(readFdInfo(self, far).scmFds).toBe(1);
    expect(readFdInfo(self, near).scmFds).toBe(0);
  });

  test("a terminal's master", () => {
    const path = cstring("/dev/ptmx");
    const fd = sys(NR.openat, -100, addressOf(path), O.RDWR | O.NOCTTY, 0);
    if (fd < 0) return; // no devpts here
    keep(fd);
    expect(readFdInfo(self, fd).ttyIndex).toBeGreaterThanOrEqual(0);
  });

  test("a descriptor that is not open", () => {
    expect(() => readFdInfo(self, 65535)).toThrow("no such file");
  });
});
