/** Packet sockets (packet(7)): they see packets as a network interface has them. */
import { CrError, type Subject } from "../error.ts";
import type { FileDump, FileKind, FileRestore, OpenFile } from "../file/kind.ts";
import { FdTypes, type PacketRing, type PacketSockEntry } from "../image/schema.gen.ts";
import { closeFd, POLL, pollNow } from "../kernel/fd.ts";
import { lookInside } from "../kernel/inside.ts";
import { byInode, type PacketSocket, type PacketRing as Row, SockDiag } from "../kernel/sock-diag.ts";
import { getNumber, makeSocket, tryBind, trySetNumber, trySetOption } from "../kernel/socket.ts";
import { check } from "../kernel/sys.ts";
import { AF, PACKET, SO, SOCK, SOL } from "../kernel/uapi/socket.ts";
import { atPlace, atPlaceOf, checkAtPlaceOf, namespaceFields, perPlace } from "./elsewhere.ts";
import { interfaceIndex, interfaceName } from "./interface.ts";
import { applyMoreOptions, readProtocolOptions } from "./more-options.ts";
import { applyOptions, attachFilter, filterProblem, readOptions } from "./options.ts";
import { fillRing, linkAddress, readRings } from "./packet-ring.ts";

/** PDI_* of linux/packet_diag.h. */
const FLAG = { AUXDATA: 2, ORIGDEV: 4, VNETHDR: 8, LOSS: 16 } as const;
const NO_FANOUT = 0xffff_ffff;
/** PACKET_FANOUT_CBPF and _EBPF: a program chooses who gets a packet. */
const BY_PROGRAM: ReadonlySet<number> = new Set([6, 7]);
/** Its interface went away. */
const GONE = 0xffff_ffff;

const subjectOf = (file: OpenFile): Subject => ({ pid: file.pid, fd: file.fd, path: file.link });

const rows = perPlace((_: FileDump): Map<number, PacketSocket> => {
  try {
    using diag = new SockDiag();
    return byInode(diag.packet());
  } catch (error) {
    if (error instanceof CrError && error.code === "ENOENT") return new Map();
    throw error;
  }
});

function ringOf(row: Row | undefined): PacketRing | undefined {
  return (
    row && {
      block_size: row.blockSize,
      block_nr: row.blockNr,
      frame_size: row.frameSize,
      frame_nr: row.frameNr,
      retire_tmo: row.retireTimeout,
      sizeof_priv: row.sizeofPrivate,
      features: row.features,
    }
  );
}

function problem(file: OpenFile, dump: FileDump): CrError | undefined {
  const subject = subjectOf(file);
  const fail = (what: string, remedy: string) => new CrError(what, { code: "UNSUPPORTED", subject, remedy });
  const stop = "stop capturing before the dump";
  const row = rows(dump).get(file.stat.ino);
  if (row === undefined) return fail("the kernel does not tell about packet sockets", "load the module af_packet_diag");
  const fanout = getNumber(file.dup, SOL.PACKET, PACKET.FANOUT) ?? 0;
  if (BY_PROGRAM.has((fanout >>> 16) & 0xff))
    return fail("a packet socket is in a group where a program that nobody can read chooses who gets a packet", stop);
  const sends = row.txRing !== undefined && readRings(file.dup, bare(file, row)).sends;
  if (sends) return fail("a packet socket sends by a ring, whose place in the kernel nobody can read", stop);
  const waits = pollNow(file.dup, POLL.IN);
  const read = "let the program read what waits, or stop capturing before the dump";
  if (row.rxRing === undefined && (waits & POLL.IN) !== 0)
    return fail("a packet socket without a ring holds packets that were not read", read);
  if (waits & POLL.ERR && hasMessages(file.dup) !== false)
    return fail("a packet socket has told of what it sent, and the program has not read it (MSG_ERRQUEUE)", read);
  return filterProblem(file.dup, subject);
}

/** Does its error queue hold something? An error alone says that its interface is down, and comes back with that. */
function hasMessages(fd: number): boolean | undefined {
  return lookInside((inside) => inside.socket(fd).in("sk_error_queue", "sk_buff_head").int("qlen") !== 0);
}

