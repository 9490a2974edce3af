/** What a network namespace has and cannot be made again. */
import { CrError, type Subject } from "../error.ts";
import { NetworkLinks } from "../file/network-link.ts";
import { NdType } from "../image/schema.gen.ts";
import { NETWORK_PLACES, programsAt } from "../kernel/bpf.ts";
import { closeFd, openPath } from "../kernel/fd.ts";
import { belongsElsewhere } from "../kernel/mount.ts";
import { NetlinkSocket, parseAttributes } from "../kernel/netlink.ts";
import { inFreshNetwork, OWN_NETWORK } from "../kernel/network.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { NETLINK } from "../kernel/uapi/socket.ts";
import type { External } from "../options.ts";
import { strangeActions } from "./net-actions.ts";
import { filterProblems } from "./net-filter.ts";
import { hasPolicies } from "./net-ipsec.ts";
import { isKnownKind } from "./net-kinds.ts";
import { names, rowsOf } from "./net-links.ts";
import { outsideOf, standsOutside } from "./net-outside.ts";
import { strangeTraffic } from "./net-traffic.ts";
import { BLOCK } from "./net-traffic-rows.ts";
import { readValue } from "./net-values.ts";

/** linux/fib_rules.h: struct fib_rule_hdr, bytes, and the users whose packets a rule is for. */
const RULE_HEADER = 12;
const FRA_UID_RANGE = 20;

function asksForUsers(): boolean {
  using links = new NetworkLinks();
  return links.rules().some(({ payload }) => parseAttributes(payload.subarray(RULE_HEADER)).has(FRA_UID_RANGE));
}

/** Programs of bpf(2) that look at all packets of the namespace that we are in: where they stand. */
function programs(): string[] {
  const own = openPath(OWN_NETWORK, O.RDONLY);
  try {
    return Object.entries(NETWORK_PLACES).flatMap(([name, place]) => (programsAt(own, place) > 0 ? [name] : []));
  } finally {
    closeFd(own);
  }
}

/** Only who lives in the user namespace of a network namespace may say there whom rules are for. */
function isOfOtherUsers(): boolean {
  const own = openPath(OWN_NETWORK, O.RDONLY);
  try {
    return belongsElsewhere(own);
  } finally {
    closeFd(own);
  }
}

/** Of the namespace that we are in. */
export function linkProblems(pid: number, external: readonly External[]): CrError[] {
  const fail = (what: string, remedy: string, subject: Subject = {}) =>
    new CrError(what, { code: "UNSUPPORTED", subject: { pid, ...subject }, remedy });
  using socket = new NetlinkSocket(NETLINK.ROUTE);
  const rows = rowsOf(socket, 0).filter(({ entry }) => outsideOf(entry, external) === undefined);
  const strange = rows.filter(({ entry, kind }) => entry.type !== NdType.LOOPBACK && !(kind && isKnownKind(kind)));
  // some modules give each namespace an interface
  const usual = strange.length > 0 ? inFreshNetwork(names) : new Set<string>();
  const found = strange
    .filter(({ entry }) => !usual.has(entry.name))
    .map(({ entry: { name }, kind }) => {
      const what = kind === undefined ? "an interface of hardware" : `an interface of the kind ${kind}`;
      const remedy = `give it back before the dump, or leave it outside: --external 'netdev[${name}]' at dump, 'netdev[${name}]:NAME' at restore`;
      return fail(`the tree's network namespace has ${what}`, remedy, { interface: name });
    });
  for (const { entry } of rows)
    if (standsOutside(entry))
      found.push(
        fail(
          `${entry.tscriu_kind === "ipvlan" ? "an" : "a"} ${entry.tscriu_kind} of the tree stands on an interface outside`,
          `say so: --external '${entry.tscriu_kind}[${entry.name}]' at dump, '${entry.tscriu_kind}[${entry.name}]:NAME' at restore`,
          { interface: entry.name },
        ),
      );
  for (const { entry, kind, peerNetns } of rows)
    if (peerNetns !== undefined && kind !== undefined && kind !== "veth" && !standsOutside(entry)) {
      const remedy = `take it away before the dump (ip link del ${entry.name}), and make it and move it in again after the restore`;
      const what = `a ${kind} of the tree sends by way of another network namespace`;
      found.push(fail(what, remedy, { interface: entry.name }));
    }
  for (const { ifindex, what, kind } of strangeTraffic()) {
    const name = rows.find(({ entry }) => entry.ifindex === ifindex)?.entry.name;
    const place = name ?? "NAME";
    const remedy = `take it away before the dump (tc qdisc del dev ${place} root, clsact or ingress), and make it again after the restore`;
    if (name !== undefined || ifindex === BLOCK)
      found.push(fail(`an interface has ${what} of the kind ${kind}`, remedy, { interface: name ?? "a block" }));
  }
  for (const { entry, hasXdp } of rows) {
    const remedy = `take it away before the dump (ip link set dev ${entry.name} xdp off), and load it again after the restore`;
    if (hasXdp) found.push(fail("an interface has an XDP program", remedy, { interface: entry.name }));
  }
  for (const place of programs()) {
    const remedy = "detach it before the dump (bpftool net, bpftool link), and load it again after the restore";
    found.push(fail(`a program of bpf stands in the tree's network namespace (${place})`, remedy));
  }
  for (const family of ["ipv4", "ipv6"] as const) {
    const remedy = "stop it before the dump, and start it again after the restore";
    if (Number(readValue(`${family}/conf/all/mc_forwarding`) ?? 0) > 0)
      found.push(fail(`a program routes multicasts of ${family} in the tree's network namespace`, remedy));
  }
  if (asksForUsers() && isOfOtherUsers()) {
    const remedy = "take it away before the dump (ip rule del), and add it again from inside after the restore";
    found.push(fail("a rule of routing asks for users of another user namespace (uidrange)", remedy));
  }
  for (const kind of strangeActions()) {
    const remedy = `take it away before the dump (tc actions flush action ${kind}), and make it again after the restore`;
    found.push(fail(`the tree's network namespace has an action of traffic control of the kind ${kind}`, remedy));
  }
  if (hasPolicies()) {
    const remedy =
      "take them away before the dump (ip xfrm state flush, ip xfrm policy flush, ip xfrm policy setdefault in accept fwd accept out accept), and load them again";
    found.push(fail("the tree's network namespace has policies or keys of IPsec", remedy));
  }
  const filters = filterProblems();
  if (filters.length > 0) {
    const remedy = "remove it before the dump, and load it again after the restore";
    found.push(
      fail(`the tree's network namespace has a packet filter that nobody can read: ${filters.join(", ")}`, remedy),
    );
  }
  return found;
}
