/** Generic netlink: families that the kernel gives numbers when it starts (linux/genetlink.h). */
import { Fields, type NetlinkSocket, PayloadBuilder } from "./netlink.ts";

const GENL_ID_CTRL = 16;
const CTRL = { GETFAMILY: 3, FAMILY_ID: 1, FAMILY_NAME: 2 } as const;
/** struct genlmsghdr, bytes. */
export const GENERIC_HEADER = 4;

export const genericHeader = (command: number): PayloadBuilder =>
  new PayloadBuilder().raw(Uint8Array.of(command, 1, 0, 0));

/** The number of a family. Errors: CrError, ENOENT on a kernel that has none of that name. */
export function genericFamily(socket: NetlinkSocket, name: string): number {
  const ask = genericHeader(CTRL.GETFAMILY).text(CTRL.FAMILY_NAME, name).build();
  const [answer] = socket.request("cannot find a family of netlink", GENL_ID_CTRL, ask, 0, { family: name });
  const id = answer && new Fields(answer.payload).attributes(GENERIC_HEADER).get(CTRL.FAMILY_ID);
  return new Fields(id ?? new Uint8Array(0), "the number of a family").u16();
}
