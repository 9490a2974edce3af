/** A network interface as rtnetlink(7) tells it and makes it: its link, its addresses, and the routes that lead through it. */

import { CrError } from "../error.ts";
import type { NetDeviceEntry } from "../image/schema.gen.ts";
import {
  attributeList,
  encodeMessage,
  Fields,
  type NetlinkMessage,
  NetlinkSocket,
  PayloadBuilder,
  parseAttributes,
  parseMessages,
} from "../kernel/netlink.ts";
import { AF, NETLINK } from "../kernel/uapi/socket.ts";

// linux/rtnetlink.h
export const RTM = {
  NEWLINK: 16,
  GETLINK: 18,
  NEWADDR: 20,
  DELADDR: 21,
  GETADDR: 22,
  NEWROUTE: 24,
  GETROUTE: 26,
  NEWRULE: 32,
  DELRULE: 33,
  GETRULE: 34,
} as const;
export const NLM_F_CREATE_EXCL = 0x600;
const NLM_F_REPLACE = 0x100;
// linux/if_link.h, linux/if_addr.h
export const IFLA = {
  ADDRESS: 1,
  IFNAME: 3,
  MTU: 4,
  LINK: 5,
  MASTER: 10,
  TXQLEN: 13,
  LINKINFO: 18,
  IFALIAS: 20,
  GROUP: 27,
  NET_NS_FD: 28,
  NUM_TX_QUEUES: 31,
  NUM_RX_QUEUES: 32,
  CARRIER: 33,
  LINK_NETNSID: 37,
  XDP: 43,
} as const;
export const INFO = { KIND: 1, DATA: 2, SLAVE_KIND: 4, SLAVE_DATA: 5 } as const;
/** IFLA_TUN_*, and the flags that devices are made with for some of them (linux/if_tun.h). */
const TUN = { OWNER: 1, GROUP: 2, TYPE: 3, PI: 4, VNET_HDR: 5, PERSIST: 6, MULTI_QUEUE: 7 } as const;
const IFF = { NO_PI: 0x1000, VNET_HDR: 0x4000, MULTI_QUEUE: 0x100, PERSIST: 0x800 } as const;
const IFA = { ADDRESS: 1, LOCAL: 2, FLAGS: 8 } as const;
const IFA_F_NODAD = 2;
const RTA = { OIF: 4, GATEWAY: 5, MULTIPATH: 9, CACHEINFO: 12, VIA: 18, EXPIRES: 23, NH_ID: 30 } as const;
/** struct rta_cacheinfo: where it says how long a route is still there, in hundredths of a second. */
const CACHEINFO_EXPIRES = 8;
/** What a next hop of its own says for a route. */
const OF_NEXT_HOP: ReadonlySet<number> = new Set([RTA.OIF, RTA.GATEWAY, RTA.MULTIPATH, RTA.VIA, RTA.CACHEINFO]);
const RTNH_F_ONLINK = 4;
const FRA_PRIORITY = 6;
/** Of the tables local, main and default. */
const USUAL_RULES: ReadonlySet<number> = new Set([0, 32766, 32767]);
/** RTNL_FAMILY_IPMR and RTNL_FAMILY_IP6MR, and the rule that every namespace has there. */
const MULTICASTS = [128, 129] as const;
const LAST_RULE = 32767;
/** RTPROT_KERNEL, RTPROT_RA: routes of the kernel's own come with addresses, those of router advertisements with routers of IPv6. */
const OF = { KERNEL: 2, ROUTERS: 9 } as const;
/** struct ifinfomsg, ifaddrmsg and rtmsg. */
export const LINK_HEADER = 16;
const ADDRESS_HEADER = 8;
const ROUTE_HEADER = 12;
/** IFF_UP, DEBUG, NOTRAILERS, NOARP, PROMISC, ALLMULTI, MULTICAST, PORTSEL, AUTOMEDIA, DYNAMIC: what a program sets. */
const SETTABLE = 0x1 | 0x4 | 0x20 | 0x80 | 0x100 | 0x200 | 0x1000 | 0x2000 | 0x4000 | 0x8000;