/** All but what the rings hold. */
function bare(file: OpenFile, row: PacketSocket): PacketSockEntry {
  const fd = file.dup;
  const fanout = getNumber(fd, SOL.PACKET, PACKET.FANOUT) ?? 0;
  const opts = readOptions(fd, AF.PACKET, subjectOf(file));
  const entry: PacketSockEntry = {
    id: file.id,
    type: row.type,
    protocol: swap(row.protocol),
    flags: file.flags,
    ifindex: row.ifindex,
    fown: file.fown,
    opts: { ...opts, tscriu_options: [...opts.tscriu_options, ...readProtocolOptions(fd)] },
    version: row.version,
    reserve: row.reserve,
    aux_data: (row.flags & FLAG.AUXDATA) !== 0,
    orig_dev: (row.flags & FLAG.ORIGDEV) !== 0,
    vnet_hdr: (row.flags & FLAG.VNETHDR) !== 0,
    loss: (row.flags & FLAG.LOSS) !== 0,
    timestamp: row.timestamp,
    copy_thresh: row.copyThreshold,
    mclist: row.memberships.flatMap(({ index, type, address, count }) => {
      const one = { index, type, addr: address, tscriu_ifname: interfaceName(fd, index) };
      return Array.from({ length: count }, () => one);
    }),
    rx_ring: ringOf(row.rxRing),
    tx_ring: ringOf(row.txRing),
    tscriu_frames: [],
  };
  if (row.fanout !== undefined) entry.fanout = fanout >>> 0;
  const ifname = row.ifindex === 0 || row.ifindex === GONE ? undefined : interfaceName(fd, row.ifindex);
  if (ifname !== undefined) entry.tscriu_ifname = ifname;
  return entry;
}

/** The image has the protocol as a packet has it. */
function swap(value: number): number {
  return ((value & 0xff) << 8) | (value >>> 8);
}

export const packet: FileKind = {
  name: "packet socket",
  type: FdTypes.PACKETSK,
  matches: (file) => file.link.startsWith("socket:[") && getNumber(file.dup, SOL.SOCKET, SO.DOMAIN) === AF.PACKET,

  check(file, dump) {
    checkAtPlaceOf(file, dump, () => {
      const found = problem(file, dump);
      if (found) dump.blocker(found);
    });
  },

  dump: (file, dump) => atPlaceOf(file, dump, () => dumpPacket(file, dump)),

  open(entry, restore) {
    const { psk } = entry;
    if (psk === undefined)
      throw new CrError("a socket without its entry", { code: "BAD_IMAGE", subject: { file: entry.id } });
    atPlace(psk, restore, () => openPacket(psk, restore));
  },

  link(entries, restore) {
    for (const { psk } of entries) if (psk) atPlace(psk, restore, () => joinFanout(psk, restore));
  },
};

function dumpPacket(file: OpenFile, dump: FileDump): void {
  const found = problem(file, dump);
  const row = rows(dump).get(file.stat.ino);
  if (found || row === undefined) throw found ?? new CrError("a packet socket is gone", { subject: subjectOf(file) });
  const entry = bare(file, row);
  const { tscriu_next, tscriu_frames } = readRings(file.dup, entry);
  const psk = { ...entry, tscriu_frames, ...namespaceFields(dump) };
  if (tscriu_next) psk.tscriu_next = tscriu_next;
  dump.add({ type: FdTypes.PACKETSK, id: file.id, psk });
}

