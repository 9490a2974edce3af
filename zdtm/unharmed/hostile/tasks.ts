/** Hostile tasks: numbers, parents, identities, memory; and the inventory. */
import { type Row, staying, type Variant, variantsOf } from "./set.ts";

const LONG = "x".repeat(5000);

/** @param inner the number of a child @param last of another one */
const rows = (inner: number, last: number): Row[] => [
  ["the number 0", "pstree", `pid=${inner}`, { pid: 0 }],
  ["a number below zero", "pstree", `pid=${inner}`, { pid: 2 ** 32 - 1 }],
  ["an absurd number", "pstree", `pid=${inner}`, { pid: 2 ** 31 - 1, threads: [2 ** 31 - 1] }],
  ["a number twice", "pstree", `pid=${inner}`, { pid: last, threads: [last] }],
  ["the init's number twice", "pstree", `pid=${inner}`, { pid: 1, threads: [1] }],
  ["a parent that is not there", "pstree", `pid=${inner}`, { ppid: 999 }],
  ["its own parent", "pstree", `pid=${inner}`, { ppid: inner }],
  ["a parent that comes later", "pstree", `pid=${inner}`, { ppid: last }],
  ["two roots", "pstree", `pid=${inner}`, { ppid: 0 }],
  ["a root with a parent", "pstree", "pid=1", { ppid: inner }],
  ["a root with another number", "pstree", "pid=1", { pid: 5, threads: [5] }],
  ["a group below zero", "pstree", `pid=${inner}`, { pgid: 2 ** 32 - 1 }],
  ["a session that is not there", "pstree", `pid=${inner}`, { sid: 999_999 }],
  ["a session of a later one", "pstree", "pid=1", { sid: inner }],
  ["a session below zero", "pstree", `pid=${inner}`, { sid: 2 ** 32 - 1 }],
  ["no threads", "pstree", `pid=${inner}`, { threads: [] }],
  ["a first thread of another number", "pstree", `pid=${inner}`, { threads: [last] }],
  ["a thread twice", "pstree", `pid=${inner}`, { threads: [inner, inner] }],
  ["somebody else's thread", "pstree", `pid=${inner}`, { threads: [inner, last] }],
  ["a thread that is not there", "pstree", `pid=${inner}`, { threads: [inner, 999] }],
  ["the thread 0", "pstree", `pid=${inner}`, { threads: [inner, 0] }],
  [
    "absurdly many threads",
    "pstree",
    `pid=${inner}`,
    { threads: Array.from({ length: 200_000 }, (_, i) => inner + i) },
  ],
  [
    "namespaces below that are not there",
    "pstree",
    `pid=${inner}`,
    { tscriu_pids: { inner: [{ pid_ns_id: 999, pid: 7, pgid: 7, sid: 7, threads: [7] }] } },
  ],
  ["no process", "core-1", "#0", { tc: undefined }],
  ["another machine", "core-1", "#0", { mtype: 3 }],
  ["no registers", "core-1", "#0", { thread_info: undefined }],
  ["an absurd state", `core-${inner}`, "#0", { "tc.task_state": 99 }],
  ["a name of absurd length", `core-${inner}`, "#0", { "tc.comm": LONG }],
  ["a cgroup that is not there", `core-${inner}`, "#0", { "thread_core.cg_set": 99 }],
  ["an absurd user", `core-${inner}`, "#0", { "thread_core.creds.uid": 2 ** 32 - 1 }],
  [
    "absurd groups",
    `core-${inner}`,
    "#0",
    { "thread_core.creds.groups": Array.from({ length: 100_000 }, (_, i) => i) },
  ],
  ["absurd capabilities", `core-${inner}`, "#0", { "thread_core.creds.cap_eff": [1, 2, 3, 4, 5] }],
  ["capabilities that nobody has", `core-${inner}`, "#0", { "thread_core.creds.cap_prm": [0, 0] }],
  ["absurd secure bits", `core-${inner}`, "#0", { "thread_core.creds.secbits": 0xffff_ffff }],
  ["an absurd scheduler", `core-${inner}`, "#0", { "thread_core.sched_policy": 77 }],
  ["an absurd priority", `core-${inner}`, "#0", { "thread_core.sched_policy": 1, "thread_core.sched_prio": 9999 }],
  ["an absurd niceness", `core-${inner}`, "#0", { "thread_core.sched_nice": 5000 }],
  [
    "absurd limits",
    `core-${inner}`,
    "#0",
    { "tc.rlimits": { rlimits: Array.from({ length: 99 }, () => ({ cur: 5, max: 1 })) } },
  ],
  ["limits below what it has", `core-${inner}`, "#0", { "tc.rlimits": { rlimits: [{ cur: 9, max: 1 }] } }],
  ["an absurd score", `core-${inner}`, "#0", { "tc.oom_score_adj": 99_999 }],
  ["an absurd signal at its parent's end", `core-${inner}`, "#0", { "thread_core.pdeath_sig": 999 }],
  [
    "a filter that is not there",
    `core-${inner}`,
    "#0",
    { "thread_core.seccomp_mode": 2, "thread_core.seccomp_filter": 55 },
  ],
  ["an unknown kind of filter", `core-${inner}`, "#0", { "thread_core.seccomp_mode": 77 }],
  [
    "an absurd timer",
    `core-${inner}`,
    "#0",
    { "tc.timers.real": { isec: 0, iusec: 0, vsec: 2 ** 53 - 1, vusec: 99_999_999 } },
  ],
  ["an absurd personality", `core-${inner}`, "#0", { "tc.personality": 0xffff_ffff }],
  [
    "an alternate stack of absurd flags",
    `core-${inner}`,
    "#0",
    { "thread_core.sas": { ss_sp: 5, ss_size: 5, ss_flags: 0xff } },
  ],
  ["mounts that are not there", `ids-${inner}`, "#0", { mnt_ns_id: 999 }],
  ["a network that is not there", `ids-${inner}`, "#0", { net_ns_id: 999 }],
  ["a name that is not there", `ids-${inner}`, "#0", { uts_ns_id: 999 }],
  ["objects that are not there", `ids-${inner}`, "#0", { ipc_ns_id: 999 }],
  ["clocks that are not there", `ids-${inner}`, "#0", { time_ns_id: 999 }],
  ["users that are not there", `ids-${inner}`, "#0", { user_ns_id: 999 }],
  ["mounts of the root that are not there", "ids-1", "#0", { mnt_ns_id: 999 }],
  ["a network of the root that is not there", "ids-1", "#0", { net_ns_id: 999 }],
  ["users of the root that are not there", "ids-1", "#0", { user_ns_id: 999 }],
  ["memory of another", `ids-${inner}`, "#0", { vm_id: 2 }],
  ["an area that ends before it begins", `mm-${inner}`, "#0", { "vmas.0.end": 4096 }],
  ["an area between pages", `mm-${inner}`, "#0", { "vmas.0.start": 4194305 }],
  ["an area of a file that is not there", `mm-${inner}`, "#0", { "vmas.0.shmid": 999 }],
  ["an area above all", `mm-${inner}`, "#0", { "vmas.0.start": 2 ** 52, "vmas.0.end": 2 ** 52 + 4096 }],
  ["areas in each other", `mm-${inner}`, "#0", { "vmas.1.start": 4194304 }],
  ["a program that is not there", `mm-${inner}`, "#0", { exe_file_id: 999 }],
  ["a program that is a pipe", `mm-${inner}`, "#0", { exe_file_id: 8 }],
  ["a heap at an absurd place", `mm-${inner}`, "#0", { mm_brk: 2 ** 52 }],
  ["an absurd auxiliary vector", `mm-${inner}`, "#0", { mm_saved_auxv: Array.from({ length: 5000 }, () => 1) }],
  ["pages that are not there", `pagemap-${inner}`, "#0", { pages_id: 999 }],
  ["pages of another", `pagemap-${inner}`, "#0", { pages_id: 1 }],
  ["pages outside of all areas", `pagemap-${inner}`, "#1", { vaddr: 2 ** 40 }],
  ["absurdly many pages", `pagemap-${inner}`, "#1", { nr_pages: 2 ** 40 }],
  ["pages of a parent that is not there", `pagemap-${inner}`, "#1", { flags: 1 }],
  ["an absurd version", "inventory", "#0", { img_version: 99 }],
  ["a format that is too old", "inventory", "#0", { fdinfo_per_id: false }],
  ["an absurd label", "inventory", "#0", { lsmtype: 99 }],
];

