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

/** How many times it came upon a page that was not mapped yet. */
function faults(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/stat`, "utf8").split(") ")[1]?.split(" ")[7]);
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

rooted("a program of a child finds all of the area that a short one touches, by its agent's first fault", () => {
  const first = freePids(2);
  using root = Puppet.root(first, 0x10000000, 0);
  try {
    using child = root.cloneChild({ numbers: [first + 1] });
    const { program } = child;
    program.call(NR.getpid, [], { expect: first + 1 });
    program.run();
    const before = faults(first + 1);
    for (let i = 0; i < 60; i++) program.call(NR.getpid, [], { expect: first + 1 });
    program.call(NR.getcwd, [program.keep(100), 100]);
    program.call(NR.getcwd, [program.reserve(2000), 2000]);
    program.run();
    expect(faults(first + 1)).toBe(before);
    end(child, []);
  } finally {
    end(root, []);
  }
});
