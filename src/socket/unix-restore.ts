import type { FileRestore } from "../file/kind.ts";
import { perRun } from "../file/per-run.ts";
import type { UnixSkEntry } from "../image/schema.gen.ts";
import { closeFd, dupFd } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { accept, makeSocket, tryConnect } from "../kernel/socket.ts";
import { check, must } from "../kernel/sys.ts";
import { AF } from "../kernel/uapi/socket.ts";
import type { InheritFd } from "../options.ts";
import { applyOptions, widenSendBuffer } from "./options.ts";
import { type Packet, packetsOf } from "./queue-image.ts";
import { ScratchRoot } from "./scratch.ts";
import { answerFor, wasAsker } from "./unix-asker.ts";
import {
  connectOutside,
  connects,
  goneEnd,
  isByAddress,
  isConnected,
  isLeft,
  isListener,
  isSameMaker,
  keyOf,
  makerOf,
  mirrored,
  missingPeer,
  shut,
  subjectOf,
} from "./unix-entry.ts";
import { UnixMakers } from "./unix-makers.ts";
import { applyUnixOptions, leaveUnread } from "./unix-options.ts";
import { USK_EXTERN } from "./unix-outside.ts";
import { packetsAhead, roomFor, sendPacket } from "./unix-packet.ts";
import {
  bindAbstract,
  bindMoved,
  bindPath,
  coveredPath,
  isFree,
  isPathName,
  LiveFiles,
  nameWords,
  pathIn,
  withAddressOf,
} from "./unix-place.ts";

/** All unix sockets of one restore. */
class UnixSockets {
  readonly byInode = new Map<number, UnixSkEntry>();
  readonly #byName = new Map<string, UnixSkEntry[]>();
  readonly #packets: ReadonlyMap<number, Packet[]>;
  /** Ends that the dumped tree had closed already, by the id of the end that is left. */
  readonly #closed = new Map<number, number>();
  readonly #inherited = new Set<number>();
  readonly #makers: UnixMakers;
  readonly #live = new LiveFiles();
  #scratch: ScratchRoot | undefined;

  constructor(readonly restore: FileRestore) {
    for (const { usk } of restore.entries.values()) {
      if (usk === undefined) continue;
      this.byInode.set(usk.ino, usk);
      if (usk.name.length === 0) continue;
      const list = this.#byName.get(keyOf(usk));
      if (list === undefined) this.#byName.set(keyOf(usk), [usk]);
      else list.push(usk);
    }
    this.#packets = packetsOf(restore);
    this.#makers = new UnixMakers(restore);
    for (const usk of this.byInode.values()) {
      const partner = this.#partner(usk);
      if ((partner ? usk.ino < partner.ino : isLeft(usk)) && this.#accepted(usk, partner) === undefined)
        this.#want(usk);
    }
    restore.atEnd(() => this.#dispose());
  }

  #dispose(): void {
    this.#makers[Symbol.dispose]();
    this.#closeEnds();
    this.#scratch?.[Symbol.dispose]();
    this.#scratch = undefined;
  }

  #closeEnds(): void {
    for (const fd of this.#closed.values()) closeFd(fd);
    this.#closed.clear();
  }

  #peer(entry: UnixSkEntry): UnixSkEntry | undefined {
    return entry.peer === 0 ? undefined : this.byInode.get(entry.peer);
  }

