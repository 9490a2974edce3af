/**
 * What the engine is asked for and what it answers: plain data, no words of any command line. src/cli and src/rpc make
 * these; src/dump and src/restore read them.
 */

/** The moments at which a user's program is told and may object. */
export type HookName =
  | "pre-stream"
  | "pre-dump"
  | "post-dump"
  | "pre-restore"
  | "post-restore"
  | "network-lock"
  | "network-unlock"
  | "setup-namespaces"
  | "post-setup-namespaces"
  | "post-resume"
  | "pre-resume"
  | "orphan-pts-master"
  | "status-ready"
  | "query-ext-files";

/**
 * Runs what the user asked for at this moment and waits for it.
 * @param pid the root task's pid as we see it, once it is known
 * @param fd a descriptor of ours that a client may take over (orphan-pts-master: the master)
 * @returns 0 when all is well, else the OR of the exit statuses (1..255). The engine decides what that means: abort for
 * pre-dump, pre-restore, network-lock, setup-namespaces, post-setup-namespaces and post-restore; for post-dump roll
 * back and throw a CrError whose `status` is this number; a warning for pre-resume and post-resume; nothing for
 * network-unlock.
 */
export type Hook = (name: HookName, pid?: number, fd?: number) => number;

/** The image directory: its absolute path for messages and path calls, and an open descriptor (O_DIRECTORY). */
export interface ImagePlace {
  path: string;
  fd: number;
}

/** Kinds of resource that may stay outside of the images. */
export type ExternalKind =
  | "mnt"
  | "dev"
  | "file"
  | "tty"
  | "unix"
  | "net"
  | "pid"
  | "veth"
  | "macvlan"
  | "ipvlan"
  | "vlan"
  | "netdev";

/** One declared external resource, `KIND[ID]:VALUE`. */
export interface External {
  kind: ExternalKind;
  /** Text between the brackets, compared literally; empty for `mnt[]`. */
  id: string;
  /** What follows the colon; empty when there was none. */
  value: string;
  /** As images record it: `KIND[ID]`, with `:VALUE` if there was one. */
  text: string;
}

/** An open descriptor of ours that a restored task gets in place of a resource. */
export interface InheritFd {
  fd: number;
  /** `tty[…]`, `pipe:[…]`, `socket:[…]`, `file[…]`, a path without leading slash, or an external's name. */
  resource: string;
}

/** `--join-ns`: a file that leads to a namespace. */
export interface JoinNamespace {
  readonly name: "net" | "uts" | "ipc" | "time" | "mnt" | "user";
  readonly path: string;
  /** Of a user namespace: whose the files are that are made for the tree, as it calls them. */
  readonly as?: { readonly uid: number; readonly gid: number };
}

/** `--lsm-profile TYPE:NAME`. */
export interface LsmProfile {
  readonly lsm: "selinux" | "apparmor";
  readonly name: string;
}

export type FileValidation = "filesize" | "buildid";
export type NetworkLockMethod = "iptables" | "nftables" | "skip";
export type CgroupMode = "ignore" | "none" | "props" | "soft" | "full" | "strict";

/** What `--cgroup-props` says of one controller. */
export interface CgroupProps {
  readonly controller: string;
  /** Instead of the usual properties, or in addition to them. */
  readonly replaces: boolean;
  readonly properties: readonly string[];
}

/** `--cgroup-root`: where the tree's root lives, in one hierarchy or in all. */
export interface CgroupRoot {
  /** A controller, or a named hierarchy; undefined for all. */
  readonly controller: string | undefined;
  readonly path: string;
}

/** What becomes of the cgroups that a tree lives in. */
export interface CgroupOptions {
  readonly mode: CgroupMode;
  /** The user asked for them; else a tree whose cgroups cannot be had comes back without them. */
  readonly isGiven: boolean;
  /** At a dump what is saved besides the tree's own, at a restore where these go. */
  readonly roots: readonly CgroupRoot[];
  /** A directory with the hierarchies; undefined: we mount them ourselves. */
  readonly yard: string | undefined;
}

export interface CgroupSaving extends CgroupOptions {
  /** Controllers and named hierarchies to save; all of them when empty. */
  readonly controllers: readonly string[];
  readonly properties: readonly CgroupProps[];
}

/** Which CPU feature classes matter. `given` is false when the user said nothing. */
export interface CpuCap {
  given: boolean;
  cpu: boolean;
  fpu: boolean;
  ins: boolean;
}

