/**
 * Whether a task has restricted itself (landlock(7)): no call and no file tells, only the kernel's memory. Where in the credentials
 * that stands, a helper shows that restricts itself.
 */
import { Envoy } from "./envoy.ts";
import { closeFd } from "./fd.ts";
import { type Inside, lookInside } from "./inside.ts";
import { taskOf } from "./inside-task.ts";
import { NR } from "./nr.ts";
import type { ProcStatus } from "./proc/status.ts";
import { addressOf, sys } from "./sys.ts";
import { PR } from "./uapi/prctl.ts";

const LANDLOCK_CREATE_RULESET_VERSION = 1;
const LANDLOCK_ACCESS_FS_EXECUTE = 1n;
/** How much of what security modules keep of a task is looked at, in words of 8 bytes. */
const WORDS = 16;
/** From here on addresses are the kernel's. */
const KERNEL = 0xffff_0000_0000_0000n;

function securityOf(inside: Inside, tid: number): BigUint64Array | undefined {
  const words = taskOf(inside, tid)
    ?.to("cred", "cred")
    ?.to("security", "list_head")
    ?.bytes(WORDS * 8);
  return words && new BigUint64Array(words.buffer);
}

/** Which word of it leads to the restrictions. */
function placeOf(inside: Inside): number | undefined {
  using helper = new Envoy();
  if (helper.call(NR.prctl, PR.SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0) return undefined;
  const handled = BigUint64Array.of(LANDLOCK_ACCESS_FS_EXECUTE);
  const rules = helper.call(NR.landlock_create_ruleset, addressOf(handled), handled.byteLength, 0);
  if (rules < 0) return undefined;
  const done = helper.call(NR.landlock_restrict_self, rules, 0);
  closeFd(rules);
  const [own, its] = [securityOf(inside, process.pid), securityOf(inside, helper.pid)];
  if (done < 0 || own === undefined || its === undefined) return undefined;
  const places = [...its.keys()].filter((i) => own[i] === 0n && (its[i] ?? 0n) >= KERNEL);
  return places.length === 1 ? places[0] : undefined;
}

/**
 * Whether tasks of a tree may have restricted themselves who may gain no privileges: that is what it takes. Where the init of a
 * container may gain none its runtime saw to that, for all in it: it says nothing then, and to look would take long for nothing.
 */
export function tellsOfLandlock(root: ProcStatus): boolean {
  return !(root.noNewPrivs && root.nsPid.length > 1 && root.nsPid.at(-1) === 1);
}

/** Undefined where it is not known, or the kernel is built without; null before it was looked for. */
let place: number | undefined | null = null;

/** Takes some twenty milliseconds, once. */
export function findLandlock(): number | undefined {
  if (place !== null) return place;
  const isThere = sys(NR.landlock_create_ruleset, 0, 0, LANDLOCK_CREATE_RULESET_VERSION) > 0;
  place = isThere ? lookInside(placeOf) : undefined;
  return place;
}

/** Those that have; none where nobody can look. */
export function restrictedByLandlock(tids: readonly number[]): number[] {
  const at = tids.length === 0 ? undefined : findLandlock();
  if (at === undefined) return [];
  return lookInside((inside) => tids.filter((tid) => (securityOf(inside, tid)?.[at] ?? 0n) >= KERNEL)) ?? [];
}
