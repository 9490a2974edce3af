/** Interfaces of a network namespace: what they are, and how they are made again (rtnetlink(7)). */
import { readFileSync } from "node:fs";
import { CrError, type Subject } from "../error.ts";
import { IFLA, INFO, LINK_HEADER, madeTun, NLM_F_CREATE_EXCL, RTM } from "../file/network-link.ts";
import { makeDeserted } from "../file/tun-device.ts";
import { NdType, type NetDeviceEntry, type NetnsId } from "../image/schema.gen.ts";
import { Fields, NetlinkSocket, PayloadBuilder, parseAttributes } from "../kernel/netlink.ts";
import { NETLINK } from "../kernel/uapi/socket.ts";
import type { External } from "../options.ts";
import { isName } from "./net-devices.ts";
import { bornSettings, kindOf, typeOfKind } from "./net-kinds.ts";
import { bringFromOutside, outsideOf, readMacvlan, standsOutside, unnamed } from "./net-outside.ts";
import { onceVacated } from "./net-vacated.ts";

/** What nobody who has a tun device open has set: TUNSETVNETHDRSZ and TUNSETSNDBUF, as the kernel begins. */
const UNSET = { vnethdr: 10, sndbuf: 0x7fffffff } as const;
const VETH_PEER = 1;
/** IFLA_XDP_ATTACHED: in which way. */
const XDP_ATTACHED = 2;
/** IFF_PERSIST of linux/if_tun.h */
const PERSIST = 0x800;
/** Pairs come with as many queues as there may be CPUs, and use one; tun devices with those that their flags say. */
function isUsualNumber(kind: string | undefined, tx: number, rx: number): boolean {
  if ((tx === 1 && rx === 1) || kind === undefined || kind === "tun") return true;
  const usual = kind === "veth" ? possibleCpus() : 1;
  return tx === usual && rx === usual;
}

let possible: number | undefined;

function possibleCpus(): number {
  // ranges that begin with the first
  possible ??= 1 + Number(/\d+$/.exec(readFileSync("/sys/devices/system/cpu/possible", "latin1").trim())?.[0] ?? 0);
  return possible;
}

export interface Row {
  readonly entry: NetDeviceEntry;
  /** The number by which this namespace knows that of the other end. */
  readonly peerNetns: number | undefined;
  readonly kind: string | undefined;
  /** A program of bpf(2) looks at its packets before all else. */
  readonly hasXdp: boolean;
}

/** The interfaces of the namespace `id`, which we are in. */
export function rowsOf(socket: NetlinkSocket, id: number): Row[] {
  return socket.dump("cannot list network interfaces", RTM.GETLINK, new Uint8Array(LINK_HEADER)).map(({ payload }) => {
    const head = new Fields(payload, "ifinfomsg");
    const attributes = head.attributes(LINK_HEADER);
    const info = parseAttributes(attributes.get(IFLA.LINKINFO) ?? new Uint8Array(0));
    const number = (type: number) => {
      const value = attributes.get(type);
      return value && new Fields(value).u32();
    };
    const kindText = info.get(INFO.KIND);
    const kind = kindText && new Fields(kindText).text();
    const isLoopback = (head.u32(8) & 8) !== 0;
    const entry: NetDeviceEntry = {
      type: isLoopback ? NdType.LOOPBACK : typeOfKind(kind),
      ifindex: head.u32(4),
      mtu: number(IFLA.MTU) ?? 1500,
      flags: head.u32(8),
      name: new Fields(attributes.get(IFLA.IFNAME) ?? new Uint8Array(1)).text(),
      conf: [],
      conf4: [],
      conf6: [],
    };
    const address = attributes.get(IFLA.ADDRESS);
    if (address && address.length > 0 && !isLoopback) entry.address = address.slice();
    const [link, master] = [number(IFLA.LINK), number(IFLA.MASTER)];
    const isHere = !attributes.has(IFLA.LINK_NETNSID);
    if (kind === "veth" && link !== undefined) entry.peer_ifindex = link;
    if (kind === "veth" && isHere) entry.peer_nsid = id;
    if (kind !== "veth" && link !== undefined && isHere) entry.tscriu_link = link;
    if (master !== undefined) entry.master = master;
    if (kind !== undefined) entry.tscriu_kind = kind;
    const data = info.get(INFO.DATA);
    if (data !== undefined) entry.tscriu_data = data.slice();
    if (kind === "macvlan") entry.macvlan = readMacvlan(data);
    const port = info.get(INFO.SLAVE_DATA);
    const isPort = new Fields(info.get(INFO.SLAVE_KIND) ?? new Uint8Array(1)).text() === "bridge";
    if (port !== undefined && isPort) entry.tscriu_port = port.slice();
    const [alias, group, queue] = [attributes.get(IFLA.IFALIAS), number(IFLA.GROUP), number(IFLA.TXQLEN)];
    if (alias !== undefined) entry.tscriu_alias = new Fields(alias).text();
    if (group !== undefined && group !== 0) entry.tscriu_group = group;
    if (queue !== undefined) entry.tscriu_queue = queue;
    const [tx, rx] = [number(IFLA.NUM_TX_QUEUES) ?? 1, number(IFLA.NUM_RX_QUEUES) ?? 1];
    if (!isUsualNumber(kind, tx, rx)) Object.assign(entry, { tscriu_tx_queues: tx, tscriu_rx_queues: rx });
    if (kind === "tun") {
      const { made, ...owners } = madeTun(parseAttributes(data ?? new Uint8Array(0)));
      const isDeserted = attributes.get(IFLA.CARRIER)?.[0] === 0;
      // that programs have others open only criu wants to know here
      entry.tun = { flags: isDeserted ? made : made & ~PERSIST, ...owners, ...UNSET };
    }
    const xdp = parseAttributes(attributes.get(IFLA.XDP) ?? new Uint8Array(0)).get(XDP_ATTACHED);
    return { entry, kind, peerNetns: number(IFLA.LINK_NETNSID), hasXdp: xdp !== undefined && xdp[0] !== 0 };
  });
}

