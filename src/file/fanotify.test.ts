import { expect, test } from "bun:test";
import { mkdirSync, unlinkSync, writeFileSync } from "node:fs";
import { readable } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, check, cstring, sys } from "../kernel/sys.ts";
import { FAN, FAN_EVENT, FAN_MARK, IN } from "../kernel/uapi/event.ts";
import { AT, O } from "../kernel/uapi/fcntl.ts";
import { Rehearsal, show } from "./rehearsal.ts";

const isRoot = process.geteuid?.() === 0;

function make(run: Rehearsal, flags = 0): number {
  return run.high(check(sys(NR.fanotify_init, flags | FAN.NONBLOCK, O.RDONLY), "fanotify_init"));
}

function mark(fd: number, path: string, flags: number, mask: number): void {
  const name = cstring(path);
  check(sys(NR.fanotify_mark, fd, FAN_MARK.ADD | flags, mask, AT.FDCWD, addressOf(name)), "fanotify_mark", { path });
}

test.skipIf(!isRoot)("marks of every kind show the same afterwards, and tell nothing of the restore itself", () => {
  using run = new Rehearsal();
  const fd = make(run, FAN.REPORT_DIR_FID | FAN.REPORT_NAME);
  mkdirSync(run.file("d"));
  for (const name of ["f", "g", "h"]) writeFileSync(run.file(name), name);
  mark(fd, run.file("d"), 0, IN.CREATE | IN.DELETE | IN.ISDIR);
  mark(fd, run.file("f"), 0, IN.MODIFY);
  mark(fd, run.file("g"), FAN_MARK.EVICTABLE, IN.MODIFY | IN.ATTRIB);
  mark(fd, run.file("g"), FAN_MARK.EVICTABLE | FAN_MARK.IGNORE | FAN_MARK.IGNORED_SURV_MODIFY, IN.ATTRIB);
  mark(fd, run.file("h"), FAN_MARK.IGNORED_MASK | FAN_MARK.IGNORED_SURV_MODIFY, IN.OPEN | IN.CLOSE_WRITE);
  // file systems without file ids take no part in a group that reports them
  const other = make(run);
  mark(other, "/sys", FAN_MARK.MOUNT, IN.MODIFY);
  run.dump([fd, other]);
  run.restore();
  expect(run.blockers).toEqual([]);
  expect(run.warnings).toEqual([]);
  for (const [number, before] of run.before) expect(show(process.pid, number)).toEqual(before);
  expect(readable(fd)).toBe(0);
  writeFileSync(run.file("d/new"), "");
  expect(readable(fd)).toBeGreaterThan(0);
});

test.skipIf(!isRoot)("events that were not read are lost with a warning", () => {
  using run = new Rehearsal();
  const fd = make(run);
  writeFileSync(run.file("a"), "");
  mark(fd, run.file("a"), 0, IN.MODIFY);
  writeFileSync(run.file("a"), "x");
  run.dump([fd]);
  expect(run.warnings[0]).toMatch(/fanotify events.*lost/);
});

test.skipIf(!isRoot)("a group that answers for others is refused by name", () => {
  using run = new Rehearsal();
  const fd = make(run, FAN.CLASS_CONTENT);
  writeFileSync(run.file("a"), "");
  mark(fd, run.file("a"), 0, FAN_EVENT.OPEN_PERM);
  run.dump([fd]);
  expect(run.blockers.map(({ message }) => message).join()).toMatch(/decides whether others may open files/);
});

test.skipIf(!isRoot)("a target that is gone at the restore is named, and so is a mount", () => {
  for (const isMount of [false, true]) {
    using run = new Rehearsal();
    const fd = make(run);
    writeFileSync(run.file("a"), "");
    if (isMount) mark(fd, "/sys", FAN_MARK.MOUNT, IN.MODIFY);
    else mark(fd, run.file("a"), 0, IN.MODIFY);
    run.dump([fd]);
    unlinkSync(run.file("a"));
    for (const { ffy } of run.entries.values()) {
      const me = ffy?.mark[0]?.me;
      if (me) me.path = `${run.path}/nowhere`;
    }
    expect(() => run.restore()).toThrow(
      isMount ? /a mount that was watched is not there/ : /cannot open a watched file/,
    );
  }
});
