/** Network namespaces (network_namespaces(7)): a thread of ours may act in another one. */
import type { Subject } from "../error.ts";
import { closeFd, openPath } from "./fd.ts";
import { NR } from "./nr.ts";
import { must } from "./sys.ts";
import { O } from "./uapi/fcntl.ts";
import { CLONE } from "./uapi/sched.ts";

export const OWN_NETWORK = "/proc/self/ns/net";

/** Acts in another network namespace: sockets are made there, and /proc/net, /proc/sys/net and netlink tell of it. */
export function inNetwork<T>(path: string, subject: Subject, act: () => T): T {
  const home = openPath(OWN_NETWORK, O.RDONLY);
  try {
    const there = openPath(path, O.RDONLY);
    try {
      must(NR.setns, [there, CLONE.NEWNET], "cannot enter a network namespace", subject);
    } finally {
      closeFd(there);
    }
    try {
      return act();
    } finally {
      must(NR.setns, [home, CLONE.NEWNET], "cannot come back from a network namespace", subject);
    }
  } finally {
    closeFd(home);
  }
}

/** Acts in a network namespace that nobody has used, and that goes away afterwards. */
export function inFreshNetwork<T>(act: () => T): T {
  const home = openPath(OWN_NETWORK, O.RDONLY);
  try {
    must(NR.unshare, [CLONE.NEWNET], "cannot make a network namespace");
    try {
      return act();
    } finally {
      must(NR.setns, [home, CLONE.NEWNET], "cannot come back from a network namespace");
    }
  } finally {
    closeFd(home);
  }
}
