/** What a case has made that outlives it and noted in `.objects`: objects of the host's ipc namespace, and cgroups. */
import { existsSync, readFileSync, rmdirSync } from "node:fs";
import { join } from "node:path";
import { NR } from "../../src/kernel/nr.ts";
import { addressOf, cstring, sys } from "../../src/kernel/sys.ts";

const IPC_RMID = 0;

const removals: Readonly<Record<string, (what: string) => void>> = {
  shm: (id) => void sys(NR.shmctl, Number(id), IPC_RMID, 0),
  sem: (id) => void sys(NR.semctl, Number(id), 0, IPC_RMID, 0),
  msg: (id) => void sys(NR.msgctl, Number(id), IPC_RMID, 0),
  // the call takes the name without the slash that mq_open(3) wants
  mq: (name) => {
    const text = cstring(name.replace(/^\//, ""));
    sys(NR.mq_unlink, addressOf(text));
  },
};

function notedIn(directory: string): { kind: string; what: string }[] {
  const path = join(directory, ".objects");
  if (!existsSync(path)) return [];
  const lines = readFileSync(path, "utf8").trim().split("\n").reverse();
  return lines.map((line) => {
    const [kind = "", what = ""] = line.split(" ");
    return { kind, what };
  });
}

/** When the case is over. */
export function removeObjects(directory: string): void {
  for (const { kind, what } of notedIn(directory)) removals[kind]?.(what);
  removeCgroups(directory);
}

/** When its tasks have ended: the one made last first. */
export function removeCgroups(directory: string): void {
  for (const { kind, what } of notedIn(directory)) if (kind === "cgroup" && existsSync(what)) rmdirSync(what);
}