type Device = Pick<NetDeviceEntry, "ifindex" | "mtu" | "flags" | "name" | "address"> & MadeTun;

/** What a tun device was made with. */
export interface MadeTun {
  readonly owner: number;
  readonly group: number;
  /** IFF_*: its descriptors tell IFF_NO_PI for something else, too (IFF_NOFILTER). */
  readonly made: number;
}

export interface Configuration {
  readonly addresses: readonly Uint8Array[];
  readonly routes: readonly Uint8Array[];
}

/** Saved messages of rtnetlink, as `ip addr save` and the like write them: a number that says what they are, then the messages. */
const SAVED = { IFADDR: 0x47361222, ROUTE: 0x45311224, ROUTE6: 0x45311224, RULE: 0x71706986 } as const;

export function saveMessages(kind: keyof typeof SAVED, messages: readonly NetlinkMessage[]): Uint8Array {
  const magic = new Uint8Array(Uint32Array.of(SAVED[kind]).buffer);
  return Buffer.concat([magic, ...messages.map(encodeMessage)]);
}

/** @returns payloads */
export function savedMessages(kind: keyof typeof SAVED, bytes: Uint8Array | undefined): Uint8Array[] {
  if (bytes === undefined || bytes.length === 0) return [];
  if (new Fields(bytes, "saved messages").u32() !== SAVED[kind])
    throw new CrError("saved messages of a network namespace begin with a wrong number", { code: "BAD_IMAGE" });
  return parseMessages(bytes.subarray(4)).map(({ payload }) => payload.slice());
}

/** @param data attributes of IFLA_INFO_DATA */
export function madeTun(data: ReadonlyMap<number, Uint8Array>): MadeTun {
  const byte = (name: number) => data.get(name)?.[0] ?? 0;
  const flag = (name: number, value: number) => (byte(name) ? value : 0);
  const others =
    flag(TUN.VNET_HDR, IFF.VNET_HDR) | flag(TUN.MULTI_QUEUE, IFF.MULTI_QUEUE) | flag(TUN.PERSIST, IFF.PERSIST);
  const number = (name: number) => new Fields(data.get(name) ?? Uint8Array.of(255, 255, 255, 255)).i32();
  const made = byte(TUN.TYPE) | others | (byte(TUN.PI) ? 0 : IFF.NO_PI);
  return { owner: number(TUN.OWNER), group: number(TUN.GROUP), made };
}

/** Interfaces of our network namespace. */
export class NetworkLinks implements Disposable {
  readonly #link = new NetlinkSocket(NETLINK.ROUTE);

  [Symbol.dispose](): void {
    this.#link[Symbol.dispose]();
  }

  /** A tun or tap device by its name. */
  device(name: string): Device {
    const ask = new PayloadBuilder().raw(new Uint8Array(LINK_HEADER)).text(IFLA.IFNAME, name).build();
    const what = "cannot ask for a network interface";
    const [answer] = this.#link.request(what, RTM.GETLINK, ask, 0, { interface: name });
    if (answer === undefined) throw new CrError(what, { code: "ENODEV", subject: { interface: name } });
    const head = new Fields(answer.payload, "ifinfomsg");
    const attributes = head.attributes(LINK_HEADER);
    const info = parseAttributes(attributes.get(IFLA.LINKINFO) ?? new Uint8Array(0));
    // other kinds have other attributes of these numbers
    const isTun = new Fields(info.get(INFO.KIND) ?? new Uint8Array(0)).text() === "tun";
    const data = parseAttributes((isTun ? info.get(INFO.DATA) : undefined) ?? new Uint8Array(0));
    const number = (value: Uint8Array | undefined, usual: number) => (value ? new Fields(value).i32() : usual);
    const address = attributes.get(IFLA.ADDRESS)?.slice();
    return {
      name,
      ifindex: head.u32(4),
      flags: head.u32(8),
      mtu: number(attributes.get(IFLA.MTU), 1500),
      ...madeTun(data),
      ...(address && address.length > 0 && { address }),
    };
  }

