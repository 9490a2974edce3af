/** What the dump has left to hold packets back, other than what tscriu itself keeps for connections. */
import { CrError } from "../error.ts";
import type { FileRestore } from "../file/kind.ts";
import type { InetSkEntry } from "../image/schema.gen.ts";
import { IPPROTO, TCP_STATE } from "../kernel/uapi/inet.ts";
import { atTree, fromHere, isHere, perPlace } from "./elsewhere.ts";
import { bytesOf } from "./inet-address.ts";
import { removeIptablesLock } from "./iptables-lock.ts";
import { type Ends, KeptLock } from "./network-lock.ts";

/** network_lock_method of the inventory. CRIU leaves the first one out. */
const IPTABLES = 0;
const SKIP = 2;

const methodOf = ({ images }: FileRestore) => images.inventory.network_lock_method ?? IPTABLES;

/** Did the dump lock the network at all? */
export function isLocked(restore: FileRestore): boolean {
  return methodOf(restore) !== SKIP;
}

const COULD_NOT = "the dump's network lock could not be removed";

/** Acts; what fails does not keep a tree from its first step that is otherwise restored. */
function trying({ log }: FileRestore, act: () => void): void {
  try {
    act();
  } catch (error) {
    if (!(error instanceof CrError)) throw error;
    log.warn(`${COULD_NOT}: ${error.message}`);
  }
}

/** Where we are. */
function removeRules(ends: readonly Ends[], isWhole: boolean, restore: FileRestore): void {
  if (methodOf(restore) !== IPTABLES) return;
  trying(restore, () => {
    const left = removeIptablesLock(ends, isWhole);
    if (left.length > 0) restore.log.warn(`rules of ${COULD_NOT}: ${left.join("; ")}`);
  });
}

/** The lock of these connections, in the network namespace that we are in. */
export function removeOthersLock(ends: readonly Ends[], restore: FileRestore): void {
  removeRules(ends, false, restore);
}

/** In CRIU's images a connection that is over still has its peer; it is locked like the others. */
function isOver({ proto, state, dst_port }: InetSkEntry): boolean {
  return proto === IPPROTO.TCP && state === TCP_STATE.CLOSE && dst_port !== 0;
}

const unlocked = perPlace((restore: FileRestore) => {
  const over = [...restore.entries.values()].flatMap(({ isk }) =>
    isk && isOver(isk) && isHere(isk, restore) ? [isk] : [],
  );
  const ends = over.map(({ family, src_addr, src_port, dst_addr, dst_port }): Ends => {
    const own = { bytes: bytesOf(src_addr, family), port: src_port };
    return { own, peer: { bytes: bytesOf(dst_addr, family), port: dst_port } };
  });
  const there = fromHere(restore);
  restore.atRelease(() => {
    there(() => removeOthersLock(ends, restore));
    return [];
  });
  return true;
});

/** At the tree's first step: removes the lock of connections that are over, for their addresses may be used anew. */
export function unlockEnded(entry: InetSkEntry, restore: FileRestore): void {
  if (isOver(entry)) unlocked(restore);
}

/** At the tree's first step, where it lives in a network namespace that was there before: CRIU locks such a one as a whole. */
export function unlockNamespace(restore: FileRestore): void {
  if (restore.network === undefined || !isLocked(restore)) return;
  restore.atRelease(() => {
    atTree(restore, () => {
      removeRules([], true, restore);
      const runId = restore.images.inventory.dump_criu_run_id;
      if (runId !== undefined) trying(restore, () => void new KeptLock(runId).remove());
    });
    return [];
  });
}
