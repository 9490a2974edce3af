import { CrError, type Subject } from "../error.ts";
import type { FileDump, OpenFile } from "../file/kind.ts";
import { holderWords, type OutsideHolder, outsideHolders } from "../file/outside.ts";
import { perRun } from "../file/per-run.ts";
import { FdTypes, type ScmEntry, type SkPacketEntry, type UnixSkEntry } from "../image/schema.gen.ts";
import { ioctlInt } from "../kernel/fd.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { byInode, SockDiag, type UnixSocket } from "../kernel/sock-diag.ts";
import { getNumber, peerAddress } from "../kernel/socket.ts";
import { TCP_STATE } from "../kernel/uapi/inet.ts";
import { FIO } from "../kernel/uapi/ioctl.ts";
import { AF, SCM, SO, SOCK, SOL } from "../kernel/uapi/socket.ts";
import { inEachNetwork, namespaceFields } from "./elsewhere.ts";
import { filterProblem, permissions, readOptions } from "./options.ts";
import { whilePeeking } from "./peek-guard.ts";
import { type Queued, readQueue } from "./queue.ts";
import { tellOfStamps } from "./stamps.ts";
import { sentAhead } from "./unix-ahead.ts";
import { isAsker, leaveAsker } from "./unix-asker.ts";
import { readMaker } from "./unix-makers.ts";
import { pendingError, readUnixOptions } from "./unix-options.ts";
import { addOutside, mayStayOutside, type Outside, peerOutside } from "./unix-outside.ts";
import { URGENT } from "./unix-packet.ts";
import { isPathName, nameWords, placeOf } from "./unix-place.ts";

/** All unix sockets of the tree's network namespaces at one moment. */
class Sockets {
  readonly rows: ReadonlyMap<number, UnixSocket>;
  /** Listener by the client that waits there to be accepted. */
  readonly listeners = new Map<number, UnixSocket>();

  constructor(dump: FileDump) {
    const lists = inEachNetwork(dump, () => {
      using diag = new SockDiag();
      return diag.unix();
    });
    this.rows = byInode(lists.flat());
    for (const row of this.rows.values()) for (const client of row.icons) this.listeners.set(client, row);
  }

  row(file: OpenFile): UnixSocket {
    const row = this.rows.get(file.stat.ino);
    if (row) return row;
    throw new CrError("a unix socket belongs to another network namespace", {
      code: "UNSUPPORTED",
      subject: subjectOf(file),
      remedy: "close the socket: unix sockets of several network namespaces cannot be dumped yet",
    });
  }

  /** Inode of the other end; of the listener for one that waits; 0 for none. */
  peer(row: UnixSocket): number {
    return row.peer || this.listeners.get(row.ino)?.ino || 0;
  }
}

function subjectOf(file: OpenFile): Subject {
  return { pid: file.pid, fd: file.fd, path: file.link };
}

const table = perRun((dump: FileDump) => new Sockets(dump));

/** What the sockets of the tree are connected to, in flight ones not counted. */
const looked = perRun((dump: FileDump) => {
  const sockets = table(dump);
  const inside = new Set(dump.held.map(({ file }) => file.stat.ino));
  const missing = new Set<string>();
  for (const { file } of dump.held) {
    const row = sockets.rows.get(file.stat.ino);
    if (row === undefined) continue;
    for (const ino of [sockets.peer(row), ...row.icons])
      if (ino !== 0 && !inside.has(ino) && !isAsker(row, dump.options)) missing.add(`socket:[${ino}]`);
  }
  return { sockets, inside, holders: missing.size > 0 ? outsideHolders(missing, dump.pids) : new Map() };
});

interface Dumped {
  readonly file: OpenFile;
  readonly row: UnixSocket;
}

/** The sockets of this dump so far, in flight ones included. */
const dumping = perRun((dump: FileDump) => ({ sockets: table(dump), found: new Map<number, Dumped>() }));

/** Says what keeps a socket from being dumped. */
export function checkUnix(file: OpenFile, dump: FileDump): void {
  try {
    const filter = filterProblem(file.dup, { pid: file.pid, fd: file.fd, path: file.link });
    if (filter) throw filter;
    const { sockets, inside, holders } = looked(dump);
    const row = sockets.row(file);
    checkWaiting(file, row, sockets, inside, holders, dump);
    const peer = sockets.peer(row);
    if (peer === 0 || inside.has(peer) || isAsker(row, dump.options)) return;
    const outside = { file, row, ino: peer, peer: sockets.rows.get(peer) };
    // Where nobody outside holds it, it is in flight in a queue of the tree.
    const others = holders.get(`socket:[${peer}]`);
    if (others && !mayStayOutside(outside, dump)) throw peerOutside(outside, others);
  } catch (error) {
    if (!(error instanceof CrError)) throw error;
    dump.blocker(error);
  }
}

