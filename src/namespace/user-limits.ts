/** Limits of a user namespace on what may be made in it (/proc/sys/user, namespaces(7)): they do not come back, and a dump says so. */
import { readdirSync } from "node:fs";
import { envoyOf } from "../kernel/envoy.ts";
import { closeFd, O, openPath } from "../kernel/fd.ts";
import { readThere } from "../kernel/sysv.ts";
import type { Log } from "../log.ts";

const DIRECTORY = "/proc/sys/user";
/** What each is in a new namespace. */
const UNLIMITED = "2147483647";

/** What is limited in the user namespace of a task, as `NAME=NUMBER`. */
function limitsOf(member: number): string[] {
  const own = openPath(`/proc/${member}/ns/user`, O.RDONLY, "cannot open a user namespace");
  try {
    using envoy = envoyOf(own);
    return readdirSync(DIRECTORY).flatMap((name) => {
      const value = readThere(`${DIRECTORY}/${name}`, envoy.call)?.trim();
      return value === undefined || value === UNLIMITED ? [] : [`${name}=${value}`];
    });
  } finally {
    closeFd(own);
  }
}

/** A third of a millisecond for each user namespace of the tree's own. @param foreign namespaces that are not ours */
export function tellOfUserLimits(
  foreign: readonly { readonly name: string; readonly member: number }[],
  log: Log,
): void {
  for (const { name, member } of foreign) {
    const limits = name === "user" ? limitsOf(member) : [];
    if (limits.length > 0)
      log.warn(
        `limits of a user namespace are not kept, set them again after a restore: ${limits.join(" ")} (pid ${member})`,
      );
  }
}
