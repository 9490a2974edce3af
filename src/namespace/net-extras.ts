/**
 * What else a network namespace holds that each tells and takes in words of its own: tokens of IPv6 addresses, multicast groups that
 * somebody set on bridges and interfaces, endpoints and limits of multipath TCP.
 */
import { readFileSync } from "node:fs";
import { CrError } from "../error.ts";
import { IFLA, LINK_HEADER, RTM } from "../file/network-link.ts";
import type { TscriuNetworkMessage } from "../image/schema.gen.ts";
import { openMptcp } from "../kernel/mptcp-pm.ts";
import { attributeList, Fields, NetlinkSocket, PayloadBuilder, parseAttributes } from "../kernel/netlink.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { AF, NETLINK } from "../kernel/uapi/socket.ts";
import { readActions, writeAction } from "./net-actions.ts";
import { featuredDevice, readChannels, readFeatures, writeChannels, writeFeatures } from "./net-features.ts";
import { type Queued, queuedDevice, readQueues, writeQueues } from "./net-queues.ts";

const NLM_F_CREATE_EXCL = 0x600;
const AF_BRIDGE = 7;
const viewOf = (bytes: Uint8Array) => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** What an interface of the images is called here; undefined for one that was not made. */
type Numbers = ReadonlyMap<number, number>;

interface Extra {
  readonly name: string;
  /** Of the namespace that we are in: what `write` takes. */
  read(): Uint8Array[];
  /** @returns false where its interface was not made */
  write(payload: Uint8Array, numbers: Numbers): boolean;
}

/** How a message about an interface begins. */
const interfaceHeader = (ifindex: number) => {
  const head = new Uint8Array(LINK_HEADER);
  viewOf(head).setUint32(4, ifindex, true);
  return new PayloadBuilder().raw(head);
};

/** What the interface is called here whose number a payload begins with. */
const numberIn = (payload: Uint8Array, numbers: Numbers) => numbers.get(new Fields(payload).u32());

const links = (socket: NetlinkSocket) =>
  socket.dump("cannot list interfaces", RTM.GETLINK, new Uint8Array(LINK_HEADER));

/** linux/if_link.h */
const IFLA_AF_SPEC = 26;
const IFLA_INET6_TOKEN = 7;
const RTM_SETLINK = 19;

/** ip-token(8): the lower half of addresses that routers give the upper one of. Number of the interface, token. */
const TOKEN: Extra = {
  name: "token",
  read() {
    using socket = new NetlinkSocket(NETLINK.ROUTE);
    return links(socket).flatMap(({ payload }) => {
      const head = new Fields(payload, "ifinfomsg");
      const families = parseAttributes(head.attributes(LINK_HEADER).get(IFLA_AF_SPEC) ?? new Uint8Array(0));
      const token = parseAttributes(families.get(AF.INET6) ?? new Uint8Array(0)).get(IFLA_INET6_TOKEN);
      if (token === undefined || token.every((byte) => byte === 0)) return [];
      return [new PayloadBuilder().raw(head.slice(4, 4)).raw(token).build()];
    });
  },
  write(payload, numbers) {
    const ifindex = numberIn(payload, numbers);
    if (ifindex === undefined) return false;
    const change = interfaceHeader(ifindex).nest(IFLA_AF_SPEC, (spec) =>
      spec.nest(AF.INET6, (inet6) => inet6.attribute(IFLA_INET6_TOKEN, payload.subarray(4))),
    );
    using socket = new NetlinkSocket(NETLINK.ROUTE);
    socket.request("cannot set the token of an interface", RTM_SETLINK, change.build());
    return true;
  },
};

/** linux/if_bridge.h: struct br_port_msg has the bridge's number at 4, struct br_mdb_entry that of the port at 0. */
const MDB = { get: 86, put: 84, header: 8, entry: 28, state: 4, permanent: 1 } as const;
const [MDBA_MDB, MDBA_SET_ENTRY, MDBA_SET_ENTRY_ATTRS] = [1, 1, 2];
const [MDBA_MDB_EATTR_SOURCE, MDBE_ATTR_SOURCE] = [4, 1];

