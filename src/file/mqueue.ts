import { CrError, type Subject } from "../error.ts";
import { FdTypes, type RegFileEntry, type TscriuMqueue } from "../image/schema.gen.ts";
import type { Caller } from "../kernel/envoy.ts";
import { closeFd, O, reopen, tryRead } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { statFd } from "../kernel/stat.ts";
import { addressOf, check, cstring, sys } from "../kernel/sys.ts";
import { FS } from "../kernel/uapi/magic.ts";
import type { FileDump, FileKind, FileRestore, OpenFile } from "./kind.ts";
import { perRun } from "./per-run.ts";

/** Where these queues are mounted where they are: a reader that knows no queues opens them by this path. */
const MOUNT = "/dev/mqueue";
const DELETED = " (deleted)";
/** `struct mq_attr` of linux/mqueue.h: flags, most messages, their size, how many there are; longs, and four more. */
const ATTR_WORDS = 8;
const ENOENT = -2;
const CLOSE = "let the program close it before the dump";

interface Attributes {
  readonly most: number;
  readonly size: number;
  readonly now: number;
}

function attributesOf(fd: number, subject: Subject): Attributes {
  const words = new BigInt64Array(ATTR_WORDS);
  check(sys(NR.mq_getsetattr, fd, 0, addressOf(words)), "cannot read the state of a message queue", subject);
  return { most: Number(words[1]), size: Number(words[2]), now: Number(words[3]) };
}

/** mq_open(3) by a name that begins with a slash: the descriptor, always close-on-exec, or the negative errno. */
function tryOpenQueue(call: Caller, name: string, flags: number, mode = 0, attributes?: Attributes): number {
  const text = cstring(name.slice(1));
  const words = new BigInt64Array(ATTR_WORDS);
  if (attributes) words.set([0n, BigInt(attributes.most), BigInt(attributes.size)]);
  return call(NR.mq_open, addressOf(text), flags, mode, attributes ? addressOf(words) : 0);
}

function unlinkQueue(call: Caller, name: string): void {
  const text = cstring(name.slice(1));
  call(NR.mq_unlink, addressOf(text));
}

function queueName(reg: RegFileEntry): string {
  return reg.name.slice(MOUNT.length);
}

function accessOf(reg: RegFileEntry): number {
  return reg.flags & (O.ACCMODE | O.NONBLOCK);
}

function subjectOf(file: OpenFile): Subject {
  return { pid: file.pid, fd: file.fd, path: file.link };
}

function isUnlinked(file: OpenFile): boolean {
  return file.stat.nlink === 0;
}

function nameOf(file: OpenFile): string {
  return isUnlinked(file) && file.link.endsWith(DELETED) ? file.link.slice(0, -DELETED.length) : file.link;
}

/** Who asked to be told of the next message (mq_notify(3)), or 0. */
function notified(file: OpenFile): number {
  const fd = reopen(file.dup, O.RDONLY, "cannot read the state of a message queue", subjectOf(file));
  const text = new Uint8Array(256);
  const got = tryRead(fd, text);
  closeFd(fd);
  return Number(/NOTIFY_PID:(\d+)/.exec(new TextDecoder().decode(text.subarray(0, Math.max(0, got))))?.[1] ?? 0);
}

/** Whether the tree's ipc namespace has this very queue under its name. */
function isFound(file: OpenFile, dump: FileDump): boolean {
  const fd = dump.inIpc((call) => tryOpenQueue(call, nameOf(file), O.RDONLY));
  if (fd < 0) return false;
  const { dev, ino } = statFd(fd);
  closeFd(fd);
  return dev === file.stat.dev && ino === file.stat.ino;
}

function problem(file: OpenFile, dump: FileDump): CrError | undefined {
  const subject = subjectOf(file);
  const refuse = (what: string, remedy: string) => new CrError(what, { code: "UNSUPPORTED", subject, remedy });
  const owner = notified(file);
  if (dump.pids.some((pid) => dump.processOf(pid) === owner)) {
    const what =
      "a POSIX message queue has to tell the tree of its next message (mq_notify), which cannot be asked for again";
    return refuse(what, "let the program wait in mq_receive or poll instead");
  }
  if (!isUnlinked(file) && !isFound(file, dump))
    return refuse("a POSIX message queue is of another ipc namespace than the tree", CLOSE);
  const { now } = attributesOf(file.dup, subject);
  if (now === 0 || (!isUnlinked(file) && !dump.ipcApart)) return undefined;
  const where = isUnlinked(file) ? "without a name" : "in an ipc namespace of the tree's own";
  const what = `a POSIX message queue ${where} holds ${now} messages, which cannot be read without taking them out`;
  return refuse(what, "let the program receive them before the dump");
}

/** Queues that had no name any more: they have one until all who are open on them are opened. */
class Unnamed {
  readonly #names = new Map<string, string>();

  constructor(private readonly restore: FileRestore) {}

  /** Takes the names away again. */
  unlink(call: Caller): void {
    for (const name of this.#names.values()) unlinkQueue(call, name);
    this.#names.clear();
  }

  open(call: Caller, reg: RegFileEntry, queue: TscriuMqueue, subject: Subject): number {
    const key = String(queue.unlinked);
    const name = this.#names.get(key) ?? this.#make(call, key, reg, queue, subject);
    return check(tryOpenQueue(call, name, accessOf(reg)), "cannot open a message queue", subject);
  }

  #make(call: Caller, key: string, reg: RegFileEntry, queue: TscriuMqueue, subject: Subject): string {
    const old = queueName(reg);
    const there = tryOpenQueue(call, old, O.RDONLY);
    if (there >= 0) closeFd(there);
    const name = there === ENOENT ? old : `/tscriu-${process.pid}-${key}`;
    closeFd(makeForUs(call, name, O.RDWR, reg, queue, this.restore, subject));
    this.#names.set(key, name);
    return name;
  }
}

