/** Names of interfaces that a network namespace which is going away still holds. */
import { CrError } from "../error.ts";
import { IFLA, LINK_HEADER, RTM } from "../file/network-link.ts";
import { Fields, NetlinkSocket, PayloadBuilder } from "../kernel/netlink.ts";
import { inNetwork } from "../kernel/network.ts";
import { NETLINK } from "../kernel/uapi/socket.ts";

/** linux/if_link.h */
const IFLA_TARGET_NETNSID = 46;
const LOOPBACK = 1;
/** Milliseconds for the last task of a namespace to leave it, and for the kernel to take it down once it is empty. */
const LEAVING_MS = 3_000;
const ENDING_MS = 60_000;
const PAUSE_MS = 20;

type End = "alive" | "ending" | "gone";

/** How the namespace fares that holds the other end of the pair which `name`, where we are, is one end of. */
function otherEnd(name: string): End {
  using socket = new NetlinkSocket(NETLINK.ROUTE);
  const get = (index: number) => {
    const head = new DataView(new ArrayBuffer(LINK_HEADER));
    head.setUint32(4, index, true);
    return new PayloadBuilder().raw(new Uint8Array(head.buffer));
  };
  const ask = (built: PayloadBuilder) => {
    try {
      return socket.request("cannot find an interface", RTM.GETLINK, built.build(), 0, { interface: name });
    } catch (error) {
      if (error instanceof CrError && (error.code === "ENODEV" || error.code === "EINVAL")) return undefined;
      throw error;
    }
  };
  const answer = ask(get(0).text(IFLA.IFNAME, name))?.[0];
  if (answer === undefined) return "gone";
  const there = new Fields(answer.payload, "ifinfomsg").attributes(LINK_HEADER).get(IFLA.LINK_NETNSID);
  if (there === undefined) return "alive";
  // nobody can be asked about a namespace that has lost its last holder
  return ask(get(LOOPBACK).u32(IFLA_TARGET_NETNSID, new Fields(there).u32())) === undefined ? "ending" : "alive";
}

/**
 * Makes something with `make`, again and again while the kernel says EEXIST.
 * @param patience milliseconds for that
 * @throws CrError whatever else `make` throws, and that EEXIST in the end
 */
function insist(make: () => void, patience: () => number): void {
  const since = Bun.nanoseconds();
  for (;;) {
    try {
      make();
      return;
    } catch (error) {
      const isThere = error instanceof CrError && error.code === "EEXIST";
      if (!isThere || (Bun.nanoseconds() - since) / 1e6 > patience()) throw error;
    }
    Bun.sleepSync(PAUSE_MS);
  }
}

/**
 * Makes one end of a pair with `make`, as long as the end of before holds the name `name` in the namespace `home`: it goes with the
 * namespace of the other end, and that a while after its last task.
 * @param home our descriptor of the namespace
 * @throws CrError EEXIST where the name is another's
 */
export function onceVacated(name: string, home: number, make: () => void): void {
  const state = () => inNetwork(`/proc/self/fd/${home}`, { interface: name }, () => otherEnd(name));
  try {
    insist(make, () => (state() === "ending" ? ENDING_MS : LEAVING_MS));
  } catch (error) {
    throw error instanceof CrError && error.code === "EEXIST" ? taken(name, error) : error;
  }
}

/**
 * Makes with `make` what the namespace of before still has, as long as it may be leaving: of a VLAN there is one on each interface.
 * @throws CrError the EEXIST of `make` where somebody else has it
 */
export function onceLeft(make: () => void): void {
  insist(make, () => LEAVING_MS);
}

function taken(name: string, cause: CrError): CrError {
  return new CrError("an interface of that name is outside already", {
    code: "EEXIST",
    subject: { interface: name },
    cause,
    remedy: `remove or rename ${name}, or name another end with --external 'veth[INNER]:OUTER'`,
  });
}