/** Groups that somebody set for ports of a bridge: the header and the entry, behind it the source if there is one. */
const GROUPS: Extra = {
  name: "multicast group of a bridge",
  read() {
    using socket = new NetlinkSocket(NETLINK.ROUTE);
    const ask = new Uint8Array(MDB.header);
    ask[0] = AF_BRIDGE;
    let found: { readonly payload: Uint8Array }[];
    try {
      found = socket.dump("cannot list the multicast groups of bridges", MDB.get, ask);
    } catch (error) {
      // a kernel whose bridges do not look at multicast
      if (error instanceof CrError && ["EOPNOTSUPP", "EINVAL"].includes(error.code)) return [];
      throw error;
    }
    return found.flatMap(({ payload }) => {
      const bridge = payload.slice(0, MDB.header);
      const groups = parseAttributes(payload.subarray(MDB.header)).get(MDBA_MDB) ?? new Uint8Array(0);
      const infos = attributeList(groups).flatMap(([, group]) => attributeList(group).map(([, info]) => info));
      return infos.flatMap((info) => {
        if (info.length < MDB.entry || ((info[MDB.state] ?? 0) & MDB.permanent) === 0) return [];
        const source = parseAttributes(info.subarray(MDB.entry)).get(MDBA_MDB_EATTR_SOURCE);
        const entry = new PayloadBuilder().raw(bridge).raw(info.slice(0, MDB.entry));
        return [(source ? entry.raw(source) : entry).build()];
      });
    });
  },
  write(payload, numbers) {
    const [head, entry] = [payload.slice(0, MDB.header), payload.slice(MDB.header, MDB.header + MDB.entry)];
    const source = payload.subarray(MDB.header + MDB.entry);
    const bridge = numbers.get(new Fields(head).u32(4));
    const port = numbers.get(new Fields(entry).u32());
    if (bridge === undefined || port === undefined) return false;
    // answers leave the family out
    head[0] = AF_BRIDGE;
    viewOf(head).setUint32(4, bridge, true);
    viewOf(entry).setUint32(0, port, true);
    entry.fill(0, 5, 6);
    const change = new PayloadBuilder().raw(head).attribute(MDBA_SET_ENTRY, entry);
    if (source.length > 0) change.nest(MDBA_SET_ENTRY_ATTRS, (of) => of.attribute(MDBE_ATTR_SOURCE, source));
    using socket = new NetlinkSocket(NETLINK.ROUTE);
    socket.request("cannot set a multicast group of a bridge", MDB.put, change.build(), NLM_F_CREATE_EXCL);
    return true;
  },
};

const SIOCADDMULTI = 0x8931;
/** struct ifreq: a name, then struct sockaddr with the address; bytes. */
const IFREQ = { size: 40, address: 18 } as const;

function nameOf(ifindex: number): Uint8Array {
  using socket = new NetlinkSocket(NETLINK.ROUTE);
  const head = interfaceHeader(ifindex).build();
  const [answer] = socket.request("cannot find an interface", RTM.GETLINK, head);
  return new Fields(answer?.payload ?? head).attributes(LINK_HEADER).get(IFLA.IFNAME) ?? new Uint8Array(0);
}

/** Addresses that somebody had an interface listen to (ip-maddress(8)): its number, the address. */
const ADDRESSES: Extra = {
  name: "multicast address",
  read() {
    const lines = readFileSync("/proc/thread-self/net/dev_mcast", "latin1").split("\n");
    return lines.flatMap((line) => {
      // number, name, users, whether somebody set it, address
      const [ifindex, , , set, address] = line.trim().split(/\s+/);
      if (!(Number(set) > 0) || address === undefined) return [];
      const number = new Uint8Array(Uint32Array.of(Number(ifindex)).buffer);
      return [
        new PayloadBuilder()
          .raw(number)
          .raw(Buffer.from(address, "hex"))
          .build()
          .slice(0, 4 + address.length / 2),
      ];
    });
  },
  write(payload, numbers) {
    const ifindex = numberIn(payload, numbers);
    if (ifindex === undefined) return false;
    const request = new Uint8Array(IFREQ.size);
    request.set(nameOf(ifindex));
    request.set(payload.subarray(4, 4 + 14), IFREQ.address);
    const SOCK_DGRAM = 2;
    const what = "cannot have an interface listen to a multicast address";
    const socket = check(sys(NR.socket, AF.INET, SOCK_DGRAM, 0), what);
    const done = sys(NR.ioctl, socket, SIOCADDMULTI, addressOf(request));
    sys(NR.close, socket);
    check(done, what);
    return true;
  },
};

