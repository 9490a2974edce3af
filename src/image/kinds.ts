import { CrError } from "../error.ts";
import type { Payloads } from "./payload.ts";
import type { GhostChunkEntry, GhostFileEntry, Messages, PagemapEntry, PagemapHead, U64 } from "./schema.gen.ts";

/** Stands first in images of version 2, before the magic of the kind. */
export const commonMagic = 0x54564319;
/** Stands first in the files of the work directory. */
export const serviceMagic = 0x55105940;

/** What an image file of one kind looks like. */
export interface Kind {
  /** Name on disk; `%u`, `%x` and `%s` stand for the name argument, as in printf(3). */
  readonly file: string;
  /** What stands before the entries: the common, the service or only its own magic; nothing at all in raw files. */
  readonly start: "common" | "service" | "own" | "raw";
  readonly magic: number;
  /** Message of the entries; "" for raw files. */
  readonly entry: keyof Messages | "";
  /** Message of the first record, where it differs from the others. */
  readonly head?: keyof Messages;
  /** False: the file holds exactly one record. */
  readonly many: boolean;
  /** What follows each record; a name in `payloads`. */
  readonly payload?: keyof Payloads;
}

const single = <F extends string, E extends keyof Messages>(file: F, magic: number, entry: E) =>
  ({ file, start: "common", magic, entry, many: false }) as const;
const list = <F extends string, E extends keyof Messages>(file: F, magic: number, entry: E) =>
  ({ file, start: "common", magic, entry, many: true }) as const;
const raw = <F extends string>(file: F) => ({ file, start: "raw", magic: 0, entry: "", many: false }) as const;

/**
 * Every kind of image file. Several are read only from sets of old versions (REG_FILES, SIGACT, ...); kinds that
 * share a magic are told apart by the file's name, and crit calls them by the first.
 */
