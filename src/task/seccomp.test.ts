import { expect, test } from "bun:test";
import { Program } from "../agent/program.ts";
import { SeccompMode } from "../image/schema.gen.ts";
import { parseStatus } from "../kernel/proc/status.ts";
import {
  type SeccompChains as Chains,
  readSeccomp,
  restoreSeccomp,
  SeccompChains,
  type ThreadSeccomp,
} from "./seccomp.ts";
import { Held, isRoot, Victim } from "./testing.ts";

const GLOBALS = `
static void filter(int nr, int error, int flags) {
  struct sock_filter code[] = {
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0), BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, nr, 0, 1),
    BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | error), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
  struct sock_fprog p = { 4, code };
  if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &p)) { perror("seccomp"); exit(1); }
}
`;
const TWO = "filter(SYS_getppid, 11, 0); filter(SYS_getppid, 22, 2); filter(SYS_sync, 33, 0);";

const thread = (...filters: [number, number][]): ThreadSeccomp => ({
  mode: filters.length ? SeccompMode.filter : SeccompMode.disabled,
  filters: filters.map(([byte, flags]) => ({ code: new Uint8Array(8).fill(byte), flags })),
});

test("equal chains are stored once; a chain is linked from its oldest filter to the newest", () => {
  const chains: Chains = new SeccompChains();
  expect(chains.addProcess([thread([1, 0], [2, 2])])).toEqual([{ seccomp_mode: 2, seccomp_filter: 1 }]);
  expect(chains.addProcess([thread([1, 0], [2, 2])])).toEqual([{ seccomp_mode: 2, seccomp_filter: 1 }]);
  expect(chains.addProcess([thread()])).toEqual([{}]);
  expect(chains.addProcess([{ mode: SeccompMode.strict, filters: [] }])).toEqual([{ seccomp_mode: 1 }]);
  expect(chains.entry.seccomp_filters.map(({ prev, flags }) => [prev, flags])).toEqual([
    [undefined, 2],
    [0, undefined],
  ]);
});

test("threads with the same filters are synchronised from their leader", () => {
  const chains = new SeccompChains();
  const same = thread([1, 0]);
  expect(chains.addProcess([same, same])).toEqual([{ seccomp_mode: 2, seccomp_filter: 0 }, { seccomp_mode: 2 }]);
  expect(chains.entry.seccomp_filters[0]?.flags).toBe(1);
  expect(chains.addProcess([same, thread()])).toEqual([{ seccomp_mode: 2, seccomp_filter: 1 }, {}]);
});

test.skipIf(!isRoot)("filters come back in their order and with their flags", async () => {
  await using from = await Victim.start(`${TWO} ready(); pause();`, { globals: GLOBALS });
  await using to = await Victim.start(
    'ready(); char c; read(0, &c, 1); errno = 0; syscall(SYS_getppid); printf("%d\\n", errno); syscall(SYS_sync); printf("%d\\n", errno); fflush(stdout); pause();',
  );
  const chains = new SeccompChains();
  let fields: ReturnType<SeccompChains["addProcess"]>;
  let wanted: ThreadSeccomp;
  {
    using source = new Held(from.pid, true);
    wanted = readSeccomp(from.pid, parseStatus(source.dir.text("status")).seccomp);
    expect(wanted.filters.length).toBe(3);
    fields = chains.addProcess([wanted]);
    expect(fields).toEqual([{ seccomp_mode: 2, seccomp_filter: 2 }]);
  }
  {
    using target = new Held(to.pid, true);
    restoreSeccomp(target.program, { futex_rla: 0, futex_rla_len: 0, tscriu_prctls: [], ...fields[0] }, chains.entry);
    target.program.run();
    target.cure();
    expect(readSeccomp(to.pid, 2)).toEqual(wanted);
  }
  to.go();
  // of two filters that say ERRNO the newest counts
  expect(await to.line()).toBe("22");
  expect(await to.line()).toBe("33");
});

test("a broken chain is refused", () => {
  const image = { seccomp_filters: [{ filter: new Uint8Array(8), prev: 0 }] };
  const area = {
    bytes: new Uint8Array(0),
    view: new DataView(new ArrayBuffer(0)),
    base: 0,
    execute: () => 0,
    subject: {},
  };
  const program = new Program(area);
  expect(() =>
    restoreSeccomp(
      program,
      { futex_rla: 0, futex_rla_len: 0, tscriu_prctls: [], seccomp_mode: 2, seccomp_filter: 0 },
      image,
    ),
  ).toThrow(/filters are broken/);
});
