import { expect, test } from "bun:test";
import { areas, Held, isRoot, Victim } from "../task/testing.ts";
import { Home } from "./home.ts";

const WAITS = "ready(); pause();";

test.skipIf(!isRoot)(
  "frames lie in the stack, wherever the threads are, and after many dumpers that were killed",
  async () => {
    await using victim = await Victim.start(WAITS);
    using held = new Held(victim.pid);
    const all = areas(held.dir);
    const stack = all.find(({ name }) => name === "[stack]");
    if (!stack) throw new Error("no stack");
    // as in a program that runs on stacks which it made of its heap
    const elsewhere = Array.from({ length: 40 }, () => all[0]?.start ?? 0);
    const seen = new Set<number>();
    for (let round = 0; round < 60; round++) {
      const home = new Home(victim.pid, held.memory, all, held.tracee.fp.length, elsewhere);
      for (let index = 0; index <= home.others; index++) {
        const { end, scratch } = home.place(index);
        expect(scratch).toBeGreaterThanOrEqual(stack.start);
        expect(end).toBeLessThanOrEqual(stack.end - 65536);
        home.frameFor(held.tracee, index);
      }
      seen.add(home.place(0).scratch);
      // as its own end does, but for the frames: those a killed dumper leaves
      held.memory.write(home.trampoline, new Uint8Array(26));
    }
    expect(seen.size).toBe(1);
  },
);
