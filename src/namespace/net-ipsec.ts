/** IPsec of a network namespace: what there is of it cannot be brought back, for nobody tells its counters and its keys may be elsewhere. */
import { CrError } from "../error.ts";
import { NetlinkSocket } from "../kernel/netlink.ts";

const NETLINK_XFRM = 6;
/** XFRM_MSG_GETSA, XFRM_MSG_GETPOLICY, and a size that is enough for what they ask by (linux/xfrm.h). */
const ASK = [18, 21] as const;
const SIZE = 64;

/** Are there policies or keys in the namespace that we are in? */
export function hasPolicies(): boolean {
  try {
    using socket = new NetlinkSocket(NETLINK_XFRM);
    return ASK.some((type) => socket.dump("cannot ask for IPsec", type, new Uint8Array(SIZE)).length > 0);
  } catch (error) {
    // this kernel has none
    if (error instanceof CrError) return false;
    throw error;
  }
}