/** What a client has sent to whoever accepts its connection; undefined where it cannot be seen. */
function aheadOf(client: UnixSocket, dump: FileDump): Queued[] | undefined {
  const { sockets, found } = dumping(dump);
  const held = (ino: number | undefined) =>
    (ino === undefined ? undefined : found.get(ino)?.file) ?? dump.held.find(({ file }) => file.stat.ino === ino)?.file;
  const [from, to] = [held(client.ino), held(sockets.listeners.get(client.ino)?.ino)];
  return from && to && sentAhead(to.dup, from.dup);
}

/** Connections that nobody has accepted yet: they come back if both ends are ours. */
function checkWaiting(
  file: OpenFile,
  row: UnixSocket,
  sockets: Sockets,
  inside: ReadonlySet<number>,
  holders: ReadonlyMap<string, OutsideHolder[]>,
  dump: FileDump,
): void {
  for (const client of row.icons) {
    const other = sockets.rows.get(client);
    const remedy = "let the server accept it, then dump again";
    const subject = { ...subjectOf(file), address: undefined, name: nameWords(row.name ?? new Uint8Array(0)) };
    const fail = (what: string, code = "EAGAIN") =>
      new CrError(`a connection to a listening unix socket waits to be accepted, ${what}`, {
        code,
        subject,
        remedy,
      });
    if (client === 0 || other === undefined) throw fail("and its client has closed it already");
    if (other.wqueue > 0 && aheadOf(other, dump) === undefined)
      throw fail("and its client has sent data that nobody can see, or descriptors");
    const outside = holders.get(`socket:[${client}]`);
    if (!inside.has(client) && outside)
      throw fail(`and its client is ${holderWords(outside)}, outside of the tree`, "UNSUPPORTED");
  }
}

/** Writes a socket's entry; queues and peers follow in `dumpAllUnix`, when all sockets are known. */
export function dumpUnix(file: OpenFile, dump: FileDump): void {
  const { sockets, found } = dumping(dump);
  const row = sockets.row(file);
  found.set(row.ino, { file, row });
  const entry: UnixSkEntry = {
    id: file.id,
    ino: row.ino,
    type: row.type,
    state: row.state,
    flags: file.flags,
    uflags: 0,
    backlog: row.wqueue,
    peer: sockets.peer(row),
    fown: file.fown,
    opts: { ...readOptions(file.dup, AF.UNIX, subjectOf(file)), ...permissions(file.stat.mode) },
    name: row.name ?? new Uint8Array(0),
    ns_id: namespaceFields(dump).ns_id,
    tscriu_peer: makerOf(file, dump),
    tscriu_ahead: [],
    ...readUnixOptions(file.dup),
    ...pendingError(file.dup),
  };
  // The kernel still knows an end that is closed, sock_diag does not.
  const gone = entry.peer === 0 ? peerAddress(file.dup) : undefined;
  if (gone) entry.tscriu_peer_name = gone.slice(2);
  const { uid, gid } = file.stat;
  if (uid !== 0 || gid !== 0) Object.assign(entry, { tscriu_uid: uid, tscriu_gid: gid });
  if (row.shutdown !== 0) entry.shutdown = row.shutdown as UnixSkEntry["shutdown"];
  if (isPathName(entry.name)) {
    const place = placeOf(file.dup, row, cwdOf(file.pid), (mntId) => dump.groundOf(mntId));
    if (place.nameDir !== undefined) entry.name_dir = place.nameDir;
    if (place.deleted) entry.deleted = true;
    const mntId = place.mntId === undefined ? undefined : dump.mountId(place.mntId);
    if (mntId !== undefined) entry.mnt_id = mntId;
    if (place.moved !== undefined) entry.tscriu_path = place.moved;
    if (place.perms) entry.file_perms = place.perms;
    if (place.attributes) entry.tscriu_file = place.attributes;
  }
  if (isAsker(row, dump.options)) leaveAsker(entry);
  const ahead = sockets.listeners.has(row.ino) && row.wqueue > 0 ? (aheadOf(row, dump) ?? []) : [];
  for (const message of ahead) {
    const { extra, tscriu_credentials } = packetOf(message, row.type, file, dump);
    entry.tscriu_ahead.push({ data: extra, credentials: tscriu_credentials });
  }
  dump.add({ type: FdTypes.UNIXSK, id: file.id, usk: entry });
}

/** Of a process outside of the tree, or gone by now, the number that we see is all there is. */
function makerOf(file: OpenFile, dump: FileDump): number[] {
  const maker = readMaker(file.dup);
  return maker === undefined ? [] : [dump.virtualPid(maker.pid) || maker.pid, maker.uid, maker.gid];
}

function cwdOf(pid: number): string {
  using dir = new ProcDir(pid);
  return dir.link("cwd");
}

