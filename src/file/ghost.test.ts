import { expect, test } from "bun:test";
import {
  closeSync,
  fstatSync,
  ftruncateSync,
  linkSync,
  mkdirSync,
  readdirSync,
  readSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { closeFd, openPath, reopen } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { statFd } from "../kernel/stat.ts";
import { addressOf, cstring, sys } from "../kernel/sys.ts";
import { AT, O } from "../kernel/uapi/fcntl.ts";
import { Rehearsal, show } from "./rehearsal.ts";

const MB = 1 << 20;

function expectSame(run: Rehearsal): void {
  expect(run.blockers).toEqual([]);
  for (const [fd, before] of run.before) expect({ fd, ...show(process.pid, fd) }).toEqual({ fd, ...before });
}

function content(fd: number): string {
  const bytes = Buffer.alloc(fstatSync(fd).size);
  const own = reopen(fd, O.RDONLY);
  readSync(own, bytes, 0, bytes.length, 0);
  closeFd(own);
  return bytes.toString();
}

test("a deleted file comes back with content, owner, mode, times and name, and leaves nothing", () => {
  using run = new Rehearsal();
  writeFileSync(run.file("gone"), "ghost data");
  const fd = run.high(openPath(run.file("gone"), O.RDWR));
  const second = run.high(openPath(run.file("gone"), O.RDONLY | O.APPEND));
  sys(NR.fchown, fd, 12, 34);
  sys(NR.fchmod, fd, 0o2751);
  const times = new BigInt64Array([1_000_000n, 250_000_001n, -5n, 999_999_999n]);
  expect(sys(NR.utimensat, fd, 0, addressOf(times), 0)).toBe(0);
  sys(NR.lseek, fd, 3, 0);
  unlinkSync(run.file("gone"));
  const before = statFd(fd);
  run.dump([fd, second]);
  run.restore();
  expectSame(run);
  const after = statFd(fd);
  for (const field of ["mode", "uid", "gid", "size", "nlink", "mtimeNs", "atimeNs"] as const) {
    expect([field, after[field]]).toEqual([field, before[field]]);
  }
  expect(content(fd)).toBe("ghost data");
  expect(statFd(second).ino).toBe(after.ino);
  expect(readdirSync(run.path)).toEqual([]);
});

for (const ghostFiemap of [true, false]) {
  test(`a sparse deleted file stays sparse (${ghostFiemap ? "FIEMAP" : "SEEK_DATA"})`, () => {
    using run = new Rehearsal();
    const fd = run.high(openPath(run.file("sparse"), O.RDWR | O.CREAT, "", 0o600));
    const spots = [0, 1, 5 * MB, 5 * MB + 8192, 3000 * MB, 6000 * MB].map((at) => [at, `at ${at}`] as const);
    for (const [at, text] of spots) writeSync(fd, text, at);
    ftruncateSync(fd, 7000 * MB + 5);
    unlinkSync(run.file("sparse"));
    run.dump([fd], { ghostFiemap });
    expect(statSync(`${run.images}/ghost-file-1.img`).size).toBeLessThan(100_000);
    run.restore();
    expectSame(run);
    expect(statFd(fd).size).toBe(7000 * MB + 5);
    expect(statFd(fd).blocks).toBeLessThanOrEqual(6 * 8 + 16);
    for (const [at, text] of spots.slice(1)) {
      const bytes = Buffer.alloc(text.length);
      readSync(fd, bytes, 0, bytes.length, at);
      expect(bytes.toString()).toBe(text);
    }
  });
}

test("two names of one deleted file are one inode again; a mapping's entry shares it", () => {
  using run = new Rehearsal();
  writeFileSync(run.file("one"), "x".repeat(20_000));
  linkSync(run.file("one"), run.file("two"));
  const one = run.high(openPath(run.file("one"), O.RDWR));
  const two = run.high(openPath(run.file("two"), O.RDONLY | O.NOFOLLOW));
  unlinkSync(run.file("one"));
  unlinkSync(run.file("two"));
  run.dump([one, two]);
  expect(readdirSync(run.images).filter((name) => name.startsWith("ghost"))).toEqual(["ghost-file-1.img"]);
  run.restore();
  expectSame(run);
  expect(statFd(one).ino).toBe(statFd(two).ino);
  expect(content(two)).toBe("x".repeat(20_000));
});

test("deleted directories, symbolic links, FIFOs and devices come back as such", () => {
  using run = new Rehearsal();
  const node = (name: string, mode: number, dev: number) =>
    expect(sys(NR.mknodat, AT.FDCWD, addressOf(cstring(run.file(name))), mode, dev)).toBe(0);
  mkdirSync(run.file("d"), 0o711);
  writeFileSync(run.file("d/inside"), "deep");
  symlinkSync("nowhere", run.file("l"));
  node("null", 0o020640, 0x103);
  node("f", 0o010600, 0);
  const open = (name: string, flags: number) => run.high(openPath(run.file(name), flags));
  const directory = open("d", O.RDONLY | O.DIRECTORY);
  const path = open("d", O.PATH | O.DIRECTORY);
  const inside = open("d/inside", O.RDONLY);
  const link = open("l", O.PATH | O.NOFOLLOW);
  const device = open("null", O.RDWR);
  const fifo = open("f", O.PATH);
  rmSync(run.file("d"), { recursive: true });
  for (const name of ["l", "null", "f"]) unlinkSync(run.file(name));
  const stats = [directory, path, inside, link, device, fifo].map((fd) => [fd, statFd(fd)] as const);
  run.dump(stats.map(([fd]) => fd));
  run.restore();
  expectSame(run);
  for (const [fd, { mode, rdev }] of stats) {
    const after = statFd(fd);
    expect({ fd, mode: after.mode, rdev: after.rdev }).toEqual({ fd, mode, rdev });
  }
  expect(statFd(directory).ino).toBe(statFd(path).ino);
  expect(content(inside)).toBe("deep");
  const target = new Uint8Array(64);
  const size = sys(NR.readlinkat, link, addressOf(cstring("")), addressOf(target), 64);
  expect(Buffer.from(target.subarray(0, size)).toString()).toBe("nowhere");
  expect(readdirSync(run.path)).toEqual([]);
});

test("a file that never had a name keeps its flag", () => {
  using run = new Rehearsal();
  const fd = run.high(openPath(run.path, O.TMPFILE | O.RDWR, "", 0o600));
  writeSync(fd, "nameless");
  run.dump([fd]);
  run.restore();
  expect(show(process.pid, fd).info).toEqual(run.before.get(fd)?.info ?? []);
  expect(content(fd)).toBe("nameless");
});

test("a name that another file has taken meanwhile is left alone", () => {
  using run = new Rehearsal();
  writeFileSync(run.file("name"), "old");
  const fd = run.high(openPath(run.file("name"), O.RDONLY));
  unlinkSync(run.file("name"));
  writeFileSync(run.file("name"), "new file");
  run.dump([fd]);
  run.restore();
  expect(content(fd)).toBe("old");
  expect(statSync(run.file("name")).size).toBe(8);
  expect(readdirSync(run.path)).toEqual(["name"]);
});

test("a deleted file beyond --ghost-limit is refused by name and size, holes do not count", () => {
  using run = new Rehearsal();
  const fd = run.high(openPath(run.file("big"), O.RDWR | O.CREAT, "", 0o600));
  writeSync(fd, Buffer.alloc(300_000, 1));
  ftruncateSync(fd, 1000 * MB);
  unlinkSync(run.file("big"));
  run.dump([fd], { ghostLimit: 100_000 });
  expect(run.blockers).toHaveLength(1);
  const [error] = run.blockers;
  expect(error?.subject.path).toContain(run.file("big"));
  expect(error?.message).toMatch(/30\d{4} bytes/);
  expect(error?.remedy).toMatch(/--ghost-limit 1M/);
  closeSync(fd);
});

test("a file with another name is kept by a link, which a failed dump takes back, and which goes when the tree is restored", () => {
  const prepare = (run: Rehearsal) => {
    mkdirSync(run.file("d"));
    writeFileSync(run.file("d/kept"), "linked");
    linkSync(run.file("d/kept"), run.file("other"));
    const fds = [O.RDWR, O.RDONLY | O.NOFOLLOW].map((flags) => run.high(openPath(run.file("d/kept"), flags)));
    unlinkSync(run.file("d/kept"));
    return fds;
  };
  using refused = new Rehearsal();
  const closed = prepare(refused);
  refused.dump(closed);
  expect(refused.blockers[0]?.remedy).toContain("--link-remap");
  for (const fd of closed) closeFd(fd);

  using failed = new Rehearsal();
  failed.dump(prepare(failed), { linkRemap: true });
  expect(readdirSync(failed.file("d"))[0]).toMatch(/^link_remap\.\d+$/);
  failed.fail();
  expect(readdirSync(failed.file("d"))).toEqual([]);

  using run = new Rehearsal();
  const fds = prepare(run);
  rmdirSync(run.file("d"));
  run.dump(fds, { linkRemap: true });
  expect(readdirSync(run.path).filter((name) => name.startsWith("link_remap"))).toHaveLength(1);
  run.restore();
  expectSame(run);
  expect(statFd(fds[0] ?? -1).ino).toBe(statSync(run.file("other")).ino);
  expect(readdirSync(run.path)).toHaveLength(2);
  run.release();
  expect(readdirSync(run.path)).toEqual(["other"]);
});
