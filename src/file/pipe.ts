import { CrError } from "../error.ts";
import { FdTypes, type PipeEntry } from "../image/schema.gen.ts";
import { closeFd, dupFd, fcntl, makePipe, POLL, pollNow, readable, reopen } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { S_IFIFO, S_IFMT, statFd } from "../kernel/stat.ts";
import { must } from "../kernel/sys.ts";
import { F, O } from "../kernel/uapi/fcntl.ts";
import type { FileDump, FileKind, FileRestore, OpenFile } from "./kind.ts";
import { perRun } from "./per-run.ts";
import { contentOf, dataEntry, fillPipe, type PipeContent, readPipe } from "./pipe-content.ts";

/** Permissions of a new pipe. */
const USUAL_MODE = 0o600;

const isPipe = (file: OpenFile) => file.link.startsWith("pipe:[");
const reads = (flags: number) => (flags & O.ACCMODE) !== O.WRONLY;
const writes = (flags: number) => (flags & O.ACCMODE) !== O.RDONLY;

/** Inodes of pipes whose bytes are in the image already. */
const saved = perRun((_: FileDump) => new Set<number>());

/** Which ends of its pipes the tree holds itself, and the pipes of which something was said already. */
const ends = perRun((dump: FileDump) => {
  const found = new Map<number, { read: boolean; write: boolean }>();
  for (const { file } of dump.held) {
    if (!isPipe(file)) continue;
    const pipe = found.get(file.stat.ino) ?? { read: false, write: false };
    found.set(file.stat.ino, pipe);
    pipe.read ||= reads(file.flags);
    pipe.write ||= writes(file.flags);
  }
  return { found, told: new Set<number>() };
});

/** What is mounted where the kernel asks through a pipe for more, by the inode of that. */
const asked = perRun(
  (dump: FileDump) =>
    new Map(
      dump.mounts.flatMap((mount) => {
        const pipe = mount.fsType === "autofs" ? /(?:^|,)pipe_ino=(\d+)/.exec(mount.superOptions)?.[1] : undefined;
        return pipe === undefined ? [] : [[Number(pipe), mount] as const];
      }),
    ),
);

/** Whether anybody holds the other end. */
function isConnected(file: OpenFile): boolean {
  return (pollNow(file.dup, POLL.IN | POLL.OUT) & (reads(file.flags) ? POLL.HUP : POLL.ERR)) === 0;
}

/** All pipe entries by pipe, and all contents. */
const plan = perRun((restore: FileRestore) => {
  const pipes = new Map<number, PipeEntry[]>();
  for (const { pipe } of restore.entries.values()) {
    if (pipe === undefined) continue;
    const list = pipes.get(pipe.pipe_id);
    if (list === undefined) pipes.set(pipe.pipe_id, [pipe]);
    else list.push(pipe);
  }
  const contents = new Map<number, PipeContent>();
  for (const data of restore.images.read("PIPES_DATA")) contents.set(data.pipe_id, contentOf(data, data.extra));
  return { pipes, contents };
});

export const pipe: FileKind = {
  name: "pipe",
  type: FdTypes.PIPE,
  matches: isPipe,

  check(file, dump) {
    const { found, told } = ends(dump);
    const pipe = found.get(file.stat.ino);
    if (pipe === undefined || told.has(file.stat.ino)) return;
    const automount = asked(dump).get(file.stat.ino);
    if ((pipe.read && pipe.write && !automount) || !isConnected(file)) return;
    told.add(file.stat.ino);
    if (automount) {
      if (dump.automounts?.has(file.stat.ino)) return;
      dump.blocker(
        new CrError(
          "through a pipe the kernel asks this program to mount something (autofs) outside of the tree: it would go on asking there",
          {
            code: "UNSUPPORTED",
            subject: { pid: file.pid, fd: file.fd, path: automount.mountpoint },
            remedy: "stop the automounter before the dump (systemctl stop autofs)",
          },
        ),
      );
      return;
    }
    // CRIU dumps such a pipe too: whoever restores gives it a new end. So it is no blocker, and not worth a walk
    // over all processes to find who holds it.
    dump.log.warn(
      `the ${pipe.read ? "write" : "read"} end of ${file.link} (pid ${file.pid}, descriptor ${file.fd}) is held outside ` +
        `of the tree: restore with --inherit-fd 'fd[N]:${file.link}', else it comes back closed`,
    );
  },

  dump(file, dump) {
    const { uid, gid, ino } = file.stat;
    const mode = file.stat.mode & 0o7777;
    const owner = uid === 0 && gid === 0 ? {} : { tscriu_uid: uid, tscriu_gid: gid };
    const entry: PipeEntry = { id: file.id, pipe_id: ino, flags: file.flags, fown: file.fown, ...owner };
    if (mode !== USUAL_MODE) entry.tscriu_mode = mode;
    dump.add({ type: FdTypes.PIPE, id: file.id, pipe: entry });
    if (!reads(file.flags) || saved(dump).has(ino)) return;
    saved(dump).add(ino);
    const content = readPipe(file.dup, { pid: file.pid, fd: file.fd, path: file.link });
    dump.images.append("PIPES_DATA", [dataEntry(ino, content)]);
  },

  open(entry, restore) {
    const { pipe } = entry;
    if (pipe === undefined)
      throw new CrError("a pipe without its entry", { code: "BAD_IMAGE", subject: { id: entry.id } });
    const { pipes, contents } = plan(restore);
    const list = pipes.get(pipe.pipe_id) ?? [];
    const content = contents.get(pipe.pipe_id);
    const link = `pipe:[${pipe.pipe_id}]`;
    const inherited = restore.options.inheritFds.find((inherit) => inherit.resource === link);
    if (inherited) openInherited(list, inherited.fd, content, restore);
    else openNew(list, content, restore);
  },
};

