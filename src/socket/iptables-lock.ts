/**
 * The lock that CRIU makes with iptables: two rules for each connection, or a chain for a whole network namespace, which wait for
 * a restore to remove them. Which iptables made them nobody says: they are looked for wherever one keeps its rules.
 */
import { removeLegacyLock } from "./iptables-lock-legacy.ts";
import { removeNftLock } from "./iptables-lock-nft.ts";
import { lockOf } from "./lock-rule.ts";
import type { Ends } from "./network-lock.ts";

/**
 * Removes the lock of these connections where there is one, in the network namespace that we are in.
 * @param isWhole removes the namespace's, too
 * @returns what could not be removed
 */
export function removeIptablesLock(connections: readonly Ends[], isWhole = false): string[] {
  if (connections.length === 0 && !isWhole) return [];
  const wanted = { isLock: lockOf(connections), isWhole };
  return [...removeNftLock(wanted), ...removeLegacyLock(wanted)];
}
