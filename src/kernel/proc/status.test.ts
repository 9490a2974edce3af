import { expect, test } from "bun:test";
import { ProcDir } from "./read.ts";
import { parseStatus } from "./status.ts";
import { adopt, reap, Victim } from "./victim.testing.ts";

const FIXTURE = `Name:\ta\\nb\\\\c
Umask:\t0027
State:\tt (tracing stop)
Tgid:\t100
Ngid:\t0
Pid:\t101
PPid:\t1
TracerPid:\t77
Uid:\t1\t2\t3\t4
Gid:\t5\t6\t7\t4294967294
FDSize:\t64
Groups:\t4 24 4294967290\x20
NStgid:\t100\t10\t1
NSpid:\t101\t11\t2
NSpgid:\t100\t10\t1
NSsid:\t99\t0\t0
Kthread:\t0
VmPeak:\t     900 kB
VmSize:\t     800 kB
VmLck:\t      12 kB
VmRSS:\t     400 kB
VmSwap:\t       8 kB
CoreDumping:\t1
THP_enabled:\t0
Threads:\t2
SigQ:\t3/96365
SigPnd:\t0000000000000100
ShdPnd:\t8000000000000000
SigBlk:\t0000000000010000
SigIgn:\t0000000000001000
SigCgt:\t0000000180014002
CapInh:\t0000000000000001
CapPrm:\t000001fffeffffff
CapEff:\t0000010000000000
CapBnd:\t00000000fffffffe
CapAmb:\t0000000080000000
NoNewPrivs:\t1
Seccomp:\t2
Seccomp_filters:\t3
Cpus_allowed:\t3
Cpus_allowed_list:\t0-1
Mems_allowed_list:\t0
x86_Thread_features:\tshstk
`;

test("every line has its place", () => {
  const status = parseStatus(FIXTURE);
  expect(status).toMatchObject({
    name: "a\nb\\c",
    umask: 0o27,
    state: "t",
    tgid: 100,
    pid: 101,
    ppid: 1,
    tracerPid: 77,
    uid: [1, 2, 3, 4],
    gid: [5, 6, 7, 4294967294],
    fdSize: 64,
    groups: [4, 24, 4294967290],
    nsTgid: [100, 10, 1],
    nsPid: [101, 11, 2],
    nsPgid: [100, 10, 1],
    nsSid: [99, 0, 0],
    kthread: false,
    vmSize: 800 * 1024,
    vmLocked: 12 * 1024,
    vmRss: 400 * 1024,
    vmSwap: 8 * 1024,
    coreDumping: true,
    thpEnabled: false,
    threads: 2,
    sigQueued: 3,
    sigQueueLimit: 96365,
    sigPending: 1n << 8n,
    sharedPending: 1n << 63n,
    sigBlocked: 0x10000n,
    sigIgnored: 0x1000n,
    sigCaught: 0x180014002n,
    capInheritable: [1, 0],
    capPermitted: [0xfeffffff, 0x1ff],
    capEffective: [0, 0x100],
    capBounding: [0xfffffffe, 0],
    capAmbient: [0x80000000, 0],
    noNewPrivs: true,
    seccomp: 2,
    seccompFilters: 3,
    cpusAllowedList: "0-1",
    memsAllowedList: "0",
  });
  expect(status.line("x86_Thread_features")).toBe("shstk");
  expect(status.line("Nothing")).toBeUndefined();
});

test("an older kernel lacks some lines, never the needed ones", () => {
  const without = (name: string) => FIXTURE.replace(new RegExp(`^${name}:.*\n`, "m"), "");
  const old = ["Umask", "THP_enabled", "Seccomp_filters", "CapAmb", "CoreDumping", "Kthread"];
  const status = parseStatus(old.reduce((text, name) => text.replace(new RegExp(`^${name}:.*\n`, "m"), ""), FIXTURE));
  expect(status).toMatchObject({
    umask: undefined,
    thpEnabled: undefined,
    seccompFilters: undefined,
    capAmbient: [0, 0],
    coreDumping: false,
  });
  expect(() => parseStatus(without("NSsid")).nsSid).toThrow("/proc/PID/status lacks NSsid");
});

test("a running process", async () => {
  await using victim = await Victim.start("umask 0137; trap '' USR1; trap : USR2");
  using dir = new ProcDir(victim.pid);
  const status = parseStatus(dir.text("status"));
  expect(status).toMatchObject({
    name: "sh",
    umask: 0o137,
    tgid: victim.pid,
    ppid: process.pid,
    threads: 1,
    nsPid: [victim.pid],
    uid: Array(4).fill(process.getuid?.()),
    gid: Array(4).fill(process.getgid?.()),
    seccomp: 0,
  });
  expect(status.sigIgnored & (1n << 9n)).toBe(1n << 9n);
  expect(status.sigCaught & (1n << 11n)).toBe(1n << 11n);
  expect([...status.groups].sort()).toEqual(
    [...(process.getgroups?.() ?? [])].filter((id) => status.groups.includes(id)).sort(),
  );
  expect(status.vmRss).toBeGreaterThan(0);
});

test.skipIf(process.getuid?.() !== 0)("ids in nested pid namespaces (skipped without root)", async () => {
  adopt(true);
  const victim = await Victim.start("", ["unshare", "--pid", "--fork", "--kill-child", "sh", "-c"]);
  using outer = new ProcDir(victim.pid);
  const inner = Number(outer.text(`task/${victim.pid}/children`).trim());
  try {
    using dir = new ProcDir(inner);
    expect(parseStatus(dir.text("status"))).toMatchObject({ pid: inner, nsPid: [inner, 1], nsTgid: [inner, 1] });
  } finally {
    await victim.end();
    reap(inner);
    adopt(false);
  }
});