/** Makes a pipe with all of its descriptions. */
function openNew(list: readonly PipeEntry[], content: PipeContent | undefined, restore: FileRestore): void {
  const id = list[0]?.pipe_id ?? 0;
  const subject = { path: `pipe:[${id}]` };
  const free = new Map<number, number>();
  const there = restore.pipeThere(id);
  const [read, write] = there ? [dupFd(there[0]), dupFd(there[1])] : makePipe();
  free.set(O.RDONLY, read).set(O.WRONLY, write);
  try {
    const owner = list.find((entry) => entry.tscriu_uid !== undefined);
    if (owner)
      must(NR.fchown, [read, owner.tscriu_uid ?? 0, owner.tscriu_gid ?? 0], "cannot set a pipe's owner", subject);
    const mode = list.find((entry) => entry.tscriu_mode !== undefined)?.tscriu_mode;
    if (mode !== undefined) must(NR.fchmod, [read, mode & 0o7777], "cannot set a pipe's permissions", subject);
    if (content) fillPipe(read, content, subject);
    // What was opened through /proc is not one of the two ends: those come first, while both of them are there.
    const [opened, ends] = [list.filter(wasOpened), list.filter((entry) => !wasOpened(entry))];
    for (const entry of opened)
      give(entry, reopen(read, entry.flags & ~O.CREAT, "cannot open a pipe anew", subject), restore);
    for (const entry of ends) {
      const mode = entry.flags & O.ACCMODE;
      const fd = free.get(mode) ?? again(read, entry);
      free.delete(mode);
      give(entry, fd, restore);
    }
    if (there) return;
    if (!list.some((entry) => reads(entry.flags)) || !list.some((entry) => writes(entry.flags)))
      restore.log.warn(`${subject.path} has one end in the tree: the other one is closed, or wants --inherit-fd`);
  } finally {
    for (const fd of free.values()) closeFd(fd);
  }
}

/** Opens a pipe through /proc. The other flags come with `applyFown`: open(2) refuses O_DIRECT on a pipe. */
function again(fd: number, entry: PipeEntry): number {
  const flags = entry.flags & (O.ACCMODE | O.NONBLOCK);
  return reopen(fd, flags, "cannot open a pipe anew", { path: `pipe:[${entry.pipe_id}]` });
}

/** O_LARGEFILE is set by open(2) and never by pipe2(2). */
function wasOpened(entry: PipeEntry): boolean {
  return (entry.flags & O.LARGEFILE) !== 0;
}

function give(entry: PipeEntry, fd: number, restore: FileRestore): void {
  restore.put(entry.id, fd);
  restore.applyFown(fd, entry.fown, entry.flags);
}

/** Takes what the user gave in place of a pipe, for all of its descriptions. */
function openInherited(
  list: readonly PipeEntry[],
  fd: number,
  content: PipeContent | undefined,
  restore: FileRestore,
): void {
  const id = list[0]?.pipe_id ?? 0;
  const subject = { path: `pipe:[${id}]`, fd };
  const stat = statFd(fd, subject);
  const mode = fcntl(fd, F.GETFL, 0, "cannot use the inherited descriptor", subject) & O.ACCMODE;
  for (const entry of list) {
    const wanted = entry.flags & O.ACCMODE;
    const fits = mode === wanted || mode === O.RDWR;
    give(entry, fits ? dupFd(fd) : reopen(fd, wanted, "cannot open the inherited descriptor anew", subject), restore);
  }
  // The very pipe of then still holds its bytes; another one gets them, in front of what its writers will say.
  const another = (stat.mode & S_IFMT) === S_IFIFO && stat.ino !== id;
  if (content && content.bytes.length > 0 && another && readable(fd, subject) === 0) fillPipe(fd, content, subject);
}
