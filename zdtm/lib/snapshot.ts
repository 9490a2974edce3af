import { readdirSync, readFileSync, readlinkSync, statSync } from "node:fs";
import { NR } from "../../src/kernel/nr.ts";
import { type Area, areas } from "./areas.ts";
import { contentsOf, enteredKinds } from "./inside.ts";
import { mountTable } from "./mount-table.ts";
import { pageDigests } from "./pages.ts";

/** What /proc shows of a tree: per pid, per subject, text. Flat, so that a difference is one line. */
export type Snapshot = Map<string, string>;

/** Where a tree's processes are seen: our own /proc, or that of its pid namespace, which has other numbers. */
export const ourProc = "/proc";

export interface SnapshotOptions {
  /** The /proc that has the numbers; ours when left out. */
  proc?: string;
  /** It has pid and mount namespaces of its own, or will have: what tells them from ours is left out. */
  fresh?: boolean;
  /** Also take down the contents of private memory. */
  memory: boolean;
  /** Leaves out code: a dump that lets its victim live leaves a page of it as a copy, with the bytes of the file. */
  exceptCode?: boolean;
}

/** Inode numbers are the kernel's own; small numbers in order of appearance show who shares what with whom. */
class Names {
  private readonly seen = new Map<string, string>();
  private readonly counts = new Map<string, number>();

  of(kind: string, number: string): string {
    const key = `${kind}:${number}`;
    let name = this.seen.get(key);
    if (name === undefined) {
      const count = this.counts.get(kind) ?? 0;
      this.counts.set(kind, count + 1);
      name = `${kind} #${count}`;
      this.seen.set(key, name);
    }
    return name;
  }
}

function text(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch (error) {
    return `<${error instanceof Error && "code" in error ? String(error.code) : "unreadable"}>`;
  }
}

function link(path: string): string {
  try {
    return readlinkSync(path);
  } catch (error) {
    return `<${error instanceof Error && "code" in error ? String(error.code) : "unreadable"}>`;
  }
}

function owner(path: string): string {
  try {
    const { uid, gid } = statSync(path);
    return `${uid}:${gid}`;
  } catch {
    return "gone";
  }
}

function names(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return [];
  }
}

function numbers(path: string): number[] {
  return names(path)
    .map(Number)
    .sort((a, b) => a - b);
}

/** The pids of a tree, parents before children. */
export function treeOf(pid: number, proc: string = ourProc): number[] {
  const found: number[] = [];
  const todo = [pid];
  for (let at = todo.shift(); at !== undefined; at = todo.shift()) {
    const tids = numbers(`${proc}/${at}/task`);
    if (tids.length === 0) continue;
    found.push(at);
    for (const tid of tids) {
      const children = text(`${proc}/${at}/task/${tid}/children`);
      if (!children.startsWith("<")) todo.push(...children.split(" ").filter(Boolean).map(Number));
    }
  }
  return found;
}

/** The fields of a stat file from the state on (field 3 of proc(5) is number 3 here). */
export function statFields(path: string): string[] {
  const line = text(path);
  return [
    "",
    "",
    "",
    ...line
      .slice(line.lastIndexOf(")") + 2)
      .trim()
      .split(" "),
  ];
}

/** Calls in which a thread sleeps without being woken by signals until its child has another program. */
const AWAITS_CHILD = new Set([NR.vfork, NR.clone, NR.clone3].filter((number) => number >= 0));

/** Does a thread neither run, nor wait for what comes at once? */
function isAsleep(thread: string): boolean {
  const state = statFields(`${thread}/stat`)[3] ?? "R";
  if (state !== "D") return state !== "R";
  return AWAITS_CHILD.has(Number.parseInt(text(`${thread}/syscall`), 10));
}

/** Does no thread of the tree run? */
export function asleep(pid: number, proc: string = ourProc): boolean {
  return treeOf(pid, proc).every((p) =>
    numbers(`${proc}/${p}/task`).every((tid) => isAsleep(`${proc}/${p}/task/${tid}`)),
  );
}

const processStatus =
  "Name Umask Tgid Pid Uid Gid Groups NStgid NSpid NSpgid NSsid VmLck VmPin HugetlbPages CoreDumping THP_enabled " +
  "untag_mask Threads SigPnd ShdPnd SigBlk SigIgn SigCgt CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp " +
  "Seccomp_filters Speculation_Store_Bypass SpeculationIndirectBranch Cpus_allowed_list Mems_allowed_list";
const threadStatus =
  "Name Pid Uid Gid Groups SigPnd SigBlk CapInh CapPrm CapEff CapBnd CapAmb NoNewPrivs Seccomp Seccomp_filters " +
  "Speculation_Store_Bypass SpeculationIndirectBranch Cpus_allowed_list";

