/** Properties of cgroups: which are saved, and how each is written again (cgroup-v1/*.rst and cgroup-v2.rst of the kernel). */
import { chmodSync, chownSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { CrError } from "../error.ts";
import type { CgroupPerms, CgroupPropEntry } from "../image/schema.gen.ts";
import { tryReadProcFile } from "../kernel/proc/read.ts";
import { statPath } from "../kernel/stat.ts";
import type { CgroupProps } from "../options.ts";

export const THREADS = "cgroup.threads";
/** Every cgroup has them. Who is in it is not a property, but who may write it is. */
const MEMBERS = ["cgroup.procs", "tasks", THREADS];
const COMMON = ["cgroup.clone_children", "notify_on_release", "cgroup.procs", "tasks"];
const COMMON_V2 = [
  "cgroup.subtree_control",
  "cgroup.max.descendants",
  "cgroup.max.depth",
  "cgroup.freeze",
  "cgroup.type",
  "cgroup.procs",
];

/** By controller; in the order in which they can be set in a fresh cgroup. */
const CONTROLLERS: Readonly<Record<string, readonly string[]>> = {
  cpu: ["cpu.shares", "cpu.cfs_period_us", "cpu.cfs_quota_us", "cpu.rt_period_us", "cpu.rt_runtime_us"],
  memory: [
    "memory.limit_in_bytes",
    "memory.memsw.limit_in_bytes",
    "memory.swappiness",
    "memory.soft_limit_in_bytes",
    "memory.move_charge_at_immigrate",
    "memory.oom_control",
    "memory.use_hierarchy",
    "memory.kmem.limit_in_bytes",
    "memory.kmem.tcp.limit_in_bytes",
  ],
  cpuset: [
    "cpuset.cpus",
    "cpuset.mems",
    "cpuset.memory_migrate",
    "cpuset.cpu_exclusive",
    "cpuset.mem_exclusive",
    "cpuset.mem_hardwall",
    "cpuset.memory_spread_page",
    "cpuset.memory_spread_slab",
    "cpuset.sched_load_balance",
    "cpuset.sched_relax_domain_level",
  ],
  blkio: ["blkio.weight"],
  net_cls: ["net_cls.classid"],
  net_prio: ["net_prio.ifpriomap"],
  pids: ["pids.max"],
  devices: ["devices.list"],
};

/** Of v2, where one hierarchy has all controllers; only what a controller that is on there shows exists. */
const CONTROLLERS_V2: Readonly<Record<string, readonly string[]>> = {
  cpu: ["cpu.weight", "cpu.max", "cpu.max.burst", "cpu.idle", "cpu.uclamp.min", "cpu.uclamp.max"],
  memory: [
    "memory.min",
    "memory.low",
    "memory.high",
    "memory.max",
    "memory.swap.high",
    "memory.swap.max",
    "memory.zswap.max",
    "memory.oom.group",
  ],
  cpuset: ["cpuset.cpus", "cpuset.mems", "cpuset.cpus.partition"],
  io: ["io.weight", "io.max", "io.latency"],
  pids: ["pids.max"],
  hugetlb: [],
  rdma: ["rdma.max"],
  misc: ["misc.max"],
};

/** The names of a hierarchy's properties, in the order in which they are written again. */
export function propertiesOf(hierarchy: string, available: readonly string[], given: readonly CgroupProps[]): string[] {
  const isV2 = hierarchy === "";
  const chosen = (controller: string, usual: readonly string[]) => {
    const own = given.filter((one) => one.controller === controller);
    const kept = own.some(({ replaces }) => replaces) ? [] : usual;
    return [...new Set([...kept, ...own.flatMap(({ properties }) => properties)])];
  };
  const known = isV2 ? CONTROLLERS_V2 : CONTROLLERS;
  const controllers = isV2 ? available : hierarchy.split(",");
  return [
    ...(isV2 ? COMMON_V2 : COMMON),
    ...controllers.flatMap((controller) => chosen(controller, known[controller] ?? [])),
  ];
}

/** Undefined where there is no such file. */
export function permsOf(path: string): CgroupPerms | undefined {
  const found = statPath(path);
  return found && { mode: found.mode, uid: found.uid, gid: found.gid };
}

/** Of a file that tells more than can be written, what can: whether the OOM killer is off. In images it is either of the two. */
const oomSwitch = (text: string) => /^(?:oom_kill_disable )?(\d)$/m.exec(text)?.[1];

/** Reads a property; undefined where this cgroup has none of that name. */
export function readProperty(directory: string, name: string): CgroupPropEntry | undefined {
  const path = `${directory}/${name}`;
  // absent in a root cgroup, or of a controller that is not on
  const text = MEMBERS.includes(name) ? "" : tryReadProcFile(path)?.trimEnd();
  const perms = text === undefined ? undefined : permsOf(path);
  if (text === undefined || perms === undefined) return undefined;
  const value = name === "memory.oom_control" ? (oomSwitch(text) ?? text) : text;
  return { name, value, perms };
}

/** Those that have to stand before a task enters. */
const EARLY = ["cpuset.cpus", "cpuset.mems", "cgroup.type", "cgroup.subtree_control", "cgroup.clone_children"];
/** Those that stop the tree: after all others. */
const LAST = ["cgroup.freeze", "freezer.state"];

export type Stage = "early" | "late" | "last";

function stageOf(name: string): Stage {
  if (EARLY.includes(name)) return "early";
  return LAST.includes(name) ? "last" : "late";
}

/** What has to be written, one write each, where a file says `now` and shall say `value`. */
export function writesFor(name: string, value: string, now: string): { file: string; text: string }[] {
  if (value === now) return [];
  const lines = value.split("\n").filter((line) => line !== "");
  const each = (file: string) => lines.map((text) => ({ file, text }));
  switch (name) {
    case "devices.list":
      return [{ file: "devices.deny", text: "a" }, ...each("devices.allow")];
    case "cgroup.subtree_control": {
      const [on, off] = [value.split(" ").filter(Boolean), now.split(" ").filter(Boolean)];
      const words = [
        ...on.filter((one) => !off.includes(one)).map((one) => `+${one}`),
        ...off.filter((one) => !on.includes(one)).map((one) => `-${one}`),
      ];
      return words.length === 0 ? [] : [{ file: name, text: words.join(" ") }];
    }
    case "cgroup.type":
      // the others come by themselves
      return value === "threaded" ? [{ file: name, text: value }] : [];
    case "memory.oom_control": {
      const [wanted, is] = [oomSwitch(value), oomSwitch(now)];
      return wanted === undefined || wanted === is ? [] : [{ file: name, text: wanted }];
    }
    case "net_prio.ifpriomap":
    case "io.max":
    case "io.latency":
    case "rdma.max":
    case "misc.max":
      return each(name).filter(({ text }) => !now.split("\n").includes(text));
    default:
      return [{ file: name, text: value === "" ? "\n" : value }];
  }
}

function allow(path: string, perms: CgroupPerms | undefined): void {
  if (!perms) return;
  const now = statSync(path);
  if (now.uid !== perms.uid || now.gid !== perms.gid) chownSync(path, perms.uid, perms.gid);
  if ((now.mode & 0o7777) !== (perms.mode & 0o7777)) chmodSync(path, perms.mode & 0o7777);
}

/** Gives a cgroup's directory, or a file of it, back its owner and mode. */
export function restorePerms(path: string, perms: CgroupPerms | undefined): void {
  try {
    allow(path, perms);
  } catch (cause) {
    throw new CrError("cannot give a cgroup its owner and mode", { subject: { path }, cause });
  }
}

/**
 * Gives a cgroup back properties of one stage, in the order of the images; one that refuses for the sake of a later one is tried
 * again after it.
 * @param cgroup how the user knows it
 */
export function restoreProperties(
  directory: string,
  cgroup: string,
  properties: readonly CgroupPropEntry[],
  stage: Stage,
): void {
  let left = properties.filter(({ name }) => stageOf(name) === stage);
  for (;;) {
    const refused: { property: CgroupPropEntry; cause: unknown }[] = [];
    for (const property of left) {
      try {
        restoreProperty(directory, property);
      } catch (cause) {
        refused.push({ property, cause });
      }
    }
    const [first] = refused;
    if (first === undefined) return;
    if (refused.length === left.length) {
      const { name, value } = first.property;
      throw new CrError("cannot give a cgroup its property again", {
        code: (first.cause as { code?: string } | undefined)?.code,
        subject: { path: cgroup, property: name, value: value.slice(0, 80) },
        remedy:
          "the cgroup above may forbid it or not have the controller; restore with --manage-cgroups=none and set it yourself",
        cause: first.cause,
      });
    }
    left = refused.map(({ property }) => property);
  }
}

function restoreProperty(directory: string, { name, value, perms }: CgroupPropEntry): void {
  if (name.includes("/") || name === ".." || name === ".") throw new CrError("it is no name of a property");
  const path = `${directory}/${name}`;
  if (!MEMBERS.includes(name)) {
    const now = readFileSync(path, "latin1").trimEnd();
    for (const { file, text } of writesFor(name, value, now)) writeFileSync(`${directory}/${file}`, text);
  }
  allow(path, perms);
}
