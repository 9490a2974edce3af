/** Whose a character device is, by its number: /proc/devices and /proc/misc (proc(5)). */
import { readFileSync } from "node:fs";

const MISC = 10;
/** The kernel's encoding of device numbers here: major << 20 | minor. */
const MINORS = 0x100000;

/** Names by number, of lines such as ` 10 misc` below `heading`, or of all lines. */
function namesIn(path: string, heading?: string): ReadonlyMap<number, string> {
  const names = new Map<number, string>();
  let text = "";
  try {
    text = readFileSync(path, "latin1");
  } catch {
    return names; // a /proc without it
  }
  const part = heading === undefined ? text : (text.split(/\n\n/).find((one) => one.startsWith(heading)) ?? "");
  for (const [, number, name] of part.matchAll(/^\s*(\d+)\s+(\S+)$/gm)) {
    // a major may have several names: the first is the driver's own
    if (name !== undefined && !names.has(Number(number))) names.set(Number(number), name);
  }
  return names;
}

/** `vcs`, `rtc`, `misc/fuse`; undefined where the system does not tell. */
export function driverOf(rdev: number): string | undefined {
  const major = Math.floor(rdev / MINORS);
  if (major !== MISC) return namesIn("/proc/devices", "Character devices:").get(major);
  const name = namesIn("/proc/misc").get(rdev % MINORS);
  return name === undefined ? undefined : `misc/${name}`;
}
