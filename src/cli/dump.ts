/** `dump`: saves a tree. */
import { readFileSync } from "node:fs";
import type { DumpOptions, DumpResult, NetworkLockMethod } from "../options.ts";
import { parseCgroupProps } from "./cgroup-props.ts";
import { type Invocation, warnUnused, withLog } from "./command.ts";
import { commonOptions } from "./common-options.ts";
import { fileError } from "./file-error.ts";
import { print } from "./print.ts";
import { requirePrivileges } from "./privileges.ts";
import { dumpStatistics } from "./statistics.ts";
import { usageError } from "./usage-error.ts";
import { readNumber, readPid, readSize } from "./value.ts";
import { bytesInWords, count, timeInWords } from "./words.ts";
import { openWorkspace, type Workspace } from "./workspace.ts";

const defaultTimeout = 10;
const defaultGhostLimit = 1024 ** 2;

function readPropsFile(path: string | undefined): string {
  if (path === undefined) return "";
  try {
    return readFileSync(path, "utf8");
  } catch (thrown) {
    throw fileError("cannot read the cgroup properties", path, thrown);
  }
}

export function dumpOptions(
  invocation: Invocation,
  pid: number,
  space: Workspace,
  interrupted: () => boolean,
): DumpOptions {
  const { settings } = invocation;
  const timeout = settings.text("timeout");
  const ghostLimit = settings.text("ghost-limit");
  const lock = settings.text("network-lock") ?? "iptables";
  const common = commonOptions(invocation, space, interrupted);
  return {
    ...common,
    cgroups: {
      ...common.cgroups,
      controllers: settings.texts("cgroup-dump-controller").flatMap((names) => names.split(",")),
      properties: [
        ...parseCgroupProps(settings.text("cgroup-props") ?? ""),
        ...parseCgroupProps(readPropsFile(settings.text("cgroup-props-file"))),
      ],
    },
    pid,
    fate: settings.flag("leave-stopped") ? "stop" : settings.flag("leave-running") ? "run" : "kill",
    timeout: timeout === undefined ? defaultTimeout : readNumber("timeout", timeout, "a number of seconds"),
    freezeCgroup: settings.text("freeze-cgroup"),
    linkRemap: settings.flag("link-remap"),
    ghostLimit: ghostLimit === undefined ? defaultGhostLimit : readSize("ghost-limit", ghostLimit),
    ghostFiemap: settings.flag("ghost-fiemap", true),
    forceIrmap: settings.flag("force-irmap"),
    irmapScanPaths: settings.texts("irmap-scan-path"),
    networkLock: lock === "none" ? "skip" : (lock as NetworkLockMethod),
    skipMounts: settings.texts("skip-mnt"),
  };
}

function summary(options: DumpOptions, result: DumpResult): string {
  const fate = { kill: "", run: "; they run on", stop: "; they are stopped" }[options.fate];
  const tasks = result.threads > result.tasks ? ` (${count(result.threads, "thread")})` : "";
  return (
    `Saved ${count(result.tasks, "task")}${tasks}, ${bytesInWords(result.pagesWritten)} of memory, ` +
    `in ${options.images.path} (${bytesInWords(result.imageBytes)})${fate}. ` +
    `Frozen ${timeInWords(result.frozenUs)}, ${timeInWords(result.totalUs)} in all.`
  );
}

export async function runDump(invocation: Invocation): Promise<number> {
  const { settings, command } = invocation;
  const tree = settings.text("tree");
  if (tree === undefined) throw usageError("dump needs to know what to save", "give --tree PID (-t PID)");
  const pid = readPid("tree", tree);
  settings.requireSupport(command);
  requirePrivileges(settings.flag("unprivileged"));
  const space = openWorkspace(settings, command);
  const [{ dump }, { catchSignals, interruptedBy }] = await Promise.all([
    import("../dump/dump.ts"),
    import("../kernel/sys.ts"),
  ]);
  return withLog(space.log, () => {
    warnUnused(space.log, invocation);
    const options = dumpOptions(invocation, pid, space, () => interruptedBy() !== 0);
    catchSignals();
    const result = dump(options, space.log);
    space.log.summary(summary(options, result), { ...result });
    if (settings.flag("display-stats")) print(dumpStatistics(result));
    return 0;
  });
}
