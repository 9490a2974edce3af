import type { Subject } from "../error.ts";
import type { InetSkEntry, IpOptsEntry, IpOptsRawEntry } from "../image/schema.gen.ts";
import { getNumber, tryGetOption, trySetNumber, trySetOption } from "../kernel/socket.ts";
import { check } from "../kernel/sys.ts";
import { ICMP_FILTER, IP, IPPROTO, IPV6 } from "../kernel/uapi/inet.ts";
import { AF, SOCK, SOL } from "../kernel/uapi/socket.ts";
import { type FlowLabels, partLabels, readFlowLabels, takeFlowLabel } from "./flow-labels.ts";
import { applyMoreOptions, readProtocolOptions } from "./more-options.ts";
import { joinGroups, type MulticastGroups, readMemberships } from "./multicast.ts";
import type { SocketKind } from "./socket-kind.ts";
import { readUntold, type Untold } from "./untold.ts";

/** Where an option of both families has its level and number. */
const FREEBIND = { [AF.INET]: [SOL.IP, IP.FREEBIND], [AF.INET6]: [SOL.IPV6, IPV6.FREEBIND] } as const;
const PKTINFO = { [AF.INET]: [SOL.IP, IP.PKTINFO], [AF.INET6]: [SOL.IPV6, IPV6.RECVPKTINFO] } as const;

type Place = readonly [level: number, name: number];
const placeIn = (table: Readonly<Record<number, Place>>, family: number): Place => table[family] ?? [SOL.IP, 0];

/** What the network namespace tells of all its sockets together. */
export interface Surroundings {
  readonly groups: MulticastGroups;
  readonly labels: FlowLabels;
  readonly outside: Untold;
}

/** Options of the Internet protocol; what is off is left out. */
export function readIpOptions(fd: number, kind: SocketKind, { groups, labels, outside }: Surroundings): IpOptsEntry {
  const { family } = kind;
  const entry: IpOptsEntry = {
    tscriu_options: [
      ...readProtocolOptions(fd, kind),
      ...readFlowLabels(fd, kind, labels),
      ...readUntold(fd, kind, outside),
    ],
    // a connection has two ends
    tscriu_memberships: kind.type === SOCK.STREAM ? [] : readMemberships(fd, family, groups),
  };
  if (getNumber(fd, ...placeIn(FREEBIND, family))) entry.freebind = true;
  if (getNumber(fd, ...placeIn(PKTINFO, family))) entry.pktinfo = true;
  if (family === AF.INET) {
    const [tos, ttl] = [getNumber(fd, SOL.IP, IP.TOS), getNumber(fd, SOL.IP, IP.TTL)];
    if (tos) entry.tos = tos;
    if (ttl !== undefined) entry.ttl = ttl;
  }
  if (kind.type === SOCK.RAW) entry.raw = readRawOptions(fd, kind);
  return entry;
}

type RawFlag = "hdrincl" | "nodefrag" | "checksum";
const RAW_FLAGS: Readonly<Record<number, readonly (readonly [RawFlag, Place])[]>> = {
  [AF.INET]: [
    ["hdrincl", [SOL.IP, IP.HDRINCL]],
    ["nodefrag", [SOL.IP, IP.NODEFRAG]],
    ["checksum", [SOL.IP, IP.CHECKSUM]],
  ],
  [AF.INET6]: [["hdrincl", [SOL.IPV6, IPV6.HDRINCL]]],
};

/** Where raw sockets of ICMP keep which messages they do not want: a bit for each type. */
const FILTERS: Readonly<Record<number, readonly [level: number, bytes: number]>> = {
  [IPPROTO.ICMP]: [SOL.RAW, 4],
  [IPPROTO.ICMPV6]: [SOL.ICMPV6, 32],
};

function readRawOptions(fd: number, { family, protocol }: SocketKind): IpOptsRawEntry {
  const entry: IpOptsRawEntry = { icmpv_filter: [] };
  for (const [flag, place] of RAW_FLAGS[family] ?? []) if (getNumber(fd, ...place)) entry[flag] = true;
  const [level, size] = FILTERS[protocol] ?? [0, 0];
  const filter = size === 0 ? 0 : tryGetOption(fd, level, ICMP_FILTER, size);
  if (typeof filter !== "number") entry.icmpv_filter = Array.from(new Uint32Array(filter.slice().buffer));
  return entry;
}

function applyRawOptions(fd: number, { family, proto, ip_opts }: InetSkEntry, subject: Subject): void {
  const raw = ip_opts?.raw;
  if (raw === undefined) return;
  for (const [flag, place] of RAW_FLAGS[family] ?? []) set(fd, place, raw[flag] ? 1 : 0, `IP ${flag}`, subject);
  const [level, size] = FILTERS[proto] ?? [0, 0];
  if (size === 0 || raw.icmpv_filter.length === 0) return;
  const filter = new Uint8Array(Uint32Array.from(raw.icmpv_filter).buffer).subarray(0, size);
  check(trySetOption(fd, level, ICMP_FILTER, filter), "cannot set the filter of an ICMP socket", subject);
}

/** Allows binding to an address that this machine does not have. */
export function setFreebind(fd: number, family: number, on: boolean, subject: Subject): void {
  set(fd, placeIn(FREEBIND, family), on ? 1 : 0, "IP_FREEBIND", subject);
}

function set(fd: number, [level, name]: Place, value: number, what: string, subject: Subject): void {
  // what a socket does not know is off
  if ((getNumber(fd, level, name) ?? 0) === value) return;
  check(trySetNumber(fd, level, name, value), `cannot set ${what} of a socket`, subject);
}

/** Sets what decides about datagrams as they come. */
export function applyBeforeQueue(fd: number, entry: InetSkEntry, subject: Subject): void {
  if (entry.ip_opts?.pktinfo) set(fd, placeIn(PKTINFO, entry.family), 1, "IP_PKTINFO", subject);
}

/** Sets what must be so at bind(2). */
export function applyBeforeBind(fd: number, entry: InetSkEntry, subject: Subject): void {
  if (entry.v6only !== undefined && entry.family === AF.INET6) {
    set(fd, [SOL.IPV6, IPV6.V6ONLY], entry.v6only ? 1 : 0, "IPV6_V6ONLY", subject);
  }
  if (entry.ip_opts?.freebind) setFreebind(fd, entry.family, true, subject);
  applyRawOptions(fd, entry, subject);
  const [labels, others] = partLabels(entry.ip_opts?.tscriu_options ?? []);
  for (const label of labels) takeFlowLabel(fd, label, subject);
  applyMoreOptions(fd, others, subject);
}

/** Sets the rest. */
export function applyIpOptions(fd: number, { ip_opts: ip, family }: InetSkEntry, subject: Subject): void {
  if (ip === undefined) return;
  setFreebind(fd, family, ip.freebind ?? false, subject);
  set(fd, placeIn(PKTINFO, family), ip.pktinfo ? 1 : 0, "IP_PKTINFO", subject);
  if (ip.tos !== undefined) set(fd, [SOL.IP, IP.TOS], ip.tos, "IP_TOS", subject);
  if (ip.ttl !== undefined) set(fd, [SOL.IP, IP.TTL], ip.ttl, "IP_TTL", subject);
  joinGroups(fd, ip.tscriu_memberships, subject);
}
