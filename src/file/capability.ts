import { NR } from "../kernel/nr.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { CAPABILITY_VERSION_3 } from "../kernel/uapi/capability.ts";

/**
 * Runs something without one of our effective capabilities (CAP_*), for objects that remember what their maker was allowed.
 * Only this thread lacks it, and has it back on every way out.
 */
export function withoutCapability<T>(capability: number, action: () => T): T {
  const header = new Uint32Array([CAPABILITY_VERSION_3, 0]);
  // capset(2): effective, permitted, inheritable, first of the low then of the high 32 bits
  const had = new Uint32Array(6);
  check(sys(NR.capget, addressOf(header), addressOf(had)), "cannot read our capabilities");
  const less = had.slice();
  const word = capability < 32 ? 0 : 3;
  less[word] = ((less[word] ?? 0) & ~(1 << (capability % 32))) >>> 0;
  check(sys(NR.capset, addressOf(header), addressOf(less)), "cannot drop a capability");
  try {
    return action();
  } finally {
    check(sys(NR.capset, addressOf(header), addressOf(had)), "cannot take a capability back");
  }
}
