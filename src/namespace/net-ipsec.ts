/** IPsec of a network namespace: what there is of it cannot be brought back, for nobody tells its counters and its keys may be elsewhere. */
import { CrError } from "../error.ts";
import { NetlinkSocket } from "../kernel/netlink.ts";
import { hasIpsec, isOfSocket, NETLINK_XFRM } from "../kernel/xfrm.ts";

/** XFRM_MSG_GETSA, XFRM_MSG_GETPOLICY, and a size that is enough for what they ask by (linux/xfrm.h). */
const GETSA = 18;
const GETPOLICY = 21;
const SIZE = 64;
/** XFRM_MSG_GETDEFAULT: struct xfrm_userpolicy_default, three bytes, and XFRM_USERPOLICY_BLOCK. */
const GETDEFAULT = 40;
const BLOCK = 1;

function isBlocked(socket: NetlinkSocket): boolean {
  try {
    const answers = socket.request("cannot ask for IPsec", GETDEFAULT, new Uint8Array(4));
    return answers.some(({ payload }) => payload.subarray(0, 3).includes(BLOCK));
  } catch (error) {
    // older kernels block nothing
    if (error instanceof CrError) return false;
    throw error;
  }
}

/** Are there policies or keys in the namespace that we are in? Those of sockets come back with them. */
export function hasPolicies(): boolean {
  if (!hasIpsec()) return false;
  try {
    using socket = new NetlinkSocket(NETLINK_XFRM);
    const ask = (type: number) => socket.dump("cannot ask for IPsec", type, new Uint8Array(SIZE));
    return ask(GETSA).length > 0 || ask(GETPOLICY).some(({ payload }) => !isOfSocket(payload)) || isBlocked(socket);
  } catch (error) {
    // this kernel has none
    if (error instanceof CrError) return false;
    throw error;
  }
}
