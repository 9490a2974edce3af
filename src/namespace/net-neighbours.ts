/** Neighbours that somebody set or that the kernel keeps fresh for him, and those that are answered for (rtnetlink(7), linux/neighbour.h). All others are learned anew. */
import { CrError } from "../error.ts";
import type { NetDeviceEntry } from "../image/schema.gen.ts";
import { attributeList, Fields, NetlinkSocket, PayloadBuilder, parseAttributes } from "../kernel/netlink.ts";
import { AF, NETLINK } from "../kernel/uapi/socket.ts";

const RTM_NEWNEIGH = 28;
const RTM_GETNEIGH = 30;
/** struct ndmsg, bytes. */
const HEADER = 12;
const AT = { ifindex: 4, state: 8, flags: 10 } as const;
const NUD = { STALE: 4, NOARP: 0x40, PERMANENT: 0x80 } as const;
/** Where struct ndmsg says of what kind an address is, and RTN_UNICAST. */
const [KIND_AT, UNICAST] = [11, 1];
/** IFF_LOOPBACK, POINTOPOINT, NOARP: the kernel asks for no neighbour there. */
const ASKS_NOBODY = 0x8 | 0x10 | 0x80;
const NTF = { PROXY: 8, EXT_LEARNED: 0x10 } as const;
/** NDA_LLADDR, FLAGS_EXT; NTF_EXT_MANAGED of the latter: the kernel keeps it fresh. */
const NDA = { LLADDR: 2, FLAGS_EXT: 15 } as const;
const MANAGED = 1;
/** NDA_DST, LLADDR, PROTOCOL, FLAGS_EXT: what is set; ages and probes are the kernel's. */
const KEPT: ReadonlySet<number> = new Set([1, 2, 12, 15]);
const NLM_F_CREATE_REPLACE = 0x500;

const attributesOf = (payload: Uint8Array) => parseAttributes(payload.subarray(HEADER));

function isManaged(payload: Uint8Array): boolean {
  const flags = attributesOf(payload).get(NDA.FLAGS_EXT);
  return flags !== undefined && (new Fields(flags).u32() & MANAGED) !== 0;
}

/** It may be elsewhere by now: until it has answered, it is where it was. */
function toBeAsked(head: Uint8Array, payload: Uint8Array): void {
  const state = attributesOf(payload).has(NDA.LLADDR) ? NUD.STALE : 0;
  new DataView(head.buffer).setUint16(AT.state, state, true);
}

/** @param devices interfaces that are kept */
export function readNeighbours(devices: readonly Pick<NetDeviceEntry, "ifindex" | "flags">[]): Uint8Array[] {
  const flagsOf = new Map(devices.map(({ ifindex, flags }) => [ifindex, flags]));
  using socket = new NetlinkSocket(NETLINK.ROUTE);
  return [AF.INET, AF.INET6].flatMap((family) =>
    [0, NTF.PROXY].flatMap((flags) => {
      const ask = new Uint8Array(HEADER);
      ask[0] = family;
      ask[AT.flags] = flags;
      const found = socket.dump("cannot list neighbours", RTM_GETNEIGH, ask).filter(({ payload }) => {
        const head = new Fields(payload, "ndmsg");
        const [state, own] = [head.u16(AT.state), flagsOf.get(head.u32(AT.ifindex))];
        const isUnasked = (state & NUD.NOARP) !== 0 && payload[KIND_AT] === UNICAST && ((own ?? 0) & ASKS_NOBODY) === 0;
        const isSet =
          isUnasked ||
          (state & NUD.PERMANENT) !== 0 ||
          ((payload[AT.flags] ?? 0) & (NTF.PROXY | NTF.EXT_LEARNED)) !== 0 ||
          isManaged(payload);
        return isSet && own !== undefined;
      });
      return found.map(({ payload }) => {
        const head = payload.slice(0, HEADER);
        if (isManaged(payload)) toBeAsked(head, payload);
        const kept = new PayloadBuilder().raw(head);
        for (const [type, value] of attributeList(payload.subarray(HEADER)))
          if (KEPT.has(type)) kept.attribute(type, value);
        return kept.build();
      });
    }),
  );
}

/**
 * @param numbers what an interface of the images is called here
 * @param lost is told what could not be done
 * @returns those whose interfaces are not there
 */
export function writeNeighbours(
  neighbours: readonly Uint8Array[],
  numbers: ReadonlyMap<number, number>,
  lost: (what: string) => void,
): Uint8Array[] {
  using socket = new NetlinkSocket(NETLINK.ROUTE);
  const missing: Uint8Array[] = [];
  for (const payload of neighbours) {
    if (payload.length < HEADER) throw new CrError("a neighbour without its header", { code: "BAD_IMAGE" });
    const own = Uint8Array.from(payload);
    const view = new DataView(own.buffer);
    const ifindex = numbers.get(view.getUint32(AT.ifindex, true));
    if (ifindex === undefined) {
      missing.push(payload);
      continue;
    }
    view.setUint32(AT.ifindex, ifindex, true);
    try {
      socket.request("cannot set a neighbour", RTM_NEWNEIGH, own, NLM_F_CREATE_REPLACE);
    } catch (error) {
      if (!(error instanceof CrError)) throw error;
      lost(error.message);
    }
  }
  return missing;
}