function putStatus(into: Snapshot, at: string, path: string, wanted: string, zombie = false): void {
  const fields = new Map<string, string>();
  for (const line of text(path).split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) fields.set(line.slice(0, colon), line.slice(colon + 1).trim());
  }
  for (const key of wanted.split(" ")) {
    const value = fields.get(key);
    // what a task would have done with signals is over with it
    const gone = zombie && (key === "Threads" || /^(Sig|ShdPnd)/.test(key));
    if (value !== undefined && !gone) into.set(`${at} status ${key}`, value);
  }
}

/** States that a task leaves and enters by itself count as one. */
function state(letter: string | undefined): string {
  return letter !== undefined && "RSDI".includes(letter) ? "alive" : String(letter);
}

const schedule: readonly [number, string][] = [
  [18, "priority"],
  [19, "nice"],
  [40, "real-time priority"],
  [41, "policy"],
];
const identity: readonly [number, string][] = [
  [5, "group"],
  [6, "session"],
  [7, "terminal"],
  [8, "foreground group"],
  [38, "exit signal"],
];
const image: readonly [number, string][] = [
  [26, "start of code"],
  [27, "end of code"],
  [28, "start of stack"],
  [45, "start of data"],
  [46, "end of data"],
  [47, "start of brk"],
  [48, "start of argv"],
  [49, "end of argv"],
  [50, "start of environ"],
  [51, "end of environ"],
];

function put(into: Snapshot, at: string, stat: string[], which: readonly [number, string][]): void {
  for (const [field, name] of which) into.set(`${at} ${name}`, stat[field] ?? "");
}

/** Lines of fdinfo without what the kernel numbers by itself or what runs on (proc(5), fdinfo). */
export function fdinfo(raw: string, keepInode: boolean, keepMount = true): string[] {
  const kept: string[] = [];
  for (const line of raw.split("\n")) {
    if (line === "" || /^(mnt_id|scm_fds|eventfd-id|map_id|it_value):/.test(line)) continue;
    if (line.startsWith("ino:") && !keepInode) continue;
    kept.push(
      line
        .replace(/^(tfd:.*data:\s*\w+).*$/, "$1")
        .replace(/^(fanotify mnt_id):\w+/, keepMount ? "$&" : "$1")
        // lock: NUMBER: KIND MODE ACCESS PID DEVICE:INODE START END
        .replace(/^lock:\s+\d+: (\S+\s+\S+\s+\S+) \S+ \S+/, "lock: $1")
        .split(/\s+/)
        .join(" "),
    );
  }
  return kept.sort(); // the kernel lists the targets of an epoll in the order of their addresses
}

