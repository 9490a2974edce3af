/** Objects of the host's ipc namespace that a case has noted in `.objects`: they are removed when it is over. */
import { existsSync, readFileSync } from "node:fs";
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

export function removeObjects(directory: string): void {
  const path = join(directory, ".objects");
  if (!existsSync(path)) return;
  for (const line of readFileSync(path, "utf8").trim().split("\n")) {
    const [kind = "", what = ""] = line.split(" ");
    removals[kind]?.(what);
  }
}
