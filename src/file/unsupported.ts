import { CrError } from "../error.ts";
import { FdTypes } from "../image/schema.gen.ts";
import { driverOf } from "../kernel/proc/devices.ts";
import { S_IFCHR, S_IFIFO, S_IFMT, S_IFSOCK } from "../kernel/stat.ts";
import { FS } from "../kernel/uapi/magic.ts";
import { deviceAdvice } from "./device.ts";
import type { FileKind, OpenFile } from "./kind.ts";

/** What people call it, and what they can do about it. */
interface Advice {
  readonly what: string;
  readonly remedy: string;
}

const CLOSE = "let the program close it before the dump";

/** By the link in /proc. */
const BY_LINK: readonly (readonly [pattern: RegExp, what: string, remedy?: string])[] = [
  [/^anon_inode:\[userfaultfd\]$/, "a userfaultfd, with which a program handles its own page faults"],
  [/^anon_inode:\[perf_event\]$/, "a performance counter (perf_event_open)", "stop the profiler"],
  [/^anon_inode:bpf-prog$/, "a BPF program", "detach it, or pin it in a BPF file system and close the descriptor"],
  [/^anon_inode:\[?bpf_?link/, "a BPF program's attachment", "pin it in a BPF file system and close the descriptor"],
  [
    /^anon_inode:(\[?bpf[-_]|btf)/,
    "a BPF object",
    "let the program that loads and attaches BPF programs do so after the restore",
  ],
  [
    /^anon_inode:\[fanotify\]$/,
    "a fanotify group whose state this kernel does not show",
    "stop watching before the dump",
  ],
  [/^anon_inode:\[(fscontext|fs_context)\]$/, "a half made mount (fsopen)"],
  [/^anon_inode:seccomp notify$/, "the listener of a seccomp filter", "stop the supervisor of the filter"],
  [/^anon_inode:landlock[-_]ruleset$|^anon_inode:\[landlock-ruleset\]$/, "a Landlock rule set"],
  [/^anon_inode:\[?kvm/, "a virtual machine (KVM)", "save the machine with its own monitor"],
  [/^anon_inode:\[vfio/, "a device given to this program (VFIO)"],
  [/^anon_inode:\[?(dma_?buf|sync_file|sw_sync)|^\/dmabuf:/, "a buffer of a graphics or media device"],
  [/^anon_inode:\[eventfd\]$/, "an eventfd whose state this kernel does not show"],
  [/^anon_inode:\[pidfd\]$|^pidfd:/, "a descriptor of a process"],
  [/^(net|mnt|pid|user|uts|ipc|cgroup|time)(_for_children)?:\[/, "a namespace"],
  [/^anon_inode:inotify$/, "an inotify instance whose state this kernel does not show"],
];

/** By the file system that it lies on. */
const BY_FS: ReadonlyMap<number, string> = new Map([
  [FS.SECRETMEM, "secret memory (memfd_secret)"],
  [FS.DMA_BUF, "a buffer of a graphics or media device"],
  [FS.NSFS, "a namespace"],
  [FS.PIDFS, "a descriptor of a process"],
]);

const BY_TYPE: ReadonlyMap<number, string> = new Map([
  [S_IFSOCK, "a socket of a kind that is not supported"],
  [S_IFIFO, "a pipe that is not supported"],
]);

/** What kind of thing nobody else took. */
export function adviceFor(file: Pick<OpenFile, "link" | "fsType" | "stat" | "pid">): Advice {
  const known = BY_LINK.find(([pattern]) => pattern.test(file.link));
  if (known) return { what: known[1], remedy: known[2] ?? CLOSE };
  if ((file.stat.mode & S_IFMT) === S_IFCHR) {
    const { what, remedy } = deviceAdvice(driverOf(file.stat.rdev));
    return { what, remedy: remedy ?? CLOSE };
  }
  const anonymous = /^anon_inode:\[?([^\]]+)\]?$/.exec(file.link)?.[1];
  const what =
    BY_FS.get(file.fsType) ??
    BY_TYPE.get(file.stat.mode & S_IFMT) ??
    (anonymous === undefined ? "an object of an unknown kind" : `a kernel object of the kind ${anonymous}`);
  return { what, remedy: CLOSE };
}

function errorFor(file: OpenFile): CrError {
  const { what, remedy } = adviceFor(file);
  const subject = { pid: file.pid, fd: file.fd, path: file.link };
  return new CrError(`${what} cannot be dumped`, { code: "UNSUPPORTED", subject, remedy });
}

/** Takes what no other kind takes, and says what it is. */
export const unsupported: FileKind = {
  name: "unsupported",
  type: FdTypes.UND,
  matches: () => true,

  check(file, dump) {
    dump.blocker(errorFor(file));
  },

  dump(file) {
    throw errorFor(file);
  },

  open(entry) {
    throw new CrError("a descriptor of a kind that cannot be restored yet", {
      code: "UNSUPPORTED",
      subject: { file: entry.id, type: entry.type },
    });
  },
};
