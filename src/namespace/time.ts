/** Time namespaces (time_namespaces(7)): clocks that run at an offset from the machine's. */
import { readFileSync, writeFileSync } from "node:fs";
import type { Data, Program } from "../agent/program.ts";
import { CrError } from "../error.ts";
import type { ImageDirectory } from "../image/directory.ts";
import type { TimensEntry } from "../image/schema.gen.ts";
import { envoyOf } from "../kernel/envoy.ts";
import { closeFd, openPath } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { CLOCK } from "../kernel/uapi/event.ts";
import { AT, O } from "../kernel/uapi/fcntl.ts";
import { CLONE } from "../kernel/uapi/sched.ts";
import type { NamespaceKind } from "./kind.ts";

/** The image of the dumper's own clocks. */
export const HOST_CLOCKS = 0;

const NSEC_PER_SEC = 1_000_000_000n;
/** struct timespec, bytes. */
const TIMESPEC = 16;

type Name = keyof TimensEntry;
const clocks: Readonly<Record<Name, number>> = { monotonic: CLOCK.MONOTONIC, boottime: CLOCK.BOOTTIME };
const names = ["monotonic", "boottime"] as const;

/** Nanoseconds. */
type Readings = Record<Name, bigint>;

function readingOf(timespec: DataView): bigint {
  return timespec.getBigInt64(0, true) * NSEC_PER_SEC + timespec.getBigInt64(8, true);
}

const timespecOf = (time: bigint) => ({ tv_sec: Number(time / NSEC_PER_SEC), tv_nsec: Number(time % NSEC_PER_SEC) });

function ownReadings(): Readings {
  const read = (name: Name) => {
    const time = new Uint8Array(TIMESPEC);
    sys(NR.clock_gettime, clocks[name], addressOf(time));
    return readingOf(new DataView(time.buffer));
  };
  return { monotonic: read("monotonic"), boottime: read("boottime") };
}

function savedReadings(entry: TimensEntry): Readings {
  const read = (name: Name) => BigInt(entry[name].tv_sec) * NSEC_PER_SEC + BigInt(entry[name].tv_nsec);
  return { monotonic: read("monotonic"), boottime: read("boottime") };
}

/** The clocks that stand still, or begin anew, while a machine is off: as this process reads them. */
export function readClocks(): TimensEntry {
  const { monotonic, boottime } = ownReadings();
  return { monotonic: timespecOf(monotonic), boottime: timespecOf(boottime) };
}

/**
 * Whether a tree would see a clock go back here, because this machine started later than the one it was dumped on, or again.
 * @returns false where the kernel has no time namespaces, too
 */
export function clocksGoBack(images: ImageDirectory): boolean {
  const [entry] = images.read("TIMENS", HOST_CLOCKS);
  if (entry === undefined) return false;
  const [saved, now] = [savedReadings(entry), ownReadings()];
  return names.some((name) => saved[name] > now[name]);
}

/** Offsets from the machine's clocks that children of a process will have, nanoseconds: the file's numbers count from there. */
function offsetsOf(pid: number | "self"): Readings {
  const offsets: Readings = { monotonic: 0n, boottime: 0n };
  const text = readFileSync(`/proc/${pid}/timens_offsets`, "latin1");
  for (const [, name, seconds, nanoseconds] of text.matchAll(/^(\w+)\s+(-?\d+)\s+(\d+)$/gm))
    if (name === "monotonic" || name === "boottime")
      offsets[name] = BigInt(seconds ?? 0) * NSEC_PER_SEC + BigInt(nanoseconds ?? 0);
  return offsets;
}

/** Lines for /proc/PID/timens_offsets, with which the clocks go on from what was saved. Seconds may be negative. */
function offsetLines(saved: Readings): string {
  const [now, own] = [ownReadings(), offsetsOf("self")];
  return names
    .map((name) => {
      const offset = saved[name] - now[name] + own[name];
      const nanoseconds = ((offset % NSEC_PER_SEC) + NSEC_PER_SEC) % NSEC_PER_SEC;
      return `${name} ${(offset - nanoseconds) / NSEC_PER_SEC} ${nanoseconds}\n`;
    })
    .join("");
}

