/**
 * What a client asks for, in the words of the option table: each field of criu_opts becomes the option of the command line that
 * means the same. What no option says (directories by descriptor, descriptors to inherit) stays with the request.
 */
import type { Occurrence } from "../cli/getopt.ts";
import type { OptionName } from "../cli/options.ts";
import { usageError } from "../cli/usage-error.ts";
import { CriuCgMode, CriuNetworkLockMethod, type CriuOpts, CriuPreDumpMode } from "../image/schema.gen.ts";

/** Switches of the same meaning; true turns them on. */
const SWITCHES = {
  leave_running: "leave-running",
  leave_stopped: "leave-stopped",
  tcp_established: "tcp-established",
  tcp_skip_in_flight: "skip-in-flight",
  tcp_close: "tcp-close",
  evasive_devices: "evasive-devices",
  shell_job: "shell-job",
  file_locks: "file-locks",
  track_mem: "track-mem",
  auto_dedup: "auto-dedup",
  link_remap: "link-remap",
  force_irmap: "force-irmap",
  rst_sibling: "restore-sibling",
  ext_sharing: "enable-external-sharing",
  ext_masters: "enable-external-masters",
  weak_sysctls: "weak-sysctls",
  lazy_pages: "lazy-pages",
  tls: "tls",
  tls_no_cn_verify: "tls-no-cn-verify",
  mntns_compat_mode: "mntns-compat-mode",
  skip_file_rwx_check: "skip-file-rwx-check",
  unprivileged: "unprivileged",
  display_stats: "display-stats",
} as const satisfies Partial<Record<keyof CriuOpts, OptionName>>;

/** Texts and numbers of the same meaning. */
const VALUES = {
  pid: "tree",
  log_level: "verbosity",
  root: "root",
  parent_img: "prev-images-dir",
  ghost_limit: "ghost-limit",
  timeout: "timeout",
  freeze_cgroup: "freeze-cgroup",
  cgroup_props: "cgroup-props",
  cgroup_props_file: "cgroup-props-file",
  cgroup_yard: "cgroup-yard",
  lsm_profile: "lsm-profile",
  lsm_mount_context: "lsm-mount-context",
  tls_cacert: "tls-cacert",
  tls_cacrl: "tls-cacrl",
  tls_cert: "tls-cert",
  tls_key: "tls-key",
} as const satisfies Partial<Record<keyof CriuOpts, OptionName>>;

/** Lists of texts of the same meaning. */
const LISTS = {
  skip_mnt: "skip-mnt",
  enable_fs: "enable-fs",
  irmap_scan_paths: "irmap-scan-path",
  external: "external",
  cgroup_dump_controller: "cgroup-dump-controller",
} as const satisfies Partial<Record<keyof CriuOpts, OptionName>>;

const LOCKS: Readonly<Record<number, string>> = {
  [CriuNetworkLockMethod.IPTABLES]: "iptables",
  [CriuNetworkLockMethod.NFTABLES]: "nftables",
  [CriuNetworkLockMethod.SKIP]: "skip",
};
const CGROUP_MODES: Readonly<Record<number, string>> = {
  [CriuCgMode.IGNORE]: "ignore",
  [CriuCgMode.CG_NONE]: "none",
  [CriuCgMode.PROPS]: "props",
  [CriuCgMode.SOFT]: "soft",
  [CriuCgMode.FULL]: "full",
  [CriuCgMode.STRICT]: "strict",
  [CriuCgMode.DEFAULT]: "soft",
};
const PRE_DUMP_MODES: Readonly<Record<number, string>> = {
  [CriuPreDumpMode.SPLICE]: "splice",
  [CriuPreDumpMode.VM_READ]: "read",
};
/** Bits of cpu_cap. */
const CPU_CAPS = { fpu: 1, cpu: 2, ins: 4 } as const;
const CLONE_NEWNET = 0x4000_0000;
/** Names of a field that a message calls by the name of its number: an enum value that we do not know. */
const chosen = (names: Readonly<Record<number, string>>, value: number, field: string): string => {
  const name = names[value];
  if (name === undefined) throw usageError(`RPC option ${field}: ${value} is none of its values`);
  return name;
};

/** The occurrences of one request, in the order of the fields. Errors: CrError USAGE for values that mean nothing. */
export function occurrencesOf(opts: CriuOpts): Occurrence[] {
  const found: Occurrence[] = [];
  const add = (field: string, name: OptionName, value?: string, off = false) =>
    found.push({ name, value, off, from: `RPC option ${field}` });
  for (const [field, name] of Object.entries(SWITCHES)) {
    const given = opts[field as keyof typeof SWITCHES];
    if (given) add(field, name);
  }
  for (const [field, name] of Object.entries(VALUES)) {
    const given = opts[field as keyof typeof VALUES];
    if (given !== undefined) add(field, name, String(given));
  }
  for (const [field, name] of Object.entries(LISTS))
    for (const text of opts[field as keyof typeof LISTS]) add(field, name, text);
  if (opts.ext_unix_sk) add("ext_unix_sk", "ext-unix-sk");
  for (const { inode } of opts.unix_sk_ino) add("unix_sk_ino", "ext-unix-sk", String(inode));
  for (const { key, val } of opts.ext_mnt) add("ext_mnt", "ext-mount-map", `${key}:${val}`);
  if (opts.auto_ext_mnt) add("auto_ext_mnt", "ext-mount-map", "auto");
  for (const { if_in, if_out } of opts.veths) add("veths", "external", `veth[${if_in}]:${if_out}`);
  for (const { ctrl, path } of opts.cg_root) add("cg_root", "cgroup-root", ctrl ? `${ctrl}:${path}` : path);
  for (const { key, fd } of opts.inherit_fd) add("inherit_fd", "inherit-fd", `fd[${fd}]:${key}`);
  for (const { ns, ns_file, extra_opt } of opts.join_ns)
    add("join_ns", "join-ns", `${ns}:${ns_file}${extra_opt === undefined ? "" : `,${extra_opt}`}`);
  if (opts.cpu_cap !== undefined) {
    const caps = Object.entries(CPU_CAPS).filter(([, bit]) => (opts.cpu_cap ?? 0) & bit);
    add("cpu_cap", "cpu-cap", caps.map(([name]) => name).join(",") || "none");
  }
  if (opts.empty_ns) {
    if (opts.empty_ns !== CLONE_NEWNET) throw usageError(`RPC option empty_ns: ${opts.empty_ns} is not CLONE_NEWNET`);
    add("empty_ns", "empty-ns", "net");
  }
  if (opts.manage_cgroups_mode !== undefined)
    add("manage_cgroups_mode", "manage-cgroups", chosen(CGROUP_MODES, opts.manage_cgroups_mode, "manage_cgroups_mode"));
  else if (opts.manage_cgroups !== undefined)
    add("manage_cgroups", "manage-cgroups", opts.manage_cgroups ? "soft" : "ignore");
  if (opts.network_lock !== undefined)
    add("network_lock", "network-lock", chosen(LOCKS, opts.network_lock, "network_lock"));
  if (opts.pre_dump_mode !== undefined)
    add("pre_dump_mode", "pre-dump-mode", chosen(PRE_DUMP_MODES, opts.pre_dump_mode, "pre_dump_mode"));
  if (opts.ps && !opts.lazy_pages) add("ps", "page-server");
  if (opts.ps?.address !== undefined) add("ps.address", "address", opts.ps.address);
  if (opts.ps?.port !== undefined) add("ps.port", "port", String(opts.ps.port));
  if (opts.ps?.fd !== undefined) add("ps.fd", "ps-socket", String(opts.ps.fd));
  return found;
}
