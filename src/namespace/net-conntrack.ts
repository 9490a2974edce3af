/**
 * Connections that the packet filter of a network namespace knows, and those that it expects
 * (linux/netfilter/nfnetlink_conntrack.h): images hold the kernel's own messages.
 */
import { CrError } from "../error.ts";
import {
  attributeList,
  encodeMessage,
  Fields,
  NetlinkSocket,
  PayloadBuilder,
  parseMessages,
} from "../kernel/netlink.ts";
import { NETLINK_NETFILTER } from "../kernel/uapi/netfilter.ts";
import { AF } from "../kernel/uapi/socket.ts";

const CONNECTIONS = 1 << 8;
const EXPECTED = 2 << 8;
const NEW = 0;
const GET = 1;
/** struct nfgenmsg, bytes. */
const HEADER = 4;
const NLM_F_CREATE_EXCL = 0x600;
const CTA_PROTOINFO = 4;
const CTA_PROTOINFO_TCP = 1;
const CTA_PROTOINFO_TCP_FLAGS = [4, 5] as const;
/** IP_CT_TCP_FLAG_BE_LIBERAL: windows are not known any more, so packets beyond them are let through. */
const LIBERAL = 8;

const kinds = { NETNF_CT: CONNECTIONS, NETNF_EXP: EXPECTED } as const;
type Kind = keyof typeof kinds;

/** All messages of a kind; undefined where there are none, or the kernel keeps none. */
export function readConntrack(kind: Kind): Uint8Array | undefined {
  using socket = new NetlinkSocket(NETLINK_NETFILTER);
  try {
    const messages = [AF.INET, AF.INET6].flatMap((family) =>
      socket.dump("cannot list connections", kinds[kind] | GET, Uint8Array.of(family, 0, 0, 0)),
    );
    return messages.length === 0 ? undefined : Buffer.concat(messages.map(encodeMessage));
  } catch (error) {
    if (error instanceof CrError) return undefined;
    throw error;
  }
}

/** Makes them known again, in the namespace that we are in. */
export function writeConntrack(kind: Kind, bytes: Uint8Array | undefined, lost: (what: string) => void): void {
  if (bytes === undefined || bytes.length === 0) return;
  using socket = new NetlinkSocket(NETLINK_NETFILTER);
  for (const { payload } of parseMessages(bytes)) {
    try {
      const own = kind === "NETNF_CT" ? liberal(payload) : payload.slice();
      socket.request("cannot make a connection known to the packet filter", kinds[kind] | NEW, own, NLM_F_CREATE_EXCL);
    } catch (error) {
      if (!(error instanceof CrError)) throw error;
      // what the tree sent meanwhile has made it already
      if (error.code !== "EEXIST") lost(error.message);
    }
  }
}

const NESTED = 0x8000;

function liberal(payload: Uint8Array): Uint8Array {
  const rebuilt = (bytes: Uint8Array, wanted: number, change: (value: Uint8Array) => Uint8Array): Uint8Array => {
    const built = new PayloadBuilder();
    let at = 0;
    for (const [type, value] of attributeList(bytes)) {
      const flag = new Fields(bytes).u16(at + 2) & NESTED;
      built.attribute(type | flag, type === wanted ? change(value) : value);
      at += (4 + value.length + 3) & ~3;
    }
    return built.build();
  };
  const body = rebuilt(payload.subarray(HEADER), CTA_PROTOINFO, (info) =>
    rebuilt(info, CTA_PROTOINFO_TCP, (tcp) => {
      const built = new PayloadBuilder();
      const isFlags = (type: number) => CTA_PROTOINFO_TCP_FLAGS.some((one) => one === type);
      for (const [type, value] of attributeList(tcp)) if (!isFlags(type)) built.attribute(type, value);
      for (const type of CTA_PROTOINFO_TCP_FLAGS) built.attribute(type, Uint8Array.of(LIBERAL, LIBERAL));
      return built.build();
    }),
  );
  return Buffer.concat([payload.subarray(0, HEADER), body]);
}