  configuration(index: number): Configuration {
    const routes = [...this.routes(AF.INET), ...this.routes(AF.INET6)];
    return {
      addresses: this.#addresses(index),
      routes: routes.map(({ payload }) => payload.slice()).filter((payload) => routedDevice(payload) === index),
    };
  }

  /** Routes that do not come by themselves. */
  routes(family: number): NetlinkMessage[] {
    const ask = new Uint8Array(ROUTE_HEADER);
    ask[0] = family;
    return this.#link.dump("cannot list routes", RTM.GETROUTE, ask).filter(({ payload }) => !comesByItself(payload));
  }

  addresses(): NetlinkMessage[] {
    return this.#link.dump("cannot list addresses", RTM.GETADDR, new Uint8Array(ADDRESS_HEADER));
  }

  #rulesOf(family: number): NetlinkMessage[] {
    const ask = new Uint8Array(ROUTE_HEADER);
    ask[0] = family;
    return this.#link.dump("cannot list rules", RTM.GETRULE, ask);
  }

  /** Rules of routing: of IPv6 without those that every namespace has, which CRIU leaves in place there and would have twice. */
  rules(): NetlinkMessage[] {
    return [
      ...this.#rulesOf(AF.INET),
      ...this.#rulesOf(AF.INET6).filter(({ payload }) => !isUsualRule(payload)),
      ...this.#rulesOfMulticasts(),
    ];
  }

  #rulesOfMulticasts(): NetlinkMessage[] {
    try {
      const all = MULTICASTS.flatMap((family) => this.#rulesOf(family));
      return all.filter(({ payload }) => rulePriority(payload) !== LAST_RULE);
    } catch (error) {
      // a kernel that has one table of them
      if (error instanceof CrError && ["EAFNOSUPPORT", "EOPNOTSUPP"].includes(error.code)) return [];
      throw error;
    }
  }

  /** Removes the rules of IPv4 that every namespace has and the saved one had not. */
  removeRules(saved: readonly Uint8Array[]): void {
    const wanted = new Set(saved.filter((rule) => rule[0] === AF.INET).map(rulePriority));
    if (wanted.size === 0) return;
    for (const { payload } of this.#rulesOf(AF.INET))
      if (isUsualRule(payload) && !wanted.has(rulePriority(payload)))
        this.#link.request("cannot remove a rule", RTM.DELRULE, payload.slice());
  }

  addRule(payload: Uint8Array, lost: (what: string) => void): void {
    // the kernel does not tell a priority of zero, and chooses one where it is told none
    const rule = new PayloadBuilder().raw(payload);
    if (rulePriority(payload) === 0) rule.u32(FRA_PRIORITY, 0);
    this.#put(RTM.NEWRULE, rule.build(), "a rule", lost);
  }

  /**
   * One that leads to no interface, where what it meets is thrown away or refused, or to several, or to a next hop with a name.
   * @param numbers what an interface of the images is called here
   */
  addRoute(payload: Uint8Array, numbers: ReadonlyMap<number, number>, lost: (what: string) => void): void {
    this.#put(RTM.NEWROUTE, routeOfMany(payload, numbers), "a route", lost);
  }

  #addresses(index: number): Uint8Array[] {
    return this.addresses()
      .map(({ payload }) => payload.slice())
      .filter((payload) => addressedDevice(payload) === index);
  }

  /** Gives a fresh device what the saved one had. `lost` is told what could not be done. */
  configure(
    index: number,
    { flags, mtu, address, ...more }: NetDeviceEntry,
    { addresses, routes }: Configuration,
    lost: (what: string) => void,
  ): void {
    const head = new DataView(new ArrayBuffer(LINK_HEADER));
    head.setUint32(4, index, true);
    head.setUint32(8, flags & SETTABLE, true);
    head.setUint32(12, SETTABLE, true);
    const link = new PayloadBuilder().raw(new Uint8Array(head.buffer)).u32(IFLA.MTU, mtu);
    if (address !== undefined) link.attribute(IFLA.ADDRESS, address);
    if (more.tscriu_queue !== undefined) link.u32(IFLA.TXQLEN, more.tscriu_queue);
    if (more.tscriu_group !== undefined) link.u32(IFLA.GROUP, more.tscriu_group);
    if (more.tscriu_alias !== undefined) link.text(IFLA.IFALIAS, more.tscriu_alias);
    this.#link.request("cannot set up a network interface", RTM.NEWLINK, link.build(), 0, { index });
    // of IPv6 the kernel tells the newest first, and prefers it
    const isNewestFirst = (one: Uint8Array) => one[0] === AF.INET6;
    const [others, six] = [addresses.filter((one) => !isNewestFirst(one)), addresses.filter(isNewestFirst)];
    for (const one of [...others, ...six.reverse()]) {
      const isNew = this.#put(RTM.NEWADDR, addressFor(one, index, IFA_F_NODAD), "an address", lost);
      // the next time that the device comes up it is asked for all the same
      if (isNew && isAskedFor(one))
        this.#put(RTM.NEWADDR, addressFor(one, index, 0), "an address", lost, NLM_F_REPLACE);
    }
    for (const one of routes) this.#put(RTM.NEWROUTE, routeFor(one, index), "a route", lost);
  }

  /** A device that comes up may get an address of the kernel's making: of these ones all but the given addresses go. */
  removeOthers(devices: readonly { readonly ifindex: number; readonly addresses: readonly Uint8Array[] }[]): void {
    const wanted = new Map(devices.map(({ ifindex, addresses }) => [ifindex, new Set(addresses.map(addressKey))]));
    for (const { payload } of this.addresses()) {
      const index = addressedDevice(payload);
      const own = wanted.get(index);
      if (own && !own.has(addressKey(payload)))
        this.#link.request("cannot remove an address", RTM.DELADDR, payload.slice(), 0, { index });
    }
  }

  /** Was it added? */
  #put(
    type: number,
    payload: Uint8Array,
    words: string,
    lost: (what: string) => void,
    flags: number = NLM_F_CREATE_EXCL,
  ): boolean {
    try {
      this.#link.request(`cannot add ${words}`, type, payload, flags);
      return true;
    } catch (error) {
      if (!(error instanceof CrError)) throw error;
      // what comes by itself is there already
      if (error.code !== "EEXIST" || type === RTM.NEWROUTE) lost(error.message);
      return false;
    }
  }
}

