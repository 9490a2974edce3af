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
  "whom a tree bears while it is looked at did not come from outside, nor did who has ended by then (takes root)",
  async () => {
    const outer = Bun.spawn([
      "unshare",
      "--pid",
      "--fork",
      "--kill-child",
      "sh",
      "-c",
      "sleep 1000 & sleep 2000 & wait",
    ]);
    const children = () => readFileSync(`/proc/${init}/task/${init}/children`, "latin1").trim().split(" ").map(Number);
    let init = 0;
    try {
      while (init === 0) {
        init = Number(readFileSync(`/proc/${outer.pid}/task/${outer.pid}/children`, "latin1"));
        await Bun.sleep(5);
      }
      while (children().length < 2) await Bun.sleep(5);
      const [first = 0, second = 0] = children();
      using found = new Bystanders([init, first]);
      using late = new Bystanders([init, second]);
      process.kill(first, "SIGKILL");
      while (children().includes(first)) await Bun.sleep(5);
      expect([found.found, late.found]).toEqual([[], []]);
    } finally {
      process.kill(init, "SIGKILL");
      await outer.exited;
    }
  },
);

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
