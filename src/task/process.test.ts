import { expect, test } from "bun:test";
import { parseStat } from "../kernel/proc/stat.ts";
import { askProcess, readProcess, restoreDumpable, restoreProcess, restoreThpDisable } from "./process.ts";
import { Held, isRoot, Victim } from "./testing.ts";

const tc = (more: object) => ({
  task_state: 1,
  exit_code: 0,
  flags: 0,
  blk_sigset: 0,
  comm: "x",
  sigactions: [],
  personality: 0,
  tscriu_prctls: [],
  ...more,
});

function ask(held: Held) {
  const inside = askProcess(held.program);
  held.program.run();
  return { inside: inside(), outside: readProcess(held.dir, parseStat(held.dir.text("stat"))) };
}

test.skipIf(!isRoot)("personality, subreaper, memory barriers, huge pages and what else prctl sets", async () => {
  await using from = await Victim.start(`
    syscall(SYS_personality, 0x0440000); prctl(PR_SET_CHILD_SUBREAPER, 1); prctl(PR_SET_DUMPABLE, 0);
    syscall(SYS_membarrier, 4, 0, 0); syscall(SYS_membarrier, 16, 0, 0); prctl(41, 1, 2, 0, 0); ready(); pause();
  `);
  await using to = await Victim.start("ready(); pause();");
  using source = new Held(from.pid);
  using target = new Held(to.pid);
  const wanted = ask(source);
  expect(wanted.inside).toMatchObject({ childSubreaper: true, dumpable: 0 });
  expect(wanted.outside).toMatchObject({ personality: 0x440000, comm: "victim" });
  const image = tc({
    personality: wanted.outside.personality,
    child_subreaper: wanted.inside.childSubreaper,
    membarrier_registration_mask: wanted.inside.membarrier,
    tscriu_prctls: wanted.inside.prctls,
  });
  restoreThpDisable(target.program, wanted.inside.thpDisabled, false, image);
  restoreProcess(target.program, image);
  restoreDumpable(target.program, wanted.inside.dumpable);
  target.program.run();
  const got = ask(target);
  expect(got.inside).toEqual(wanted.inside);
  expect(got.outside.personality).toBe(0x440000);
});

test.skipIf(!isRoot)("a process that denies itself writable code comes back so", async () => {
  await using to = await Victim.start("ready(); pause();");
  using target = new Held(to.pid);
  const [option, refuseExecGain] = [65, 1];
  restoreProcess(target.program, tc({ tscriu_prctls: [{ option, value: refuseExecGain }] }));
  target.program.run();
  // kernels before 6.3 refuse it above
  expect(ask(target).inside.prctls).toEqual([{ option, value: refuseExecGain }]);
});

test.skipIf(!isRoot)("an image that sets what we do not know is refused", async () => {
  await using to = await Victim.start("ready(); pause();");
  using target = new Held(to.pid);
  expect(() => restoreProcess(target.program, tc({ tscriu_prctls: [{ option: 15, value: 1 }] }))).toThrow(
    /sets something that we do not know/,
  );
});