const [ENDPOINT_FLAGS, ENDPOINT_DEVICE] = [6, 7];
/** The kernel made it by itself: MPTCP_PM_ADDR_FLAG_IMPLICIT. */
const IMPLICIT = 16;

/** ip-mptcp(8): an endpoint's attributes. */
const ENDPOINTS: Extra = {
  name: "endpoint of multipath TCP",
  read() {
    using pm = openMptcp();
    return (pm?.endpoints() ?? []).filter((endpoint) => {
      const flags = parseAttributes(endpoint).get(ENDPOINT_FLAGS);
      return flags === undefined || (new Fields(flags).u32() & IMPLICIT) === 0;
    });
  },
  write(payload, numbers) {
    using pm = openMptcp();
    const endpoint = new PayloadBuilder();
    for (const [type, value] of attributeList(payload)) {
      const was = type === ENDPOINT_DEVICE ? new Fields(value).u32() : 0;
      if (was === 0) {
        endpoint.attribute(type, value);
        continue;
      }
      const is = numbers.get(was);
      if (is === undefined) return false;
      endpoint.u32(type, is);
    }
    pm?.add(endpoint.build());
    return pm !== undefined;
  },
};

const LIMITS: Extra = {
  name: "limits of multipath TCP",
  read() {
    using pm = openMptcp();
    return pm ? [pm.limits()] : [];
  },
  write(payload) {
    using pm = openMptcp();
    pm?.setLimits(payload);
    return pm !== undefined;
  },
};

const RTM_NEWLINKPROP = 108;
/** IFLA_PROP_LIST, and IFLA_ALT_IFNAME in it. */
const [PROP_LIST, ALT_IFNAME] = [52, 53];

/** ip-link(8), altname: number of the interface, the name. */
const OTHER_NAMES: Extra = {
  name: "other name",
  read() {
    using socket = new NetlinkSocket(NETLINK.ROUTE);
    return links(socket).flatMap(({ payload }) => {
      const head = new Fields(payload, "ifinfomsg");
      const properties = head.attributes(LINK_HEADER).get(PROP_LIST) ?? new Uint8Array(0);
      const names = attributeList(properties).filter(([type]) => type === ALT_IFNAME);
      return names.map(([, value]) => new PayloadBuilder().raw(head.slice(4, 4)).raw(value).build());
    });
  },
  write(payload, numbers) {
    const ifindex = numberIn(payload, numbers);
    if (ifindex === undefined) return false;
    const name = Buffer.from(payload.subarray(4)).toString("latin1").replace(/\0.*$/s, "");
    const change = interfaceHeader(ifindex).nest(PROP_LIST, (list) => list.text(ALT_IFNAME, name));
    using socket = new NetlinkSocket(NETLINK.ROUTE);
    const what = "cannot give an interface another name";
    socket.request(what, RTM_NEWLINKPROP, change.build(), NLM_F_CREATE_EXCL, { name });
    return true;
  },
};

const BROADCAST = 2;
/** IFLA_BROADCAST, LINKMODE, PROTO_DOWN, and how an interface of Ethernet begins. */
const WAYS: ReadonlyMap<number, string> = new Map([
  [BROADCAST, "ffffffffffff"],
  [17, "00"],
  [39, "00"],
]);
const ARPHRD_ETHER = 1;

/** IFLA_GSO_MAX_SEGS, GSO_MAX_SIZE, GRO_MAX_SIZE, GSO_IPV4_MAX_SIZE, GRO_IPV4_MAX_SIZE, and how an interface begins. */
const SEGMENTS: ReadonlyMap<number, string> = new Map([
  [40, "ffff0000"],
  [41, "00000100"],
  [58, "00000100"],
  [63, "00000100"],
  [64, "00000100"],
]);

