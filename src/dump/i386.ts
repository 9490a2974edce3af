/** 32-bit code of x86: which tasks run it, and what of them could not be saved. */
import { arch } from "../agent/arch/index.ts";
import type { Program } from "../agent/program.ts";
import { CrError } from "../error.ts";
import { NR } from "../kernel/nr.ts";
import type { Vma } from "../kernel/proc/maps.ts";
import type { FrozenTask } from "./tree.ts";

/** Bytes that 32-bit code can address. */
const SPACE = 2 ** 32;
const VSYSCALL = "[vsyscall]";

export function runsI386(task: FrozenTask): boolean {
  return task.threads[0] !== undefined && arch.isI386(task.threads[0].regs);
}

function ownSegments(pid: number, tid: number): CrError {
  return new CrError("the task has memory segments of its own (modify_ldt), which are not supported", {
    code: "ENOTSUP",
    subject: { pid, tid },
    remedy: "dump it before it makes them: old emulators such as Wine and DOSEMU do, when they run 16-bit programs",
  });
}

/** Reports what stands in the way, by what is seen from outside. */
export function checkI386(task: FrozenTask, vmas: readonly Vma[], blocker: (error: CrError) => void): void {
  const { pid } = task;
  const odd = task.threads.find(({ regs }) => arch.hasOwnSegment(regs));
  if (odd) blocker(ownSegments(pid, odd.tid));
  const narrow = task.threads.filter(({ regs }) => arch.isI386(regs));
  const [first] = narrow;
  if (!first) return;
  const isHigh = vmas.some(({ end, name }) => end > SPACE && name !== VSYSCALL);
  if (narrow.length === task.threads.length && !isHigh) return;
  blocker(
    new CrError("the task changes between 64-bit and 32-bit code, which is not supported", {
      code: "ENOTSUP",
      subject: { pid, tid: first.tid },
      remedy: "dump it while all of its threads run 64-bit code: most of the time they do",
    }),
  );
}

/** Asks a 32-bit task for segments that it made but does not use now. */
export function askSegments(program: Program, pid: number): () => void {
  const READ = 0;
  const size = 8;
  const table = program.call(NR.modify_ldt, [READ, program.reserve(size), size], { ignore: true });
  return () => {
    if (program.result(table) > 0) throw ownSegments(pid, pid);
  };
}
