/**
 * Sockets that the tree has in other network namespaces than the one that it lives in: a program may enter one, make a socket
 * and go back. Such a namespace is not part of the tree: a file leads to it (`ip netns`), or a process outside lives in it.
 */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { CrError, type Subject } from "../error.ts";
import type { FileDump, FileRestore, OpenFile } from "../file/kind.ts";
import { perRun } from "../file/per-run.ts";
import type { TscriuNetns } from "../image/schema.gen.ts";
import { closeFd, tryIoctl, tryOpen } from "../kernel/fd.ts";
import { inNetwork, OWN_NETWORK } from "../kernel/network.ts";
import { parseMountInfo } from "../kernel/proc/mountinfo.ts";
import { makeSocket, tryGetOption } from "../kernel/socket.ts";
import { statFd, statPath } from "../kernel/stat.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { SIOC } from "../kernel/uapi/ioctl.ts";
import { AF, SO, SOCK, SOL } from "../kernel/uapi/socket.ts";

/** Inode of the network namespace of a socket, or a tun device, that is not in ours; unknown counts as ours. */
function foreignNamespace(fd: number): number | undefined {
  const cookie = cookieOf(fd);
  if (cookie !== 0n && cookie === ownCookie()) return undefined;
  const namespace = tryIoctl(fd, SIOC.GSKNS);
  if (namespace < 0) return undefined;
  const { ino } = statFd(namespace);
  closeFd(namespace);
  return ino === statPath(OWN_NETWORK)?.ino ? undefined : ino;
}

/** Where a namespace is found: a file that leads to it, perhaps one that only lasts as long as a process. */
interface Found {
  readonly path: string;
  readonly lasts: boolean;
}

/** Looks for namespaces: first for files, then at other processes. */
class Namespaces {
  readonly #files: ReadonlyMap<string, string>;
  #processes: ReadonlyMap<string, string> | undefined;

  /**
   * @param inside pids that do not count
   * @param threads that count, too
   */
  constructor(
    readonly inside: readonly number[],
    readonly threads: readonly number[] = [],
  ) {
    const mounts = parseMountInfo(readFileSync("/proc/self/mountinfo", "utf8"));
    this.#files = new Map(mounts.filter(({ fsType }) => fsType === "nsfs").map((it) => [it.root, it.mountpoint]));
  }

  find(ino: number): Found | undefined {
    const name = `net:[${ino}]`;
    const file = this.#files.get(name);
    if (file !== undefined) return { path: file, lasts: true };
    this.#processes ??= namespacesOfProcesses(this.inside, this.threads);
    const path = this.#processes.get(name);
    return path === undefined ? undefined : { path, lasts: false };
  }
}

function namespacesOfProcesses(inside: readonly number[], threads: readonly number[]): Map<string, string> {
  const skip = new Set(inside.map(String));
  const found = new Map<string, string>();
  for (const pid of [...readdirSync("/proc"), ...threads.map(String)]) {
    if (!/^\d+$/.test(pid) || skip.has(pid)) continue;
    const path = `/proc/${pid}/ns/net`;
    try {
      found.set(readlinkSync(path), path);
    } catch {
      // gone by now
    }
  }
  return found;
}

interface Place {
  readonly ino: number;
  /** Fields of a socket's entry that say where it is. */
  readonly fields: { readonly ns_id: number; readonly tscriu_netns?: TscriuNetns };
}

/** The cookie of the namespace that we are in, once somebody has asked. */
let here: bigint | undefined;

function ownCookie(): bigint {
  here ??= cookieHere();
  return here;
}

/** Acts in another network namespace. */
function enter<T>(file: string, subject: Subject, act: () => T): T {
  const before = here;
  return inNetwork(file, subject, () => {
    here = undefined;
    try {
      return act();
    } finally {
      here = before;
    }
  });
}

/** The namespace that we are in where it is not that of the tree's root. */
let current: Place | undefined;

