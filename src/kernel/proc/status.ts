import { CrError } from "../../error.ts";

/** Capability bits as images keep them: the low and the high 32 bits. */
export type CapabilityMask = readonly [number, number];

/** real, effective, saved, file system. */
export type IdSet = readonly [number, number, number, number];

/** /proc/PID/status, by proc_pid_status(5). Lines that a kernel lacks are undefined. */
export interface ProcStatus {
  /** The name, with the kernel's escapes undone. */
  readonly name: string;
  readonly umask: number | undefined;
  /** One letter, as in stat. */
  readonly state: string;
  readonly tgid: number;
  readonly pid: number;
  readonly ppid: number;
  readonly tracerPid: number;
  readonly uid: IdSet;
  readonly gid: IdSet;
  readonly fdSize: number;
  readonly groups: readonly number[];
  /** Ids by pid namespace: that of this /proc first, the task's own last. */
  readonly nsTgid: readonly number[];
  readonly nsPid: readonly number[];
  readonly nsPgid: readonly number[];
  readonly nsSid: readonly number[];
  readonly kthread: boolean;
  /** Bytes. Kernel threads and zombies have no memory: 0. */
  readonly vmSize: number;
  readonly vmLocked: number;
  readonly vmRss: number;
  readonly vmSwap: number;
  readonly coreDumping: boolean;
  readonly thpEnabled: boolean | undefined;
  readonly threads: number;
  readonly sigQueued: number;
  readonly sigQueueLimit: number;
  /** Signal N is bit N - 1. */
  readonly sigPending: bigint;
  readonly sharedPending: bigint;
  readonly sigBlocked: bigint;
  readonly sigIgnored: bigint;
  readonly sigCaught: bigint;
  readonly capInheritable: CapabilityMask;
  readonly capPermitted: CapabilityMask;
  readonly capEffective: CapabilityMask;
  readonly capBounding: CapabilityMask;
  readonly capAmbient: CapabilityMask;
  readonly noNewPrivs: boolean;
  /** SECCOMP_MODE_*: 0 none, 1 strict, 2 filter. */
  readonly seccomp: number;
  readonly seccompFilters: number | undefined;
  readonly cpusAllowedList: string;
  readonly memsAllowedList: string;
  /** Whatever else the kernel says, by its own name. */
  line(name: string): string | undefined;
}

function mask(hex: string | undefined): CapabilityMask {
  if (hex === undefined) return [0, 0];
  return [Number.parseInt(hex.slice(-8), 16), Number.parseInt(hex.slice(0, -8) || "0", 16)];
}

function numbers(text: string | undefined): number[] {
  const trimmed = text?.trim();
  return trimmed ? trimmed.split(/\s+/).map(Number) : [];
}

function ids(text: string | undefined): IdSet {
  const [real = 0, effective = 0, saved = 0, fs = 0] = numbers(text);
  return [real, effective, saved, fs];
}

/** The kernel writes a newline of the name as \n, a backslash as two. */
function unescapeName(text: string): string {
  return text.replace(/\\([\\n])/g, (_, c: string) => (c === "n" ? "\n" : "\\"));
}

/**
 * Reads /proc/PID/status.
 * @throws CrError BAD_PROC when a line that every kernel has is missing
 */
export function parseStatus(text: string): ProcStatus {
  const lines = new Map<string, string>();
  for (const line of text.split("\n")) {
    const colon = line.indexOf(":");
    if (colon > 0) lines.set(line.slice(0, colon), line.slice(colon + 2));
  }
  const need = (name: string): string => {
    const value = lines.get(name);
    if (value === undefined) throw new CrError(`/proc/PID/status lacks ${name}`, { code: "BAD_PROC" });
    return value;
  };
  const signals = (name: string): bigint => BigInt(`0x${need(name)}`);
  const bytes = (name: string): number => Number.parseInt(lines.get(name) ?? "0", 10) * 1024;
  const optional = (name: string): number | undefined => {
    const value = lines.get(name);
    return value === undefined ? undefined : Number(value);
  };
  const umask = lines.get("Umask");
  const thp = lines.get("THP_enabled");
  const [queued = 0, limit = 0] = need("SigQ").split("/").map(Number);
  return {
    name: unescapeName(need("Name")),
    umask: umask === undefined ? undefined : Number.parseInt(umask, 8),
    state: need("State").charAt(0),
    tgid: Number(need("Tgid")),
    pid: Number(need("Pid")),
    ppid: Number(need("PPid")),
    tracerPid: Number(need("TracerPid")),
    uid: ids(need("Uid")),
    gid: ids(need("Gid")),
    fdSize: Number(need("FDSize")),
    groups: numbers(need("Groups")),
    nsTgid: numbers(need("NStgid")),
    nsPid: numbers(need("NSpid")),
    nsPgid: numbers(need("NSpgid")),
    nsSid: numbers(need("NSsid")),
    kthread: lines.get("Kthread") === "1",
    vmSize: bytes("VmSize"),
    vmLocked: bytes("VmLck"),
    vmRss: bytes("VmRSS"),
    vmSwap: bytes("VmSwap"),
    coreDumping: lines.get("CoreDumping") === "1",
    thpEnabled: thp === undefined ? undefined : thp === "1",
    threads: Number(need("Threads")),
    sigQueued: queued,
    sigQueueLimit: limit,
    sigPending: signals("SigPnd"),
    sharedPending: signals("ShdPnd"),
    sigBlocked: signals("SigBlk"),
    sigIgnored: signals("SigIgn"),
    sigCaught: signals("SigCgt"),
    capInheritable: mask(need("CapInh")),
    capPermitted: mask(need("CapPrm")),
    capEffective: mask(need("CapEff")),
    capBounding: mask(need("CapBnd")),
    capAmbient: mask(lines.get("CapAmb")),
    noNewPrivs: lines.get("NoNewPrivs") === "1",
    seccomp: optional("Seccomp") ?? 0,
    seccompFilters: optional("Seccomp_filters"),
    cpusAllowedList: lines.get("Cpus_allowed_list") ?? "",
    memsAllowedList: lines.get("Mems_allowed_list") ?? "",
    line: (name) => lines.get(name),
  };
}
