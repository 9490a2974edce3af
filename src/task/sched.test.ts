import { expect, test } from "bun:test";
import { dumpSched, dumpTimerSlack, readSched, restoreSched } from "./sched.ts";
import { isRoot, Victim } from "./testing.ts";

/** @param body what the thread asks for, which begins with what all have, whatever the tests themselves run with */
async function moves(body: string) {
  const plain = ATTR(0, 0, "0");
  await using from = await Victim.start(`${plain} ${body} ready(); pause();`);
  await using to = await Victim.start(`${plain} ready(); pause();`);
  const wanted = readSched(from.pid);
  const untold = -1;
  const fields = { ...dumpSched(wanted), ...dumpTimerSlack(from.pid, untold) };
  restoreSched(to.pid, fields, readSched(to.pid));
  expect({ ...dumpSched(readSched(to.pid)), ...dumpTimerSlack(to.pid, untold) }).toEqual(fields);
  expect(readSched(to.pid)).toEqual(wanted);
  return fields;
}

const ATTR = (policy: number, flags: number, rest: string) => `{
  struct { unsigned size, policy; unsigned long flags; int nice; unsigned prio; unsigned long run, dead, period; } a =
    { 48, ${policy}, ${flags}, ${rest} }; if (syscall(SYS_sched_setattr, 0, &a, 0)) { perror("attr"); exit(1); }
}`;

test.skipIf(!isRoot)("a thread that never asked for anything has only policy and nice value in its image", async () => {
  expect(await moves("")).toEqual({ sched_policy: 0, sched_nice: 0 });
});

test.skipIf(!isRoot)("nice values, also negative, and the background policies", async () => {
  expect(await moves(ATTR(0, 0, "-5"))).toEqual({ sched_policy: 0, sched_nice: -5 });
  expect(await moves(ATTR(3, 0, "7"))).toEqual({ sched_policy: 3, sched_nice: 7 });
  expect(await moves(`setpriority(PRIO_PROCESS, 0, 3); ${ATTR(5, 0, "0")}`)).toEqual({
    sched_policy: 5,
    sched_nice: 3,
  });
});

test.skipIf(!isRoot)("real-time policies, reset on fork", async () => {
  const fields = await moves(`setpriority(PRIO_PROCESS, 0, 4); ${ATTR(1, 1, "0, 12")}`);
  expect(fields).toMatchObject({ sched_policy: 0x40000001, sched_prio: 12, tscriu_sched: { nice: 4 } });
  expect(fields.tscriu_sched?.flags).toBeUndefined();
  expect(fields.sched_nice).toBeUndefined();
});

test.skipIf(!isRoot)("CPUs, input and output priority, timer slack", async () => {
  const fields = await moves(`
    unsigned long mask = 1; syscall(SYS_sched_setaffinity, 0, 8, &mask);
    syscall(SYS_ioprio_set, 1, 0, 2 << 13 | 6); prctl(PR_SET_TIMERSLACK, 123456);
  `);
  expect(fields).toMatchObject({ tscriu_ioprio: (2 << 13) | 6, tscriu_timerslack_ns: 123456 });
  // on a machine of one CPU it is not bound
  if (readSched(process.pid).affinity[0] !== 1) expect(fields.tscriu_affinity).toEqual(Uint8Array.of(1));
});

test("a timer slack as a thread tells it: that which all have is left out, what no number holds is read elsewhere", () => {
  expect(dumpTimerSlack(process.pid, 50_000)).toEqual({});
  expect(dumpTimerSlack(process.pid, 7)).toEqual({ tscriu_timerslack_ns: 7 });
  expect(dumpTimerSlack(process.pid, -1)).toEqual({});
});

test("what the kernel refuses is named", () => {
  expect(() => restoreSched(process.pid, { sched_policy: 99 }, readSched(process.pid))).toThrow(
    /cannot set a thread's scheduling/,
  );
});
