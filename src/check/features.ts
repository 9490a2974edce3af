/**
 * What a kernel must offer to checkpoint and restore, and what each thing is for. Only words here: the probes are
 * loaded when something is really checked.
 */

/** `basic`: always needed; `extra` and `experimental`: some trees need it; `named`: only when asked for by name. */
export type Category = "basic" | "extra" | "experimental" | "named";

export interface Feature {
  category: Category;
  /** What it is good for. */
  need: string;
  /** What to do where it is missing. */
  remedy: string;
}

const checkpointConfig = "use a kernel with CONFIG_CHECKPOINT_RESTORE";
const diagConfig = "load or build the kernel's socket diagnosis (CONFIG_UNIX_DIAG, CONFIG_INET_DIAG and so on)";
const root = "run as root";
const from = (version: string): string => `use Linux ${version} or later`;

function basic(need: string, remedy: string): Feature {
  return { category: "basic", need, remedy };
}

function extra(need: string, remedy: string): Feature {
  return { category: "extra", need, remedy };
}

function named(need: string, remedy: string): Feature {
  return { category: "named", need, remedy };
}

function experimental(need: string, remedy: string): Feature {
  return { category: "experimental", need, remedy };
}

export const features = {
  privileges: basic("reading and making other tasks at all", "run as root, or with CAP_CHECKPOINT_RESTORE"),
  ptrace: basic("stopping tasks and working in them", `${root}; allow ptrace (kernel.yama.ptrace_scope below 3)`),
  map_files: basic("finding the files behind mappings", `${checkpointConfig}, as root of the initial user namespace`),
  sock_diag: basic("knowing what sockets are connected to", diagConfig),
  ns_last_pid: basic("restoring pids on kernels without clone3", checkpointConfig),
  so_peek_off: basic("reading queued data and leaving it there", from("3.4")),
  kcmp: basic("knowing which descriptors are one open file", "use a kernel with CONFIG_KCMP"),
  prctl_mm: basic("restoring brk, arguments, environment and exe link", checkpointConfig),
  prctl_tid_address: basic("saving where a thread's end is announced", checkpointConfig),
  fcntl_owner_uids: basic("saving whom a descriptor's signals go to", checkpointConfig),
  proc_stat: basic("reading memory layout and exit codes of tasks", `${from("3.5")}, as root`),
  tcp_repair: basic("saving established TCP connections", "run with CAP_NET_ADMIN, on a kernel with TCP repair"),
  fdinfo: basic("saving eventfd, epoll, signalfd and inotify", `mount /proc; ${from("3.8")}`),
  vmsplice: basic("taking memory from tasks without copying", from("2.6.17")),
  tty: basic("saving terminals", from("3.10")),
  so_get_filter: basic("saving socket filters", from("3.8")),
  ipc_next_id: basic("restoring System V objects with their ids", checkpointConfig),
  sigqueueinfo: basic("restoring queued signals", from("3.9")),
  ptrace_peeksiginfo: basic("saving queued signals", from("3.10")),
  mremap_special: basic("bringing the vDSO back to its address", from("4.8")),

  mnt_id: extra("knowing on which mount a file was opened", from("3.15")),
  mem_dirty_track: extra("saving memory in several rounds", "use a kernel with CONFIG_MEM_SOFT_DIRTY"),
  aio_remap: extra("restoring asynchronous I/O contexts", from("3.19")),
  timerfd: extra("restoring the ticks of a timerfd", checkpointConfig),
  kernel_types: extra(
    "saving what no call tells: errors that wait in sockets, who chooses among those of a port, polls by AIO",
    "use a kernel from 5.14 with CONFIG_DEBUG_INFO_BTF, as root, without lockdown",
  ),
  tun: extra("saving tun and tap devices", "load the tun module"),
  userns: extra(
    "saving trees in user namespaces",
    "use a kernel with CONFIG_USER_NS; user.max_user_namespaces above 0",
  ),
  fdinfo_lock: extra("saving file locks", from("4.1")),
  seccomp_suspend: extra("working in tasks under seccomp", `${checkpointConfig} and CONFIG_SECCOMP, ${root}`),
  seccomp_filters: extra("saving seccomp filters", `${checkpointConfig} and CONFIG_SECCOMP_FILTER, ${root}`),
  loginuid: extra("saving the audit user", "use a kernel with CONFIG_AUDIT"),
  cgroupns: extra("saving trees in cgroup namespaces", from("4.6")),
  tcp_half_closed: extra("saving TCP connections closed on one side", from("4.10")),
  uffd: extra("bringing memory on demand", "use a kernel with CONFIG_USERFAULTFD"),
  "uffd-noncoop": extra("bringing memory on demand to tasks that fork or unmap", `${from("4.11")}, ${root}`),
  can_map_vdso: extra("making a vDSO where a task has none", `${from("4.9")} on x86`),
  sk_ns: extra("knowing in which network namespace a socket is", from("4.10")),
  net_diag_raw: extra("saving raw sockets", "use a kernel with CONFIG_INET_RAW_DIAG"),
  kcmp_epoll: extra("saving epoll targets whose descriptor is gone", from("4.13")),
  timens: extra("saving trees in time namespaces", from("5.6")),
  clone3_set_tid: extra("restoring pids", `${from("5.5")}, ${root} or with CAP_CHECKPOINT_RESTORE`),
  newifindex: extra("restoring the numbers of network devices", from("5.12")),
  pidfd_store: extra("knowing a task again in the next round; taking descriptors from tasks", from("5.6")),
  ns_pid: extra("reading pids as a namespace sees them", from("4.1")),
  apparmor_stacking: extra("saving tasks under stacked AppArmor profiles", `${from("4.13")} with AppArmor`),
  network_lock_nftables: extra("holding packets back with nftables", `load the nf_tables module; ${root}`),
  sockopt_buf_lock: extra("restoring locked socket buffer sizes", from("5.15")),
  memfd_hugetlb: extra("restoring shared huge pages", `${from("4.16")} with CONFIG_HUGETLBFS`),
  move_mount_set_group: extra("restoring mount propagation", `${from("5.15")}, ${root}`),
  openat2: extra("opening files without leaving a mount", from("5.6")),
  get_rseq_conf: extra("saving restartable sequences", from("5.13")),
  ipv6_freebind: extra("restoring IPv6 sockets bound to absent addresses", `${from("4.18")} with CONFIG_IPV6`),
  pagemap_scan: extra("finding pages to save quickly", from("6.7")),
  timer_cr_ids: extra("restoring POSIX timer ids at once", from("6.16")),
  overlayfs_maps: extra("knowing mapped files on overlayfs", `${from("6.8")} with overlayfs; ${root}`),
  pagemap_scan_guard_pages: extra("saving guard regions", from("6.15")),

  autofs: experimental("saving automounters", "load the autofs module"),
  compat_cr: experimental("saving 32-bit tasks", "use an x86 kernel with CONFIG_IA32_EMULATION"),

  tun_ns: named("saving tun devices in network namespaces", `load the tun module; ${from("5.1")}`),
  sk_unix_file: named("finding the file of a bound unix socket", from("4.14")),
  nsid: named("naming network namespaces", from("4.0")),
  link_nsid: named("asking about devices of other network namespaces", from("4.16")),
  external_net_ns: named("leaving a network namespace outside of the images", root),
  nftables: named("saving nftables rules", `load the nf_tables module; ${root}`),
  has_ipt_legacy: named("holding packets back with old iptables", "load the ip_tables module, or use nftables"),
  breakpoints: named("stopping tasks by hardware", "none needed: tscriu does without"),
} as const satisfies Record<string, Feature>;

export type FeatureName = keyof typeof features;

export const featureNames = Object.keys(features) as FeatureName[];

export function isFeature(name: string): name is FeatureName {
  return Object.hasOwn(features, name);
}
