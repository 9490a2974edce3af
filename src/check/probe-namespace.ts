/** Probes about namespaces: a child enters a fresh one of each kind. */
import { readFileSync } from "node:fs";
import { Child } from "./child.ts";
import { failed, type Probes, type Verdict, works } from "./probe.ts";

const CLONE_NEWTIME = 0x80;
const CLONE_NEWCGROUP = 0x2000000;
const CLONE_NEWUSER = 0x10000000;
const CLONE_NEWNET = 0x40000000;
const PR_SET_MM = 35;
const PR_SET_MM_MAP_SIZE = 15;

function unshare(flag: number): Verdict {
  using child = new Child();
  return works("unshare", child.call("unshare", flag));
}

/** Inside of it, memory layout must still be settable: restoring needs that. */
function userNamespace(): Verdict {
  using child = new Child();
  const entered = child.call("unshare", CLONE_NEWUSER);
  if (entered < 0) return failed("unshare", entered);
  return works("PR_SET_MM in it", child.call("prctl", PR_SET_MM, PR_SET_MM_MAP_SIZE, child.scratch, 0, 0));
}

function timeNamespace(): Verdict {
  using child = new Child();
  const entered = child.call("unshare", CLONE_NEWTIME);
  if (entered < 0) return failed("unshare", entered);
  const offsets = readFileSync(`/proc/${child.pid}/timens_offsets`, "latin1");
  return /^monotonic\s/m.test(offsets) ? undefined : "no offsets in /proc/PID/timens_offsets";
}

/** The child comes back to where it is: joining works when it is permitted. */
function joinNetwork(): Verdict {
  using child = new Child();
  const own = child.must("openat", -100, child.put("/proc/self/ns/net"), 0, 0);
  child.must("unshare", CLONE_NEWNET);
  return works("setns", child.call("setns", own, CLONE_NEWNET));
}

export const namespaceProbes = {
  userns: userNamespace,
  cgroupns: () => unshare(CLONE_NEWCGROUP),
  timens: timeNamespace,
  external_net_ns: joinNetwork,
} as const satisfies Probes<string>;
