import { readFileSync } from "node:fs";
import { CrError } from "../error.ts";
import { FdTypes, type PidfdEntry } from "../image/schema.gen.ts";
import { closeFd, makePipe, tryWrite } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, check, must, spawn, sys } from "../kernel/sys.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import type { FileDump, FileKind, FileRestore, OpenFile } from "./kind.ts";
import { perRun } from "./per-run.ts";

/** What pidfd_open(2) takes: PIDFD_NONBLOCK, and PIDFD_THREAD for a single thread. */
const OPEN_FLAGS = O.NONBLOCK | O.EXCL;
/** nspid of a process that has ended and was waited for. */
const DEAD = -1;
const WAIT_ALL = 0x4000_0000;
const STACK = 64 * 1024;

/** What keeps a descriptor of a process from being dumped. */
function problem(file: OpenFile, dump: FileDump): CrError | undefined {
  const pid = file.info.pidfd?.pid ?? 0;
  if (pid === DEAD || dump.pids.some((one) => dump.processOf(one) === pid)) return undefined;
  const fail = (what: string, remedy: string) =>
    new CrError(what, { code: "UNSUPPORTED", subject: { pid: file.pid, fd: file.fd, path: file.link }, remedy });
  if (pid === 0)
    return fail(
      "a pidfd stands for a process that cannot be seen from here",
      "let the program close it before the dump",
    );
  if (dump.virtualPid(pid) !== 0) {
    return fail(
      `a pidfd stands for thread ${pid}, which is not the first of its process`,
      "let the program close it before the dump",
    );
  }
  return fail(
    `a pidfd stands for process ${pid} (${commOf(pid)}), which is not part of the tree`,
    "dump that process too, or let the program close the descriptor",
  );
}

function commOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, "utf8").trim();
  } catch {
    return "gone";
  }
}

/** Entries for dead processes, by the inode that tells them apart. */
const dead = perRun((restore: FileRestore) => {
  const groups = new Map<number, PidfdEntry[]>();
  for (const { pidfd } of restore.entries.values()) {
    if (pidfd === undefined || pidfd.nspid !== DEAD) continue;
    const group = groups.get(pidfd.ino);
    if (group === undefined) groups.set(pidfd.ino, [pidfd]);
    else group.push(pidfd);
  }
  return groups;
});

const treePids = perRun((restore: FileRestore) => new Set(restore.images.read("PSTREE").map((task) => task.pid)));

export const pidfd: FileKind = {
  name: "pidfd",
  type: FdTypes.PIDFD,
  matches: (file) => file.info.pidfd !== undefined,

  check(file, dump) {
    const found = problem(file, dump);
    if (found) dump.blocker(found);
  },

  dump(file, dump) {
    const found = problem(file, dump);
    if (found) throw found;
    const pid = file.info.pidfd?.pid ?? DEAD;
    const entry: PidfdEntry = {
      id: file.id,
      ino: file.stat.ino % 0x1_0000_0000,
      flags: file.flags & ~O.ACCMODE,
      nspid: pid === DEAD ? DEAD : dump.virtualPid(pid),
      fown: file.fown,
    };
    dump.add({ type: FdTypes.PIDFD, id: file.id, pidfd: entry });
  },

  open(entry, restore) {
    const { pidfd } = entry;
    if (pidfd === undefined)
      throw new CrError("a pidfd without its entry", { code: "BAD_IMAGE", subject: { file: entry.id } });
    if (pidfd.nspid !== DEAD) {
      if (!treePids(restore).has(pidfd.nspid)) {
        const subject = { file: entry.id, pid: pidfd.nspid };
        throw new CrError("a pidfd stands for a process that is not in the images", { code: "BAD_IMAGE", subject });
      }
      openFor(restore.hostPid(pidfd.nspid), pidfd, restore);
    } else openDead(dead(restore).get(pidfd.ino) ?? [pidfd], restore);
  },
};

/** @param pid as we see it */
function openFor(pid: number, entry: PidfdEntry, restore: FileRestore): void {
  const fd = check(sys(NR.pidfd_open, pid, entry.flags & OPEN_FLAGS), "cannot open a process of the tree", {
    pid,
    file: entry.id,
  });
  restore.put(entry.id, fd);
  restore.applyFown(fd, entry.fown, entry.flags);
}

/** All descriptors of one process that has ended: of a helper that lives until they are open. */
function openDead(entries: readonly PidfdEntry[], restore: FileRestore): void {
  // a process of another pid namespace than the tree's would not be dead for it, but a stranger
  const [root] = restore.pidsApart ? restore.tasks : [];
  if (root) {
    using helper = root.spawn(undefined);
    for (const entry of entries) openFor(helper.hostPid, entry, restore);
    return;
  }
  const stack = new Uint8Array(new ArrayBuffer(STACK));
  const [wait, go] = makePipe();
  const top = addressOf(stack) + STACK;
  const pid = spawn(0, 0, 0, -1, wait, top - (top % 16));
  try {
    check(pid, "cannot make a process that stands for one that has ended");
    for (const entry of entries) openFor(pid, entry, restore);
  } finally {
    // Through the gate it finds no program to become, and ends; once it was waited for it is as dead as the other one.
    if (pid > 0) tryWrite(go, new Uint8Array(1));
    closeFd(go);
    if (pid > 0) must(NR.wait4, [pid, 0, WAIT_ALL, 0], "cannot wait for a helper");
    closeFd(wait);
    stack.fill(0);
  }
}
