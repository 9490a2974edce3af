import { CrError } from "../error.ts";
import { FdTypes, type NsFileEntry, type TaskKobjIdsEntry } from "../image/schema.gen.ts";
import { openPath } from "../kernel/fd.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { FS } from "../kernel/uapi/magic.ts";
import { CLONE } from "../kernel/uapi/sched.ts";
import type { FileKind, FileRestore, OpenFile } from "./kind.ts";

/** By the word in the link: the flag that images tell the kind by, and where they keep the ids of tasks. */
const NAMESPACES: readonly { readonly name: string; readonly flag: number; readonly field: keyof TaskKobjIdsEntry }[] =
  [
    { name: "mnt", flag: CLONE.NEWNS, field: "mnt_ns_id" },
    { name: "cgroup", flag: CLONE.NEWCGROUP, field: "cgroup_ns_id" },
    { name: "uts", flag: CLONE.NEWUTS, field: "uts_ns_id" },
    { name: "ipc", flag: CLONE.NEWIPC, field: "ipc_ns_id" },
    { name: "user", flag: CLONE.NEWUSER, field: "user_ns_id" },
    { name: "pid", flag: CLONE.NEWPID, field: "pid_ns_id" },
    { name: "net", flag: CLONE.NEWNET, field: "net_ns_id" },
    { name: "time", flag: CLONE.NEWTIME, field: "time_ns_id" },
  ];

function partsOf(link: string): { name: string; ino: number } | undefined {
  const match = /^(\w+):\[(\d+)\]$/.exec(link);
  return match?.[1] === undefined ? undefined : { name: match[1], ino: Number(match[2]) };
}

function stranger(file: OpenFile): CrError {
  return new CrError("a namespace is open in which no task of the tree lives", {
    code: "UNSUPPORTED",
    subject: { pid: file.pid, fd: file.fd, path: file.link },
    remedy: "let the program close it before the dump",
  });
}

function entryOf(file: OpenFile, idOf: (name: string, ino: number) => number | undefined): NsFileEntry {
  const parts = partsOf(file.link);
  const flag = NAMESPACES.find(({ name }) => name === parts?.name)?.flag;
  const ns_id = parts && idOf(parts.name, parts.ino);
  if (flag === undefined || ns_id === undefined) throw stranger(file);
  return { id: file.id, ns_id, ns_cflag: flag, flags: file.flags };
}

function idsOf(pid: number, restore: FileRestore): TaskKobjIdsEntry | undefined {
  return restore.images.one("IDS", pid);
}

/** Where a namespace of the images is to be had: it is ours, or a task of the tree lives in it. */
function pathOf(nsf: NsFileEntry, restore: FileRestore): string {
  const kind = NAMESPACES.find(({ flag }) => flag === nsf.ns_cflag);
  const ids = restore.images.inventory.root_ids;
  if (kind !== undefined && ids?.[kind.field] === nsf.ns_id) {
    const own = restore.ownNamespaces;
    return `${own?.made.includes(kind.name) ? own.directory : "/proc/self/ns"}/${kind.name}`;
  }
  const member = kind && restore.tasks.find(({ pid }) => idsOf(pid, restore)?.[kind.field] === nsf.ns_id);
  if (kind && member) return `/proc/${member.hostPid}/ns/${kind.name}`;
  throw new CrError("a namespace that was open cannot be restored yet", {
    code: "UNSUPPORTED",
    subject: { file: nsf.id, namespace: kind?.name ?? nsf.ns_cflag },
  });
}

/** Open namespaces (/proc/PID/ns/...): those in which the tree lives. */
export const ns: FileKind = {
  name: "namespace",
  type: FdTypes.NS,

  matches: (file) => file.fsType === FS.NSFS && partsOf(file.link) !== undefined,

  check(file, dump) {
    try {
      entryOf(file, (name, ino) => dump.namespaceId(name, ino));
    } catch (error) {
      dump.blocker(error as CrError);
    }
  },

  dump(file, dump) {
    const nsf = entryOf(file, (name, ino) => dump.namespaceId(name, ino));
    dump.add({ type: FdTypes.NS, id: file.id, nsf });
  },

  open(entry, restore) {
    const { nsf } = entry;
    if (nsf === undefined) {
      throw new CrError("a namespace without its kind", { code: "BAD_IMAGE", subject: { file: entry.id } });
    }
    const flags = nsf.flags & ~(O.CREAT | O.EXCL | O.TRUNC | O.ASYNC);
    const fd = openPath(pathOf(nsf, restore), flags, "cannot open a namespace");
    restore.put(entry.id, fd);
  },
};