const unnamed = perRun((restore: FileRestore) => new Unnamed(restore));

function makeQueue(
  call: Caller,
  name: string,
  access: number,
  reg: RegFileEntry,
  queue: TscriuMqueue,
  subject: Subject,
): number {
  const { max_messages, message_size, uid, gid } = queue;
  const attributes = { most: Number(max_messages), size: Number(message_size), now: 0 };
  const fd = check(
    tryOpenQueue(call, name, access | O.CREAT | O.EXCL, 0o600, attributes),
    "cannot make a message queue",
    subject,
    "see the limits in /proc/sys/fs/mqueue",
  );
  try {
    check(sys(NR.fchown, fd, uid, gid), "cannot set the owner of a message queue", subject);
    check(sys(NR.fchmod, fd, (reg.mode ?? 0o600) & 0o7777), "cannot set the mode of a message queue", subject);
    return fd;
  } catch (error) {
    closeFd(fd);
    unlinkQueue(call, name);
    throw error;
  }
}

/** Makes one that goes again unless the tree comes back. One of the tree's own ipc namespace goes with that. */
function makeForUs(
  call: Caller,
  name: string,
  access: number,
  reg: RegFileEntry,
  queue: TscriuMqueue,
  restore: FileRestore,
  subject: Subject,
): number {
  if (call !== sys) return makeQueue(call, name, access, reg, queue, subject);
  const forget = restore.ifWeDie([{ nr: NR.mq_unlink, args: [cstring(name.slice(1))] }]);
  try {
    const made = makeQueue(call, name, access, reg, queue, subject);
    restore.onFailure(() => unlinkQueue(sys, name));
    return made;
  } catch (error) {
    forget();
    throw error;
  }
}

/** Opens a queue by its name; one that is gone is made again, if it was empty. */
function openNamed(
  call: Caller,
  reg: RegFileEntry,
  queue: TscriuMqueue,
  restore: FileRestore,
  subject: Subject,
): number {
  const name = queueName(reg);
  const access = accessOf(reg);
  const fd = tryOpenQueue(call, name, access);
  if (fd === ENOENT) {
    if (Number(queue.messages) > 0) {
      throw new CrError(`a POSIX message queue is gone, and with it the ${queue.messages} messages that it held`, {
        code: "ENOENT",
        subject,
        remedy: "the images do not hold them: make the queue with its messages again",
      });
    }
    return makeForUs(call, name, access, reg, queue, restore, subject);
  }
  check(fd, "cannot open a message queue", subject);
  const { most, size } = attributesOf(fd, subject);
  if (most === Number(queue.max_messages) && size === Number(queue.message_size)) return fd;
  closeFd(fd);
  throw new CrError("a POSIX message queue has other sizes than at the dump", {
    code: "FILE_CHANGED",
    subject: { ...subject, messages: most, bytes: size },
    remedy: `make it for ${queue.max_messages} messages of ${queue.message_size} bytes`,
  });
}

/** POSIX message queues (mq_open(3)). They belong to the host, and so do the messages in them. */
export const mqueue: FileKind = {
  name: "POSIX message queue",
  type: FdTypes.REG,

  // one that was opened by its path on a mount is a file like others
  matches: (file) => file.fsType === FS.MQUEUE && (file.flags & O.PATH) === 0 && /^\/[^/]+$/.test(file.link),
  restores: ({ reg }) => reg?.tscriu_mqueue !== undefined,

  check(file, dump) {
    const found = problem(file, dump);
    if (found) dump.blocker(found);
  },

  dump(file, dump) {
    const { stat } = file;
    const { most, size, now } = attributesOf(file.dup, subjectOf(file));
    const queue: TscriuMqueue = { max_messages: most, message_size: size, messages: now, uid: stat.uid, gid: stat.gid };
    if (isUnlinked(file)) queue.unlinked = stat.ino;
    const reg: RegFileEntry = {
      id: file.id,
      flags: file.flags,
      pos: 0,
      fown: file.fown,
      name: `${MOUNT}${nameOf(file)}`,
      mode: stat.mode,
      build_id: [],
      tscriu_mqueue: queue,
    };
    dump.add({ type: FdTypes.REG, id: file.id, reg });
  },

  open(entry, restore) {
    const { reg } = entry;
    const queue = reg?.tscriu_mqueue;
    if (reg === undefined || queue === undefined)
      throw new CrError("a message queue without its state", { code: "BAD_IMAGE", subject: { file: entry.id } });
    const subject = { path: queueName(reg) };
    const fd = restore.inIpc((call) =>
      queue.unlinked === undefined
        ? openNamed(call, reg, queue, restore, subject)
        : unnamed(restore).open(call, reg, queue, subject),
    );
    restore.put(entry.id, fd);
    restore.applyFown(fd, reg.fown, reg.flags);
  },

  link(_, restore) {
    restore.inIpc((call) => unnamed(restore).unlink(call));
  },
};
