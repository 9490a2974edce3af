import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Bystanders } from "./bystanders.ts";

const isRoot = process.getuid?.() === 0;

/** The only child of a process, once it executes `sleep`. */
async function sleepOf(pid: number): Promise<number> {
  for (;;) {
    const child = Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "latin1"));
    if (child > 0 && readFileSync(`/proc/${child}/comm`, "latin1") === "sleep\n") return child;
    await Bun.sleep(5);
  }
}

test.skipIf(!isRoot)(
  "who entered the pid namespace of a tree ends with its init, and is found (takes root)",
  async () => {
    const outer = Bun.spawn(["unshare", "--pid", "--fork", "--kill-child", "sleep", "1000"]);
    const init = await sleepOf(outer.pid);
    let guest: Bun.Subprocess | undefined;
    try {
      using alone = new Bystanders([init]);
      expect(alone.found).toEqual([]);
      guest = Bun.spawn(["nsenter", "--target", `${init}`, "--pid", "sleep", "1000"]);
      const entered = await sleepOf(guest.pid);
      using found = new Bystanders([init]);
      using ofTree = new Bystanders([init, entered]);
      using outside = new Bystanders([outer.pid]);
      expect([found, ofTree, outside].map((one) => one.found)).toEqual([[entered], [], []]);
    } finally {
      process.kill(init, "SIGKILL");
      await Promise.all([outer.exited, guest?.exited]);
    }
  },
);