export const kinds = {
  INVENTORY: { ...single("inventory.img", 0x58313116, "inventory_entry"), start: "own" as const },
  FDINFO: list("fdinfo-%u.img", 0x56213732, "fdinfo_entry"),
  PAGEMAP: { ...list("pagemap-%u.img", 0x56084025, "pagemap_entry"), head: "pagemap_head" as const },
  SHMEM_PAGEMAP: { ...list("pagemap-shmem-%u.img", 0x56084025, "pagemap_entry"), head: "pagemap_head" as const },
  REG_FILES: list("reg-files.img", 0x50363636, "reg_file_entry"),
  EXT_FILES: list("ext-files.img", 0x59255641, "ext_file_entry"),
  NS_FILES: list("ns-files.img", 0x61394011, "ns_file_entry"),
  EVENTFD_FILE: list("eventfd.img", 0x44523722, "eventfd_file_entry"),
  EVENTPOLL_FILE: list("eventpoll.img", 0x45023858, "eventpoll_file_entry"),
  EVENTPOLL_TFD: list("eventpoll-tfd.img", 0x44433746, "eventpoll_tfd_entry"),
  SIGNALFD: list("signalfd.img", 0x57323820, "signalfd_entry"),
  INOTIFY_FILE: list("inotify.img", 0x48424431, "inotify_file_entry"),
  INOTIFY_WD: list("inotify-wd.img", 0x54562009, "inotify_wd_entry"),
  FANOTIFY_FILE: list("fanotify.img", 0x55096122, "fanotify_file_entry"),
  FANOTIFY_MARK: list("fanotify-mark.img", 0x56506035, "fanotify_mark_entry"),
  CORE: single("core-%u.img", 0x55053847, "core_entry"),
  IDS: single("ids-%u.img", 0x54432030, "task_kobj_ids_entry"),
  MM: single("mm-%u.img", 0x57492820, "mm_entry"),
  VMAS: list("vmas-%u.img", 0x54123737, "vma_entry"),
  PIPES: list("pipes.img", 0x56513555, "pipe_entry"),
  PIPES_DATA: { ...list("pipes-data.img", 0x56453709, "pipe_data_entry"), payload: "pipe" as const },
  FIFO: list("fifo.img", 0x58364939, "fifo_entry"),
  FIFO_DATA: { ...list("fifo-data.img", 0x59333054, "pipe_data_entry"), payload: "pipe" as const },
  PSTREE: list("pstree.img", 0x50273030, "pstree_entry"),
  SIGACT: list("sigacts-%u.img", 0x55344201, "sa_entry"),
  UNIXSK: list("unixsk.img", 0x54373943, "unix_sk_entry"),
  INETSK: list("inetsk.img", 0x56443851, "inet_sk_entry"),
  PACKETSK: list("packetsk.img", 0x60454618, "packet_sock_entry"),
  NETLINK_SK: list("netlinksk.img", 0x58005614, "netlink_sk_entry"),
  SK_QUEUES: { ...list("sk-queues.img", 0x56264026, "sk_packet_entry"), payload: "queue" as const },
  ITIMERS: list("itimers-%u.img", 0x57464056, "itimer_entry"),
  POSIX_TIMERS: list("posix-timers-%u.img", 0x52603957, "posix_timer_entry"),
  CREDS: single("creds-%u.img", 0x54023547, "creds_entry"),
  UTSNS: single("utsns-%u.img", 0x54473203, "utsns_entry"),
  IPC_VAR: single("ipcns-var-%u.img", 0x53115007, "ipc_var_entry"),
  IPCNS_SHM: { ...list("ipcns-shm-%u.img", 0x46283044, "ipc_shm_entry"), payload: "shm" as const },
  IPCNS_MSG: { ...list("ipcns-msg-%u.img", 0x55453737, "ipc_msg_entry"), payload: "msg" as const },
  IPCNS_SEM: { ...list("ipcns-sem-%u.img", 0x59573019, "ipc_sem_entry"), payload: "sem" as const },
  FS: single("fs-%u.img", 0x51403912, "fs_entry"),
  REMAP_FPATH: list("remap-fpath.img", 0x59133954, "remap_file_path_entry"),
  GHOST_FILE: {
    ...list("ghost-file-%x.img", 0x52583605, "ghost_chunk_entry"),
    head: "ghost_file_entry" as const,
    payload: "ghost" as const,
  },
  MEMFD_INODE: list("memfd.img", 0x48453499, "memfd_inode_entry"),
  TCP_STREAM: { ...single("tcp-stream-%x.img", 0x51465506, "tcp_stream_entry"), payload: "tcp" as const },
  MNTS: list("mountpoints-%u.img", 0x55563928, "mnt_entry"),
  NETDEV: list("netdev-%u.img", 0x57373951, "net_device_entry"),
  NETNS: single("netns-%u.img", 0x55933752, "netns_entry"),
  IFADDR: raw("ifaddr-%u.img"),
  ROUTE: raw("route-%u.img"),
  ROUTE6: raw("route6-%u.img"),
  RULE: raw("rule-%u.img"),
  IPTABLES: raw("iptables-%u.img"),
  IP6TABLES: raw("ip6tables-%u.img"),
  NFTABLES: raw("nftables-%u.img"),
  TMPFS_IMG: raw("tmpfs-%u.tar.gz.img"),
  TMPFS_DEV: raw("tmpfs-dev-%u.tar.gz.img"),
  AUTOFS: single("autofs-%u.img", 0x49353943, "autofs_entry"),
  BINFMT_MISC_OLD: list("binfmt-misc-%u.img", 0x67343323, "binfmt_misc_entry"),
  BINFMT_MISC: list("binfmt-misc.img", 0x67343323, "binfmt_misc_entry"),
  TTY_FILES: list("tty.img", 0x59433025, "tty_file_entry"),
  TTY_INFO: list("tty-info.img", 0x59453036, "tty_info_entry"),
  TTY_DATA: list("tty-data.img", 0x59413026, "tty_data_entry"),
  FILE_LOCKS: list("filelocks.img", 0x54323616, "file_lock_entry"),
  RLIMIT: list("rlimit-%u.img", 0x57113925, "rlimit_entry"),
  PAGES: raw("pages-%u.img"),
  SIGNAL: list("signal-s-%u.img", 0x59255647, "siginfo_entry"),
  PSIGNAL: list("signal-p-%u.img", 0x59255647, "siginfo_entry"),
  TUNFILE: list("tunfile.img", 0x57143751, "tunfile_entry"),
  CGROUP: single("cgroup.img", 0x59383330, "cgroup_entry"),
  TIMERFD: list("timerfd.img", 0x50493712, "timerfd_entry"),
  CPUINFO: single("cpuinfo.img", 0x61404013, "cpuinfo_entry"),
  SECCOMP: single("seccomp.img", 0x64413049, "seccomp_entry"),
  USERNS: single("userns-%u.img", 0x55474906, "userns_entry"),
  NETNF_CT: raw("netns-ct-%u.img"),
  NETNF_EXP: raw("netns-exp-%u.img"),
  FILES: list("files.img", 0x56303138, "file_entry"),
  TIMENS: single("timens-%u.img", 0x43114433, "timens_entry"),
  PIDNS: single("pidns-%u.img", 0x61157326, "pidns_entry"),
  BPFMAP_FILE: list("bpfmap-file.img", 0x57506142, "bpfmap_file_entry"),
  BPFMAP_DATA: { ...list("bpfmap-data.img", 0x64324033, "bpfmap_data_entry"), payload: "bpf" as const },
  APPARMOR: single("apparmor.img", 0x59423047, "apparmor_entry"),
  PIDFD: list("pidfd.img", 0x54435556, "pidfd_entry"),
  STATS: { ...single("stats-%s", 0x57093306, "stats_entry"), start: "service" as const },
  IRMAP_CACHE: { ...list("irmap-cache", 0x57004059, "irmap_cache_entry"), start: "service" as const },
} satisfies Record<string, Kind>;

