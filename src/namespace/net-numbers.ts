/** The numbers by which network namespaces know one another: interfaces whose other end is elsewhere are told with these. */
import type { NetnsId } from "../image/schema.gen.ts";
import { closeFd, openPath } from "../kernel/fd.ts";
import { Fields, NetlinkSocket, PayloadBuilder, parseAttributes } from "../kernel/netlink.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { NETLINK } from "../kernel/uapi/socket.ts";

// linux/rtnetlink.h, linux/net_namespace.h
const RTM_NEWNSID = 88;
const RTM_GETNSID = 90;
const NETNSA = { NSID: 1, FD: 3 } as const;
/** struct rtgenmsg, padded */
const HEADER = new Uint8Array(4);

/** A network namespace of the tree: its id in the images, and a task that lives in it. */
export interface Neighbour {
  readonly id: number;
  readonly member: number;
}

/** By which numbers the namespace that we are in knows others. */
export function readNumbers(neighbours: readonly Neighbour[]): NetnsId[] {
  if (neighbours.length === 0) return [];
  using socket = new NetlinkSocket(NETLINK.ROUTE);
  return neighbours
    .map(({ id, member }) => ({ target_ns_id: id, netnsid_value: numberOf(socket, member) }))
    .filter(({ netnsid_value }) => netnsid_value >= 0);
}

function numberOf(socket: NetlinkSocket, member: number): number {
  const fd = openPath(`/proc/${member}/ns/net`, O.RDONLY);
  try {
    const question = new PayloadBuilder().raw(HEADER).u32(NETNSA.FD, fd).build();
    const [answer] = socket.request("cannot ask for the number of a network namespace", RTM_GETNSID, question);
    const number = answer && parseAttributes(answer.payload.subarray(4)).get(NETNSA.NSID);
    return number ? new Fields(number).i32() : -1;
  } finally {
    closeFd(fd);
  }
}

/** The namespace that we are in, where nobody has made an interface yet, learns them again. @param fds ours, by their ids */
export function writeNumbers(nsids: readonly NetnsId[], fds: ReadonlyMap<number, number>): void {
  if (nsids.length === 0) return;
  using socket = new NetlinkSocket(NETLINK.ROUTE);
  for (const { target_ns_id, netnsid_value } of nsids) {
    const fd = fds.get(target_ns_id);
    if (fd === undefined) continue;
    const message = new PayloadBuilder().raw(HEADER).u32(NETNSA.NSID, netnsid_value).u32(NETNSA.FD, fd).build();
    const subject = { namespace: target_ns_id, number: netnsid_value };
    socket.request("cannot give a network namespace its number", RTM_NEWNSID, message, 0, subject);
  }
}
