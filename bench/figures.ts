/** What the table shows. */
import { criu } from "./criu.ts";
import type { Figure } from "./figure.ts";
import { fresh } from "./fresh.ts";
import { redis } from "./redis.ts";
import { container } from "./runc.ts";
import { start } from "./start.ts";
import { Victim } from "./victim.ts";

const small = new Victim("sleep", []);
const memory = new Victim("memory", ["memory", `${2 ** 30}`], true);
const tasks100 = new Victim("100 tasks", ["children", "100"]);
const tasks10 = new Victim("10 tasks", ["children", "10"]);
const threads64 = new Victim("64 threads", ["threads", "64"]);
const threads8 = new Victim("8 threads", ["threads", "8"]);
const vmas10000 = new Victim("10,000 VMAs", ["vmas", "10000"]);
const vmas1000 = new Victim("1,000 VMAs", ["vmas", "1000"]);
const sockets1000 = new Victim("1,000 unix sockets", ["sockets", "1000"]);
const sockets100 = new Victim("100 unix sockets", ["sockets", "100"]);
const established = ["--tcp-established"];
const tcp1000 = new Victim("1,000 TCP connections", ["connections", "1000"], false, established);
const tcp100 = new Victim("100 TCP connections", ["connections", "100"], false, established);
const udp1000 = new Victim("1,000 UDP sockets", ["datagrams", "1000"]);
const udp100 = new Victim("100 UDP sockets", ["datagrams", "100"]);
const fds10000 = new Victim("10,000 descriptors", ["descriptors", "10000"]);
const fds1000 = new Victim("1,000 descriptors", ["descriptors", "1000"]);
const mounts1000 = new Victim("1,000 mounts", ["mounts", "1000"]);
const mounts100 = new Victim("100 mounts", ["mounts", "100"]);
const veths200 = new Victim("200 pairs of interfaces", ["veths", "200"]);
const veths20 = new Victim("20 pairs of interfaces", ["veths", "20"]);

/** How much longer the larger one takes. */
function growth(large: Victim, little: Victim): Figure[] {
  return (["dump", "frozen", "restore"] as const).map((which) => ({
    what: `${named[which]} ${large.name} against ${little.name}`,
    atMost: 10,
    unit: "ms",
    ours: `${large.name}.${which}`,
    base: `${little.name}.${which}`,
    turns: [large, little],
  }));
}

const named = { dump: "dump of", frozen: "frozen time of", restore: "restore of" } as const;

/**
 * Against CRIU: one that takes turns with ours, or else medians of CRIU 4.2 on a machine with two cores (its feature cache warm,
 * page cache warm), milliseconds.
 */
function beside(victim: Victim, noted: { dump: number; frozen: number; restore: number }, wall = 1): Figure[] {
  const theirs = criu && victim.twin("CRIU", criu.path);
  return (["dump", "frozen", "restore"] as const).map((which) => ({
    what: `${named[which]} ${victim.name} against CRIU ${criu ? `${criu.version}, by turns` : "4.2, as noted elsewhere"}`,
    atMost: which === "frozen" ? 1 : wall,
    unit: "ms",
    ours: `${victim.name}.${which}`,
    base: theirs ? `${theirs.name}.${which}` : noted[which],
    turns: theirs ? [victim, theirs] : [victim],
  }));
}

export const figures: readonly Figure[] = [
  start,
  {
    what: "dump of 1 GiB random memory against one plain write",
    atMost: 1.25,
    unit: "ms",
    ours: "memory.dump",
    base: "memory.write",
    turns: [memory],
  },
  {
    what: "restore of it against one plain read into fresh memory",
    atMost: 1.15,
    unit: "ms",
    ours: "memory.restore",
    base: "memory.read",
    turns: [memory],
  },
  {
    what: "frozen time of sleep against its whole dump",
    atMost: 0.5,
    unit: "ms",
    ours: "sleep.frozen",
    base: "sleep.dump",
    turns: [small],
  },
  ...growth(tasks100, tasks10),
  ...growth(threads64, threads8),
  ...growth(vmas10000, vmas1000),
  ...growth(sockets1000, sockets100),
  ...growth(tcp1000, tcp100),
  ...growth(udp1000, udp100),
  ...growth(fds10000, fds1000),
  ...growth(mounts1000, mounts100),
  ...growth(veths200, veths20),
  redis,
  fresh,
  ...container,
  {
    what: "peak memory of dumping 1 GiB against sleep",
    atMost: 1.5,
    unit: "MiB",
    ours: "memory.peak",
    base: "sleep.peak",
    turns: [memory, small],
  },
  // the runtime's own start weighs in the wall times of the smallest
  ...beside(small, { dump: 20, frozen: 8, restore: 13 }, 2),
  ...beside(memory, { dump: 665, frozen: 655, restore: 660 }),
  ...beside(tasks100, { dump: 755, frozen: 737, restore: 210 }),
  ...beside(threads64, { dump: 43, frozen: 27, restore: 37 }),
  ...beside(vmas10000, { dump: 170, frozen: 160, restore: 91 }),
];
