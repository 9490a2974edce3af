import { CrError } from "../error.ts";
import type { FileDump, FileKind, FileRestore, OpenFile } from "../file/kind.ts";
import { FdTypes, type NetlinkSkEntry } from "../image/schema.gen.ts";
import { ERRNO } from "../kernel/errno.ts";
import { closeFd } from "../kernel/fd.ts";
import { byInode, type NetlinkDiagSocket, SockDiag } from "../kernel/sock-diag.ts";
import {
  getNumber,
  makeSocket,
  ownAddress,
  peerAddress,
  tryBind,
  tryConnect,
  tryGetOption,
  trySetNumber,
} from "../kernel/socket.ts";
import { check } from "../kernel/sys.ts";
import { TCP_STATE } from "../kernel/uapi/inet.ts";
import { AF, NETLINK, NETLINK_OPT, SO, SOCK, SOL } from "../kernel/uapi/socket.ts";
import { atPlace, atPlaceOf, checkAtPlaceOf, namespaceFields, perPlace } from "./elsewhere.ts";
import { readProtocolOptions } from "./more-options.ts";
import { missSomething, netlinkAddress, readNetlinkQueue, refill } from "./netlink-queue.ts";
import { applyOptions, filterProblem, readOptions } from "./options.ts";

const EADDRINUSE = -(ERRNO.EADDRINUSE ?? 98);
/** State of a socket that was connected; others have that of any fresh socket. */
const CONNECTED = 1;
/** Groups that a netlink protocol may have, in words of 32: more than any has. */
const GROUP_BYTES = 128;

/** struct sockaddr_nl: port and groups. */
function parse(address: Uint8Array | undefined): { port: number; groups: number } {
  if (address === undefined || address.length < 12) return { port: 0, groups: 0 };
  const view = new DataView(address.buffer, address.byteOffset, address.byteLength);
  return { port: view.getUint32(4, true), groups: view.getUint32(8, true) };
}

/** Answers of the kernel that wait unread are not kept: who asked would wait for them for ever. Mostly they are read soon. */
function problem(file: OpenFile): CrError | undefined {
  const protocol = getNumber(file.dup, SOL.SOCKET, SO.PROTOCOL) ?? 0;
  const subject = { pid: file.pid, fd: file.fd, path: file.link, protocol };
  const filter = filterProblem(file.dup, subject);
  if (filter) return filter;
  // Events of devices come all the time, and whoever listens must cope with lost ones.
  if (protocol === NETLINK.KOBJECT_UEVENT || readNetlinkQueue(file.dup, protocol) !== undefined) return undefined;
  return new CrError("a netlink socket holds messages that were not read", {
    code: "EAGAIN",
    subject,
    remedy: "let the program read them, then dump again",
  });
}

/** Groups as words; of kernels that do not list them, the first 32. */
function groupsOf(file: OpenFile, first: number): number[] {
  const list = tryGetOption(file.dup, SOL.NETLINK, NETLINK_OPT.LIST_MEMBERSHIPS, GROUP_BYTES);
  if (typeof list === "number" || list.length < 4) return first === 0 ? [] : [first];
  const view = new DataView(list.buffer, list.byteOffset, list.byteLength);
  return Array.from({ length: list.length >> 2 }, (_, i) => view.getUint32(i * 4, true));
}

/** Connected or not is all that sock_diag tells more than the socket does; without it a destination decides. */
const rows = perPlace((_: FileDump): Map<number, NetlinkDiagSocket> => {
  try {
    using diag = new SockDiag();
    return byInode(diag.netlink());
  } catch (error) {
    if (error instanceof CrError && error.code === "ENOENT") return new Map();
    throw error;
  }
});

