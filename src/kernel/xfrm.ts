/** Policies of IPsec (linux/xfrm.h) that belong to sockets: the kernel lists them with all others. */
import { readFileSync } from "node:fs";
import { CrError } from "../error.ts";
import { NetlinkSocket, parseAttributes } from "./netlink.ts";

export const NETLINK_XFRM = 6;
const XFRM_MSG_GETPOLICY = 0x15;
const XFRMA_TMPL = 5;
/** struct xfrm_userpolicy_info: where its index and its direction stand, and its size. */
const INDEX = 156;
const DIRECTION = 160;
const INFO_SIZE = 168;
/** XFRM_POLICY_MAX: the directions of sockets' policies are counted from here. */
const OF_SOCKETS = 3;

/** Is it the policy of a socket? @param info struct xfrm_userpolicy_info */
export const isOfSocket = (info: Uint8Array) => (info[DIRECTION] ?? 0) >= OF_SOCKETS;

/**
 * Does the kernel listen at that protocol here? To open a socket of it would load a module, without which no socket has a
 * policy.
 */
export function hasIpsec(): boolean {
  try {
    // address, protocol, port: the kernel's own is 0
    return /^\S+\s+6\s+0\s/m.test(readFileSync("/proc/net/netlink", "latin1"));
  } catch {
    return true;
  }
}

/**
 * The policies of all sockets of our network namespace, by their index, as setsockopt(2) takes them (IP_XFRM_POLICY): struct
 * xfrm_userpolicy_info, and behind it each struct xfrm_user_tmpl. None on a kernel without IPsec.
 */
export function readSocketPolicies(): Map<number, Uint8Array> {
  const policies = new Map<number, Uint8Array>();
  if (!hasIpsec()) return policies;
  try {
    using link = new NetlinkSocket(NETLINK_XFRM);
    for (const { payload } of link.dump("cannot ask for policies of IPsec", XFRM_MSG_GETPOLICY, new Uint8Array(64))) {
      const info = payload.slice(0, INFO_SIZE);
      if (!isOfSocket(info)) continue;
      info[DIRECTION] = (info[DIRECTION] ?? 0) - OF_SOCKETS;
      const templates = parseAttributes(payload.subarray(INFO_SIZE)).get(XFRMA_TMPL) ?? new Uint8Array(0);
      const view = new DataView(info.buffer);
      const index = view.getUint32(INDEX, true);
      // whoever makes one is given its index
      view.setUint32(INDEX, 0, true);
      policies.set(index, new Uint8Array(Buffer.concat([info, templates])));
    }
  } catch (error) {
    if (!(error instanceof CrError)) throw error;
  }
  return policies;
}
