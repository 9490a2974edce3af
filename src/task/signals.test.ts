import { expect, test } from "bun:test";
import { parseStatus } from "../kernel/proc/status.ts";
import {
  askAltstack,
  askSigactions,
  dumpPending,
  restoreAltstack,
  restorePending,
  restoreSigactions,
} from "./signals.ts";
import { Held, isRoot, Victim } from "./testing.ts";

const SIGNALS = `
  struct sigaction a = { .sa_flags = SA_SIGINFO | SA_RESTART };
  a.sa_sigaction = on; sigaddset(&a.sa_mask, SIGUSR2); sigaction(SIGUSR1, &a, 0);
  signal(SIGPIPE, SIG_IGN);
  static char stack[65536]; stack_t s = { .ss_sp = stack, .ss_size = sizeof stack }; sigaltstack(&s, 0);
  sigset_t m; sigfillset(&m); sigprocmask(SIG_BLOCK, &m, 0);
  for (int i = 0; i < 3; i++) sigqueue(getpid(), SIGRTMIN, (union sigval){ .sival_int = 100 + i });
  kill(getpid(), SIGUSR1);
  pthread_sigqueue(pthread_self(), SIGRTMIN + 1, (union sigval){ .sival_int = 7 });
  ready(); pause();
`;
const GLOBALS = "static void on(int n, siginfo_t *i, void *c) {}";
/** Takes what waits, and tells. */
const TAKE = `
  sigset_t m; sigfillset(&m); sigprocmask(SIG_BLOCK, &m, 0); ready(); char c; read(0, &c, 1);
  struct sigaction a; sigaction(SIGUSR1, 0, &a); printf("%x %d\\n", a.sa_flags & ~0x04000000, sigismember(&a.sa_mask, SIGUSR2));
  sigaction(SIGPIPE, 0, &a); printf("%d\\n", a.sa_handler == SIG_IGN);
  stack_t s; sigaltstack(0, &s); printf("%zu %d\\n", s.ss_size, s.ss_flags);
  siginfo_t i; struct timespec none = { 0 };
  while (sigtimedwait(&m, &i, &none) > 0) printf("%d %d %d\\n", i.si_signo, i.si_code, i.si_value.sival_int);
  printf("end\\n"); fflush(stdout); pause();
`;

test.skipIf(!isRoot)("handlers, the alternate stack and both queues of one process come back in another", async () => {
  await using from = await Victim.start(SIGNALS, { globals: GLOBALS });
  await using to = await Victim.start(TAKE);
  using source = new Held(from.pid);
  const status = parseStatus(source.dir.text("status"));
  const shared = dumpPending(from.pid, true, status.sharedPending);
  const own = dumpPending(from.pid, false, status.sigPending);
  expect(shared.signals.length).toBe(4);
  expect(own.signals.length).toBe(1);
  const actions = askSigactions(source.program);
  const altstack = askAltstack(source.program);
  source.program.run();
  const entries = actions();
  expect(entries.length).toBe(62);
  expect(entries[8]).toMatchObject({ compat_sigaction: false, mask: 2 ** 11 });
  const stack = altstack();
  {
    using target = new Held(to.pid);
    restoreSigactions(target.program, entries);
    restoreAltstack(target.program, stack);
    restorePending(target.program, shared, to.pid);
    restorePending(target.program, own, to.pid, to.pid);
    target.program.run();
    target.cure();
    expect(dumpPending(to.pid, true)).toEqual(shared);
    expect(dumpPending(to.pid, false)).toEqual(own);
  }
  to.go();
  expect(await to.line()).toBe("10000004 1");
  expect(await to.line()).toBe("1");
  expect(await to.line()).toBe("65536 0");
  // the thread's own first, then by number, and those of one number in their order
  const rest = [];
  for (let line = await to.line(); line !== "end"; line = await to.line()) rest.push(line);
  expect(rest).toEqual(["35 -1 7", "10 0 0", "34 -1 100", "34 -1 101", "34 -1 102"]);
});
