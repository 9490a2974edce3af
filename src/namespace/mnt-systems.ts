/** File systems that are made anew: by a task of the tree, so that they belong to its namespaces. */
import type { Program } from "../agent/program.ts";
import { CrError, type Subject } from "../error.ts";
import { Fstype, type MntEntry } from "../image/schema.gen.ts";
import type { Caller } from "../kernel/envoy.ts";
import { closeFd } from "../kernel/fd.ts";
import { makeFilesAsOurselves } from "../kernel/file-ids.ts";
import { ownMounts } from "../kernel/mount.ts";
import { NR } from "../kernel/nr.ts";
import { pidfdGetfd } from "../kernel/pidfd.ts";
import { addressOf, check, cstring, must, sys } from "../kernel/sys.ts";
import { MS } from "../kernel/uapi/mman.ts";
import { FSCONFIG, FSPICK, MNT } from "../kernel/uapi/mount.ts";
import { inPieces, splitOptions, withContext } from "./mnt-options.ts";
import { type FileSystem, superOf } from "./mnt-table.ts";

const CLOSE_ON_EXEC = 1;
const EPERM = -1;
/** Longest option that a mount may have in the images, bytes. */
const LONGEST = 65536;

/** What is mounted only by root of the first user namespace, whoever uses it then. */
const PRIVILEGED: ReadonlySet<string> = new Set([
  "devtmpfs",
  "pstore",
  "securityfs",
  "fusectl",
  "debugfs",
  "tracefs",
  "cgroup",
]);

type Parameters = (readonly [key: string, value: string | undefined])[];

interface Making {
  /** What we call the root of the user namespace that the tree has of its own. */
  readonly chief: number | undefined;
  /** In place of the security context that it has. */
  readonly lsmContext: string | undefined;
  /** It lies there. */
  readonly device: string | undefined;
}

/** What begins as it is mounted, for whoever mounts it then. criu tells "sync" by the flag of msync(2), which is no superblock's. */
const SUPER_WORDS: readonly (readonly [flag: number, word: string])[] = [
  [MNT.SYNCHRONOUS | MS.SYNC, "sync"],
  [MNT.DIRSYNC, "dirsync"],
];

/** Whoever mounts a cgroup2 sets the options of the whole machine: they stay as they are, where it is mounted already. */
function sharedOptions(entry: MntEntry, { code }: FileSystem): Parameters {
  if (code !== Fstype.CGROUP2) return [];
  const there = ownMounts().find(({ fsType }) => fsType === "cgroup2");
  return splitOptions(there ? superOf(there).options : entry.options);
}

function parametersOf(entry: MntEntry, fs: FileSystem, { lsmContext, device }: Making): Parameters {
  const { single } = fs;
  const source = device ?? entry.source;
  const own = single ? sharedOptions(entry, fs) : inPieces(withContext(splitOptions(entry.options), lsmContext));
  const flags = entry.sb_flags ?? 0;
  const isSet = SUPER_WORDS.filter(([flag]) => !single && (flags & flag) !== 0);
  // a disk that may not be written cannot be mounted otherwise even for a moment
  const isReadOnly = device !== undefined && ((entry.sb_flags ?? 0) & MNT.RDONLY) !== 0;
  return [
    ...(source === "" ? [] : [["source", source] as const]),
    ...(isReadOnly ? [["ro", undefined] as const] : []),
    ...isSet.map(([, word]) => [word, undefined] as const),
    ...own,
  ];
}

function bytesOf(words: string, subject: Subject): Uint8Array {
  if (words.length > LONGEST) throw new CrError("a mount has too long options", { code: "BAD_IMAGE", subject });
  return Buffer.from(`${words}\0`);
}

/**
 * Has a task make a file system, in its namespaces; where it is mounted is seen later.
 * @param pidfd of that task
 * @returns our descriptor of a mount of it that stands nowhere
 */
