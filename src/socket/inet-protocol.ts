import { IPPROTO } from "../kernel/uapi/inet.ts";

/**
 * TCP, and multipath TCP: a socket that listens for the latter takes connections of either, and with a peer that knows TCP alone
 * it is nothing else. Go's servers listen so by default.
 */
export function speaksTcp(protocol: number): boolean {
  return protocol === IPPROTO.TCP || protocol === IPPROTO.MPTCP;
}
