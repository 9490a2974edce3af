import { expect, test } from "bun:test";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { Puppet } from "../agent/puppet.ts";
import { closeFd, openPath } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { F, O } from "../kernel/uapi/fcntl.ts";
import { AF, SOCK } from "../kernel/uapi/socket.ts";
import { allowDescriptors, type Placement, receiveAndPlace, sendFds } from "./numbers.ts";

const rooted = test.skipIf(process.getuid?.() !== 0);

/** A pid that nobody has: high, so that nobody takes it by accident meanwhile. */
function freePid(): number {
  const max = Number(readFileSync("/proc/sys/kernel/pid_max", "utf8"));
  for (;;) {
    const pid = max - 1 - Math.floor(Math.random() * Math.min(max / 2, 100_000));
    if (sys(NR.kill, pid, 0) === -3) return pid;
  }
}

/** A puppet that has its end of a socket pair at number `theirs`. */
class Stage implements Disposable {
  readonly puppet: Puppet;
  readonly ours: number;

  constructor(readonly theirs: number) {
    const pair = new Int32Array(2);
    check(sys(NR.socketpair, AF.UNIX, SOCK.STREAM | O.CLOEXEC, 0, addressOf(pair)), "socketpair");
    const [ours = -1, end = -1] = pair;
    this.ours = ours;
    check(sys(NR.dup3, end, theirs, 0), "dup3");
    this.puppet = Puppet.root(freePid(), 0x10000000, 0);
    closeFd(theirs);
    closeFd(end);
  }

  place(list: readonly Placement[], keep: readonly number[] = []): void {
    receiveAndPlace(this.puppet.program, { ours: this.ours, theirs: this.theirs }, list, keep);
    this.puppet.program.run();
  }

  get numbers(): number[] {
    return readdirSync(`/proc/${this.puppet.pid}/fd`).map(Number);
  }

  link(fd: number): string {
    return readlinkSync(`/proc/${this.puppet.pid}/fd/${fd}`);
  }

  cloexec(fd: number): boolean {
    const info = readFileSync(`/proc/${this.puppet.pid}/fdinfo/${fd}`, "utf8");
    return (Number.parseInt(/^flags:\s*(\d+)/m.exec(info)?.[1] ?? "", 8) & O.CLOEXEC) !== 0;
  }

  [Symbol.dispose](): void {
    sys(NR.kill, this.puppet.pid, 9);
    sys(NR.wait4, this.puppet.pid, 0, 0x40000000, 0);
    this.puppet[Symbol.dispose]();
    closeFd(this.ours);
  }
}

rooted("1,500 descriptors get their numbers, dense and scattered, and nothing else is left", () => {
  const service = 6000;
  allowDescriptors(service + 100);
  using stage = new Stage(service);
  const sources = Array.from({ length: 97 }, (_, i) => openPath("/proc/self", i % 2 ? O.PATH : O.RDONLY));
  try {
    const dense = Array.from({ length: 700 }, (_, i) => i + (i > 300 ? 5 : 0));
    const scattered = Array.from({ length: 800 }, (_, i) => 900 + i * 6 + (i % 5));
    const list = [...scattered, ...dense].map((fd, i) => ({
      fd,
      cloexec: fd % 3 === 0,
      source: sources[i % 97] ?? -1,
    }));
    stage.place(list);
    const { ino } = { ino: readlinkSync("/proc/self") };
    expect(stage.numbers.sort((a, b) => a - b)).toEqual([...list.map(({ fd }) => fd), service].sort((a, b) => a - b));
    for (const { fd, cloexec, source } of list) {
      expect({ fd, cloexec: stage.cloexec(fd), link: stage.link(fd) }).toEqual({ fd, cloexec, link: `/proc/${ino}` });
      const order = sys(NR.kcmp, process.pid, stage.puppet.pid, 0, source, fd);
      if (order !== 0) expect({ fd, order }).toEqual({ fd, order: 0 });
    }
  } finally {
    for (const fd of sources) closeFd(fd);
  }
});

rooted("an empty table holds only what is to be kept", () => {
  using stage = new Stage(800);
  stage.place([]);
  expect(stage.numbers).toEqual([800]);
  const source = openPath("/dev/null", O.RDWR);
  stage.place([{ fd: 0, cloexec: true, source }], [800]);
  closeFd(source);
  expect(stage.numbers).toEqual([0, 800]);
  expect(stage.cloexec(0)).toBe(true);
  stage.place([]);
  expect(stage.numbers).toEqual([800]);
});

rooted("impossible lists are refused before anything is sent", () => {
  using stage = new Stage(800);
  const entry = { fd: 3, cloexec: false, source: 0 };
  expect(() => stage.place([entry, entry])).toThrow(/named twice/);
  expect(() => stage.place([{ ...entry, fd: 800 }])).toThrow(/in the way/);
  expect(() => sendFds(stage.ours, [])).toThrow(/1 to 253/);
  void F;
});