export function makeSystem(program: Program, pidfd: number, entry: MntEntry, fs: FileSystem, making: Making): number {
  const { chief, device } = making;
  const parameters = parametersOf(entry, fs, making);
  const apart = chief !== undefined;
  const subject = { path: entry.mountpoint, type: fs.name };
  const what = "cannot make a file system";
  // one that was made inside says whose it is
  const isRoots = chief !== 0 && fs.code === Fstype.TMPFS && !/(^|,)uid=/.test(entry.options);
  if (apart && (isRoots || PRIVILEGED.has(fs.name)))
    return makeFilesAsOurselves(() => makeOurs(parameters, fs, subject));
  // the path of a device is one of ours
  if (device !== undefined) return makeFilesAsOurselves(() => makeOurs(parameters, fs, subject));
  const text = (words: string) => program.data(bytesOf(words, subject));
  const context = program.call(NR.fsopen, [text(fs.name), 1], { what, subject });
  for (const [key, value] of parameters) {
    const [command, words] = value === undefined ? [FSCONFIG.SET_FLAG, 0] : [FSCONFIG.SET_STRING, text(value)];
    program.call(NR.fsconfig, [context, command, text(key), words, 0], { what, subject: { ...subject, key } });
  }
  const created = program.call(NR.fsconfig, [context, FSCONFIG.CMD_CREATE, 0, 0, 0], { what, subject, ignore: apart });
  program.run();
  const number = program.result(context);
  const fd = pidfdGetfd(pidfd, number);
  // with whatever it does next
  program.call(NR.close, [number]);
  try {
    const result = program.result(created);
    // it shows a namespace that is not the task's own
    if (result === EPERM) return makeFilesAsOurselves(() => makeOurs(parameters, fs, subject));
    check(result, what, subject);
    // by us: in a user namespace one may only mount a file system like /proc where another one shows all that it does
    return must(NR.fsmount, [fd, CLOSE_ON_EXEC, 0], what, subject);
  } finally {
    closeFd(fd);
  }
}

/** The same, made by us, or by one who is elsewhere for us. */
function makeOurs(parameters: Parameters, fs: FileSystem, subject: Subject, call: Caller = sys): number {
  const what = "cannot make a file system";
  const text = (words: string) => addressOf(cstring(words));
  const context = check(call(NR.fsopen, text(fs.name), CLOSE_ON_EXEC), what, subject);
  try {
    for (const [key, value] of parameters) {
      const [name, words] = [bytesOf(key, subject), value === undefined ? undefined : bytesOf(value, subject)];
      const command = words ? FSCONFIG.SET_STRING : FSCONFIG.SET_FLAG;
      const set = call(NR.fsconfig, context, command, addressOf(name), words ? addressOf(words) : 0, 0);
      check(set, what, { ...subject, key });
    }
    check(call(NR.fsconfig, context, FSCONFIG.CMD_CREATE, 0, 0, 0), what, subject);
    return check(call(NR.fsmount, context, CLOSE_ON_EXEC, 0), what, subject);
  } finally {
    closeFd(context);
  }
}

/**
 * @param call of one who sees the paths that its options name
 * @param isGuest that one has no rights outside of a user namespace: what the kernel decided there may not be asked for
 */
export function makeSystemThere(entry: MntEntry, fs: FileSystem, call: Caller, isGuest: boolean): number {
  const all = parametersOf(entry, fs, { chief: undefined, lsmContext: undefined, device: undefined });
  const isUpper = all.some(([key]) => key === "upperdir");
  const parameters = all.filter(([key]) => !isGuest || isUpper || key !== "redirect_dir");
  return makeOurs(parameters, fs, { path: entry.mountpoint, type: fs.name }, call);
}

export function makeSystemReadOnly(mount: number, entry: MntEntry): void {
  const what = "cannot make a file system read-only";
  const subject = { path: entry.mountpoint };
  const flag = cstring("ro");
  const args = [mount, addressOf(cstring("")), FSPICK.CLOEXEC | FSPICK.EMPTY_PATH];
  const context = must(NR.fspick, args, what, subject);
  try {
    must(NR.fsconfig, [context, FSCONFIG.SET_FLAG, addressOf(flag), 0, 0], what, subject);
    must(NR.fsconfig, [context, FSCONFIG.CMD_RECONFIGURE, 0, 0, 0], what, subject);
  } finally {
    closeFd(context);
  }
}