export type Kinds = typeof kinds;
export type KindName = keyof Kinds;
/** Kinds whose files are bytes of someone else's format. */
export type RawKind = { [K in KindName]: Kinds[K]["start"] extends "raw" ? K : never }[KindName];
export type EntryKind = Exclude<KindName, RawKind>;

/** What fills the placeholder in a kind's file name: nothing for the files that exist once. */
export type NameArg<K extends KindName> = Kinds[K]["file"] extends `${string}%${string}` ? [arg: U64 | string] : [];

type Message<E> = E extends keyof Messages ? Messages[E] : never;
/** One entry of a kind, with its payload as `extra` where the kind has one. */
export type EntryOf<K extends KindName> = Message<Kinds[K]["entry"]> &
  (Kinds[K] extends { payload: infer P extends keyof Payloads } ? { extra: Payloads[P] } : unknown);

/** All entries of a file of a kind. */
export type EntriesOf<K extends KindName> = K extends "PAGEMAP" | "SHMEM_PAGEMAP"
  ? [PagemapHead, ...PagemapEntry[]]
  : K extends "GHOST_FILE"
    ? [GhostFileEntry & { extra?: Uint8Array }, ...(GhostChunkEntry & { extra: Uint8Array })[]]
    : EntryOf<K>[];

/** The table's row, without its literal types. */
export function kindOf(name: KindName): Kind {
  return kinds[name];
}

/** The first kind with this magic, or undefined. */
export function kindByMagic(magic: number): KindName | undefined {
  return kindNames.find((name) => kinds[name].magic === magic && kinds[name].start !== "raw");
}

export const kindNames = Object.keys(kinds) as KindName[];

/** The file's name on disk. Errors: CrError BAD_VALUE for a missing or superfluous name argument. */
export function imageName(name: KindName, arg: U64 | string | undefined): string {
  const { file } = kindOf(name);
  const wants = file.includes("%");
  if (wants !== (arg !== undefined))
    throw new CrError(`${name} images ${wants ? "are named by an argument" : "have no argument in their name"}`, {
      code: "BAD_VALUE",
      subject: { image: file },
    });
  return arg === undefined
    ? file
    : file.replace(/%([uxs])/, (_, form) => (form === "x" && typeof arg !== "string" ? arg.toString(16) : String(arg)));
}

/** The name argument (as written) if `file` is a file of this kind, else undefined; "" for kinds without one. */
export function imageArg(name: KindName, file: string): string | undefined {
  const form = { "%u": "([0-9]+)", "%x": "([0-9a-f]+)", "%s": "(dump|restore)" };
  const pattern = kinds[name].file
    .replace(/[.]/g, "\\.")
    .replace(/%[uxs]/, (placeholder) => form[placeholder as keyof typeof form]);
  const match = new RegExp(`^${pattern}$`).exec(file);
  return match ? (match[1] ?? "") : undefined;
}
