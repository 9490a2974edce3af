/** Seccomp: strict mode and filters, per thread. */
import type { Program } from "../agent/program.ts";
import { CrError } from "../error.ts";
import { type SeccompEntry, type SeccompFilter, SeccompMode, type ThreadCoreEntry } from "../image/schema.gen.ts";
import { NR } from "../kernel/nr.ts";
import { getSeccompFilter, getSeccompFlags } from "../kernel/ptrace.ts";
import { sysError } from "../kernel/sys.ts";
import { PR } from "../kernel/uapi/prctl.ts";
import { SECCOMP, SECCOMP_FILTER_FLAG, SECCOMP_MODE } from "../kernel/uapi/seccomp.ts";

const ENOENT = -2;
/** Bytes of struct sock_filter. */
const INSTRUCTION = 8;

/** What seccomp a thread is under. */
export interface ThreadSeccomp {
  mode: SeccompMode;
  /** Oldest first: the order in which the kernel counts them. */
  filters: { code: Uint8Array; flags: number }[];
}

/**
 * Reads a stopped thread's seccomp.
 * @param mode `seccomp` of its status
 * @throws CrError EACCES when we are not privileged enough to see filters
 */
export function readSeccomp(tid: number, mode: number): ThreadSeccomp {
  const found: ThreadSeccomp = { mode, filters: [] };
  if (mode !== SeccompMode.filter) return found;
  for (let n = 0; ; n++) {
    const code = getSeccompFilter(tid, n);
    if (code === ENOENT) return found;
    if (typeof code === "number") {
      throw sysError(
        code,
        "cannot read a seccomp filter",
        { tid, filter: n },
        "dump with CAP_SYS_ADMIN, not from within a seccomp sandbox",
      );
    }
    // kernels before 4.16 do not tell the flags
    found.filters.push({ code, flags: Math.max(0, getSeccompFlags(tid, n)) });
  }
}

const same = (a: Uint8Array, b: Uint8Array) => a.length === b.length && Buffer.compare(a, b) === 0;

function sameFilters(a: ThreadSeccomp["filters"], b: ThreadSeccomp["filters"]): boolean {
  return a.length === b.length && a.every((f, i) => f.flags === b[i]?.flags && same(f.code, b[i].code));
}

/** The filters of all threads of a dump: equal chains are stored once. */
export class SeccompChains {
  readonly #filters: SeccompFilter[] = [];
  readonly #chains: { filters: ThreadSeccomp["filters"]; index: number }[] = [];

  /** The content of seccomp.img. */
  get entry(): SeccompEntry {
    return { seccomp_filters: this.#filters };
  }

  /**
   * Stores a chain, given oldest first; the index by which a thread names it: that of its oldest filter, whose `prev` is the next
   * newer one, as they are installed.
   */
  #add(filters: ThreadSeccomp["filters"]): number {
    const known = this.#chains.find((chain) => sameFilters(chain.filters, filters));
    if (known) return known.index;
    filters.toReversed().forEach(({ code, flags }, i) => {
      const stored: SeccompFilter = { filter: code };
      if (i > 0) stored.prev = this.#filters.length - 1;
      if (flags) stored.flags = flags;
      this.#filters.push(stored);
    });
    const index = this.#filters.length - 1;
    this.#chains.push({ filters, index });
    return index;
  }

  /**
   * The seccomp fields of a process's threads, the leader first. Threads that all have the leader's filters are
   * synchronised from it: the filters are then marked so, and only the leader names them.
   */
  addProcess(threads: readonly ThreadSeccomp[]): Pick<ThreadCoreEntry, "seccomp_mode" | "seccomp_filter">[] {
    const leader = threads[0];
    const synchronised =
      leader !== undefined &&
      threads.length > 1 &&
      leader.mode === SeccompMode.filter &&
      threads.every((t) => t.mode === leader.mode && sameFilters(t.filters, leader.filters));
    return threads.map((thread, i) => {
      if (thread.mode === SeccompMode.disabled) return {};
      if (thread.mode === SeccompMode.strict) return { seccomp_mode: SeccompMode.strict };
      if (!synchronised) return { seccomp_mode: SeccompMode.filter, seccomp_filter: this.#add(thread.filters) };
      if (i > 0) return { seccomp_mode: SeccompMode.filter };
      const filters = thread.filters.map(({ code, flags }) => ({ code, flags: flags | SECCOMP_FILTER_FLAG.TSYNC }));
      return { seccomp_mode: SeccompMode.filter, seccomp_filter: this.#add(filters) };
    });
  }
}

/** A thread's filters, oldest first. */
function chainOf(image: SeccompEntry, index: number): SeccompFilter[] {
  const chain: SeccompFilter[] = [];
  let at: number | undefined = index;
  while (at !== undefined) {
    const filter: SeccompFilter | undefined = image.seccomp_filters[at];
    if (!filter || chain.length > image.seccomp_filters.length || filter.filter.length % INSTRUCTION !== 0) {
      throw new CrError("the image's seccomp filters are broken", { code: "BAD_IMAGE", subject: { filter: at } });
    }
    chain.push(filter);
    at = filter.prev;
  }
  return chain;
}

/** Whether a restored thread will be under seccomp, so that its tracer must suspend it meanwhile. */
export function hasSeccomp(thread: ThreadCoreEntry | undefined): boolean {
  return (thread?.seccomp_mode ?? SeccompMode.disabled) !== SeccompMode.disabled;
}

/**
 * Puts the thread that runs the program under seccomp, with the tracer's PTRACE_O_SUSPEND_SECCOMP on. Filters that
 * are marked for all threads need those threads, still unfiltered. Needs CAP_SYS_ADMIN or no_new_privs.
 */
export function restoreSeccomp(
  program: Program,
  thread: ThreadCoreEntry | undefined,
  image: SeccompEntry | undefined,
): void {
  if (!thread || !hasSeccomp(thread)) return;
  if (thread.seccomp_mode === SeccompMode.strict) {
    program.call(NR.prctl, [PR.SET_SECCOMP, SECCOMP_MODE.STRICT, 0, 0, 0], { what: "cannot enter strict seccomp" });
    return;
  }
  // a thread without an index of its own is synchronised by its leader
  if (thread.seccomp_filter === undefined) return;
  if (!image)
    throw new CrError("the image set has no seccomp filters", { code: "BAD_IMAGE", subject: { image: "seccomp.img" } });
  for (const { filter, flags = 0 } of chainOf(image, thread.seccomp_filter)) {
    if (program.room < filter.length + 64) program.run();
    const code = program.data(filter);
    const head = program.reserve(16);
    head.view.setUint16(0, filter.length / INSTRUCTION, true);
    head.view.setBigUint64(8, BigInt(program.area.base + code.offset), true);
    program.call(NR.seccomp, [SECCOMP.SET_MODE_FILTER, flags, head], {
      what: "cannot install a seccomp filter",
      expect: 0,
      subject: { instructions: filter.length / INSTRUCTION },
    });
  }
}