function openPacket(psk: PacketSockEntry, restore: FileRestore): void {
  const subject = { file: psk.id, protocol: swap(psk.protocol) };
  const isOld = psk.type === SOCK.PACKET;
  // It hears nothing before it is bound, but for sockets of the old kind, which are bound by a name alone.
  const fd = makeSocket(AF.PACKET, psk.type, isOld ? psk.protocol : 0, subject);
  try {
    if (isOld) attachFilter(fd, psk.opts.so_filter, subject);
    if (isOld) bindOld(fd, psk, subject);
    else prepare(fd, psk, subject);
    applyOptions(fd, psk.opts, subject);
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  restore.put(psk.id, fd);
  restore.applyFown(fd, psk.fown, psk.flags);
}

/** Index of an interface by its name; by its old index where the images tell no name. */
function indexOf(fd: number, name: string | undefined, index: number, subject: Subject): number {
  if (name === undefined) return index;
  const found = interfaceIndex(fd, name);
  if (found !== undefined) return found;
  throw new CrError("the network interface of a packet socket is not there", {
    code: "ENODEV",
    subject: { ...subject, interface: name },
    remedy: `make the network interface ${name} first`,
  });
}

/** struct sockaddr with the interface's name. */
function bindOld(fd: number, { ifindex, tscriu_ifname }: PacketSockEntry, subject: Subject): void {
  if (ifindex === 0 || ifindex === GONE) return;
  const name = tscriu_ifname ?? interfaceName(fd, ifindex) ?? "";
  const address = new Uint8Array(16);
  new DataView(address.buffer).setUint16(0, AF.PACKET, true);
  address.set(Buffer.from(name).subarray(0, 13), 2);
  check(tryBind(fd, address), `cannot bind a packet socket to ${name}`, subject);
}

function prepare(fd: number, entry: PacketSockEntry, subject: Subject): void {
  const { protocol, ifindex, tscriu_ifname } = entry;
  const set = (name: number, value: number, words: string) => {
    if (getNumber(fd, SOL.PACKET, name) === value) return;
    check(trySetNumber(fd, SOL.PACKET, name, value), `cannot set ${words} of a packet socket`, subject);
  };
  set(PACKET.VERSION, entry.version, "the version");
  set(PACKET.RESERVE, entry.reserve, "the reserve");
  set(PACKET.TIMESTAMP, entry.timestamp, "the kind of time stamps");
  set(PACKET.COPY_THRESH, entry.copy_thresh, "the copy threshold");
  set(PACKET.AUXDATA, entry.aux_data ? 1 : 0, "auxiliary data");
  set(PACKET.ORIGDEV, entry.orig_dev ? 1 : 0, "the original device");
  set(PACKET.VNET_HDR, entry.vnet_hdr ? 1 : 0, "the virtio header");
  set(PACKET.LOSS, entry.loss ? 1 : 0, "the loss");
  applyMoreOptions(
    fd,
    entry.opts.tscriu_options.filter(({ level }) => level === SOL.PACKET),
    subject,
  );
  setRing(fd, PACKET.RX_RING, entry.rx_ring, subject);
  setRing(fd, PACKET.TX_RING, entry.tx_ring, subject);
  fillRing(fd, entry, subject);
  attachFilter(fd, entry.opts.so_filter, subject);
  join(fd, entry, subject);
  if ((protocol === 0 && ifindex === 0) || ifindex === GONE) return;
  const index = indexOf(fd, tscriu_ifname, ifindex, subject);
  check(tryBind(fd, linkAddress(swap(protocol), index)), "cannot bind a packet socket", subject);
}

/** struct tpacket_req3, whose beginning is struct tpacket_req. */
function setRing(fd: number, name: number, ring: PacketRing | undefined, subject: Subject): void {
  if (ring === undefined) return;
  const { block_size, block_nr, frame_size, frame_nr, retire_tmo, sizeof_priv, features } = ring;
  const words = [block_size, block_nr, frame_size, frame_nr, retire_tmo, sizeof_priv, features];
  const request = new Uint8Array(Uint32Array.from(words).buffer);
  check(trySetOption(fd, SOL.PACKET, name, request), "cannot make the ring of a packet socket", subject);
}

/** struct packet_mreq with room for any address: index, type, length, address. */
function join(fd: number, { mclist }: PacketSockEntry, subject: Subject): void {
  for (const { index, type, addr, tscriu_ifname } of mclist) {
    const request = new Uint8Array(8 + 32);
    const view = new DataView(request.buffer);
    view.setInt32(0, indexOf(fd, tscriu_ifname, index, subject), true);
    view.setUint16(4, type, true);
    view.setUint16(6, addr.length, true);
    request.set(addr.subarray(0, 32), 8);
    const result = trySetOption(fd, SOL.PACKET, PACKET.ADD_MEMBERSHIP, request);
    check(result, "cannot join a group with a packet socket", subject);
  }
}

/** Once all are bound: a group takes those alone that hear the same. */
function joinFanout({ id, fanout = NO_FANOUT }: PacketSockEntry, restore: FileRestore): void {
  if (fanout === NO_FANOUT) return;
  const result = trySetNumber(restore.descriptor(id), SOL.PACKET, PACKET.FANOUT, fanout | 0);
  const remedy = "end whoever has a group of that number (ss -0 --packet)";
  check(result, "cannot join the group of a packet socket", { file: id, group: fanout & 0xffff }, remedy);
}