function inNamespace<T>(file: string, place: Place, subject: Subject, act: () => T): T {
  const before = current;
  return enter(file, subject, () => {
    current = place;
    try {
      return act();
    } finally {
      current = before;
    }
  });
}

/** The tree's own network namespace that we are in. */
let entered: string | undefined;

/** Acts in the network namespace that the tree lives in. */
export function atTree<T>({ network }: { readonly network: string | undefined }, act: () => T): T {
  if (network === undefined || entered === network) return act();
  return enter(network, { namespace: network }, () => {
    entered = network;
    try {
      return act();
    } finally {
      entered = undefined;
    }
  });
}

/** A number that no two namespaces of a running machine have; 0 on kernels before 5.14. */
function cookieOf(fd: number): bigint {
  const value = tryGetOption(fd, SOL.SOCKET, SO.NETNS_COOKIE, 8);
  return typeof value === "number" ? 0n : new DataView(value.buffer, value.byteOffset).getBigUint64(0, true);
}

function cookieHere(): bigint {
  const fd = makeSocket(AF.UNIX, SOCK.DGRAM);
  try {
    return cookieOf(fd);
  } finally {
    closeFd(fd);
  }
}

const namespaces = perRun((dump: FileDump) => new Namespaces(dump.pids));
const ownNamespaces = perRun((dump: FileDump) => new Namespaces([], dump.strays));

/** Acts once in each network namespace that a task of the tree lives in. */
export function inEachNetwork<T>(dump: FileDump, act: () => T): T[] {
  const found = new Map<string, string>();
  for (const pid of [...dump.pids, ...dump.strays]) {
    const path = `/proc/${pid}/ns/net`;
    try {
      const name = readlinkSync(path);
      if (!found.has(name)) found.set(name, path);
    } catch {
      // a zombie lives nowhere
    }
  }
  const own = readlinkSync(OWN_NETWORK);
  return [...found].map(([name, path]) => (name === own ? act() : enter(path, { namespace: path }, act)));
}

/** Acts where a socket is. Errors: CrError when nothing leads there. */
export function atPlaceOf<T>(file: OpenFile, dump: FileDump, act: () => T): T {
  return atTree(dump, () => atForeignPlaceOf(file, dump, act));
}

function atForeignPlaceOf<T>(file: OpenFile, dump: FileDump, act: () => T): T {
  const ino = foreignNamespace(file.dup);
  if (ino === undefined) return act();
  const subject: Subject = { pid: file.pid, fd: file.fd, path: file.link };
  const id = dump.namespaceId("net", ino);
  const own = id === undefined ? undefined : ownNamespaces(dump).find(ino);
  if (id !== undefined && own) return inNamespace(own.path, { ino, fields: { ns_id: id } }, subject, act);
  const found = namespaces(dump).find(ino);
  if (found === undefined) {
    throw new CrError(
      "a socket belongs to a network namespace that no file and no process outside of the tree leads to",
      {
        code: "UNSUPPORTED",
        subject: { ...subject, namespace: `net:[${ino}]` },
        remedy: "give it a name (ip netns attach NAME PID), or let the program close the socket",
      },
    );
  }
  const netns: TscriuNetns = { ino, cookie: 0 };
  if (found.lasts) netns.path = found.path;
  // criu knows no namespace of that number
  const place = { ino, fields: { ns_id: ino, tscriu_netns: netns } };
  return inNamespace(found.path, place, subject, () => {
    netns.cookie = cookieHere();
    return act();
  });
}

/** Sockets of one network namespace. */
export interface Spot<T> {
  readonly members: readonly T[];
  /** Acts there. */
  at<R>(act: () => R): R;
}

