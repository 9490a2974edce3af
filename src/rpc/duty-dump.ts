/** The request DUMP. */
import { fstatSync } from "node:fs";
import type { Invocation } from "../cli/command.ts";
import { dumpOptions } from "../cli/dump.ts";
import { requirePrivileges } from "../cli/privileges.ts";
import { readPid } from "../cli/value.ts";
import { dump } from "../dump/dump.ts";
import { livesBelow } from "../dump/guard.ts";
import { CriuReqType } from "../image/schema.gen.ts";
import { catchSignals, interruptedBy } from "../kernel/sys.ts";
import { inRequest } from "./in-request.ts";
import { notifyingHook } from "./notify.ts";
import { type Duty, optionsOf } from "./worker.ts";

export const dumpDuty: Duty = (request, office, first) => {
  const opts = optionsOf(request, office);
  return inRequest(opts, "dump", office, first, ({ settings, space }) => {
    settings.requireSupport("dump");
    requirePrivileges(settings.flag("unprivileged"));
    const tree = settings.text("tree");
    const pid = tree === undefined ? office.peer.pid : readPid("tree", tree);
    const { environment, connection } = office;
    const invocation: Invocation = { command: "dump", operands: [], settings, environment, absentConfigs: [] };
    const plain = dumpOptions(invocation, pid, space, () => interruptedBy() !== 0);
    const external = [...plain.external];
    const told = opts.notify_scripts ? notifyingHook(connection, plain.hook, external, space.log) : plain.hook;
    // who is saved itself stands still after the first hook, and could not answer
    const isItself = livesBelow(office.peer.pid, pid);
    const hook: typeof told = (name, ...more) => (isItself && name !== "pre-dump" ? plain.hook : told)(name, ...more);
    catchSignals();
    const orphanPtsMaster = opts.orphan_pts_master ?? false;
    const askedOver = fstatSync(connection.fd).ino;
    const result = dump({ ...plain, external, hook, orphanPtsMaster, askedOver }, space.log);
    space.log.summary(`Saved ${result.tasks} tasks in ${space.images.path}`, { ...result });
    const answer = { type: CriuReqType.DUMP, success: true, dump: { restored: false } };
    // who has ended with its tree gets another answer when it is restored
    connection.answer(answer, [], isItself && plain.fate === "kill");
    return "answered";
  });
};
