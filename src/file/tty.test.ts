import { afterEach, describe, expect, test } from "bun:test";
import { closeFd, fcntl, linkOf, POLL, pollNow, tryRead, tryWrite } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { statFd } from "../kernel/stat.ts";
import { must } from "../kernel/sys.ts";
import {
  openMaster,
  ptyIndex,
  readLockedTermios,
  readTermios,
  readWindowSize,
  TERMIOS,
  tryOpenSlave,
  trySetLockedTermios,
  trySetTermios,
  trySetTtyNumber,
  trySetWindowSize,
  ttyFlag,
} from "../kernel/tty.ts";
import { F, O } from "../kernel/uapi/fcntl.ts";
import { TIOC } from "../kernel/uapi/ioctl.ts";
import { regular } from "./regular.ts";
import { type TestOptions, TestRun } from "./testing.ts";
import { tty } from "./tty.ts";
import { ttyName } from "./tty-state.ts";

/** High enough that nobody else on the machine takes it between dump and restore. */
const INDEX = 50 + (process.pid % 100);
const open: number[] = [];
afterEach(closeAll);

function closeAll(): void {
  for (const fd of open.splice(0)) closeFd(fd);
}

function pty(flags = O.RDWR | O.NONBLOCK): [master: number, slave: number] {
  const master = openMaster(INDEX, flags);
  if (master === undefined) throw new Error(`terminal ${INDEX} is taken`);
  open.push(master);
  trySetTtyNumber(master, TIOC.SPTLCK, 0);
  return [master, slaveOf(master)];
}

function slaveOf(master: number, flags = O.RDWR | O.NONBLOCK): number {
  const slave = tryOpenSlave(master, flags);
  expect(slave).toBeGreaterThan(0);
  open.push(slave);
  return slave;
}

const newRun = (dump: TestOptions["dump"] = {}) => new TestRun(tty, { kinds: [regular], dump });
const write = (fd: number, text: string) => expect(tryWrite(fd, Buffer.from(text))).toBe(text.length);
/** What is there now; a worker of the kernel brings it, and poll waits for that. */
function read(fd: number): string | number {
  pollNow(fd, POLL.IN);
  const bytes = new Uint8Array(10_000);
  const got = tryRead(fd, bytes);
  return got < 0 ? got : Buffer.from(bytes.buffer, 0, got).toString();
}

const flags = (fd: number) => fcntl(fd, F.GETFL, 0, "") & ~O.CLOEXEC;
const ids = (files: { id: number }[]) => files.map((file) => file.id) as [number, number, number];