function addressKey(payload: Uint8Array): string {
  const attributes = parseAttributes(payload.subarray(ADDRESS_HEADER));
  const bytes = attributes.get(IFA.LOCAL) ?? attributes.get(IFA.ADDRESS) ?? new Uint8Array(0);
  return `${payload[0]} ${payload[1]} ${Buffer.from(bytes).toString("hex")}`;
}

/** The number of the interface that an address is of. */
export function addressedDevice(payload: Uint8Array): number {
  return new Fields(payload).u32(4);
}

function comesByItself(payload: Uint8Array): boolean {
  return payload[5] === OF.KERNEL || (payload[5] === OF.ROUTERS && payload[0] === AF.INET6);
}

/** Is a route one that leads through no interface, or through several? */
export const isOfNoDevice = (payload: Uint8Array) => !comesByItself(payload) && routedDevice(payload) === 0;

function rulePriority(payload: Uint8Array): number {
  const priority = parseAttributes(payload.subarray(ROUTE_HEADER)).get(FRA_PRIORITY);
  return priority ? new Fields(priority).u32() : 0;
}

const isUsualRule = (payload: Uint8Array) => USUAL_RULES.has(rulePriority(payload));

/** The number of the one interface that a route leads through; 0 for none, and for one that comes by itself. */
export function routedDevice(payload: Uint8Array): number {
  if (comesByItself(payload)) return 0;
  const attributes = parseAttributes(payload.subarray(ROUTE_HEADER));
  const oif = attributes.get(RTA.OIF);
  const isOne = oif !== undefined && !attributes.has(RTA.MULTIPATH) && !attributes.has(RTA.NH_ID);
  return isOne ? new Fields(oif).u32() : 0;
}

