/** The first process of a tree. */
import type { Program } from "../agent/program.ts";
import { Puppet } from "../agent/puppet.ts";
import { closeOthers } from "../file/numbers.ts";
import { NR } from "../kernel/nr.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { CLONE } from "../kernel/uapi/sched.ts";
import { disinherit, disinheritOutside, forgetSlack } from "../task/inherited.ts";
import type { Forest } from "./grow.ts";
import { executeOther } from "./other-code.ts";
import { Warden } from "./warden.ts";

const SIGNALS = 64;

/** The tree's root, below an init where a pid namespace is made around it; it has the service socket, and nothing else. */
export function makeRoot(forest: Forest, pid: number, isI386: boolean): Puppet {
  const { hole, rootFlags, rootLevels, rootBorn, inRootsPids, isWrapped, firstFlags, shellJob } = forest.options;
  forgetSlack();
  const puppet = isWrapped
    ? Puppet.root(1, hole.base, firstFlags + CLONE.NEWPID)
    : inRootsPids(() => Puppet.root(pid, hole.base, firstFlags + rootFlags, rootLevels, rootBorn, isI386));
  if (isWrapped) forest.warden = new Warden(puppet, pid, shellJob);
  const { theirs } = forest.options.sources.service;
  run(puppet, (program) => {
    program.call(NR.dup3, [forest.options.inheritedService, theirs, O.CLOEXEC], {
      what: "cannot place the service socket",
    });
    closeOthers(program, [theirs]);
    // what the runtime that we are started by ignores would be inherited by every task, zombies too
    const byDefault = program.reserve(32);
    for (let signal = 1; signal <= SIGNALS; signal++) {
      program.call(NR.rt_sigaction, [signal, byDefault, 0, 8], { ignore: true });
    }
    disinherit(program);
  });
  disinheritOutside(puppet.pid);
  const { warden } = forest;
  if (!warden) return puppet;
  forest.options.prepareWarden(warden);
  const root = puppet.cloneChild({ numbers: [pid], flags: rootFlags });
  const word = rootBorn(root.pid);
  // one byte where it has no user namespace of its own
  const [uid, gid] = word.length > 1 ? new Int32Array(word.slice().buffer) : [];
  if (uid !== undefined && gid !== undefined)
    run(root, (program) => {
      program.call(NR.setresgid, [gid, gid, gid], { ignore: true });
      program.call(NR.setresuid, [uid, uid, uid], { ignore: true });
    });
  warden.settle();
  return isI386 ? executeOther(root, forest.options.sources.service) : root;
}

function run(puppet: Puppet, build: (program: Program) => void): void {
  build(puppet.program);
  puppet.program.run();
}
