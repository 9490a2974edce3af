/**
 * Multicast groups that a socket has joined. The kernel tells which groups an interface listens to, for whomever, and answers a
 * socket that asks for its sources of one of them (RFC 3678, MCAST_MSFILTER): so each is asked for all.
 */
import { readFileSync } from "node:fs";
import { CrError, type Subject } from "../error.ts";
import type { TscriuMembership } from "../image/schema.gen.ts";
import { tryGetOption, trySetOption } from "../kernel/socket.ts";
import { check } from "../kernel/sys.ts";
import { MCAST } from "../kernel/uapi/inet.ts";
import { AF, SOL } from "../kernel/uapi/socket.ts";
import { interfaceIndex } from "./interface.ts";

/** struct sockaddr_storage. */
const STORAGE = 128;
/** struct group_filter without its sources: the index in 8 bytes, the group, mode and count. */
const FILTER_HEAD = 8 + STORAGE + 8;
const MOST_SOURCES = 512;
const INCLUDE = 1;

interface Group {
  readonly ifname: string;
  readonly index: number;
  readonly group: Uint8Array;
}

/** Groups of all interfaces of our network namespace, once for each family. */
export class MulticastGroups {
  readonly #groups = new Map<number, readonly Group[]>();

  of(family: number): readonly Group[] {
    let groups = this.#groups.get(family);
    if (groups === undefined) {
      groups = family === AF.INET6 ? groupsOfSix() : groupsOfFour();
      this.#groups.set(family, groups);
    }
    return groups;
  }
}

function lines(path: string): string[] {
  try {
    return readFileSync(path, "latin1").split("\n");
  } catch {
    return []; // a kernel without this version of IP
  }
}

/** Every interface is in these by itself: nobody else is when they have one user. */
const OWN = /^(?:e0000001|ff0[12]0{26}01|ff02.{21}1ff.{6})$/;

function add(to: Group[], ifname: string, index: number, group: Uint8Array, users: string | undefined): void {
  if (users !== "1" || !OWN.test(Buffer.from(group).toString("hex"))) to.push({ ifname, index, group });
}

/** `IDX DEVICE : COUNT QUERIER`, and below it the groups: each the address as a number of this machine, and its users. */
function groupsOfFour(): Group[] {
  const groups: Group[] = [];
  let [ifname, index] = ["", 0];
  for (const line of lines("/proc/net/igmp")) {
    const device = /^(\d+)\s+([^\s:]+)/.exec(line);
    const group = /^\s+([0-9A-F]{8})\s+(\d+)/.exec(line);
    if (device) [ifname, index] = [device[2] ?? "", Number(device[1])];
    else if (group) {
      const bytes = new Uint8Array(Uint32Array.of(Number.parseInt(group[1] ?? "", 16)).buffer);
      add(groups, ifname, index, bytes, group[2]);
    }
  }
  return groups;
}

/** `IDX DEVICE GROUP USERS ...` */
function groupsOfSix(): Group[] {
  const groups: Group[] = [];
  for (const line of lines("/proc/net/igmp6")) {
    const found = /^(\d+)\s+(\S+)\s+([0-9a-f]{32})\s+(\d+)/.exec(line);
    if (found === null) continue;
    const bytes = Uint8Array.from(Buffer.from(found[3] ?? "", "hex"));
    add(groups, found[2] ?? "", Number(found[1]), bytes, found[4]);
  }
  return groups;
}

const levelOf = (family: number) => (family === AF.INET6 ? SOL.IPV6 : SOL.IP);
const offsetIn = (family: number) => (family === AF.INET6 ? 8 : 4);

/** An address as a struct sockaddr_storage. */
function storage(address: Uint8Array): Uint8Array {
  const family = address.length === 16 ? AF.INET6 : AF.INET;
  const bytes = new Uint8Array(STORAGE);
  new DataView(bytes.buffer).setUint16(0, family, true);
  bytes.set(address, offsetIn(family));
  return bytes;
}

/** The request lies where the answer comes. */
const filter = new Uint8Array(FILTER_HEAD + MOST_SOURCES * STORAGE);
const view = new DataView(filter.buffer);

/** `family` is that of the groups: a socket of IPv6 may be in groups of IPv4 too. */
function membershipsIn(fd: number, family: number, groups: MulticastGroups): TscriuMembership[] {
  return groups.of(family).flatMap(({ ifname, index, group }) => {
    view.setUint32(0, index, true);
    filter.set(storage(group), 8);
    view.setUint32(FILTER_HEAD - 4, MOST_SOURCES, true);
    if (typeof tryGetOption(fd, levelOf(family), MCAST.MSFILTER, filter.length, filter) === "number") return [];
    const count = Math.min(view.getUint32(FILTER_HEAD - 4, true), MOST_SOURCES);
    const sources = Array.from({ length: count }, (_, i) => {
      const at = FILTER_HEAD + i * STORAGE + offsetIn(family);
      return filter.slice(at, at + group.length);
    });
    const entry: TscriuMembership = { group, ifname, sources };
    if (view.getUint32(FILTER_HEAD - 8, true) === INCLUDE) entry.include = true;
    return [entry];
  });
}

/** What a socket has joined. */
export function readMemberships(fd: number, family: number, groups: MulticastGroups): TscriuMembership[] {
  const four = membershipsIn(fd, AF.INET, groups);
  return family === AF.INET6 ? [...membershipsIn(fd, AF.INET6, groups), ...four] : four;
}

/** struct group_req: index and group; struct group_source_req: a source as well. */
function joinRequest(index: number, ...addresses: readonly Uint8Array[]): Uint8Array {
  const head = new Uint8Array(8);
  new DataView(head.buffer).setUint32(0, index, true);
  return new Uint8Array(Buffer.concat([head, ...addresses.map(storage)]));
}

export function joinGroups(fd: number, memberships: readonly TscriuMembership[], subject: Subject): void {
  for (const { group, ifname, include, sources } of memberships) {
    const index = interfaceIndex(fd, ifname);
    if (index === undefined) {
      throw new CrError("the network interface of a multicast group is not there", {
        code: "ENODEV",
        subject: { ...subject, interface: ifname },
        remedy: `make the network interface ${ifname} first`,
      });
    }
    const level = levelOf(group.length === 16 ? AF.INET6 : AF.INET);
    const set = (name: number, ...addresses: readonly Uint8Array[]) => {
      const result = trySetOption(fd, level, name, joinRequest(index, ...addresses));
      check(result, "cannot join a multicast group", { ...subject, interface: ifname });
    };
    if (!include) set(MCAST.JOIN_GROUP, group);
    for (const source of sources) set(include ? MCAST.JOIN_SOURCE_GROUP : MCAST.BLOCK_SOURCE, group, source);
  }
}
