import { expect, test } from "bun:test";
import { armItimers, askItimers } from "./itimers.ts";
import { armPosixTimers, askPosixTimers, readTimers, restorePosixTimers } from "./posix-timers.ts";
import { Held, isRoot, Victim } from "./testing.ts";

const TIMERS = `
  timer_t t; struct sigevent e = { 0 }; struct itimerspec s = { { 7, 0 }, { 3000, 0 } };
  signal(SIGALRM, SIG_IGN);
  syscall(SYS_timer_create, CLOCK_MONOTONIC, &(struct sigevent){ .sigev_notify = SIGEV_NONE }, &t);
  syscall(SYS_timer_create, CLOCK_REALTIME, &(struct sigevent){ .sigev_notify = SIGEV_SIGNAL, .sigev_signo = 40, .sigev_value.sival_ptr = (void *)0xfedcba9876543210 }, &t);
  int second; memcpy(&second, &t, 4);
  syscall(SYS_timer_settime, second, 0, &s, 0);
  syscall(SYS_timer_create, CLOCK_MONOTONIC, 0, &t);
  syscall(SYS_timer_delete, (long)*(int *)&t);
  e.sigev_notify = SIGEV_THREAD_ID; e.sigev_signo = 41; ((int *)&e)[4] = getpid();
  syscall(SYS_timer_create, CLOCK_THREAD_CPUTIME_ID, &e, &t);
  e.sigev_notify = SIGEV_THREAD; e.sigev_signo = 42;
  syscall(SYS_timer_create, CLOCK_BOOTTIME, &e, &t);
  struct itimerval i = { { 5, 6 }, { 1000, 0 } }; setitimer(ITIMER_REAL, &i, 0);
  i.it_value.tv_sec = 2000; setitimer(ITIMER_PROF, &i, 0);
  ready(); pause();
`;

function ask(held: Held) {
  const timers = readTimers(held.dir);
  const posix = askPosixTimers(held.program, timers);
  const itimers = askItimers(held.program);
  held.program.run();
  return { posix: posix(), itimers: itimers() };
}

test.skipIf(!isRoot)("interval timers and POSIX timers come back with ids, kinds and times", async () => {
  await using from = await Victim.start(TIMERS);
  await using to = await Victim.start("ready(); pause();");
  using source = new Held(from.pid);
  using target = new Held(to.pid);
  const { posix, itimers } = ask(source);
  expect(posix.map((t) => [t.it_id, t.clock_id, t.si_signo, t.it_sigev_notify])).toEqual([
    [0, 1, 0, 1],
    [1, 0, 40, 0],
    // how the kernel names CLOCK_THREAD_CPUTIME_ID
    [3, 0xfffffffe, 41, 4],
    [4, 7, 42, 2],
  ]);
  expect(posix[1]).toMatchObject({ sival_ptr: 0xfedcba9876543210n, isec: 7, overrun: 0 });
  expect(posix[2]?.notify_thread_id).toBe(from.pid);
  expect(Number(posix[1]?.vsec)).toBeWithin(2990, 3001);
  expect(itimers.real).toMatchObject({ isec: 5, iusec: 6 });
  expect(Number(itimers.prof.vsec)).toBeWithin(1990, 2001);
  expect(itimers.virt).toEqual({ isec: 0, iusec: 0, vsec: 0, vusec: 0 });

  const moved = posix.map((t) => (t.notify_thread_id ? { ...t, notify_thread_id: to.pid } : t));
  restorePosixTimers(target.program, moved, to.pid);
  armPosixTimers(target.program, moved);
  armItimers(target.program, itimers);
  target.program.run();
  const again = ask(target);
  const still = (t: (typeof moved)[number]) => ({ ...t, vsec: 0, vnsec: 0 });
  expect(again.posix.map(still)).toEqual(moved.map(still));
  expect(Number(again.posix[1]?.vsec)).toBeWithin(2990, 3001);
  expect(again.itimers.real.isec).toBe(5);
  expect(Number(again.itimers.prof.vsec)).toBeWithin(1990, 2001);
});
