import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { NR } from "../kernel/nr.ts";
import { addressOf, sys } from "../kernel/sys.ts";
import { AREA } from "./layout.ts";
import { Puppet } from "./puppet.ts";
import { cloneThreads } from "./threads.ts";
import { runTogether } from "./together.ts";

const rooted = test.skipIf(process.getuid?.() !== 0);

/** So many ids one after the other that nobody has, from high up. */
function freePids(count: number): number {
  const max = Number(readFileSync("/proc/sys/kernel/pid_max", "utf8"));
  const isFree = (pid: number) => sys(NR.kill, pid, 0) === -3;
  for (;;) {
    const first = max - 2 * count - Math.floor(Math.random() * Math.min(max / 2, 100_000));
    if (Array.from({ length: count }, (_, i) => first + i).every(isFree)) return first;
  }
}

function end({ pid }: Puppet, tids: readonly number[]): void {
  sys(NR.kill, pid, 9);
  const status = new Int32Array(1);
  for (const tid of [...tids, pid]) sys(NR.wait4, tid, addressOf(status), 0x40000000, 0);
}

rooted("hundreds of threads get their ids and run their programs side by side, in as many turns as they need", () => {
  const count = 300;
  const calls = 12;
  expect(count * calls).toBeGreaterThan(2 * AREA.maxOps);
  const first = freePids(count + 1);
  using puppet = Puppet.root(first, 0x10000000, 0);
  const tids = Array.from({ length: count }, (_, i) => first + 1 + i);
  try {
    const agents = cloneThreads(
      puppet,
      tids.map((tid) => [tid]),
    );
    expect(agents.map(({ tid }) => tid)).toEqual(tids);
    expect(readdirSync(`/proc/${first}/task`).map(Number)).toEqual([first, ...tids]);
    runTogether(
      agents.map((agent) => ({ agent })),
      (program, { agent }) => {
        const name = program.text(`number ${agent.tid - first}`);
        program.call(NR.prctl, [15, name]);
        for (let i = 0; i < calls; i++) program.call(NR.gettid, [], { expect: agent.tid });
      },
    );
    const comm = (tid: number) => readFileSync(`/proc/${first}/task/${tid}/comm`, "utf8").trim();
    expect(tids.map(comm)).toEqual(tids.map((tid) => `number ${tid - first}`));
    const wrong = () =>
      runTogether(
        agents.slice(0, 3).map((agent) => ({ agent })),
        (program, { agent }) =>
          program.call(NR.gettid, [], { expect: agent.tid === first + 2 ? 1 : agent.tid, what: "not who it was" }),
      );
    expect(wrong).toThrow(/not who it was/);
  } finally {
    end(puppet, tids);
  }
});
