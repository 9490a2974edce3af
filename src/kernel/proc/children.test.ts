import { expect, test } from "bun:test";
import { childrenByParent, parseChildren, readChildren } from "./children.ts";
import { ProcDir } from "./read.ts";
import { adopt, reap, Victim } from "./victim.testing.ts";

test("the text is a list in the order of birth", () => {
  expect(parseChildren("")).toEqual([]);
  expect(parseChildren("12 7 ")).toEqual([12, 7]);
});

test("children of a shell", async () => {
  adopt(true);
  const victim = await Victim.start("sleep 1000 & a=$!; sleep 1000 & echo $a $!");
  const children = victim.said.trim().split(" ").map(Number);
  try {
    using dir = new ProcDir(victim.pid);
    expect(children).toHaveLength(2);
    expect(readChildren(dir)).toEqual(children);
    expect(childrenByParent(victim.pid, "/proc")).toEqual(children.toSorted((a, b) => a - b));
    using self = new ProcDir(process.pid);
    expect(readChildren(self)).toContain(victim.pid);
    using childless = new ProcDir(children[0] ?? 0);
    expect(readChildren(childless)).toEqual([]);
  } finally {
    await victim.end();
    for (const pid of children) process.kill(pid, "SIGKILL");
    children.forEach(reap);
    adopt(false);
  }
});