describe("a pty with both ends", () => {
  test("comes back with number, modes, size, locks and owner", () => {
    const [master, slave] = pty();
    const second = slaveOf(master, O.RDONLY | O.NONBLOCK);
    const modes = readTermios(slave);
    if (modes === undefined) throw new Error("no modes");
    trySetTermios(slave, {
      ...modes,
      lflag: modes.lflag & ~TERMIOS.ECHO,
      cc: modes.cc.map((c, i) => (i === 0 ? 7 : c)),
    });
    trySetLockedTermios(slave, {
      ...modes,
      iflag: 0,
      oflag: 0,
      cflag: 0,
      lflag: TERMIOS.ECHO,
      line: 0,
      cc: modes.cc.map(() => 0),
    });
    trySetWindowSize(master, [33, 99, 5, 6]);
    must(NR.fchown, [slave, 123, 456]);
    trySetTtyNumber(master, TIOC.PKT, 1);
    must(NR.ioctl, [slave, TIOC.EXCL, 0]);
    const state = (fd: number) => [readTermios(fd), readLockedTermios(fd), readWindowSize(fd)];
    const before = state(slave);
    using run = newRun();
    const [m, s, r] = ids(run.dump(master, slave, second));
    expect(run.entries.get(m)?.tty?.tty_info_id).toBe(INDEX * 2 + 1);
    expect(run.entries.get(s)?.tty?.tty_info_id).toBe(INDEX * 2);
    const path = run.entries.get(run.entries.get(s)?.tty?.regf_id ?? 0)?.reg;
    expect(path).toMatchObject({ name: `/dev/pts/${INDEX}`, flags: flags(slave) });
    closeAll();
    run.restore();
    expect(ptyIndex(run.fd(m))).toBe(INDEX);
    expect([linkOf(run.fd(s)), linkOf(run.fd(r))]).toEqual([`/dev/pts/${INDEX}`, `/dev/pts/${INDEX}`]);
    expect([flags(run.fd(s)) & O.ACCMODE, flags(run.fd(r)) & O.ACCMODE]).toEqual([O.RDWR, O.RDONLY]);
    expect(state(run.fd(s))).toEqual(before);
    expect(statFd(run.fd(s))).toMatchObject({ uid: 123, gid: 456 });
    expect(ttyFlag(run.fd(m), TIOC.GPKT)).toBe(true);
    expect(ttyFlag(run.fd(s), TIOC.GEXCL)).toBe(true);
    expect(ttyFlag(run.fd(m), TIOC.GPTLCK)).toBe(false);
  });

  test.each([
    ["in lines", true],
    ["raw", false],
  ])("keeps what nobody has read yet, %s", (_, lines) => {
    const [master, slave] = pty();
    const modes = readTermios(slave);
    if (modes === undefined) throw new Error("no modes");
    if (!lines) trySetTermios(slave, { ...modes, lflag: modes.lflag & ~TERMIOS.ICANON });
    write(master, "one\ntwo\npart");
    pollNow(slave, POLL.IN);
    write(slave, "said\n");
    using run = newRun();
    const [m, s] = ids(run.dump(master, slave));
    const check = (a: number, b: number) => {
      const first = lines ? "one\n" : "one\ntwo\npart";
      expect(read(b)).toBe(first);
      if (lines) expect([read(b), read(b)]).toEqual(["two\n", -11]);
      write(a, "ial\n");
      expect(read(b)).toBe(lines ? "partial\n" : "ial\n");
      // The echo of what was just typed may be there or not yet.
      return String(read(a)).replace(/ial.*$/s, "");
    };
    const said = check(master, slave);
    closeAll();
    run.restore();
    expect(check(run.fd(m), run.fd(s))).toBe(said);
    expect(said).toContain("said");
  });

  test("that is locked, and a master alone", () => {
    const master = openMaster(INDEX, O.RDWR | O.NONBLOCK);
    if (master === undefined) throw new Error("taken");
    open.push(master);
    using run = newRun();
    const [m] = ids(run.dump(master));
    closeAll();
    run.restore();
    expect(ptyIndex(run.fd(m))).toBe(INDEX);
    expect(ttyFlag(run.fd(m), TIOC.GPTLCK)).toBe(true);
  });

  test("is told when its number is taken", () => {
    const [master, slave] = pty();
    using run = newRun();
    run.dump(master, slave);
    expect(() => run.restore()).toThrow("the number of a terminal is in use");
  });
});

describe("a slave", () => {
  test("whose master is closed is hung up", () => {
    const [master, slave] = pty();
    open.splice(open.indexOf(master), 1);
    closeFd(master);
    using run = newRun();
    const [s] = ids(run.dump(slave));
    closeAll();
    run.restore();
    expect(pollNow(run.fd(s), POLL.IN) & POLL.HUP).toBe(POLL.HUP);
    expect(readTermios(run.fd(s))).toBeUndefined();
  });

  test("of a terminal outside needs --shell-job, or another terminal", () => {
    const [, slave] = pty();
    using run = newRun();
    expect(() => run.dump(slave)).toThrow("belongs to a program outside of the tree");
    expect(run.blockers[0]?.remedy).toContain("--shell-job");
    using job = newRun({ shellJob: true });
    job.dump(slave);
    expect(job.blockers).toEqual([]);
    expect(job.entries.size).toBe(2);
    const stat = statFd(slave);
    const device = (dev: number) => (Math.floor(dev / 0x100000) << 8) | (dev & 0xff);
    const name = ttyName(device(stat.rdev), device(stat.dev));
    using external = newRun({ external: [{ kind: "tty", id: name.slice(4, -1), value: "", text: name }] });
    const [s] = ids(external.dump(slave));
    expect(external.entries.get(s)?.tty?.regf_id).toBeUndefined();
    expect(() => external.restore()).toThrow("was declared external");
    using given = newRun({ external: [{ kind: "tty", id: name.slice(4, -1), value: "", text: name }] });
    const [g] = ids(given.dump(slave));
    given.restore({ inheritFds: [{ fd: slave, resource: name }] });
    expect(linkOf(given.fd(g))).toBe(`/dev/pts/${INDEX}`);
  });
});
