/** Time namespaces (time_namespaces(7)): clocks that run at an offset from the machine's. */
import { readFileSync } from "node:fs";
import type { Data } from "../agent/program.ts";
import type { ImageDirectory } from "../image/directory.ts";
import type { TimensEntry } from "../image/schema.gen.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, sys } from "../kernel/sys.ts";
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

/** Our own clocks' offsets from the machine's, nanoseconds: the file's numbers count from there. */
function ownOffsets(): Readings {
  const offsets: Readings = { monotonic: 0n, boottime: 0n };
  const text = readFileSync("/proc/self/timens_offsets", "latin1");
  for (const [, name, seconds, nanoseconds] of text.matchAll(/^(\w+)\s+(-?\d+)\s+(\d+)$/gm))
    if (name === "monotonic" || name === "boottime")
      offsets[name] = BigInt(seconds ?? 0) * NSEC_PER_SEC + BigInt(nanoseconds ?? 0);
  return offsets;
}

/** Lines for /proc/PID/timens_offsets, with which the clocks go on from what was saved. Seconds may be negative. */
function offsetLines(saved: Readings): string {
  const [now, own] = [ownReadings(), ownOffsets()];
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

  fill({ program, images, id }) {
    program.call(NR.unshare, [CLONE.NEWTIME], { what: "cannot make a time namespace" });
    const lines = Buffer.from(offsetLines(savedReadings(images.one("TIMENS", id))));
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
  },
};
