import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, renameSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CrError } from "../error.ts";
import { closeFd, linkOf, openPath, tryRead } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, cstring, sys } from "../kernel/sys.ts";
import { AT, O } from "../kernel/uapi/fcntl.ts";
import { describeFile } from "./collect.ts";
import { ownGround, ownSurroundings } from "./ground.ts";
import { Irmap } from "./irmap.ts";
import type { FileDump } from "./kind.ts";
import { type Place, placeOf } from "./place.ts";
import { Rehearsal, show } from "./rehearsal.ts";

const rooted = test.skipIf(process.getuid?.() !== 0);
const none = { external: [], evasiveDevices: false };

class Directory implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "tscriu-place-"));

  file(name: string): string {
    return join(this.path, name);
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

function place(fd: number, options = none): Place {
  return placeOf(describeFile(1, fd, linkOf(fd), 0, { pid: process.pid, fd }), options, ownGround);
}

/** Opens a file, does something to its name, and tells where it is found then. */
function after(path: string, change: () => void, options = none): Place {
  const fd = openPath(path, O.PATH | O.NOFOLLOW);
  try {
    change();
    return place(fd, options);
  } finally {
    closeFd(fd);
  }
}

test("a file is found by its name, wherever that went", () => {
  using dir = new Directory();
  writeFileSync(dir.file("a"), "");
  expect(after(dir.file("a"), () => {})).toEqual({ how: "path", name: dir.file("a") });
  expect(after(dir.file("a"), () => renameSync(dir.file("a"), dir.file("b")))).toEqual({
    how: "path",
    name: dir.file("b"),
  });
});

test("a name that ends in (deleted) is a name", () => {
  using dir = new Directory();
  const path = dir.file("odd (deleted)");
  writeFileSync(path, "");
  expect(after(path, () => {})).toEqual({ how: "path", name: path });
  expect(after(path, () => unlinkSync(path))).toEqual({ how: "ghost", name: path });
});

test("deleted files are ghosts, also when another file took the name, and quotes and newlines do no harm", () => {
  using dir = new Directory();
  const path = dir.file('it\'s "a"\nname');
  writeFileSync(path, "");
  const replace = () => {
    unlinkSync(path);
    writeFileSync(path, "");
  };
  expect(after(path, replace)).toEqual({ how: "ghost", name: path });
});

rooted("files of a task that has ended come back as files of a task that has ended (needs root)", () => {
  using run = new Rehearsal();
  const child = Bun.spawn(["sleep", "1000"]);
  const status = run.high(openPath(`/proc/${child.pid}/status`, O.RDONLY));
  const mounts = run.high(openPath(`/proc/${child.pid}/mountinfo`, O.RDONLY));
  const directory = run.high(openPath(`/proc/${child.pid}`, O.RDONLY | O.DIRECTORY));
  child.kill("SIGKILL");
  while (sys(NR.wait4, child.pid, 0, 0, 0) === -4);
  const shown = [status, mounts, directory].map((fd) => show(process.pid, fd));
  run.dump([status, mounts, directory]);
  expect(run.blockers).toEqual([]);
  run.restore();
  expect([status, mounts, directory].map((fd) => show(process.pid, fd))).toEqual(shown);
  expect(tryRead(status, new Uint8Array(100))).toBe(-3);
  expect(tryRead(mounts, new Uint8Array(100))).toBe(100);
});

rooted("a file of a mount that was taken away is refused (needs root)", () => {
  using dir = new Directory();
  mkdirSync(dir.file("m"));
  expect(spawnSync("mount", ["-t", "tmpfs", "none", dir.file("m")]).status).toBe(0);
  writeFileSync(dir.file("m/a"), "");
  const fd = openPath(dir.file("m/a"), O.RDONLY);
  spawnSync("umount", ["-l", dir.file("m")]);
  expect(() => place(fd)).toThrow(/no path|outside|cannot be found/);
  let remedy: string | undefined;
  try {
    place(fd);
  } catch (error) {
    remedy = error instanceof CrError ? error.remedy : undefined;
  }
  expect(remedy).toMatch(/--external 'file\[[0-9a-f]+:[0-9a-f]+\]' at dump, --inherit-fd 'fd\[N\]:file\[/);
  closeFd(fd);
});

rooted("with --evasive-devices another path to the device will do (needs root)", () => {
  using dir = new Directory();
  const path = dir.file("null");
  const make = (minor: number) => sys(NR.mknodat, AT.FDCWD, addressOf(cstring(path)), 0o020666, 0x100 + minor);
  const replace = () => {
    unlinkSync(path);
    make(3);
  };
  make(3);
  expect(after(path, replace)).toEqual({ how: "ghost", name: path });
  expect(after(path, replace, { ...none, evasiveDevices: true })).toEqual({ how: "path", name: path });
  expect(after(path, () => unlinkSync(path), { ...none, evasiveDevices: true })).toEqual({
    how: "path",
    name: "/dev/null",
  });
});

test("an inode is found by walking, and remembered for the next dump", () => {
  using dir = new Directory();
  using work = new Directory();
  mkdirSync(dir.file("x/y"), { recursive: true });
  writeFileSync(dir.file("x/y/z"), "");
  const fd = openPath(dir.file("x/y/z"), O.PATH);
  const { stat } = describeFile(1, fd, "", 0, { pid: 0, fd });
  closeFd(fd);
  const dump = {
    ...ownSurroundings(),
    held: [],
    pids: [process.pid],
    options: { irmapScanPaths: [`${dir.path}/`], workDir: work.path },
  };
  const found = Irmap.of(dump as unknown as FileDump);
  expect(found.find(stat.dev, stat.ino)).toBe(dir.file("x/y/z"));
  found.save();
  const later = { ...dump, options: { irmapScanPaths: [], workDir: work.path } };
  expect(Irmap.of(later as unknown as FileDump).find(stat.dev, stat.ino)).toBe(dir.file("x/y/z"));
  unlinkSync(dir.file("x/y/z"));
  const gone = { ...later, pids: [] };
  expect(Irmap.of(gone as unknown as FileDump).find(stat.dev, stat.ino)).toBeUndefined();
});
