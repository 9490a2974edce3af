/** `restore`: brings a tree back, and stays with it, leaves it, or becomes another program. */
import { fstatSync, unlinkSync, writeSync } from "node:fs";
import type { RestoreOptions, RestoreResult } from "../options.ts";
import { type Invocation, warnUnused, withLog } from "./command.ts";
import { commonOptions } from "./common-options.ts";
import { inheritedDescriptors } from "./inherited.ts";
import { requireNoPidfile, writePidfile } from "./pidfile.ts";
import { print } from "./print.ts";
import { requirePrivileges } from "./privileges.ts";
import type { Settings } from "./settings.ts";
import { restoreStatistics } from "./statistics.ts";
import { usageError } from "./usage-error.ts";
import { readInheritFd, readJoinNs, readLsmProfile } from "./value.ts";
import { count, timeInWords } from "./words.ts";
import { openWorkspace, type Workspace } from "./workspace.ts";

/** The pid file, written while the tree can still be taken back, removed when it is. */
export class Pidfile {
  private readonly path: string | undefined;
  private written = false;

  constructor(path: string | undefined) {
    this.path = path;
    if (path !== undefined) requireNoPidfile(path);
  }

  write(pid: number): void {
    if (this.path === undefined || this.written) return;
    writePidfile(this.path, pid);
    this.written = true;
  }

  remove(): void {
    if (this.path !== undefined && this.written) unlinkSync(this.path);
  }
}

function requireSense({ settings, operands }: Invocation): void {
  const detached = settings.flag("restore-detached");
  const exec = settings.flag("exec-cmd");
  if (settings.flag("restore-sibling") && !detached) {
    throw usageError("--restore-sibling goes with --restore-detached only", "add --restore-detached (-d)");
  }
  if (exec && detached) {
    throw usageError("--exec-cmd and --restore-detached exclude each other", "leave one of them out");
  }
  if (exec && operands.length === 0) {
    throw usageError("--exec-cmd needs a program", "write it at the end: restore … --exec-cmd -- PROGRAM ARGUMENTS");
  }
}

function joinedNamespaces(settings: Settings): RestoreOptions["joined"] {
  const joined = readJoinNs(settings.texts("join-ns"));
  if (settings.given("empty-ns") && joined.some(({ name }) => name === "net"))
    throw usageError("--join-ns net and --empty-ns net exclude each other", "leave one of them out");
  return joined;
}

/** Restores; the pid file is there exactly if the tree is. */
export function restoreWith(pidfile: Pidfile, act: () => RestoreResult): RestoreResult {
  try {
    const result = act();
    pidfile.write(result.pid);
    return result;
  } catch (cause) {
    pidfile.remove();
    throw cause;
  }
}

/** Throws a usage error for a descriptor that nobody gave us. Of the form debug[N]:TEXT, as criu has it, the text is written. */
function inheritedFds(settings: Settings): RestoreOptions["inheritFds"] {
  const asked = settings.texts("inherit-fd").map((text) => {
    const [, fd, said] = /^debug\[([0-9]+)\]:(.+)$/s.exec(text) ?? [];
    return { given: fd === undefined ? readInheritFd(text) : { fd: Number(fd), resource: "" }, said };
  });
  for (const { given, said } of asked) {
    const { fd } = given;
    try {
      if (said === undefined) fstatSync(fd);
      else writeSync(fd, said);
    } catch {
      const state = said === undefined ? "open" : "open for writing";
      throw usageError(`option --inherit-fd: descriptor ${fd} is not ${state}`, "name one that tscriu inherits");
    }
  }
  return asked.flatMap(({ given, said }) => (said === undefined ? [given] : []));
}

export function restoreOptions(
  invocation: Invocation,
  space: Workspace,
  pidfile: Pidfile,
  interrupted: () => boolean,
): RestoreOptions {
  const { settings } = invocation;
  return {
    ...commonOptions(invocation, space, interrupted),
    leaveStopped: settings.flag("leave-stopped"),
    sibling: settings.flag("restore-sibling"),
    detached: settings.flag("restore-detached"),
    inheritFds: inheritedFds(settings),
    created: (pid) => pidfile.write(pid),
    skipFileRwxCheck: settings.flag("skip-file-rwx-check"),
    weakSysctls: settings.flag("weak-sysctls"),
    lsmProfile: readLsmProfile(settings.text("lsm-profile")),
    lsmContext: settings.text("lsm-mount-context"),
    root: settings.text("root"),
    newPids: settings.flag("new-pidns"),
    joined: joinedNamespaces(settings),
  };
}

function summary(options: RestoreOptions, result: RestoreResult): string {
  const state = options.leaveStopped ? ", stopped" : "";
  return `Restored ${count(result.tasks, "task")}, root pid ${result.pid}${state}. ${timeInWords(result.totalUs)} in all.`;
}

export async function runRestore(invocation: Invocation): Promise<number> {
  const { settings, command, operands } = invocation;
  requireSense(invocation);
  settings.requireSupport(command);
  requirePrivileges(settings.flag("unprivileged"));
  const inherited = inheritedDescriptors();
  const space = openWorkspace(settings, command);
  const { log } = space;
  const [{ restore }, { catchSignals, interruptedBy }, exec, { waitForChildren, waitForInit }, job] = await Promise.all(
    [
      import("../restore/restore.ts"),
      import("../kernel/sys.ts"),
      import("./exec.ts"),
      import("./wait.ts"),
      import("./foreground.ts"),
    ],
  );
  return withLog(log, () => {
    warnUnused(log, invocation);
    const [name] = operands;
    const program = settings.flag("exec-cmd") && name !== undefined ? exec.findProgram(name) : undefined;
    const pidfile = new Pidfile(settings.text("pidfile"));
    const options = restoreOptions(invocation, space, pidfile, () => interruptedBy() !== 0);
    catchSignals();
    if (options.shellJob) job.speakOn();
    const result = restoreWith(pidfile, () => restore(options, log));
    log.summary(summary(options, result), { ...result });
    if (settings.flag("display-stats")) print(restoreStatistics(result));
    if (result.foreground !== undefined) job.drawAnew(result.foreground);
    if (program !== undefined) exec.becomeProgram(program, operands, inherited);
    if (options.detached) return 0;
    const together = options.shellJob && !options.leaveStopped;
    const stop = together ? job.stopTogether : undefined;
    const status = result.init === undefined ? waitForChildren(stop) : waitForInit(result.init, result.pid, stop);
    if (result.foreground !== undefined) job.takeBack();
    return status;
  });
}
