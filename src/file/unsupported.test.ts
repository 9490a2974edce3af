import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { closeFd, openPath } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { driverOf } from "../kernel/proc/devices.ts";
import { makeDev } from "../kernel/stat.ts";
import { check, sys } from "../kernel/sys.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { deviceAdvice, isStateless } from "./device.ts";
import { switchOf } from "./io-uring.ts";
import { Rehearsal } from "./rehearsal.ts";
import { adviceFor } from "./unsupported.ts";

const stat = {
  dev: 0,
  ino: 0,
  mode: 0,
  nlink: 1,
  uid: 0,
  gid: 0,
  rdev: 0,
  size: 0,
  blocks: 0,
  mntId: 0,
  mtimeNs: 0n,
  atimeNs: 0n,
};

test("what cannot be dumped is told in people's words, all of it at once", () => {
  using run = new Rehearsal();
  const fds = [0, 1].map(() => check(sys(NR.userfaultfd, O.NONBLOCK), "userfaultfd"));
  run.dump(fds);
  for (const fd of fds) closeFd(fd);
  expect(run.blockers).toHaveLength(fds.length);
  for (const error of run.blockers) expect([error.code, error.subject.pid]).toEqual(["UNSUPPORTED", process.pid]);
  const last = run.blockers.at(-1);
  expect([last?.subject.fd, last?.message]).toEqual([fds.at(-1), expect.stringContaining("userfaultfd")]);
});

test("an io_uring is told with the switch of the program that has it", () => {
  expect(switchOf("/usr/bin/node")).toContain("UV_USE_IO_URING=0");
  expect(switchOf("/usr/lib/postgresql/18/bin/postgres")).toContain("io_method");
  expect(switchOf("/opt/something")).toContain("kernel.io_uring_disabled");
});

test("every link has words, known or not", () => {
  const words = (link: string, mode = 0) => adviceFor({ link, pid: 1, fsType: 0, stat: { ...stat, mode } }).what;
  expect(words("anon_inode:[perf_event]")).toMatch(/performance counter/);
  expect(words("anon_inode:bpf-prog")).toMatch(/BPF/);
  expect(words("anon_inode:[fanotify]")).toMatch(/fanotify/);
  expect(words("/dev/something", 0o020000)).toMatch(/character device/);
  expect(words("anon_inode:[brand-new]")).toBe("a kernel object of the kind brand-new");
  expect(words("what:[1]")).toMatch(/unknown kind/);
});

test("devices are told by their drivers, wherever their nodes lie", () => {
  const words = (driver?: string) => deviceAdvice(driver).what;
  expect(words("drm")).toMatch(/graphics card/);
  expect(words("misc/fuse")).toMatch(/FUSE/);
  expect(words("rtc")).toMatch(/real-time clock/);
  expect(words("misc/brand-new")).toMatch(/for each opener \(driver brand-new\)/);
  expect(words()).toMatch(/for each opener$/);
  expect(driverOf(makeDev(1, 3))).toBe("mem");
  expect(driverOf(makeDev(0x3ff, 1))).toBeUndefined();
});

test("devices are opened again by path only where they keep nothing", () => {
  expect(isStateless(makeDev(1, 3), O.RDWR)).toBe(true);
  expect(isStateless(makeDev(1, 11), O.WRONLY)).toBe(true);
  expect(isStateless(makeDev(1, 11), O.RDONLY)).toBe(false);
  expect(isStateless(makeDev(10, 200), O.RDWR)).toBe(false);
  expect(isStateless(makeDev(7, 0), O.RDONLY)).toBe(driverOf(makeDev(7, 0)) === "vcs");
});

test.skipIf(!existsSync("/dev/kmsg"))("the kernel log open for reading is refused (needs /dev/kmsg)", () => {
  using run = new Rehearsal();
  const writer = run.high(openPath("/dev/kmsg", O.WRONLY));
  run.dump([writer]);
  run.restore();
  expect(run.blockers).toEqual([]);
  using other = new Rehearsal();
  const reader = openPath("/dev/kmsg", O.RDONLY | O.NONBLOCK);
  other.dump([reader]);
  closeFd(reader);
  expect(other.blockers[0]?.message).toMatch(/kernel log/);
});
