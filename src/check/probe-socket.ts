/** Probes about sockets and the network. */
import { existsSync } from "node:fs";
import { errnoName } from "../kernel/errno.ts";
import { lookInside } from "../kernel/inside.ts";
import { addressOf } from "../kernel/sys.ts";
import { Child } from "./child.ts";
import { ask, attribute32, NLM_F_DUMP, openNetlink } from "./netlink.ts";
import { call, failed, int, type Probes, Scope, type Verdict, works } from "./probe.ts";

const AF_UNIX = 1;
const AF_INET = 2;
const AF_INET6 = 10;
const AF_PACKET = 17;
const AF_NETLINK = 16;
const SOCK_STREAM = 1;
const SOCK_RAW = 3;
const IPPROTO_TCP = 6;
const IPPROTO_UDP = 17;
const IPPROTO_RAW = 255;
const SOL_SOCKET = 1;
const SOL_IPV6 = 41;
const SO_PRIORITY = 12;
const SO_GET_FILTER = 26;
const SO_PEEK_OFF = 42;
const SO_BUF_LOCK = 72;
const IPV6_FREEBIND = 78;
const TCP_REPAIR = 19;
const SIOCGSKNS = 0x894c;
const SIOCUNIXFILE = 0x89e0;
const SIOCSIFFLAGS = 0x8914;
const IFF_UP = 1;
const CLONE_NEWNET = 0x40000000;

const NETLINK_ROUTE = 0;
const NETLINK_SOCK_DIAG = 4;
const NETLINK_NETFILTER = 12;
const SOCK_DIAG_BY_FAMILY = 20;
const RTM_GETLINK = 18;
const RTM_SETLINK = 19;
const RTM_GETNSID = 90;
const NFT_MSG_GETGEN = (10 << 8) | 16;
const NETNSA_FD = 3;
const IFLA_TARGET_NETNSID = 46;
const IFLA_NEW_IFINDEX = 49;
/** A namespace id that nobody has. */
const noSuchId = 0x7ffffff0;

/** struct inet_diag_req_v2: all states of one protocol. */
function inetRequest(protocol: number): Uint8Array {
  const bytes = new Uint8Array(56);
  bytes[0] = AF_INET;
  bytes[1] = protocol;
  bytes.fill(0xff, 4, 8);
  return bytes;
}

/** The requests of unix, packet and netlink begin with the family; states and what to show follow. */
function familyRequest(family: number, size: number): Uint8Array {
  const bytes = new Uint8Array(size);
  bytes[0] = family;
  if (family === AF_UNIX) bytes.fill(0xff, 4, 8);
  if (family === AF_NETLINK) bytes[1] = 255;
  return bytes;
}

function diag(request: Uint8Array, what: string): Verdict {
  using scope = new Scope();
  const answer = ask(openNetlink(scope, NETLINK_SOCK_DIAG), SOCK_DIAG_BY_FAMILY, request, NLM_F_DUMP);
  return works(`asking about ${what} sockets`, answer);
}

function sockDiag(): Verdict {
  return (
    diag(familyRequest(AF_UNIX, 24), "unix") ??
    diag(inetRequest(IPPROTO_TCP), "TCP") ??
    diag(inetRequest(IPPROTO_UDP), "UDP") ??
    diag(familyRequest(AF_PACKET, 20), "packet") ??
    diag(familyRequest(AF_NETLINK, 20), "netlink")
  );
}

function setOption(family: number, type: number, level: number, option: number, value: number): Verdict {
  using scope = new Scope();
  const fd = scope.open("socket", family, type, 0);
  return works("setsockopt", call("setsockopt", fd, level, option, addressOf(int(value)), 4));
}

function getFilter(): Verdict {
  using scope = new Scope();
  const fd = scope.open("socket", AF_UNIX, SOCK_STREAM, 0);
  return works("SO_GET_FILTER", call("getsockopt", fd, SOL_SOCKET, SO_GET_FILTER, 0, addressOf(int(0))));
}

function kernelTypes(): Verdict {
  using scope = new Scope();
  const fd = scope.open("socket", AF_UNIX, SOCK_STREAM, 0);
  const priority = 5;
  const set = call("setsockopt", fd, SOL_SOCKET, SO_PRIORITY, addressOf(int(priority)), 4);
  if (set < 0) return failed("SO_PRIORITY", set);
  const seen = lookInside((inside) => inside.socket(fd).int("sk_priority"));
  if (seen === undefined) return "the kernel lets nobody look into it, or does not tell its types";
  return seen === priority ? undefined : "the kernel keeps its sockets in another way than it tells";
}

function bufferLock(): Verdict {
  using scope = new Scope();
  const fd = scope.open("socket", AF_UNIX, SOCK_STREAM, 0);
  return works("SO_BUF_LOCK", call("getsockopt", fd, SOL_SOCKET, SO_BUF_LOCK, addressOf(int(0)), addressOf(int(4))));
}

function socketNamespace(): Verdict {
  using scope = new Scope();
  const namespace = call("ioctl", scope.open("socket", AF_UNIX, SOCK_STREAM, 0), SIOCGSKNS);
  if (namespace >= 0) call("close", namespace);
  return works("SIOCGSKNS", namespace);
}