/** Of the flags of a route's next hop those that somebody sets. */
export const routeNexthop = (flags: number) => flags & RTNH_F_ONLINK;

/** How long an IPv6 route is still there: it is told in one way and taken in another. */
function expiry(payload: Uint8Array): number | undefined {
  const info = parseAttributes(payload.subarray(ROUTE_HEADER)).get(RTA.CACHEINFO);
  if (payload[0] !== AF.INET6 || info === undefined || info.length < CACHEINFO_EXPIRES + 4) return undefined;
  const hundredths = new Fields(info).i32(CACHEINFO_EXPIRES);
  return hundredths > 0 ? Math.ceil(hundredths / 100) : undefined;
}

/** The route with our numbers of interfaces. */
function routeOfMany(payload: Uint8Array, numbers: ReadonlyMap<number, number>): Uint8Array {
  const head = payload.slice(0, ROUTE_HEADER);
  const view = new DataView(head.buffer);
  view.setUint32(8, routeNexthop(view.getUint32(8, true)), true);
  const built = new PayloadBuilder().raw(head);
  const list = attributeList(payload.subarray(ROUTE_HEADER));
  const isNamed = list.some(([type]) => type === RTA.NH_ID);
  for (const [type, value] of list) {
    if (isNamed && OF_NEXT_HOP.has(type)) continue;
    if (type === RTA.MULTIPATH) built.attribute(type, nextHops(value, numbers));
    else built.attribute(type, value);
  }
  const seconds = expiry(payload);
  if (seconds !== undefined) built.u32(RTA.EXPIRES, seconds);
  return built.build();
}

/** struct rtnexthop, one behind the other, each with its attributes: length, flags and number are what we look at. */
function nextHops(value: Uint8Array, numbers: ReadonlyMap<number, number>): Uint8Array {
  const own = value.slice();
  const view = new DataView(own.buffer);
  for (let at = 0; at + 8 <= own.length; ) {
    const length = view.getUint16(at, true);
    if (length < 8) throw new CrError("a route's next hop makes no sense", { code: "BAD_IMAGE" });
    const ifindex = view.getUint32(at + 4, true);
    view.setUint8(at + 2, routeNexthop(view.getUint8(at + 2)));
    view.setUint32(at + 4, numbers.get(ifindex) ?? ifindex, true);
    at += Math.ceil(length / 4) * 4;
  }
  return own;
}

const flagsOf = (payload: Uint8Array) => {
  const flags = parseAttributes(payload.subarray(ADDRESS_HEADER)).get(IFA.FLAGS);
  return flags ? new Fields(flags).u32() : IFA_F_NODAD;
};

/** Does the kernel ask whether somebody else has this address (IPv6)? */
const isAskedFor = (payload: Uint8Array) => payload[0] === AF.INET6 && (flagsOf(payload) & IFA_F_NODAD) === 0;

/** The address for an interface of that index. @param more flags that one of IPv6 gets besides its own */
function addressFor(payload: Uint8Array, index: number, more: number): Uint8Array {
  const head = payload.slice(0, ADDRESS_HEADER);
  new DataView(head.buffer).setUint32(4, index, true);
  const built = new PayloadBuilder().raw(head);
  for (const [type, value] of attributeList(payload.subarray(ADDRESS_HEADER))) {
    if (type === IFA.FLAGS) built.u32(type, new Fields(value).u32() | (head[0] === AF.INET6 ? more : 0));
    else built.attribute(type, value);
  }
  return built.build();
}

function routeFor(payload: Uint8Array, index: number): Uint8Array {
  const head = payload.slice(0, ROUTE_HEADER);
  const view = new DataView(head.buffer);
  view.setUint32(8, view.getUint32(8, true) & RTNH_F_ONLINK, true);
  const built = new PayloadBuilder().raw(head);
  for (const [type, value] of attributeList(payload.subarray(ROUTE_HEADER))) {
    if (type === RTA.OIF) built.u32(type, index);
    else built.attribute(type, value);
  }
  const seconds = expiry(payload);
  if (seconds !== undefined) built.u32(RTA.EXPIRES, seconds);
  return built.build();
}