export const time: NamespaceKind = {
  name: "time",
  // only children of whoever unshares it are born into it: the root does so itself, and follows
  flag: 0,
  entered: CLONE.NEWTIME,

  ask(questions) {
    const ask = (name: Name): Data => {
      const place = questions.reserve(TIMESPEC);
      questions.call(NR.clock_gettime, [clocks[name], place], { what: "cannot read the task's clocks" });
      return place;
    };
    const [monotonic, boottime] = [ask("monotonic"), ask("boottime")];
    return (images, id) =>
      images.write("TIMENS", id, [
        { monotonic: timespecOf(readingOf(monotonic.view)), boottime: timespecOf(readingOf(boottime.view)) },
      ]);
  },

  saveForChildren: (images, id, parent) => images.write("TIMENS", id, [childrensClocks(parent)]),

  fill({ program, images, id: first, ids, isRoots, owner, entrance, atEnd }) {
    const enter = (id: number, fd: number) => {
      atEnd(() => closeFd(fd));
      entrance(id, fd);
    };
    // tasks of a tree in another one may live in ours
    const ours = images.inventory.root_ids?.time_ns_id;
    if (ours !== undefined && first !== HOST_CLOCKS) enter(ours, openPath("/proc/self/ns/time", O.RDONLY));
    for (const id of ids) {
      if (id === first && (isRoots || id === HOST_CLOCKS)) enterNew(program, images, id);
      else enter(id, makeNamespace(images, id, owner(id)));
    }
  },
};

const linesOf = (images: ImageDirectory, id: number) => offsetLines(savedReadings(images.one("TIMENS", id)));

/** Our descriptor of a namespace of which the root is no member. */
function makeNamespace(images: ImageDirectory, id: number, owner: number | undefined): number {
  using envoy = envoyOf(owner);
  check(envoy.call(NR.unshare, CLONE.NEWTIME), "cannot make a time namespace");
  return setClocks(envoy.pid, linesOf(images, id));
}

/** Sets the clocks that the next children of a process will have; our descriptor of their namespace. */
function setClocks(pid: number, lines: string): number {
  try {
    writeFileSync(`/proc/${pid}/timens_offsets`, lines);
  } catch (cause) {
    throw new CrError("cannot set the clocks of a time namespace", { subject: { pid }, cause });
  }
  return openPath(`/proc/${pid}/ns/time_for_children`, O.RDONLY, "cannot open a new time namespace");
}

/**
 * A task's next children get clocks of their own.
 * @param program of that task
 * @param pid the same, as we see it
 * @returns our descriptor of their namespace
 */
export function parentOfClocks(program: Program, pid: number, images: ImageDirectory, id: number): number {
  program.call(NR.unshare, [CLONE.NEWTIME], { what: "cannot make a time namespace", subject: { pid } });
  program.run();
  return setClocks(pid, linesOf(images, id));
}

/** The same of a thread, which has made their namespace. @param tid as we see it */
export const clocksOfThread = (tid: number, images: ImageDirectory, id: number) => setClocks(tid, linesOf(images, id));

/** What the clocks show in the namespace of a task's next children show. */
function childrensClocks(pid: number): TimensEntry {
  const [now, own, theirs] = [ownReadings(), offsetsOf("self"), offsetsOf(pid)];
  const at = (name: Name) => timespecOf(now[name] - own[name] + theirs[name]);
  return { monotonic: at("monotonic"), boottime: at("boottime") };
}

/** The task makes a namespace and lives there. */
function enterNew(program: Program, images: ImageDirectory, id: number): void {
  program.call(NR.unshare, [CLONE.NEWTIME], { what: "cannot make a time namespace" });
  const lines = Buffer.from(linesOf(images, id));
  const open = (name: string, flags: number) =>
    program.call(NR.openat, [AT.FDCWD, program.text(`/proc/self/${name}`), flags | O.CLOEXEC], {
      what: `cannot open /proc/self/${name}`,
    });
  const offsets = open("timens_offsets", O.WRONLY);
  program.call(NR.write, [offsets, program.data(lines), lines.length], {
    expect: lines.length,
    what: "cannot set the clocks of the time namespace",
  });
  program.call(NR.close, [offsets]);
  const fresh = open("ns/time_for_children", O.RDONLY);
  program.call(NR.setns, [fresh, CLONE.NEWTIME], { what: "cannot enter the time namespace" });
  program.call(NR.close, [fresh]);
}
