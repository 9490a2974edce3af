/** Sysctls that a namespace had and this kernel has not. */
import { CrError } from "../error.ts";
import type { Log } from "../log.ts";
import type { RestoreOptions } from "../options.ts";

/** What to do about one: they end a restore, unless they are to be left out (--weak-sysctls). */
export function absentSysctl(
  { weakSysctls }: Pick<RestoreOptions, "weakSysctls">,
  log: Pick<Log, "warn">,
): (path: string) => void {
  return (path) => {
    if (!weakSysctls)
      throw new CrError("this kernel lacks a sysctl that the tree's namespace had", {
        code: "ENOENT",
        subject: { path },
        remedy: "load the module that has it, or pass --weak-sysctls, which leaves out all that are not there",
      });
    log.warn(`a sysctl is left out, for this kernel does not have it: ${path}`);
  };
}