/**
 * @param id of the namespace
 * @param nsids by which numbers it knows others of the tree
 */
export function linkEntries(id: number, nsids: readonly NetnsId[] = []): NetDeviceEntry[] {
  using socket = new NetlinkSocket(NETLINK.ROUTE);
  const rows = rowsOf(socket, id);
  const isPair = ({ kind, peerNetns }: Row) => kind === "veth" && peerNetns !== undefined;
  const known = new Map(nsids.map(({ netnsid_value, target_ns_id }) => [netnsid_value, target_ns_id]));
  return rows.map((row) => {
    const peer = isPair(row) && row.peerNetns !== undefined ? known.get(row.peerNetns) : undefined;
    return peer === undefined ? row.entry : { ...row.entry, peer_nsid: peer };
  });
}

export function names(): Set<string> {
  return new Set(linkEntries(0).map(({ name }) => name));
}

/** A tun device that stays without a program is made here; the others come with their programs, but for those of criu's images. */
const isOurs = ({ type, tun, tscriu_kind }: NetDeviceEntry) =>
  type !== NdType.TUN || ((tun?.flags ?? 0) & PERSIST) !== 0 || (tun !== undefined && tscriu_kind === undefined);

/** `--external veth[INNER]:OUTER@BRIDGE`, of which the bridge may be left out. */
function outerOf(
  name: string,
  external: readonly External[],
): { name: string; bridge: string | undefined } | undefined {
  const found = external.find((one) => one.kind === "veth" && one.id === name)?.value;
  if (found === undefined || found === "") return undefined;
  const [outer = "", bridge] = found.split("@");
  return { name: outer, bridge };
}

/** Is the other end in no namespace of the tree? @param ids of those */
const isOutside = ({ type, peer_nsid }: NetDeviceEntry, ids: readonly number[]) =>
  type === NdType.VETH && (peer_nsid === undefined || !ids.includes(peer_nsid));

/** Refuses what needs another end outside that nobody named. */
export function checkOutside(
  devices: readonly NetDeviceEntry[],
  ids: readonly number[],
  external: readonly External[],
): void {
  for (const device of devices) {
    const outside = outsideOf(device, external);
    if (outside ? outside.name === "" : standsOutside(device))
      throw unnamed(device.name, outside?.kind ?? kindOf(device) ?? "netdev");
    if (outside || !isOutside(device, ids)) continue;
    const outer = outerOf(device.name, external);
    for (const name of outer ? [outer.name, outer.bridge ?? outer.name] : [])
      if (!isName(name))
        throw new CrError("this cannot be the name of an interface", {
          code: "EINVAL",
          subject: { name, for: device.name },
          remedy: "give one of 1 to 15 bytes without spaces, slashes and colons",
        });
    if (outer) continue;
    throw new CrError(`the interface ${device.name} of the tree's network namespace has its other end outside`, {
      code: "UNSUPPORTED",
      subject: { interface: device.name },
      remedy: `say how that is to be called: --external 'veth[${device.name}]:NAME' (or NAME@BRIDGE)`,
    });
  }
}

