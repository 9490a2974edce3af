import { readFileSync } from "node:fs";
import { CrError } from "../error.ts";

const capSysAdmin = 21n;
const capCheckpointRestore = 40n;

export interface Privileges {
  uid: number;
  sysAdmin: boolean;
  checkpointRestore: boolean;
}

/** Effective user and capabilities, from proc_pid_status(5). */
export function readPrivileges(status = readFileSync("/proc/self/status", "latin1")): Privileges {
  const caps = BigInt(`0x${/^CapEff:\s*([0-9a-f]+)$/m.exec(status)?.[1] ?? "0"}`);
  const uid = Number(/^Uid:\s*\d+\s+(\d+)/m.exec(status)?.[1] ?? "0");
  const has = (bit: bigint): boolean => ((caps >> bit) & 1n) === 1n;
  return { uid, sysAdmin: has(capSysAdmin), checkpointRestore: has(capCheckpointRestore) };
}

/** Throws unless this process may checkpoint: a capability always, and a word from the user when it is not root. */
export function requirePrivileges(unprivileged: boolean, have = readPrivileges()): void {
  if (!have.sysAdmin && !have.checkpointRestore) {
    throw new CrError("neither CAP_SYS_ADMIN nor CAP_CHECKPOINT_RESTORE is in effect", {
      code: "EPERM",
      remedy: "run as root (sudo), or give the process CAP_CHECKPOINT_RESTORE and use --unprivileged",
    });
  }
  if (have.uid !== 0 && !unprivileged) {
    throw new CrError(`user ${have.uid} is not root`, {
      code: "EPERM",
      remedy: "run as root, or say --unprivileged to go on within what the capabilities allow",
    });
  }
}
