/**
 * Settings of a pid namespace (proc_sys_kernel(5), proc_sys_vm(5)): how high numbers may be (Linux 6.14, before one limit is for
 * the whole machine), and whether its memfds may be executed (Linux 6.3). Only who lives there sees them.
 */
import { CrError } from "../error.ts";
import type { ImageDirectory } from "../image/directory.ts";
import type { PidnsEntry } from "../image/schema.gen.ts";
import { closeFd, O, openPath } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { AT_FDCWD } from "../kernel/stat.ts";
import { uname } from "../kernel/uname.ts";
import type { Log } from "../log.ts";
import type { Questions } from "../task/questions.ts";
import type { NamespaceFill } from "./kind.ts";

type Setting = "tscriu_pid_max" | "tscriu_memfd_noexec";
interface Kind {
  readonly field: Setting;
  readonly directory: string;
  readonly name: string;
  /** What a new namespace has. */
  readonly fresh: number;
  readonly since: readonly [number, number];
}

const KINDS: readonly Kind[] = [
  { field: "tscriu_pid_max", directory: "/proc/sys/kernel", name: "pid_max", fresh: 1 << 22, since: [6, 14] },
  { field: "tscriu_memfd_noexec", directory: "/proc/sys/vm", name: "memfd_noexec", fresh: 0, since: [6, 3] },
];
/** Bytes of the longest answer. */
const LONGEST = 16;
/** Of the namespace above what is asked for more than here: that holds, too. */
const EINVAL = -22;

function has({ since: [major, minor] }: Kind): boolean {
  const [ours = 0, its = 0] = uname()[2]
    .split(".")
    .map((part) => Number.parseInt(part, 10));
  return ours > major || (ours === major && its >= minor);
}

/** Six questions to a task that lives there, which sees them where it has a /proc. */
export function askPidLimits(questions: Questions): () => PidnsEntry {
  const asked = KINDS.filter(has).map(({ field, directory, name, fresh }) => {
    const path = questions.reserve(64);
    new TextEncoder().encodeInto(`${directory}/${name}`, path.bytes);
    const text = questions.reserve(LONGEST);
    const file = questions.call(NR.openat, [AT_FDCWD, path, O.RDONLY | O.CLOEXEC, 0], { ignore: true });
    const length = questions.call(NR.read, [file, text, LONGEST], { ignore: true });
    questions.call(NR.close, [file], { ignore: true });
    return { field, fresh, text, length };
  });
  return () => {
    const found: PidnsEntry = {};
    for (const { field, fresh, text, length } of asked) {
      const value = Number.parseInt(
        Buffer.from(text.bytes).toString("latin1", 0, Math.max(0, questions.result(length))),
        10,
      );
      if (value >= 0 && value !== fresh) found[field] = value;
    }
    return found;
  };
}

type Member = Pick<NamespaceFill, "program" | "pid" | "receive">;

/** Once all numbers are given and all memfds made. @param inPids a task that lives there, and may still do what it likes */
export function restorePidLimits(
  images: ImageDirectory,
  ids: ReadonlySet<number | undefined>,
  inPids: (id: number) => Member,
  log: Log,
): void {
  const ours = images.inventory.root_ids?.pid_ns_id;
  for (const id of ids) {
    const entry = id === undefined || id === ours ? undefined : images.read("PIDNS", id)[0];
    if (id !== undefined && entry && entry.ext_key === undefined) restoreOne(entry, inPids(id), log);
  }
}

function restoreOne(entry: PidnsEntry, { program, pid, receive }: Member, log: Log): void {
  for (const kind of KINDS) {
    const value = entry[kind.field];
    if (value === undefined) continue;
    const { directory, name } = kind;
    if (!has(kind)) {
      log.warn(
        `${name} of a pid namespace does not come back, for this kernel has one for the whole machine: restore on Linux ${kind.since.join(".")} or later (pid ${pid}, value ${value})`,
      );
      continue;
    }
    const what = "cannot set what a pid namespace allows";
    const subject = { file: `${directory}/${name}`, value };
    // the file that we open would be that of our own namespace
    const ours = openPath(directory, O.RDONLY | O.DIRECTORY, what);
    try {
      const theirs = receive(ours);
      const file = program.call(NR.openat, [theirs, program.text(name), O.WRONLY | O.CLOEXEC, 0], { what, subject });
      const text = String(value);
      const done = program.call(NR.write, [file, program.text(text), text.length], { ignore: true });
      program.call(NR.close, [file]);
      program.call(NR.close, [theirs]);
      program.run();
      const result = program.result(done);
      program.forget();
      if (result < 0 && !(kind.field === "tscriu_memfd_noexec" && result === EINVAL))
        throw new CrError(what, {
          code: "EPERM",
          subject,
          remedy: "restore as root, with a /proc that can be written to",
        });
    } finally {
      closeFd(ours);
    }
  }
}
