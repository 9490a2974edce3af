/** What rtnetlink(7) lists of traffic control: linux/rtnetlink.h, struct tcmsg, and attributes behind it. */
import { CrError } from "../error.ts";
import { Fields, type NetlinkSocket, parseAttributes } from "../kernel/netlink.ts";

/** Bytes of struct tcmsg. */
export const TC_HEADER = 20;
export const TCA = { KIND: 1, OPTIONS: 2, STAB: 8, CHAIN: 11 } as const;
/** Instead of an interface's number: the parent is that of a block that several share (TCM_IFINDEX_MAGIC_BLOCK). */
export const BLOCK = 0xffff_ffff;

export interface Row {
  readonly ifindex: number;
  readonly handle: number;
  readonly parent: number;
  readonly info: number;
  readonly kind: string;
  readonly attributes: ReadonlyMap<number, Uint8Array>;
  readonly payload: Uint8Array;
}

/** How a message begins. */
export function trafficHeader({ ifindex = 0, handle = 0, parent = 0, info = 0 }): Uint8Array {
  const head = new DataView(new ArrayBuffer(TC_HEADER));
  for (const [i, value] of [ifindex, handle, parent, info].entries()) head.setUint32(4 + 4 * i, value, true);
  return new Uint8Array(head.buffer);
}

export function rowOf(payload: Uint8Array): Row {
  const head = new Fields(payload, "tcmsg");
  const attributes = parseAttributes(payload.subarray(TC_HEADER));
  const kind = new Fields(attributes.get(TCA.KIND) ?? new Uint8Array(1)).text();
  return {
    ifindex: head.u32(4),
    handle: head.u32(8),
    parent: head.u32(12),
    info: head.u32(16),
    kind,
    attributes,
    payload,
  };
}

export function listed(
  socket: NetlinkSocket,
  what: string,
  type: number,
  where: { readonly ifindex: number; readonly parent: number },
): Row[] {
  try {
    return socket.dump(`cannot list ${what}`, type, trafficHeader(where)).map(({ payload }) => rowOf(payload));
  } catch (error) {
    // an older kernel, or one built without
    if (error instanceof CrError && ["EOPNOTSUPP", "EINVAL"].includes(error.code)) return [];
    throw error;
  }
}