export const hostileTasks = (inner: number, last: number): Variant[] => [
  ...variantsOf(rows(inner, last)),
  // one that begins where all of the tree is stands nowhere else
  ...staying(variantsOf([["another cgroup namespace", `ids-${inner}`, "#0", { cgroup_ns_id: 999 }]])),
  {
    what: "pstree: two that are each other's parents",
    change: (set) => {
      set.apply(["", "pstree", `pid=${inner}`, { ppid: last }]);
      set.apply(["", "pstree", `pid=${last}`, { ppid: inner }]);
    },
  },
  {
    what: "pstree: absurdly many",
    change: (set) =>
      set.edit("pstree", (entries) => [
        ...entries,
        ...Array.from({ length: 50_000 }, (_, i) => ({ pid: 100 + i, ppid: 1, pgid: 1, sid: 1, threads: [100 + i] })),
      ]),
  },
  {
    what: "mm: absurdly many areas",
    change: (set) =>
      set.edit(`mm-${inner}`, ([mm = {}]) => {
        const area = { pgoff: 0, shmid: 0, prot: 3, flags: 0x22, status: 513, fd: -1, fdflags: 0 };
        const areas = Array.from({ length: 100_000 }, (_, i) => {
          const start = 2 ** 33 + i * 8192;
          return { ...area, start, end: start + 4096 };
        });
        const vmas = [...(Array.isArray(mm.vmas) ? mm.vmas : []), ...areas];
        return [{ ...mm, vmas: vmas.toSorted((a, b) => Number(a.start) - Number(b.start)) }];
      }),
  },
  {
    what: "a set that is its own parent",
    change: (set) => {
      set.link("parent", ".");
      set.apply(["", `pagemap-${inner}`, "#1", { flags: 1 }]);
    },
  },
  {
    what: "a parent that is elsewhere",
    change: (set) => {
      set.link("parent", "/proc/self/root");
      set.apply(["", `pagemap-${inner}`, "#1", { flags: 1 }]);
    },
  },
  { what: "pages: half of them", change: (set) => set.raw("pages-2", (bytes) => bytes.subarray(0, 4096)) },
  ...staying(
    variantsOf([
      ["a group that is not there", "pstree", `pid=${inner}`, { pgid: 999_999 }],
      ["descriptors that are not there", `ids-${inner}`, "#0", { files_id: 99 }],
      ["pids that are not there", `ids-${inner}`, "#0", { pid_ns_id: 999 }],
      ["another program's name", `core-${inner}`, "#0", { "thread_core.comm": "systemd" }],
      ["a run of an absurd name", "inventory", "#0", { dump_criu_run_id: "../../x'; drop\0" }],
      ["a lock of an absurd kind", "inventory", "#0", { network_lock_method: 99 }],
      ["a cgroup of the root that is not there", "inventory", "#0", { root_cg_set: 99 }],
      ["a set of tasks without a cgroup", "core-1", "#0", { "thread_core.cg_set": 1 }],
      ["a mask of all signals", `core-${inner}`, "#0", { "thread_core.blk_sigset": 2 ** 53 - 1 }],
    ]),
  ),
];