  /** The other end, when each is the other's. */
  #partner(entry: UnixSkEntry): UnixSkEntry | undefined {
    const peer = this.#peer(entry);
    const isMutual = peer !== undefined && peer.peer === entry.ino && peer !== entry && !isByAddress(entry, peer);
    return isMutual && this.#given(peer) === undefined ? peer : undefined;
  }

  /** The user's descriptor for a socket. */
  #given(entry: UnixSkEntry): InheritFd | undefined {
    return this.restore.options.inheritFds.find(({ resource }) => resource === `socket:[${entry.ino}]`);
  }

  /** The listener whose name an accepted connection carries. */
  #listener(entry: UnixSkEntry): UnixSkEntry | undefined {
    if (entry.name.length === 0 || isListener(entry)) return undefined;
    const deleted = entry.deleted ?? false;
    return this.#byName.get(keyOf(entry))?.find((other) => isListener(other) && (other.deleted ?? false) === deleted);
  }

  #want(entry: UnixSkEntry): void {
    const maker = makerOf(entry);
    if (maker) this.#makers.want(entry.type, maker);
  }

  /** The end of a connection that a listener accepted: it has that one's name. The other end came to it. */
  #accepted(a: UnixSkEntry, b: UnixSkEntry | undefined): UnixSkEntry | undefined {
    if (!connects(a)) return undefined;
    if (this.#listener(a)) return a;
    if (b && this.#listener(b)) return b;
    const named = [a, b].filter((end) => end !== undefined && end.name.length > 0);
    // Both have a name where the client was bound as well: an accepted end is the younger one.
    return named.reduce((young, end) => (young && end && young.ino > end.ino ? young : end), undefined);
  }

  // Making.

  open(entry: UnixSkEntry): void {
    const given = this.#given(entry);
    if (given) {
      this.#inherited.add(entry.id);
      this.#put(entry, dupFd(given.fd, "cannot use the inherited descriptor", { fd: given.fd }));
      return;
    }
    const partner = this.#partner(entry);
    if (partner) this.#openPair(entry, partner);
    else if (wasAsker(entry) || isLeft(entry) || this.#isCutOff(entry)) this.#openLeft(entry);
    else this.#openAlone(entry);
  }

  /** A connection to a program that was not dumped, and for which nobody gives a new one: as if that program had ended. */
  #isCutOff(entry: UnixSkEntry): boolean {
    const peer = this.#peer(entry);
    if (!connects(entry) || peer === undefined || (peer.uflags & USK_EXTERN) === 0) return false;
    const name = `socket:[${entry.ino}]`;
    this.restore.log.warn(
      `the peer of ${name} was left outside: it comes back as closed by the peer; give it with --inherit-fd 'fd[N]:${name}'`,
    );
    return true;
  }

  #put(entry: UnixSkEntry, fd: number): void {
    this.restore.put(entry.id, fd);
    const { tscriu_uid: uid = 0, tscriu_gid: gid = 0 } = entry;
    const isOurs = uid === 0 && gid === 0 && !makerOf(entry)?.uid;
    if (!isOurs) must(NR.fchown, [fd, uid, gid], "cannot set the owner of a unix socket", subjectOf(entry));
    this.restore.applyFown(fd, entry.fown, entry.flags);
  }

  #openPair(a: UnixSkEntry, b: UnixSkEntry): void {
    const server = this.#accepted(a, b);
    if (server) {
      const client = server === a ? b : a;
      const [clientFd, serverFd] = this.#connectPair(client, server);
      this.#put(client, clientFd);
      this.#put(server, serverFd);
      return;
    }
    const [x, y] = this.#makers.pair(a.type, makerOf(a) ?? makerOf(b), subjectOf(a));
    this.#put(a, x);
    this.#put(b, y);
    this.#bindOld(x, a);
    this.#bindOld(y, b);
  }

  /** Through a listener, so that the accepted end gets its name from it again, and each end its own SO_PEERCRED. */
  #connectPair(client: UnixSkEntry | undefined, server: UnixSkEntry): [client: number, server: number] {
    const subject = subjectOf(server);
    const fd = makeSocket(AF.UNIX, server.type, 0, subject);
    let stand: number | undefined;
    try {
      if (client) {
        this.#bindOld(fd, client);
        shut(fd, (client.shutdown ?? 0) & ~mirrored(server), subjectOf(client));
      }
      const listener = this.#listener(server);
      const isThere = listener !== undefined && (client === undefined || isSameMaker(listener, client));
      const listening = isThere ? this.restore.descriptor(listener.id) : this.#standIn(server, client);
      if (!isThere) stand = listening;
      const result = withAddressOf(listening, server.name, (address) =>
        this.#makers.connect(fd, address, makerOf(server)),
      );
      check(result, "cannot connect a unix socket", subject);
      return [fd, accept(listening, subject)];
    } catch (error) {
      closeFd(fd);
      throw error;
    } finally {
      if (stand !== undefined) closeFd(stand);
    }
  }

  /** For a listener that is gone, or that somebody else made listen since: whom it accepts keeps its name, it is closed then. */
  #standIn(server: UnixSkEntry, client: UnixSkEntry | undefined): number {
    const fd = makeSocket(AF.UNIX, server.type, 0, subjectOf(server));
    try {
      this.#bindOld(fd, server);
      this.#makers.listen(fd, 1, client && makerOf(client), subjectOf(server));
      return fd;
    } catch (error) {
      closeFd(fd);
      throw error;
    }
  }

  /** A connection whose other end is closed already: that end lives until the queue is filled. */
  #openLeft(entry: UnixSkEntry): void {
    const gone = this.#gone(entry);
    const isServer = this.#listener(entry) !== undefined || (!gone && this.#accepted(entry, undefined) !== undefined);
    const isClient = !isServer && gone !== undefined && connects(entry);
    let [fd, other] = [-1, -1];
    if (isServer) [other, fd] = this.#connectPair(gone, entry);
    else if (isClient) [fd, other] = this.#connectPair(entry, gone);
    else [other, fd] = this.#makers.pair(entry.type, makerOf(entry), subjectOf(entry));
    this.#closed.set(entry.id, other);
    this.#put(entry, fd);
    if (isServer || isClient) return;
    this.#bindOld(fd, entry);
    if (gone) this.#bindOld(other, gone);
  }

  /** An end that is closed and had a name, unless that is somebody else's by now. */
  #gone(entry: UnixSkEntry): UnixSkEntry | undefined {
    const gone = goneEnd(entry, this.#listener(entry)?.tscriu_peer ?? []);
    if (gone === undefined || isPathName(gone.name) || this.#listener(gone) !== undefined) return gone;
    const isOurs = this.#byName.get(keyOf(gone))?.some((other) => !connects(other) || !isConnected(other));
    if (!isOurs && isFree(gone.type, gone.name)) return gone;
    this.restore.log.warn(`the name ${nameWords(gone.name)} of a closed unix socket is in use: its peer forgets it`);
    return undefined;
  }

  #openAlone(entry: UnixSkEntry): void {
    const fd = makeSocket(AF.UNIX, entry.type, 0, subjectOf(entry));
    this.#put(entry, fd);
    if ((entry.uflags & USK_EXTERN) !== 0) return;
    if (entry.name.length > 0) this.#bind(fd, entry, entry.deleted === true);
    // Room for those who connect while we restore; `finish` sets the real limit.
    if (isListener(entry)) this.#makers.listen(fd, entry.backlog + 128, makerOf(entry), subjectOf(entry));
  }

  /** Gives a connected socket its name. A path where something lies, or that a listener has, stays as it is. */
  #bindOld(fd: number, entry: UnixSkEntry): void {
    if (entry.name.length === 0) return;
    const path = entry.name_dir === undefined ? pathIn(entry.name) : `${entry.name_dir}/${pathIn(entry.name)}`;
    const isTaken =
      isPathName(entry.name) &&
      (this.#listener(entry) !== undefined || this.restore.groundOf(entry.mnt_id).stat(path, true) !== undefined);
    this.#bind(fd, entry, entry.deleted === true || (connects(entry) && isTaken));
  }

  #bind(fd: number, entry: UnixSkEntry, hidden: boolean): void {
    const ground = this.restore.groundOf(entry.mnt_id);
    const path = entry.tscriu_path ?? (hidden ? undefined : coveredPath(entry, ground));
    // An accepted end shares the file of its listener.
    if (path !== undefined && (!connects(entry) || !isConnected(entry))) {
      const bind = () => this.#hidden().bindMoved(fd, entry.name, ground.at(path));
      bindMoved(entry, path, this.#live, ground, this.restore, bind);
      return;
    }
    const isReachable = entry.name_dir !== undefined || pathIn(entry.name).startsWith("/");
    if (!isPathName(entry.name)) bindAbstract(fd, entry.name);
    else if (hidden || !isReachable) this.#hide(fd, entry.name);
    else bindPath(fd, entry, this.#live, ground, this.restore);
  }

  // Linking: everything is open by now.

  link(entries: readonly UnixSkEntry[]): void {
    const own = entries.filter((entry) => !this.#inherited.has(entry.id) && (entry.uflags & USK_EXTERN) === 0);
    const viaAddress = own.filter((entry) => !this.#partner(entry) && !this.#closed.has(entry.id));
    for (const entry of viaAddress) this.#fill(entry);
    const connected = new Set<number>();
    const clients = Map.groupBy(viaAddress, ({ peer }) => peer);
    for (const entry of viaAddress) this.#connect(entry, connected, clients);
    const filled = new Set(viaAddress);
    for (const entry of own) if (!filled.has(entry)) this.#fill(entry);
    for (const entry of own)
      if (this.#closed.has(entry.id)) leaveUnread(this.restore.descriptor(entry.id), entry, subjectOf(entry));
    this.#closeEnds();
    for (const entry of own) this.#finish(entry);
    this.#makers.release();
  }

  /** A datagram socket takes no connection once it is connected elsewhere: those who connect to it go first. */
  #connect(entry: UnixSkEntry, done: Set<number>, clients: ReadonlyMap<number, UnixSkEntry[]>): void {
    if (done.has(entry.id)) return;
    done.add(entry.id);
    for (const other of clients.get(entry.ino) ?? []) if (other !== entry) this.#connect(other, done, clients);
    const peer = this.#peer(entry);
    if (entry.peer === 0) this.#connectGone(entry);
    if (entry.peer === 0 || isListener(entry)) return;
    if (peer === undefined) throw missingPeer(entry);
    const fd = this.restore.descriptor(entry.id);
    if ((peer.uflags & USK_EXTERN) !== 0) {
      if (peer.name.length === 0) throw missingPeer(entry);
      connectOutside(fd, peer, subjectOf(entry), this.restore.groundOf());
      return;
    }
    const to = this.restore.descriptor(peer.id);
    // Who accepts it later is told who came: the one that holds it, as far as we can tell.
    const holder = connects(entry) ? this.restore.holders(entry.id)[0]?.task.pid : undefined;
    const maker =
      holder === undefined ? undefined : { pid: holder, uid: entry.tscriu_uid ?? 0, gid: entry.tscriu_gid ?? 0 };
    const result = withAddressOf(to, peer.name, (address) => this.#makers.connect(fd, address, maker));
    check(result, "cannot connect a unix socket", { ...subjectOf(entry), to: nameWords(peer.name) });
    const ahead = packetsAhead(entry);
    if (ahead.length > 0) widenSendBuffer(fd, roomFor(ahead));
    for (const packet of ahead) sendPacket(fd, packet, this.restore, subjectOf(entry));
  }

  /** A datagram socket stays connected to one that was closed, and tells its name. */
  #connectGone(entry: UnixSkEntry): void {
    const gone = this.#closed.has(entry.id) ? undefined : this.#gone(entry);
    if (gone === undefined) return;
    const fd = makeSocket(AF.UNIX, entry.type, 0, subjectOf(entry));
    try {
      this.#bindOld(fd, gone);
      const result = withAddressOf(fd, gone.name, (address) => tryConnect(this.restore.descriptor(entry.id), address));
      check(result, "cannot connect a unix socket", subjectOf(entry));
    } finally {
      closeFd(fd);
    }
  }

  /** Puts messages back into the queue of a socket: through its peer, or as one who knows its address. */
  #fill(entry: UnixSkEntry): void {
    const packets = wasAsker(entry) ? [answerFor(entry)] : this.#packets.get(entry.id);
    if (packets === undefined) return;
    const partner = this.#partner(entry);
    const through = partner ? this.restore.descriptor(partner.id) : this.#closed.get(entry.id);
    if (through !== undefined) {
      widenSendBuffer(through, roomFor(packets));
      for (const packet of packets) sendPacket(through, packet, this.restore, subjectOf(entry));
      return;
    }
    for (const packet of packets) this.#sendTo(entry, packet);
  }

  #sendTo(entry: UnixSkEntry, packet: Packet): void {
    const from = packet.tscriu_from;
    const known =
      from && [...this.byInode.values()].find((e) => e.type === entry.type && Buffer.compare(e.name, from) === 0);
    const fd = known ? this.restore.descriptor(known.id) : makeSocket(AF.UNIX, entry.type);
    try {
      if (from && !known) this.#bindSender(fd, from);
      widenSendBuffer(fd, roomFor([packet]));
      withAddressOf(this.restore.descriptor(entry.id), entry.name, (address) =>
        sendPacket(fd, packet, this.restore, subjectOf(entry), address),
      );
    } finally {
      if (!known) closeFd(fd);
    }
  }

  /** The sender is gone: one who has its name stands in for it. */
  #bindSender(fd: number, name: Uint8Array): void {
    if (isPathName(name)) this.#hide(fd, name);
    else bindAbstract(fd, name);
  }

  #hide(fd: number, name: Uint8Array): void {
    this.#hidden().bind(fd, name);
  }

  #hidden(): ScratchRoot {
    this.#scratch ??= new ScratchRoot();
    return this.#scratch;
  }

  #finish(entry: UnixSkEntry): void {
    const fd = this.restore.descriptor(entry.id);
    const subject = subjectOf(entry);
    const partner = connects(entry) ? this.#partner(entry) : undefined;
    // What the other end does not show was shut before the two were connected: it must not reach the other end now.
    shut(fd, (entry.shutdown ?? 0) & (partner ? mirrored(partner) : 3), subject);
    applyOptions(fd, entry.opts, subject);
    applyUnixOptions(fd, entry, subject);
    if (isListener(entry)) this.#makers.listen(fd, entry.backlog, makerOf(entry), subject);
  }
}

export const unixSockets = perRun((restore: FileRestore) => new UnixSockets(restore));
