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
  /** Private memory that is there. */
  readonly anonymousRss: number;
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
  /** All lines that tell of ids, capabilities and no_new_privs, as they are: for comparing. Undefined where they lie otherwise. */
  readonly credentials: string | undefined;
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

/** The text, of which each line is looked for when it is asked for: nobody needs them all, and a tree has many threads. */
class StatusText implements ProcStatus {
  readonly #text: string;

  constructor(text: string) {
    this.#text = `\n${text}`;
  }

  line(name: string): string | undefined {
    const key = `\n${name}:`;
    const found = this.#text.indexOf(key);
    if (found < 0) return undefined;
    const from = found + key.length;
    const end = this.#text.indexOf("\n", from);
    return this.#text.slice(from + 1, Math.max(from + 1, end < 0 ? this.#text.length : end));
  }

  #need(name: string): string {
    const value = this.line(name);
    if (value === undefined) throw new CrError(`/proc/PID/status lacks ${name}`, { code: "BAD_PROC" });
    return value;
  }

  #bytes(name: string): number {
    return Number.parseInt(this.line(name) ?? "0", 10) * 1024;
  }

  #optional(name: string, radix = 10): number | undefined {
    const value = this.line(name);
    return value === undefined ? undefined : Number.parseInt(value, radix);
  }

  #signals(name: string): bigint {
    return BigInt(`0x${this.#need(name)}`);
  }

  get credentials(): string | undefined {
    const text = this.#text;
    const [ids, idsEnd] = [text.indexOf("\nUid:"), text.indexOf("\nNStgid:")];
    const [capabilities, end] = [text.indexOf("\nCapInh:"), text.indexOf("\nSeccomp:")];
    if (ids < 0 || idsEnd < ids || capabilities < 0 || end < capabilities) return undefined;
    return text.slice(ids, idsEnd) + text.slice(capabilities, end);
  }
  get name(): string {
    return unescapeName(this.#need("Name"));
  }
  get umask(): number | undefined {
    return this.#optional("Umask", 8);
  }
  get state(): string {
    return this.#need("State").charAt(0);
  }
  get tgid(): number {
    return Number(this.#need("Tgid"));
  }
  get pid(): number {
    return Number(this.#need("Pid"));
  }
  get ppid(): number {
    return Number(this.#need("PPid"));
  }
  get tracerPid(): number {
    return Number(this.#need("TracerPid"));
  }
  get uid(): IdSet {
    return ids(this.#need("Uid"));
  }
  get gid(): IdSet {
    return ids(this.#need("Gid"));
  }
  get fdSize(): number {
    return Number(this.#need("FDSize"));
  }
  get groups(): number[] {
    return numbers(this.#need("Groups"));
  }
  get nsTgid(): number[] {
    return numbers(this.#need("NStgid"));
  }
  get nsPid(): number[] {
    return numbers(this.#need("NSpid"));
  }
  get nsPgid(): number[] {
    return numbers(this.#need("NSpgid"));
  }
  get nsSid(): number[] {
    return numbers(this.#need("NSsid"));
  }
  get kthread(): boolean {
    return this.line("Kthread") === "1";
  }
  get vmSize(): number {
    return this.#bytes("VmSize");
  }
  get vmLocked(): number {
    return this.#bytes("VmLck");
  }
  get vmRss(): number {
    return this.#bytes("VmRSS");
  }
  get anonymousRss(): number {
    return this.#bytes("RssAnon");
  }
  get vmSwap(): number {
    return this.#bytes("VmSwap");
  }
  get coreDumping(): boolean {
    return this.line("CoreDumping") === "1";
  }
  get thpEnabled(): boolean | undefined {
    const value = this.line("THP_enabled");
    return value === undefined ? undefined : value === "1";
  }
  get threads(): number {
    return Number(this.#need("Threads"));
  }
  get sigQueued(): number {
    return Number(this.#need("SigQ").split("/")[0]);
  }
  get sigQueueLimit(): number {
    return Number(this.#need("SigQ").split("/")[1]);
  }
  get sigPending(): bigint {
    return this.#signals("SigPnd");
  }
  get sharedPending(): bigint {
    return this.#signals("ShdPnd");
  }
  get sigBlocked(): bigint {
    return this.#signals("SigBlk");
  }
  get sigIgnored(): bigint {
    return this.#signals("SigIgn");
  }
  get sigCaught(): bigint {
    return this.#signals("SigCgt");
  }
  get capInheritable(): CapabilityMask {
    return mask(this.#need("CapInh"));
  }
  get capPermitted(): CapabilityMask {
    return mask(this.#need("CapPrm"));
  }
  get capEffective(): CapabilityMask {
    return mask(this.#need("CapEff"));
  }
  get capBounding(): CapabilityMask {
    return mask(this.#need("CapBnd"));
  }
  get capAmbient(): CapabilityMask {
    return mask(this.line("CapAmb"));
  }
  get noNewPrivs(): boolean {
    return this.line("NoNewPrivs") === "1";
  }
  get seccomp(): number {
    return this.#optional("Seccomp") ?? 0;
  }
  get seccompFilters(): number | undefined {
    return this.#optional("Seccomp_filters");
  }
  get cpusAllowedList(): string {
    return this.line("Cpus_allowed_list") ?? "";
  }
  get memsAllowedList(): string {
    return this.line("Mems_allowed_list") ?? "";
  }
}

/**
 * Reads /proc/PID/status. Members of a line that every kernel has throw CrError BAD_PROC when it is missing.
 */
export function parseStatus(text: string): ProcStatus {
  return new StatusText(text);
}