/** What dump and restore have in common. */
export interface CommonOptions {
  images: ImagePlace;
  /** Absolute; the current directory of the process already. Statistics go there. */
  workDir: string;
  hook: Hook;
  /** True once SIGINT or SIGTERM wants us to stop; asked between steps. */
  interrupted: () => boolean;
  /** The tree hangs on a foreign session and terminal. */
  shellJob: boolean;
  /** Slaves whose master is outside of the tree get a new one, which a client takes over at the hook orphan-pts-master. */
  orphanPtsMaster: boolean;
  fileLocks: boolean;
  evasiveDevices: boolean;
  tcpEstablished: boolean;
  tcpClose: boolean;
  tcpSkipInFlight: boolean;
  external: readonly External[];
  /** A network namespace of the tree's own is made, and filled by somebody else. */
  emptyNetwork: boolean;
  /** Datagram sockets whose named peer is outside of the tree are connected to that name again. */
  extUnixSk: boolean;
  /** File system types to treat as mountable; `all` among them for every type. */
  enableFs: readonly string[];
  externalSharing: boolean;
  externalMasters: boolean;
  cgroups: CgroupOptions;
  cpuCap: CpuCap;
  fileValidation: FileValidation;
  allowUprobes: boolean;
}

export interface DumpOptions extends CommonOptions {
  cgroups: CgroupSaving;
  /** Root task, positive. */
  pid: number;
  /** What becomes of the tree afterwards. */
  fate: "kill" | "run" | "stop";
  /** Seconds for stopping all tasks; 0 for no limit. */
  timeout: number;
  /** Directory of a freezer cgroup that holds the tree. */
  freezeCgroup: string | undefined;
  linkRemap: boolean;
  /** Largest deleted file to carry, bytes. */
  ghostLimit: number;
  /** Find the data of sparse deleted files with FIEMAP, else with SEEK_DATA. */
  ghostFiemap: boolean;
  forceIrmap: boolean;
  irmapScanPaths: readonly string[];
  networkLock: NetworkLockMethod;
  /** Mount points to leave out. */
  skipMounts: readonly string[];
  /** Inode of our end of the connection over which we were asked: the tree itself may have the other end. */
  askedOver?: number;
}

export interface RestoreOptions extends CommonOptions {
  /** Directory that becomes the root of the tree's mount namespace; undefined for our own root. */
  root: string | undefined;
  /** Leave the tree stopped (SIGSTOP) instead of running. */
  leaveStopped: boolean;
  /** The root becomes a child of our parent (CLONE_PARENT). */
  sibling: boolean;
  /** We exit afterwards; the tree is adopted by whoever adopts orphans. */
  detached: boolean;
  inheritFds: readonly InheritFd[];
  /**
   * Called once, with the root task's pid as we see it, while all can still be undone: before the post-restore hook and
   * before any task runs. Throws to abort the restore.
   */
  created: (pid: number) => void;
  skipFileRwxCheck: boolean;
  /** Sysctls that this kernel does not have are left out. */
  weakSysctls: boolean;
  /** A label for all threads in place of theirs. */
  lsmProfile: LsmProfile | undefined;
  /** A security context for mounts that have one. */
  lsmContext: string | undefined;
  /** Namespaces that the root enters in place of its own or ours. */
  joined: readonly JoinNamespace[];
  /** Make a pid namespace around the tree, unless its root is the init of one that is made anyway. */
  newPids: boolean;
}

/** Times are microseconds. */
export interface DumpResult {
  tasks: number;
  threads: number;
  /** Bytes of memory contents written. */
  pagesWritten: number;
  freezingUs: number;
  frozenUs: number;
  totalUs: number;
  /** Bytes of all files of the set. */
  imageBytes: number;
  /** For --display-stats; left out where the engine does not measure it. */
  details?: {
    memdumpUs: number;
    memwriteUs: number;
    /** Pages. */
    pagesScanned: number;
    pagesSkippedParent: number;
    pagesLazy: number;
  };
}

/** Times are microseconds. */
export interface RestoreResult {
  /** The root task's pid as we see it. */
  pid: number;
  /** The init that was made for it, our child: it ends with the tree, as the root did. */
  init: number | undefined;
  tasks: number;
  totalUs: number;
  forkingUs: number;
  /** The process group, as we see it, that is in the foreground of our terminal from now on: one of the tree. */
  foreground?: number;
  details?: {
    /** Pages. */
    pagesCompared: number;
    pagesSkippedCow: number;
    pagesRestored: number;
  };
}
