/** /proc/keys (keyrings(7)): the keys that who reads it may see, and how long they stay. */
import { NR } from "../nr.ts";
import { sys } from "../sys.ts";
import { tryReadProcFile } from "./read.ts";

export interface KeyLine {
  readonly serial: number;
  /** How often something refers to it: credentials, keyrings. */
  readonly usage: number;
  /** Seconds that are left, in whole minutes, hours, days or weeks; undefined for one that stays. */
  readonly left: number | undefined;
  readonly type: string;
  readonly description: string;
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };

/** `SERIAL FLAGS USAGE TIMEOUT PERMISSIONS UID GID TYPE DESCRIPTION: MORE`. */
export function parseKeys(text: string): Map<number, KeyLine> {
  const found = new Map<number, KeyLine>();
  for (const line of text.split("\n")) {
    const parts = /^([0-9a-f]{8}) \S+ +(\d+) +(\S+) [0-9a-f]{8} +-?\d+ +-?\d+ (\S+) +(.*)$/.exec(line);
    if (!parts) continue;
    const [, serial = "", usage, timeout = "", type = "", rest = ""] = parts;
    const [, count, unit = ""] = /^(\d+)([smhdw])$/.exec(timeout) ?? [];
    const left = timeout === "expd" ? 0 : count === undefined ? undefined : Number(count) * (SECONDS[unit] ?? 0);
    const end = rest.lastIndexOf(": ");
    const description = end < 0 ? rest : rest.slice(0, end);
    const key = { serial: Number.parseInt(serial, 16), usage: Number(usage), left, type, description };
    found.set(key.serial, key);
  }
  return found;
}

/** What a user sees. @param uid as we call them */
export function readKeys(uid: number): Map<number, KeyLine> {
  // it is the user of whoever reads that counts; of this thread alone it is changed
  const before = uid === 0 ? -1 : sys(NR.setfsuid, uid);
  try {
    return parseKeys(tryReadProcFile("/proc/keys") ?? "");
  } finally {
    if (before >= 0) sys(NR.setfsuid, before);
  }
}