/** Sockets by the network namespaces that they are in. That in which the tree's root lives comes first, even with none. */
export function byPlace<T extends { readonly file: OpenFile }>(all: readonly T[], dump: FileDump): Spot<T>[] {
  const groups = atTree(dump, () => Map.groupBy(all, ({ file }) => foreignNamespace(file.dup) ?? 0));
  const home = { members: groups.get(0) ?? [], at: <R>(act: () => R) => atTree(dump, act) };
  groups.delete(0);
  const away = [...groups.values()].map((members) => {
    const at = <R>(act: () => R): R => (members[0] ? atPlaceOf(members[0].file, dump, act) : act());
    return { members, at };
  });
  return [home, ...away];
}

/** The same for a check: what is in the way is a blocker. */
export function checkAtPlaceOf(file: OpenFile, dump: FileDump, act: () => void): void {
  try {
    atPlaceOf(file, dump, act);
  } catch (error) {
    if (!(error instanceof CrError)) throw error;
    dump.blocker(error);
  }
}

/** Are we in a namespace that is not that of the tree's root? */
export function isAway(): boolean {
  return current !== undefined;
}

/** Fields of a socket's entry that say in which namespace it is. */
export function namespaceFields(dump: FileDump): Place["fields"] {
  return current?.fields ?? { ns_id: dump.netNsId };
}

const restoredNamespaces = perRun((_: FileRestore) => new Namespaces([]));

/** Acts where a socket was. Errors: CrError when the namespace is not there. */
export function atPlace<T>(
  { ns_id = 0, tscriu_netns: netns }: { readonly ns_id?: number; readonly tscriu_netns?: TscriuNetns },
  restore: FileRestore,
  act: () => T,
): T {
  if (netns === undefined) {
    const path = restore.networks.get(ns_id);
    if (path === undefined) return atTree(restore, act);
    return inNamespace(path, { ino: ns_id, fields: { ns_id } }, { namespace: ns_id }, act);
  }
  const { ino, path, cookie } = netns;
  const subject: Subject = { namespace: path ?? `net:[${ino}]` };
  const missing = new CrError("a network namespace in which the tree had a socket is not there", {
    code: "ENOENT",
    subject,
    remedy: path === undefined ? "restore while its processes live" : `make it first: ip netns add ${basename(path)}`,
  });
  const file = path ?? restoredNamespaces(restore).find(ino)?.path;
  if (file === undefined || !isThere(file)) throw missing;
  const place = { ino, fields: { ns_id, tscriu_netns: netns } };
  return inNamespace(file, place, subject, () => {
    // A number of a process's namespace may be another one's by now; what a file of that name leads to is the administrator's.
    if (path === undefined && BigInt(cookie) !== cookieHere()) throw missing;
    return act();
  });
}

/** For later: acts in the namespace that we are in now. */
export function fromHere(restore: FileRestore): <T>(act: () => T) => T {
  const fields = current?.fields;
  return (act) => (fields === undefined ? atTree(restore, act) : atPlace(fields, restore, act));
}

/** Is the place of a socket the one that we are in? */
export function isHere(
  { ns_id = 0, tscriu_netns: netns }: { readonly ns_id?: number; readonly tscriu_netns?: TscriuNetns },
  { networks }: FileRestore,
): boolean {
  return current?.ino === (netns?.ino ?? (networks.has(ns_id) ? ns_id : undefined));
}

const basename = (path: string) => path.slice(path.lastIndexOf("/") + 1);

function isThere(path: string): boolean {
  const fd = tryOpen(path, O.RDONLY);
  if (fd >= 0) closeFd(fd);
  return fd >= 0;
}

/** As `perRun`, for what differs from one network namespace to the other. */
export function perPlace<Run extends object, State>(make: (run: Run) => State): (run: Run) => State {
  const places = perRun((_: Run) => new Map<number, State>());
  return (run) => {
    const states = places(run);
    const key = current?.ino ?? 0;
    const known = states.get(key);
    if (known !== undefined) return known;
    const state = make(run);
    states.set(key, state);
    return state;
  };
}
