/** Keys and peers of WireGuard's interfaces (linux/wireguard.h). Sessions begin anew: peers shake hands when they send. */
import { CrError } from "../error.ts";
import { IFLA, INFO, LINK_HEADER, RTM } from "../file/network-link.ts";
import type { TscriuNetworkMessage } from "../image/schema.gen.ts";
import { GENERIC_HEADER, genericFamily, genericHeader } from "../kernel/generic-netlink.ts";
import { attributeList, Fields, NetlinkSocket, PayloadBuilder, parseAttributes } from "../kernel/netlink.ts";
import { NETLINK } from "../kernel/uapi/socket.ts";

const NAME = "keys of WireGuard";
const COMMAND = { GET: 0, SET: 1 } as const;
/** WGDEVICE_A_IFINDEX, PEERS; PRIVATE_KEY, LISTEN_PORT, FWMARK, PEERS are set. */
const DEVICE = { IFINDEX: 1, PEERS: 8, kept: new Set([3, 6, 7]) } as const;
/** WGPEER_A_PUBLIC_KEY, PRESHARED_KEY, ENDPOINT, PERSISTENT_KEEPALIVE_INTERVAL, ALLOWEDIPS: the rest is told. */
const PEER: ReadonlySet<number> = new Set([1, 2, 4, 5]);
const ALLOWED = 9;

/** Numbers of the interfaces of that kind. */
function devices(): number[] {
  using socket = new NetlinkSocket(NETLINK.ROUTE);
  return socket
    .dump("cannot list interfaces", RTM.GETLINK, new Uint8Array(LINK_HEADER))
    .filter(({ payload }) => {
      const info = new Fields(payload, "ifinfomsg").attributes(LINK_HEADER).get(IFLA.LINKINFO) ?? new Uint8Array(0);
      return new Fields(parseAttributes(info).get(INFO.KIND) ?? new Uint8Array(1)).text() === "wireguard";
    })
    .map(({ payload }) => new Fields(payload).u32(4));
}

function kept(payload: Uint8Array, ifindex: number): Uint8Array {
  const built = new PayloadBuilder().u32(DEVICE.IFINDEX, ifindex);
  for (const [type, value] of attributeList(payload.subarray(GENERIC_HEADER))) {
    if (DEVICE.kept.has(type)) built.attribute(type, value);
    if (type === DEVICE.PEERS)
      built.nest(type, (peers) => {
        for (const [, peer] of attributeList(value))
          peers.nest(0, (own) => {
            for (const [name, one] of attributeList(peer)) {
              if (name === ALLOWED) own.nest(name, (addresses) => void addresses.raw(one));
              else if (PEER.has(name)) own.attribute(name, one);
            }
          });
      });
  }
  return built.build();
}

/** Of the namespace that we are in: one message, or several for many peers, as the kernel takes them. */
export function readWireguard(): TscriuNetworkMessage[] {
  const found = devices();
  if (found.length === 0) return [];
  using socket = new NetlinkSocket(NETLINK.GENERIC);
  const family = genericFamily(socket, "wireguard");
  return found.flatMap((ifindex) => {
    const ask = genericHeader(COMMAND.GET).u32(DEVICE.IFINDEX, ifindex).build();
    const answers = socket.dump("cannot ask for the keys of WireGuard", family, ask);
    return answers.map(({ payload }) => ({ kind: NAME, payload: kept(payload, ifindex) }));
  });
}

/**
 * @param numbers what an interface of the images is called here
 * @param lost is told what could not be done
 * @returns those whose interfaces are not there
 */
export function writeWireguard(
  messages: readonly TscriuNetworkMessage[],
  numbers: ReadonlyMap<number, number>,
  lost: (what: string) => void,
): TscriuNetworkMessage[] {
  const own = messages.filter(({ kind }) => kind === NAME);
  if (own.length === 0) return [];
  const missing: TscriuNetworkMessage[] = [];
  using socket = new NetlinkSocket(NETLINK.GENERIC);
  for (const message of own) {
    const attributes = attributeList(Uint8Array.from(message.payload));
    const was = attributes.find(([type]) => type === DEVICE.IFINDEX)?.[1];
    const ifindex = numbers.get(was ? new Fields(was).u32() : 0);
    if (ifindex === undefined) {
      missing.push(message);
      continue;
    }
    const change = genericHeader(COMMAND.SET).u32(DEVICE.IFINDEX, ifindex);
    for (const [type, value] of attributes) {
      if (type === DEVICE.PEERS) change.nest(type, (peers) => void peers.raw(value));
      else if (type !== DEVICE.IFINDEX) change.attribute(type, value);
    }
    try {
      const family = genericFamily(socket, "wireguard");
      socket.request("cannot set the keys of WireGuard", family, change.build());
    } catch (error) {
      if (!(error instanceof CrError)) throw error;
      lost(error.message);
    }
  }
  return missing;
}
