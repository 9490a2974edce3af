import { expect, test } from "bun:test";
import { linkSync, mkdirSync, readSync, rmSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from "node:fs";
import { closeFd, openPath, readable } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { readFdInfo } from "../kernel/proc/fdinfo.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { addressOf, check, cstring, sys } from "../kernel/sys.ts";
import { IN } from "../kernel/uapi/event.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { Rehearsal, show } from "./rehearsal.ts";

function make(run: Rehearsal): number {
  return run.high(check(sys(NR.inotify_init1, O.NONBLOCK), "inotify_init1"));
}

function watch(fd: number, path: string, mask: number): number {
  return check(sys(NR.inotify_add_watch, fd, addressOf(cstring(path)), mask >>> 0), "inotify_add_watch", { path });
}

function events(fd: number): [wd: number, mask: number, name: string][] {
  const bytes = new Uint8Array(65536);
  const found: [number, number, string][] = [];
  if (readable(fd) === 0) return found;
  const size = readSync(fd, bytes);
  const view = new DataView(bytes.buffer);
  for (let at = 0; at < size; at += 16 + view.getUint32(at + 12, true)) {
    const name = Buffer.from(bytes.subarray(at + 16, at + 16 + view.getUint32(at + 12, true)))
      .toString()
      .replace(/\0+$/, "");
    found.push([view.getInt32(at, true), view.getUint32(at + 4, true), name]);
  }
  return found;
}

test("watches keep number, mask and target, and tell nothing of the restore itself", () => {
  using run = new Rehearsal();
  const fd = make(run);
  mkdirSync(run.file("d"));
  writeFileSync(run.file("d/f"), "text");
  symlinkSync("f", run.file("d/l"));
  const gone = watch(fd, run.path, IN.CREATE);
  const directory = watch(fd, run.file("d"), IN.CREATE | IN.DELETE | IN.ATTRIB | IN.OPEN | IN.EXCL_UNLINK);
  const file = watch(fd, run.file("d/f"), IN.MODIFY | IN.ATTRIB | IN.OPEN);
  const link = watch(fd, run.file("d/l"), IN.ATTRIB | IN.DONT_FOLLOW);
  const once = watch(fd, run.file("d"), IN.MASK_ADD | IN.MOVED_TO);
  expect(once).toBe(directory);
  check(sys(NR.inotify_rm_watch, fd, gone), "inotify_rm_watch");
  while (events(fd).length > 0);
  const open = run.high(openPath(run.file("d/f"), O.RDONLY));
  const deleted = run.high(openPath(run.file("d/new"), O.RDWR | O.CREAT, "", 0o600));
  unlinkSync(run.file("d/new"));
  while (events(fd).length > 0);
  run.dump([fd, open, deleted]);
  expect(run.warnings).toEqual([]);
  run.restore();
  expect(run.blockers).toEqual([]);
  for (const [number, before] of run.before)
    expect({ number, ...show(process.pid, number) }).toEqual({ number, ...before });
  expect(events(fd)).toEqual([]);
  writeFileSync(run.file("d/f"), "changed");
  writeFileSync(run.file("d/made"), "");
  sys(NR.fchownat, -100, addressOf(cstring(run.file("d/l"))), 1, 1, 0x100);
  const told = events(fd).map(([wd, mask, name]) => `${wd} ${mask.toString(16)} ${name}`);
  expect(told).toContain(`${file} ${IN.MODIFY.toString(16)} `);
  expect(told).toContain(`${directory} ${IN.CREATE.toString(16)} made`);
  expect(told).toContain(`${link} ${IN.ATTRIB.toString(16)} `);
});

test("a deleted target and one with another name are watched again", () => {
  using run = new Rehearsal();
  const fd = make(run);
  mkdirSync(run.file("dir"));
  writeFileSync(run.file("file"), "x");
  writeFileSync(run.file("kept"), "y");
  linkSync(run.file("kept"), run.file("other"));
  const file = run.high(openPath(run.file("file"), O.RDWR));
  const kept = run.high(openPath(run.file("kept"), O.PATH));
  const dir = run.high(openPath(run.file("dir"), O.RDONLY | O.DIRECTORY));
  const wds = ["file", "kept", "dir"].map((name) => watch(fd, run.file(name), IN.ATTRIB | IN.MODIFY | IN.DELETE_SELF));
  for (const name of ["file", "kept"]) unlinkSync(run.file(name));
  rmSync(run.file("dir"), { recursive: true });
  while (events(fd).length > 0);
  run.dump([fd, file, kept, dir], { linkRemap: true });
  run.restore();
  expect(run.blockers).toEqual([]);
  using self = new ProcDir(process.pid);
  expect(
    readFdInfo(self, fd)
      .inotify?.map(({ wd }) => wd)
      .sort(),
  ).toEqual(wds);
  expect(events(fd)).toEqual([]);
  sys(NR.fchmod, file, 0o600);
  utimesSync(run.file("other"), 1, 1);
  sys(NR.fchmod, dir, 0o700);
  expect(
    events(fd)
      .map(([wd]) => wd)
      .sort(),
  ).toEqual(wds);
});

test("events that were not read are lost with a warning", () => {
  using run = new Rehearsal();
  const fd = make(run);
  watch(fd, run.path, IN.CREATE);
  writeFileSync(run.file("a"), "");
  run.dump([fd]);
  expect(run.warnings[0]).toMatch(/inotify events.*lost/);
});

test("a target that is gone at the restore is named", () => {
  using run = new Rehearsal();
  const fd = make(run);
  writeFileSync(run.file("a"), "");
  watch(fd, run.file("a"), IN.MODIFY);
  run.dump([fd]);
  unlinkSync(run.file("a"));
  expect(() => run.restore()).toThrow(/cannot open a watched file/);
  closeFd(fd);
});