/** Those that stand on others come after them. */
function onOthersLast(devices: readonly NetDeviceEntry[]): NetDeviceEntry[] {
  const left = new Map(devices.map((device) => [device.ifindex, device]));
  const order: NetDeviceEntry[] = [];
  const take = (device: NetDeviceEntry) => {
    left.delete(device.ifindex);
    const below = device.tscriu_link === undefined ? undefined : left.get(device.tscriu_link);
    if (below) take(below);
    order.push(device);
  };
  for (const device of devices) if (left.has(device.ifindex)) take(device);
  return order;
}

/**
 * Makes the interfaces in the namespace that we are in.
 * @param home our descriptor of the namespace of ends outside of the tree
 * @param elsewhere the other end of a pair that lies in another namespace of the tree
 * @param lost is told what is not as it was
 * @param outside is told of each end that was made outside
 * @returns those that are there now
 */
export function makeLinks(
  devices: readonly NetDeviceEntry[],
  id: number,
  external: readonly External[],
  home: number,
  elsewhere: (device: NetDeviceEntry) => End | undefined,
  lost: (what: string) => void,
  outside: (name: string) => void,
): NetDeviceEntry[] {
  using socket = new NetlinkSocket(NETLINK.ROUTE);
  const first = linkEntries(0);
  const there = new Set(first.map(({ name }) => name));
  const wanted = devices.filter(isOurs);
  const numbers = new Map<number, number>();
  // modules give each namespace interfaces, which may have numbers that others had: they cannot be taken away
  const taken = new Set(first.filter(({ name }) => name !== "lo").map(({ ifindex }) => ifindex));
  for (const { name, ifindex } of devices) {
    const is = first.find((one) => one.name === name)?.ifindex;
    if (is !== undefined) numbers.set(ifindex, is);
    else if (taken.has(ifindex)) {
      const free = 1 + Math.max(...taken, ...devices.map((one) => one.ifindex));
      taken.add(free);
      numbers.set(ifindex, free);
      lost(`the number ${ifindex} of ${name}, which is ${free} here`);
    }
  }
  const numbered = <T extends End["entry"]>(entry: T): T => ({
    ...entry,
    ifindex: numbers.get(entry.ifindex) ?? entry.ifindex,
  });
  for (const device of onOthersLast(wanted)) {
    if (there.has(device.name)) continue;
    if (bringFromOutside(device, external, home)) {
      there.add(device.name);
      continue;
    }
    const hasPeer = device.type === NdType.VETH && device.peer_nsid === id;
    const here = wanted.find((one) => hasPeer && one.ifindex === device.peer_ifindex);
    if (here) there.add(here.name);
    const isPair = device.type === NdType.VETH;
    const within = here ? { entry: numbered(here) } : isPair ? elsewhere(device) : undefined;
    const outer = isPair && !within ? (outerOf(device.name, external)?.name ?? "") : undefined;
    const other = outer === undefined ? within : { entry: { ifindex: 0, name: outer }, fd: home };
    make(socket, numbered(device), other, numbers);
    if (outer !== undefined) outside(outer);
    there.add(device.name);
  }
  joinBridges(wanted, wanted);
  return wanted;
}

/** @param ports of which some are in one of the bridges */
export function joinBridges(ports: readonly NetDeviceEntry[], bridges: readonly NetDeviceEntry[]): void {
  using socket = new NetlinkSocket(NETLINK.ROUTE);
  // what somebody else made has another number
  const numbers = new Map(linkEntries(0).map(({ name, ifindex }) => [name, ifindex]));
  for (const { name, master } of ports) {
    const bridge = bridges.find(({ ifindex }) => ifindex === master)?.name;
    if (master === undefined || bridge === undefined) continue;
    const payload = header(numbers.get(name) ?? 0)
      .u32(IFLA.MASTER, numbers.get(bridge) ?? 0)
      .build();
    socket.request("cannot put an interface into a bridge", RTM.NEWLINK, payload, 0, { interface: name });
  }
}

export function header(ifindex: number): PayloadBuilder {
  const head = new DataView(new ArrayBuffer(LINK_HEADER));
  head.setUint32(4, ifindex, true);
  return new PayloadBuilder().raw(new Uint8Array(head.buffer));
}

/** The other end of a pair, and our descriptor of its namespace where that is another one. */
export interface End {
  readonly entry: Pick<NetDeviceEntry, "ifindex" | "name" | "tscriu_tx_queues" | "tscriu_rx_queues">;
  readonly fd?: number;
}