/** @param ours whether the tree has our mounts, whose numbers stay */
function putDescriptors(into: Snapshot, at: string, base: string, seen: Names, ours: boolean): void {
  for (const fd of numbers(`${base}/fd`)) {
    const path = `${base}/fd/${fd}`;
    let target = link(path);
    const kernel = /^(socket|pipe):\[(\d+)\]$/.exec(target);
    if (kernel !== null) target = seen.of(kernel[1] ?? "", kernel[2] ?? "");
    const namespace = /^(mnt|pid|uts|ipc|net|user|cgroup):\[/.exec(target)?.[1];
    // one that belongs to the tree is made anew, with another number
    if (namespace !== undefined && !(ours && target === link(`/proc/self/ns/${namespace}`)))
      target = seen.of("namespace", target);
    // A file with a name is the same file afterwards; procfs makes its inodes anew.
    const named = target.startsWith("/") && !/^\/memfd:|^\/proc\/| \(deleted\)$/.test(target);
    into.set(`${at} fd ${fd}`, target);
    into.set(`${at} fd ${fd} info`, fdinfo(text(`${base}/fdinfo/${fd}`), named && ours, ours).join("; "));
    try {
      const it = statSync(path);
      if (!target.startsWith("anon_inode:"))
        into.set(`${at} fd ${fd} mode`, `${it.mode.toString(8)} ${it.uid}:${it.gid}`);
      // a tmpfs of the tree's own is made anew, with other numbers
      if (named) into.set(`${at} fd ${fd} file`, ours ? `${it.dev}:${it.ino} ${it.size}` : `${it.size}`);
    } catch {
      // A descriptor that stat refuses (a dead pidfd's /proc entry) has its link and its fdinfo only.
    }
  }
}

function putThreads(into: Snapshot, at: string, process: string): void {
  for (const tid of numbers(`${process}/task`)) {
    const base = `${process}/task/${tid}`;
    const stat = statFields(`${base}/stat`);
    const thread = `${at} thread ${tid}`;
    into.set(`${thread} state`, state(stat[3]));
    put(into, thread, stat, schedule);
    putStatus(into, thread, `${base}/status`, threadStatus);
    into.set(`${thread} timer slack`, text(`${process}/../${tid}/timerslack_ns`).trim());
  }
}

function putMemory(into: Snapshot, at: string, base: string, list: Area[], exceptCode: boolean): void {
  for (const area of list) {
    if (area.shared || area.name.startsWith("[v") || (exceptCode && area.permissions.includes("x"))) continue;
    const digest = pageDigests(base, area);
    if (digest !== undefined) into.set(`${at} memory ${area.start.toString(16)}-${area.end.toString(16)}`, digest);
  }
}

function putProcess(into: Snapshot, pid: number, isRoot: boolean, seen: Names, options: SnapshotOptions): void {
  const base = `${options.proc ?? ourProc}/${pid}`;
  const at = `${pid}`;
  const stat = statFields(`${base}/stat`);
  const zombie = stat[3] === "Z";
  into.set(`${at} state`, state(stat[3]));
  if (!isRoot) into.set(`${at} parent`, stat[4] ?? "");
  put(into, at, stat, zombie ? identity.slice(0, 2) : identity);
  into.set(`${at} exit code`, stat[52] ?? "");
  putStatus(into, at, `${base}/status`, processStatus, zombie);
  if (zombie) return;
  put(into, at, stat, schedule);
  put(into, at, stat, image);
  into.set(`${at} owner in /proc`, owner(`${base}/status`));
  for (const file of [
    "comm",
    "cmdline",
    "environ",
    "limits",
    "personality",
    "oom_score_adj",
    "coredump_filter",
    "loginuid",
    "cgroup",
    "uid_map",
    "gid_map",
    "setgroups",
  ])
    into.set(`${at} ${file}`, text(`${base}/${file}`));
  into.set(`${at} auxv`, Buffer.from(text(`${base}/auxv`), "latin1").toString("hex"));
  into.set(`${at} timers`, text(`${base}/timers`));
  for (const name of ["exe", "cwd", "root"]) into.set(`${at} ${name}`, link(`${base}/${name}`));
  for (const name of names(`${base}/ns`)) {
    if (name.startsWith("time")) continue; // a restore may need one of its own to let the monotonic clock go on
    const there = link(`${base}/ns/${name}`);
    const isOurs = there === link(`/proc/self/ns/${name}`) && !(options.fresh && /^(pid|mnt)/.test(name));
    into.set(`${at} namespace ${name}`, isOurs ? "ours" : seen.of("namespace", there));
  }
  const list = areas(text(`${base}/smaps`));
  for (const area of list) {
    const socket = /^socket:\[(\d+)\]$/.exec(area.name)?.[1];
    const name = socket === undefined ? area.name : seen.of("socket", socket);
    into.set(
      `${at} area ${area.start.toString(16)}-${area.end.toString(16)}`,
      `${area.permissions} ${name} ${area.offset.toString(16)} ${area.flags.join(" ")}`,
    );
  }
  const isApart = options.fresh || (options.proc !== undefined && options.proc !== ourProc);
  const hasMounts = link(`${base}/ns/mnt`) !== link("/proc/self/ns/mnt");
  if ((isApart || hasMounts) && !options.fresh) {
    for (const { place, what } of mountTable(text(`${base}/mountinfo`), (kind, number) => seen.of(kind, number)))
      into.set(`${at} mount ${place}`, what);
  }
  if (options.memory) putMemory(into, at, base, list, options.exceptCode === true);
  putDescriptors(into, at, base, seen, !isApart && !hasMounts);
  putThreads(into, at, base);
}

/** What each namespace holds that is not ours, once. */
function putNamespaces(into: Snapshot, pids: readonly number[], options: SnapshotOptions): void {
  const looked = new Set<string>();
  for (const pid of pids) {
    const base = `${options.proc ?? ourProc}/${pid}`;
    for (const kind of enteredKinds) {
      const there = link(`${base}/ns/${kind}`);
      if (looked.has(there) || there.startsWith("<") || there === link(`/proc/self/ns/${kind}`)) continue;
      looked.add(there);
      for (const [subject, what] of contentsOf(kind, base)) into.set(`${pid} ${kind} ${subject}`, what);
    }
  }
}

/** Takes down the tree below a pid as it looks from outside. */
export function takeSnapshot(pid: number, options: SnapshotOptions): Snapshot {
  const into: Snapshot = new Map();
  const seen = new Names();
  const pids = treeOf(pid, options.proc);
  into.set("pids", [...pids].sort((a, b) => a - b).join(" "));
  for (const one of pids) putProcess(into, one, one === pid, seen, options);
  putNamespaces(into, pids, options);
  return into;
}

/**
 * What differs, a line each. `except` maps parts of a subject (`area`, `fd 5 info`, `status Threads`, ...) to the
 * reason why they may differ.
 */
export function differences(before: Snapshot, after: Snapshot, except: Record<string, string> = {}): string[] {
  const excused = Object.keys(except);
  const found: string[] = [];
  for (const key of new Set([...before.keys(), ...after.keys()])) {
    const was = before.get(key);
    const is = after.get(key);
    if (was === is || excused.some((part) => `${key} `.includes(` ${part} `) || key === part)) continue;
    if (was === undefined) found.push(`${key}: new: ${is}`);
    else if (is === undefined) found.push(`${key}: lost: ${was}`);
    else found.push(`${key}: ${was.slice(0, 300)}  ->  ${is.slice(0, 300)}`);
  }
  return found;
}