/** Queues, which may bring more sockets, and then the peers. */
export function dumpAllUnix(dump: FileDump): void {
  const { sockets, found } = dumping(dump);
  const done = new Set<number>();
  const known = [...found.values()].map(({ file }) => file.dup);
  whilePeeking(known, dump, () => {
    // What a queue brings is added while we walk: a Map is walked to its end all the same.
    for (const socket of found.values()) {
      if (done.has(socket.row.ino)) continue;
      done.add(socket.row.ino);
      if (!isAsker(socket.row, dump.options)) dumpQueue(socket, dump);
    }
  });
  const inside = new Set(found.keys());
  const outside = new Map<number, Outside>();
  for (const { file, row } of found.values()) {
    checkWaiting(file, row, sockets, inside, waitingOutside(row, inside, dump), dump);
    const ino = sockets.peer(row);
    if (ino !== 0 && !inside.has(ino) && !isAsker(row, dump.options))
      outside.set(ino, { file, row, ino, peer: sockets.rows.get(ino) });
  }
  if (outside.size === 0) return;
  const holders = outsideHolders(new Set([...outside.keys()].map((ino) => `socket:[${ino}]`)), dump.pids);
  for (const one of outside.values()) {
    const others = holders.get(`socket:[${one.ino}]`) ?? [];
    if (!mayStayOutside(one, dump)) throw peerOutside(one, others);
    addOutside(one, others, dump);
  }
}

function waitingOutside(row: UnixSocket, inside: ReadonlySet<number>, dump: FileDump): Map<string, OutsideHolder[]> {
  const links = row.icons.filter((ino) => ino !== 0 && !inside.has(ino)).map((ino) => `socket:[${ino}]`);
  return links.length > 0 ? outsideHolders(new Set(links), dump.pids) : new Map();
}

function dumpQueue({ file, row }: Dumped, dump: FileDump): void {
  const connects = row.type === SOCK.STREAM || row.type === SOCK.SEQPACKET;
  if (row.state === TCP_STATE.LISTEN || (connects && row.state !== TCP_STATE.ESTABLISHED)) return;
  if (row.type !== SOCK.STREAM && row.rqueue > 0 && pendingError(file.dup).tscriu_error !== undefined)
    takeError(file, dump);
  const messages = readQueue(file.dup, row.type, row.rqueue, subjectOf(file));
  // streams tell no times
  if (row.type !== SOCK.STREAM) tellOfStamps(file, messages.length, dump);
  for (const message of messages) dump.images.append("SK_QUEUES", [packetOf(message, row.type, file, dump)]);
}

/** See `FileKind.queued`. */
export function queuedInUnix(file: OpenFile, dump: FileDump): number[] {
  if ((file.info.scmFds ?? 0) === 0) return [];
  const type = getNumber(file.dup, SOL.SOCKET, SO.TYPE) ?? 0;
  const found: number[] = [];
  whilePeeking([file.dup], dump, () => {
    const messages = readQueue(file.dup, type, Math.max(ioctlInt(file.dup, FIO.NREAD), 0), subjectOf(file));
    found.push(...messages.flatMap(({ rights }) => rights));
  });
  return found;
}

/** Packets are shown to nobody as long as an error waits before them; nobody can put it back. */
function takeError(file: OpenFile, dump: FileDump): void {
  if (dump.options.fate !== "kill") {
    throw new CrError("a unix socket has packets behind an error that its program has not been told yet", {
      code: "UNSUPPORTED",
      subject: subjectOf(file),
      remedy: "let the program read from it, or dump without --leave-running and --leave-stopped",
    });
  }
  getNumber(file.dup, SOL.SOCKET, SO.ERROR);
  dump.onFailure(() =>
    dump.log.warn(`process ${file.pid} will not be told of the error (ECONNRESET) of its descriptor ${file.fd}`),
  );
}

function packetOf(
  message: Queued,
  type: number,
  file: OpenFile,
  dump: FileDump,
): SkPacketEntry & { extra: Uint8Array } {
  const scm: ScmEntry[] = [];
  if (message.rights.length > 0) {
    scm.push({ type: SCM.RIGHTS, rights: message.rights.map((fd) => dump.inFlight(fd, file)) });
  }
  const { credentials, bytes, from } = message;
  const nothing = { tscriu_credentials: [], tscriu_controls: [] };
  const packet: SkPacketEntry = { id_for: file.id, length: bytes.length, scm, ...nothing };
  // A message that nobody signed is shown with pid 0.
  if (credentials && credentials.pid !== 0) {
    packet.tscriu_credentials.push(dump.virtualPid(credentials.pid), credentials.uid, credentials.gid);
  }
  if (message.urgent) packet.tscriu_urgent = URGENT[message.urgent];
  if (type === SOCK.DGRAM && from.length > 2 && from[0] === AF.UNIX) packet.tscriu_from = from.slice(2);
  return { ...packet, extra: bytes };
}