function withQueues(link: PayloadBuilder, { tscriu_tx_queues, tscriu_rx_queues }: End["entry"]): PayloadBuilder {
  if (tscriu_tx_queues !== undefined) link.u32(IFLA.NUM_TX_QUEUES, tscriu_tx_queues);
  if (tscriu_rx_queues !== undefined) link.u32(IFLA.NUM_RX_QUEUES, tscriu_rx_queues);
  return link;
}

/** @param numbers of interfaces that are called otherwise here */
function make(
  socket: NetlinkSocket,
  device: NetDeviceEntry,
  other: End | undefined,
  numbers: ReadonlyMap<number, number>,
): void {
  const { ifindex, name, tscriu_link, tscriu_data, address } = device;
  const kind = kindOf(device);
  const subject: Subject = { interface: name, kind };
  const what = "cannot make a network interface";
  if (device.tun) {
    makeDeserted(device, device.tun);
    const change = header(ifindex)
      .attribute(IFLA.ADDRESS, address ?? new Uint8Array(0))
      .build();
    if (address) socket.request("cannot give a tap device its address", RTM.NEWLINK, change, 0, subject);
    return;
  }
  if (kind === undefined) throw new CrError(what, { code: "UNSUPPORTED", subject });
  const payload = withQueues(header(ifindex).text(IFLA.IFNAME, name), device);
  if (tscriu_link !== undefined) payload.u32(IFLA.LINK, numbers.get(tscriu_link) ?? tscriu_link);
  if (address !== undefined) payload.attribute(IFLA.ADDRESS, address);
  payload.nest(IFLA.LINKINFO, (info) => {
    info.text(INFO.KIND, kind);
    if (other === undefined) dataOf(info, kind, tscriu_data, numbers);
    else {
      info.nest(INFO.DATA, (data) => {
        const end = withQueues(header(other.entry.ifindex).text(IFLA.IFNAME, other.entry.name), other.entry);
        if (other.fd !== undefined) end.u32(IFLA.NET_NS_FD, other.fd);
        data.attribute(VETH_PEER, end.build());
      });
    }
  });
  const built = payload.build();
  const request = () => void socket.request(what, RTM.NEWLINK, built, NLM_F_CREATE_EXCL, subject);
  if (other?.fd === undefined) request();
  else onceVacated(other.entry.name, other.fd, request);
}

/** Puts the other ends, in the namespace that we are in by now, into the bridges that were named. */
export function bridgeOuters(
  devices: readonly NetDeviceEntry[],
  ids: readonly number[],
  external: readonly External[],
): void {
  using socket = new NetlinkSocket(NETLINK.ROUTE);
  const rows = rowsOf(socket, 0).map(({ entry }) => entry);
  for (const device of devices) {
    const outer = isOutside(device, ids) ? outerOf(device.name, external) : undefined;
    if (outer?.bridge === undefined) continue;
    const [end, bridge] = [outer.name, outer.bridge].map((name) => rows.find((row) => row.name === name)?.ifindex);
    if (end === undefined || bridge === undefined)
      throw new CrError("there is no such bridge", {
        code: "ENODEV",
        subject: { bridge: outer.bridge },
        remedy: `make it first (ip link add ${outer.bridge} type bridge), or name another one: --external 'veth[${device.name}]:${outer.name}@BRIDGE'`,
      });
    const head = new DataView(new ArrayBuffer(LINK_HEADER));
    head.setUint32(4, end, true);
    head.setUint32(8, 1, true); // IFF_UP
    head.setUint32(12, 1, true);
    const payload = new PayloadBuilder().raw(new Uint8Array(head.buffer)).u32(IFLA.MASTER, bridge).build();
    const subject = { interface: outer.name, bridge: outer.bridge };
    try {
      socket.request("cannot put an interface into a bridge", RTM.NEWLINK, payload, 0, subject);
    } catch (cause) {
      throw new CrError("an interface that the user named cannot take the tree's", {
        subject,
        cause,
        remedy: `name a bridge that takes it, or none: --external 'veth[${device.name}]:${outer.name}'`,
      });
    }
  }
}

function dataOf(
  info: PayloadBuilder,
  kind: string,
  data: Uint8Array | undefined,
  numbers: ReadonlyMap<number, number>,
): void {
  if (data === undefined) return;
  info.nest(INFO.DATA, (inner) => {
    for (const [type, value] of bornSettings(kind, data, numbers)) inner.attribute(type, value);
  });
}
