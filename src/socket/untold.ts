/**
 * Options of Internet sockets that the kernel takes, and tells to nobody who asks the socket: what datagrams of IPv6 are cut to
 * (IPV6_MTU), from where they leave (IPV6_PKTINFO), anycast addresses, and policies of IPsec. We look into the kernel for them.
 * Where that is not possible, lists of the whole network namespace tell whether a socket may have one.
 */
import { readFileSync } from "node:fs";
import type { FileDump, OpenFile } from "../file/kind.ts";
import { perRun } from "../file/per-run.ts";
import type { TscriuOption } from "../image/schema.gen.ts";
import { closeFd } from "../kernel/fd.ts";
import { type KernelObject, lookInside } from "../kernel/inside.ts";
import { getNumber, makeSocket } from "../kernel/socket.ts";
import { IP, IPPROTO, IPV6 } from "../kernel/uapi/inet.ts";
import { AF, SO, SOCK, SOL } from "../kernel/uapi/socket.ts";
import { readSocketPolicies } from "../kernel/xfrm.ts";
import type { SocketKind } from "./socket-kind.ts";

/** struct ipv6_mreq: address, interface. */
const ANYCAST_SIZE = 20;
const MOST = 64;
/** struct in6_pktinfo: address, interface. */
const PKTINFO_SIZE = 20;

/** What a network namespace tells of its sockets, without saying which of them it is. */
export class Untold {
  #policies: ReadonlyMap<number, Uint8Array> | undefined;
  #anycast: boolean | undefined;

  get policies(): ReadonlyMap<number, Uint8Array> {
    this.#policies ??= readSocketPolicies();
    return this.#policies;
  }

  /** Does somebody have an anycast address? */
  get hasAnycast(): boolean {
    this.#anycast ??= hasText("/proc/net/anycast6");
    return this.#anycast;
  }
}

function hasText(path: string): boolean {
  try {
    return readFileSync(path, "latin1").trim() !== "";
  } catch {
    return false; // a kernel without IPv6
  }
}

const isLoose = ({ family, type }: SocketKind) => family === AF.INET6 && type !== SOCK.STREAM;
const mayHaveAnycast = (kind: SocketKind, { hasAnycast }: Untold) => kind.family === AF.INET6 && hasAnycast;

/** Nothing where nobody can look. */
export function readUntold(fd: number, kind: SocketKind, outside: Untold): TscriuOption[] {
  const wants = isLoose(kind) || mayHaveAnycast(kind, outside) || outside.policies.size > 0;
  if (!wants) return [];
  const options = lookInside((inside) => {
    const socket = inside.socket(fd);
    const six = kind.family === AF.INET6 ? socket.as("inet_sock").to("pinet6", "ipv6_pinfo") : undefined;
    return [
      ...(six && isLoose(kind) ? looseOptions(fd, six) : []),
      ...(six && outside.hasAnycast ? anycastOf(six) : []),
      ...(outside.policies.size > 0 ? policiesOf(socket, kind, outside) : []),
    ];
  });
  return options ?? [];
}

function looseOptions(fd: number, six: KernelObject): TscriuOption[] {
  const found: TscriuOption[] = [];
  const mtu = six.int("frag_size");
  if (mtu !== 0) found.push({ level: SOL.IPV6, name: IPV6.MTU, value: mtu });
  const data = six.in("sticky_pktinfo", "in6_pktinfo").bytes(PKTINFO_SIZE);
  const index = new DataView(data.buffer).getInt32(16, true);
  const bound = getNumber(fd, SOL.SOCKET, SO.BINDTOIFINDEX) ?? 0;
  // one that is bound to an interface since leaves by that, and may not have another one set
  const counts = bound === 0 || index === bound;
  if (counts && data.some((byte) => byte !== 0)) found.push({ level: SOL.IPV6, name: IPV6.PKTINFO, data });
  return found;
}

function anycastOf(six: KernelObject): TscriuOption[] {
  const found: TscriuOption[] = [];
  let one = six.to("ipv6_ac_list", "ipv6_ac_socklist");
  for (let n = 0; one !== undefined && n < MOST; n++) {
    // the latest comes first
    found.unshift({ level: SOL.IPV6, name: IPV6.JOIN_ANYCAST, data: one.bytes(ANYCAST_SIZE) });
    one = one.to("acl_next", "ipv6_ac_socklist");
  }
  return found;
}

/** One for what comes, and one for what leaves. */
function policiesOf(socket: KernelObject, { family }: SocketKind, { policies }: Untold): TscriuOption[] {
  const place =
    family === AF.INET6 ? { level: SOL.IPV6, name: IPV6.XFRM_POLICY } : { level: SOL.IP, name: IP.XFRM_POLICY };
  return socket.pointers("sk_policy", 2, "xfrm_policy").flatMap((policy) => {
    const data = policies.get(policy.int("index"));
    return data ? [{ ...place, data }] : [];
  });
}

const mayWantAlerts = ({ family, type, protocol }: SocketKind) =>
  family === AF.INET6 && type === SOCK.RAW && protocol === IPPROTO.RAW;

/**
 * Does a raw socket get packets that ask routers to look at them (IPV6_ROUTER_ALERT)? Who hands them out then holds it once
 * more than a fresh socket is held. (What the option reads tells not: with the usual value, 0, it is as if it were not set.)
 * Undefined where nobody can look.
 */
export function wantsAlerts(fd: number, kind: SocketKind): boolean | undefined {
  if (!mayWantAlerts(kind)) return false;
  return lookInside((inside) => {
    const holders = (socket: number) => inside.socket(socket).int("__sk_common.skc_refcnt");
    const fresh = makeSocket(kind.family, kind.type, kind.protocol);
    try {
      return holders(fd) > holders(fresh);
    } finally {
      closeFd(fresh);
    }
  });
}

/** What has been said in a dump. */
const told = perRun((_: FileDump) => new Set<string>());

/** Says what of a socket nobody can know, once for a whole dump. */
export function warnOfUntold(file: OpenFile, kind: SocketKind, outside: Untold, dump: FileDump): void {
  const say = (what: string, words: string) => {
    if (told(dump).has(what)) return;
    told(dump).add(what);
    dump.log.warn(`${words} (pid ${file.pid}, descriptor ${file.fd})`);
  };
  const [alert, loose, anycast] = [mayWantAlerts(kind), isLoose(kind), mayHaveAnycast(kind, outside)];
  const policy = outside.policies.size > 0;
  // to look for the first time takes long, and most sockets need no look
  if (!(alert || loose || anycast || policy) || lookInside(() => true) === true) return;
  const why = "this kernel lets nobody look into it (it takes 5.14 and CONFIG_DEBUG_INFO_BTF)";
  if (alert) say("alert", `IPV6_ROUTER_ALERT is not kept where a raw socket has it: ${why}`);
  if (loose)
    say("loose", `IPV6_MTU and IPV6_PKTINFO of IPv6 sockets are not kept where a program has set them: ${why}`);
  if (anycast)
    say("anycast", `somebody has an anycast address, which is not kept where it is one of these sockets: ${why}`);
  if (policy)
    say(
      "policy",
      `somebody's socket has an IPsec policy of its own, which is not kept where it is one of these: ${why}`,
    );
}