/** A socket without a name has no file: where the request is known, that is the complaint. */
function unixFile(): Verdict {
  using scope = new Scope();
  const result = call("ioctl", scope.open("socket", AF_UNIX, SOCK_STREAM, 0), SIOCUNIXFILE);
  return errnoName(result) === "ENOENT" ? undefined : failed("SIOCUNIXFILE", result);
}

/** A child in a network namespace of its own, with loopback up. */
function networkChild(): Child {
  const child = new Child();
  try {
    child.must("unshare", CLONE_NEWNET);
    const fd = child.must("socket", AF_INET, SOCK_STREAM, 0);
    const request = new Uint8Array(40);
    request.set(new TextEncoder().encode("lo"));
    new DataView(request.buffer).setInt16(16, IFF_UP, true);
    child.must("ioctl", fd, SIOCSIFFLAGS, child.put(request));
    return child;
  } catch (error) {
    child[Symbol.dispose]();
    throw error;
  }
}

/** A connection whose sending side is closed must still take repair mode. */
function halfClosed(): Verdict {
  using child = networkChild();
  const [listener, client] = [1, 2].map(() => child.take(child.must("socket", AF_INET, SOCK_STREAM, 0)));
  if (listener === undefined || client === undefined) return "no sockets";
  using scope = new Scope();
  const address = new Uint8Array(16);
  address.set([AF_INET, 0, 0, 0, 127, 0, 0, 1]);
  call("bind", listener, addressOf(address), 16);
  call("listen", listener, 1);
  call("getsockname", listener, addressOf(address), addressOf(int(16)));
  const connected = call("connect", client, addressOf(address), 16);
  if (connected < 0) return failed("connecting over loopback", connected);
  scope.open("accept4", listener, 0, 0, 0);
  call("shutdown", client, 1);
  return works("TCP_REPAIR", call("setsockopt", client, IPPROTO_TCP, TCP_REPAIR, addressOf(int(1)), 4));
}

function routeQuestion(type: number, body: Uint8Array[]): number {
  using child = networkChild();
  const fd = child.take(child.must("socket", AF_NETLINK, SOCK_RAW, NETLINK_ROUTE));
  return ask(fd, type, Buffer.concat(body));
}

/** struct ifinfomsg of the loopback device. */
function loopback(): Uint8Array {
  const bytes = new Uint8Array(16);
  bytes[4] = 1;
  return bytes;
}

/** Where the attribute is known, a number that no device can have is an error; elsewhere it is passed over. */
function newIfindex(): Verdict {
  const answer = routeQuestion(RTM_SETLINK, [loopback(), attribute32(IFLA_NEW_IFINDEX, -1)]);
  return answer === 0
    ? "IFLA_NEW_IFINDEX is not known"
    : errnoName(answer) === "EPERM"
      ? failed("RTM_SETLINK", answer)
      : undefined;
}

/** The same with a namespace that is not there. */
function linkNsid(): Verdict {
  const answer = routeQuestion(RTM_GETLINK, [loopback(), attribute32(IFLA_TARGET_NETNSID, noSuchId)]);
  return answer >= 0 ? "IFLA_TARGET_NETNSID is not known" : undefined;
}

function nsid(): Verdict {
  using scope = new Scope();
  const namespace = scope.path("/proc/self/ns/net");
  const body = Buffer.concat([new Uint8Array(4), attribute32(NETNSA_FD, namespace)]);
  return works("RTM_GETNSID", ask(openNetlink(scope, NETLINK_ROUTE), RTM_GETNSID, body));
}

function nftables(): Verdict {
  using scope = new Scope();
  const answer = ask(openNetlink(scope, NETLINK_NETFILTER), NFT_MSG_GETGEN, new Uint8Array(4));
  return works("asking nf_tables", answer);
}

function oldTables(): Verdict {
  return existsSync("/proc/net/ip_tables_names") ? undefined : "no /proc/net/ip_tables_names";
}

export const socketProbes = {
  sock_diag: sockDiag,
  net_diag_raw: () => diag(inetRequest(IPPROTO_RAW), "raw"),
  so_peek_off: () => setOption(AF_UNIX, SOCK_STREAM, SOL_SOCKET, SO_PEEK_OFF, 0),
  so_get_filter: getFilter,
  kernel_types: kernelTypes,
  sockopt_buf_lock: bufferLock,
  tcp_repair: () => setOption(AF_INET, SOCK_STREAM, IPPROTO_TCP, TCP_REPAIR, 1),
  tcp_half_closed: halfClosed,
  ipv6_freebind: () => setOption(AF_INET6, SOCK_STREAM, SOL_IPV6, IPV6_FREEBIND, 1),
  sk_ns: socketNamespace,
  sk_unix_file: unixFile,
  nsid,
  link_nsid: linkNsid,
  newifindex: newIfindex,
  nftables,
  network_lock_nftables: nftables,
  has_ipt_legacy: oldTables,
} as const satisfies Probes<string>;
