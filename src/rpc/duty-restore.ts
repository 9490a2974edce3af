/** The request RESTORE: the tree comes back and stays when the worker ends. */
import { closeSync, constants, openSync } from "node:fs";
import type { Invocation } from "../cli/command.ts";
import { becomeProgram, findProgram } from "../cli/exec.ts";
import { inheritedDescriptors } from "../cli/inherited.ts";
import { requirePrivileges } from "../cli/privileges.ts";
import { Pidfile, restoreOptions, restoreWith } from "../cli/restore.ts";
import { CriuReqType } from "../image/schema.gen.ts";
import { NR } from "../kernel/nr.ts";
import { catchSignals, check, interruptedBy, sys } from "../kernel/sys.ts";
import { restore } from "../restore/restore.ts";
import { inRequest } from "./in-request.ts";
import { notifyingHook } from "./notify.ts";
import { type Duty, optionsOf } from "./worker.ts";

/** Standard output and error of a program that the worker becomes. */
function outputTo(path: string): void {
  const fd = openSync(path, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT, 0o600);
  for (const std of [1, 2]) check(sys(NR.dup3, fd, std, 0), "cannot give the program its output", { path });
  closeSync(fd);
}

export const restoreDuty: Duty = (request, office, first) => {
  const opts = optionsOf(request, office);
  const inherited = opts.exec_cmd.length > 0 ? inheritedDescriptors() : [];
  let logFile: string | undefined;
  inRequest(opts, "restore", office, first, ({ settings, space }) => {
    settings.requireSupport("restore");
    requirePrivileges(settings.flag("unprivileged"));
    const { environment, connection } = office;
    const invocation: Invocation = { command: "restore", operands: [], settings, environment, absentConfigs: [] };
    const [name] = opts.exec_cmd;
    if (name !== undefined) findProgram(name);
    const pidfile = new Pidfile(settings.text("pidfile"));
    const plain = restoreOptions(invocation, space, pidfile, () => interruptedBy() !== 0);
    const external = [...plain.external];
    const hook = opts.notify_scripts ? notifyingHook(connection, plain.hook, external, space.log) : plain.hook;
    catchSignals();
    // without notifications nobody could take a master over
    const orphanPtsMaster = (opts.orphan_pts_master && opts.notify_scripts) ?? false;
    const all = { ...plain, external, hook, orphanPtsMaster, detached: true };
    const result = restoreWith(pidfile, () => restore(all, space.log));
    space.log.summary(`Restored ${result.tasks} tasks, root pid ${result.pid}`, { ...result });
    connection.answer({ type: CriuReqType.RESTORE, success: true, restore: { pid: result.pid } });
    if (!opts.log_to_stderr) logFile = opts.log_file ?? settings.text("log-file") ?? "criu.log";
  });
  const [name] = opts.exec_cmd;
  if (name !== undefined) {
    const program = findProgram(name);
    if (logFile !== undefined) outputTo(logFile);
    becomeProgram(program, opts.exec_cmd, inherited);
  }
  return "answered";
};
