/** A network interface as rtnetlink(7) tells it and makes it: its link, its addresses, and the routes that lead through it. */

import { CrError } from "../error.ts";
import type { NetDeviceEntry } from "../image/schema.gen.ts";
import { attributeList, Fields, NetlinkSocket, PayloadBuilder, parseAttributes } from "../kernel/netlink.ts";
import { AF, NETLINK } from "../kernel/uapi/socket.ts";

// linux/rtnetlink.h
const RTM = { NEWLINK: 16, GETLINK: 18, NEWADDR: 20, DELADDR: 21, GETADDR: 22, NEWROUTE: 24, GETROUTE: 26 } as const;
const NLM_F_CREATE_EXCL = 0x600;
// linux/if_link.h, linux/if_addr.h
const IFLA = { ADDRESS: 1, IFNAME: 3, MTU: 4, LINKINFO: 18 } as const;
const INFO_DATA = 2;
const TUN_OWNER = 1;
const TUN_GROUP = 2;
const IFA = { ADDRESS: 1, LOCAL: 2, FLAGS: 8 } as const;
const IFA_F_NODAD = 2;
const RTA = { OIF: 4, MULTIPATH: 9 } as const;
const RTNH_F_ONLINK = 4;
/** Routes of the kernel's own come with addresses, those of router advertisements with routers. */
const OWN_ROUTES: ReadonlySet<number> = new Set([2, 9]);
/** struct ifinfomsg, ifaddrmsg and rtmsg. */
const LINK_HEADER = 16;
const ADDRESS_HEADER = 8;
const ROUTE_HEADER = 12;
/** IFF_UP, PROMISC, ALLMULTI, MULTICAST: what a program sets. */
const SETTABLE = 0x1 | 0x100 | 0x200 | 0x1000;

type Device = Pick<NetDeviceEntry, "ifindex" | "mtu" | "flags" | "name" | "address"> & { owner: number; group: number };

export interface Configuration {
  readonly addresses: readonly Uint8Array[];
  readonly routes: readonly Uint8Array[];
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
    const data = parseAttributes(info.get(INFO_DATA) ?? new Uint8Array(0));
    const number = (value: Uint8Array | undefined, usual: number) => (value ? new Fields(value).i32() : usual);
    const address = attributes.get(IFLA.ADDRESS)?.slice();
    return {
      name,
      ifindex: head.u32(4),
      flags: head.u32(8),
      mtu: number(attributes.get(IFLA.MTU), 1500),
      owner: number(data.get(TUN_OWNER), -1),
      group: number(data.get(TUN_GROUP), -1),
      ...(address && address.length > 0 && { address }),
    };
  }

  configuration(index: number): Configuration {
    const routes = [AF.INET, AF.INET6].flatMap((family) => {
      const ask = new Uint8Array(ROUTE_HEADER);
      ask[0] = family;
      return this.#link.dump("cannot list routes", RTM.GETROUTE, ask);
    });
    return {
      addresses: this.#addresses(index),
      routes: routes.map(({ payload }) => payload.slice()).filter((payload) => leadsThrough(payload, index)),
    };
  }

  #addresses(index: number): Uint8Array[] {
    const rows = this.#link.dump("cannot list addresses", RTM.GETADDR, new Uint8Array(ADDRESS_HEADER));
    return rows.map(({ payload }) => payload.slice()).filter((payload) => new Fields(payload).u32(4) === index);
  }

  /** Gives a fresh device what the saved one had. `lost` is told what could not be done. */
  configure(
    index: number,
    { flags, mtu, address }: NetDeviceEntry,
    { addresses, routes }: Configuration,
    lost: (what: string) => void,
  ): void {
    const head = new DataView(new ArrayBuffer(LINK_HEADER));
    head.setUint32(4, index, true);
    head.setUint32(8, flags & SETTABLE, true);
    head.setUint32(12, SETTABLE, true);
    const link = new PayloadBuilder().raw(new Uint8Array(head.buffer)).u32(IFLA.MTU, mtu);
    if (address !== undefined) link.attribute(IFLA.ADDRESS, address);
    this.#link.request("cannot set up a network interface", RTM.NEWLINK, link.build(), 0, { index });
    this.#removeOthers(index, addresses);
    for (const one of addresses) this.#put(RTM.NEWADDR, addressFor(one, index), "an address", lost);
    for (const one of routes) this.#put(RTM.NEWROUTE, routeFor(one, index), "a route", lost);
  }

  /** A device that comes up may get an address of the kernel's making. */
  #removeOthers(index: number, addresses: readonly Uint8Array[]): void {
    const wanted = new Set(addresses.map(addressKey));
    for (const one of this.#addresses(index)) {
      if (!wanted.has(addressKey(one))) this.#link.request("cannot remove an address", RTM.DELADDR, one, 0, { index });
    }
  }

  #put(type: number, payload: Uint8Array, words: string, lost: (what: string) => void): void {
    try {
      this.#link.request(`cannot add ${words}`, type, payload, NLM_F_CREATE_EXCL);
    } catch (error) {
      if (!(error instanceof CrError)) throw error;
      // what comes by itself is there already
      if (error.code !== "EEXIST" || type === RTM.NEWROUTE) lost(error.message);
    }
  }
}

function addressKey(payload: Uint8Array): string {
  const attributes = parseAttributes(payload.subarray(ADDRESS_HEADER));
  const bytes = attributes.get(IFA.LOCAL) ?? attributes.get(IFA.ADDRESS) ?? new Uint8Array(0);
  return `${payload[0]} ${payload[1]} ${Buffer.from(bytes).toString("hex")}`;
}

function leadsThrough(payload: Uint8Array, index: number): boolean {
  if (OWN_ROUTES.has(payload[5] ?? 0)) return false;
  const attributes = parseAttributes(payload.subarray(ROUTE_HEADER));
  const oif = attributes.get(RTA.OIF);
  return oif !== undefined && new Fields(oif).u32() === index && !attributes.has(RTA.MULTIPATH);
}

/** The address for an interface of that index; nobody needs to ask whether somebody else has it (IPv6). */
function addressFor(payload: Uint8Array, index: number): Uint8Array {
  const head = payload.slice(0, ADDRESS_HEADER);
  new DataView(head.buffer).setUint32(4, index, true);
  const built = new PayloadBuilder().raw(head);
  for (const [type, value] of attributeList(payload.subarray(ADDRESS_HEADER))) {
    if (type === IFA.FLAGS) built.u32(type, new Fields(value).u32() | (head[0] === AF.INET6 ? IFA_F_NODAD : 0));
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
  return built.build();
}