/** Attributes of a link that are set as they are told: its number, the attributes. */
const attributesOfLinks = (name: string, what: string, usual: ReadonlyMap<number, string>): Extra => ({
  name,
  read() {
    using socket = new NetlinkSocket(NETLINK.ROUTE);
    return links(socket).flatMap(({ payload }) => {
      const head = new Fields(payload, "ifinfomsg");
      const own = [...head.attributes(LINK_HEADER)].filter(([type, value]) => {
        const begins = usual.get(type);
        const isOfKind = type !== BROADCAST || head.u16(2) === ARPHRD_ETHER;
        return begins !== undefined && isOfKind && Buffer.from(value).toString("hex") !== begins;
      });
      if (own.length === 0) return [];
      const built = new PayloadBuilder().raw(head.slice(4, 4));
      for (const [type, value] of own) built.attribute(type, value);
      return [built.build()];
    });
  },
  write(payload, numbers) {
    const ifindex = numberIn(payload, numbers);
    if (ifindex === undefined) return false;
    const change = interfaceHeader(ifindex);
    for (const [type, value] of attributeList(payload.subarray(4))) if (usual.has(type)) change.attribute(type, value);
    using socket = new NetlinkSocket(NETLINK.ROUTE);
    socket.request(what, RTM.NEWLINK, change.build(), 0);
    return true;
  },
});

const SIZES = attributesOfLinks("size of segments", "cannot say how large the segments of an interface are", SEGMENTS);
const LINK_WAYS = attributesOfLinks("way of a link", "cannot set the broadcast address or mode of an interface", WAYS);

function interfaces(): Queued[] {
  using socket = new NetlinkSocket(NETLINK.ROUTE);
  return links(socket).map(({ payload }) => {
    const head = new Fields(payload, "ifinfomsg");
    const attributes = head.attributes(LINK_HEADER);
    const queues = (type: number) => new Fields(attributes.get(type) ?? Uint8Array.of(1, 0, 0, 0)).u32();
    const name = new Fields(attributes.get(IFLA.IFNAME) ?? new Uint8Array(1)).text();
    return { ifindex: head.u32(4), name, tx: queues(IFLA.NUM_TX_QUEUES), rx: queues(IFLA.NUM_RX_QUEUES) };
  });
}

const namesOf = (devices: readonly Queued[]) => new Map(devices.map(({ ifindex, name }) => [ifindex, name]));

/** What is read of all interfaces, and written to one by its name: it begins with the interface's number. */
const byName = (
  name: string,
  read: () => Uint8Array[],
  deviceOf: (payload: Uint8Array) => number,
  write: (payload: Uint8Array, device: string) => void,
): Extra => ({
  name,
  read,
  write(payload, numbers) {
    const device = namesOf(interfaces()).get(numbers.get(deviceOf(payload)) ?? 0);
    if (device !== undefined) write(payload, device);
    return device !== undefined;
  },
});

const CHANNELS = byName(
  "number of queues",
  () => readChannels(namesOf(interfaces().filter(({ tx, rx }) => tx > 1 || rx > 1))),
  featuredDevice,
  writeChannels,
);
/** ethtool(8), -K */
const FEATURES = byName("feature", () => readFeatures(namesOf(interfaces())), featuredDevice, writeFeatures);
const QUEUES = byName("setting of queues", () => readQueues(interfaces()), queuedDevice, writeQueues);

const ACTIONS: Extra = { name: "action of traffic control", read: readActions, write: writeAction };

const EXTRAS: readonly Extra[] = [
  TOKEN,
  GROUPS,
  ADDRESSES,
  LIMITS,
  ENDPOINTS,
  OTHER_NAMES,
  SIZES,
  LINK_WAYS,
  FEATURES,
  CHANNELS,
  QUEUES,
  ACTIONS,
];

/** Of the namespace that we are in. */
export function readExtras(): TscriuNetworkMessage[] {
  return EXTRAS.flatMap(({ name, read }) => read().map((payload) => ({ kind: name, payload })));
}

/**
 * @param lost is told what could not be done
 * @returns those whose interfaces are not there
 */
export function writeExtras(
  messages: readonly TscriuNetworkMessage[],
  numbers: Numbers,
  lost: (what: string) => void,
): TscriuNetworkMessage[] {
  const missing: TscriuNetworkMessage[] = [];
  for (const { name, read, write } of EXTRAS) {
    const wanted = messages.filter(({ kind }) => kind === name);
    if (wanted.length === 0) continue;
    const there = new Set(read().map((payload) => Buffer.from(payload).toString("hex")));
    for (const message of wanted) {
      if (there.has(Buffer.from(message.payload).toString("hex"))) continue;
      try {
        if (!write(Uint8Array.from(message.payload), numbers)) missing.push(message);
      } catch (error) {
        if (!(error instanceof CrError)) throw error;
        lost(error.message);
      }
    }
  }
  return missing;
}