export const netlink: FileKind = {
  name: "netlink socket",
  type: FdTypes.NETLINKSK,
  matches: (file) => file.link.startsWith("socket:[") && getNumber(file.dup, SOL.SOCKET, SO.DOMAIN) === AF.NETLINK,

  check(file, dump) {
    checkAtPlaceOf(file, dump, () => {
      const found = problem(file);
      if (found) dump.blocker(found);
    });
  },

  dump: (file, dump) => atPlaceOf(file, dump, () => dumpNetlink(file, dump)),

  open(entry, restore) {
    const { nlsk } = entry;
    if (nlsk === undefined)
      throw new CrError("a socket without its entry", { code: "BAD_IMAGE", subject: { file: entry.id } });
    atPlace(nlsk, restore, () => openNetlink(nlsk, restore));
  },

  link(entries, restore) {
    const all = entries.flatMap(({ nlsk }) => nlsk ?? []);
    for (const one of all.filter(({ tscriu_messages }) => tscriu_messages.length > 0)) {
      const isThere = (other: NetlinkSkEntry) => other.protocol === one.protocol && other.ns_id === one.ns_id;
      atPlace(one, restore, () =>
        refill(one, (port) => {
          const sender = all.find((other) => isThere(other) && other.portid === port);
          return sender && restore.descriptor(sender.id);
        }),
      );
    }
  },
};

function dumpNetlink(file: OpenFile, dump: FileDump): void {
  const found = problem(file);
  if (found) throw found;
  const [own, peer] = [parse(ownAddress(file.dup)), parse(peerAddress(file.dup))];
  const row = rows(dump).get(file.stat.ino);
  const opts = readOptions(file.dup, AF.NETLINK, { pid: file.pid, fd: file.fd, path: file.link });
  const protocol = getNumber(file.dup, SOL.SOCKET, SO.PROTOCOL) ?? 0;
  const queue = protocol === NETLINK.KOBJECT_UEVENT ? undefined : readNetlinkQueue(file.dup, protocol);
  const entry: NetlinkSkEntry = {
    id: file.id,
    ino: file.stat.ino,
    protocol,
    state: row?.state ?? (peer.port !== 0 || peer.groups !== 0 ? CONNECTED : TCP_STATE.CLOSE),
    flags: file.flags,
    portid: own.port,
    groups: groupsOf(file, own.groups),
    dst_portid: peer.port,
    dst_group: peer.groups,
    fown: file.fown,
    opts: { ...opts, tscriu_options: [...opts.tscriu_options, ...readProtocolOptions(file.dup)] },
    ...namespaceFields(dump),
    tscriu_messages: queue?.messages ?? [],
    ...(queue?.missed && { tscriu_missed: true }),
  };
  const type = getNumber(file.dup, SOL.SOCKET, SO.TYPE);
  if (type !== SOCK.RAW && type !== undefined) entry.tscriu_type = type;
  dump.add({ type: FdTypes.NETLINKSK, id: file.id, nlsk: entry });
}

function openNetlink(nlsk: NetlinkSkEntry, restore: FileRestore): void {
  const fd = makeSocket(AF.NETLINK, nlsk.tscriu_type ?? SOCK.RAW, nlsk.protocol, { file: nlsk.id });
  try {
    prepare(fd, nlsk);
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  restore.put(nlsk.id, fd);
  restore.applyFown(fd, nlsk.fown, nlsk.flags);
}

function prepare(fd: number, entry: NetlinkSkEntry): void {
  const subject = { file: entry.id, port: entry.portid, protocol: entry.protocol };
  if (entry.portid !== 0) {
    const result = tryBind(fd, netlinkAddress(entry.portid, 0));
    if (result === EADDRINUSE) {
      throw new CrError(`the netlink port ${entry.portid} is in use`, {
        code: "EADDRINUSE",
        subject,
        remedy: "end the program that uses it: often the process with that pid",
      });
    }
    check(result, "cannot bind a netlink socket", subject);
  }
  const isToldSo = !entry.opts.tscriu_options.some(
    ({ level, name, value }) => level === SOL.NETLINK && name === NETLINK_OPT.NO_ENOBUFS && value !== 0,
  );
  if (entry.tscriu_missed && isToldSo && entry.protocol === NETLINK.ROUTE) missSomething(fd, subject);
  entry.groups.forEach((word, index) => {
    for (let bit = 0; bit < 32; bit++) {
      if (((word >>> bit) & 1) === 0) continue;
      const joined = trySetNumber(fd, SOL.NETLINK, NETLINK_OPT.ADD_MEMBERSHIP, index * 32 + bit + 1);
      check(joined, "cannot join a netlink group", { ...subject, group: index * 32 + bit + 1 });
    }
  });
  if (entry.state === CONNECTED)
    check(
      tryConnect(fd, netlinkAddress(entry.dst_portid, entry.dst_group)),
      "cannot connect a netlink socket",
      subject,
    );
  applyOptions(fd, entry.opts, subject);
}
