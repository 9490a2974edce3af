/** Programs of many threads of a task, all of them side by side in its area. */
import { AREA } from "./layout.ts";
import type { Program } from "./program.ts";
import type { ThreadPuppet } from "./threads.ts";

/** What is left of the area that a thread's program may well need: then those before it run first. */
const AMPLE = { ops: 400, data: 0x10000 } as const;

/**
 * Lets each thread run the program that `build` appends for it. All of them are done when it returns.
 * @throws CrError for the first call that failed and may not, by the threads' order
 */
export function runTogether<T extends { agent: ThreadPuppet }>(
  threads: readonly T[],
  build: (program: Program, thread: T) => void,
): void {
  let waiting: { agent: ThreadPuppet; program: Program; count: number }[] = [];
  const [first] = threads;
  if (first === undefined) return;
  const { task } = first.agent;
  let free = task.program.rest;
  const run = () => {
    for (const { agent, count } of waiting) agent.start(count);
    // the last one first: when it is done, so are most, and we wake up once
    for (const { agent } of waiting.toReversed()) agent.finish();
    for (const { agent, program, count } of waiting) program.settle(count, agent.finish());
    waiting = [];
    free = task.program.rest;
  };
  for (const thread of threads) {
    const { agent } = thread;
    const program = agent.program(free);
    build(program, thread);
    const { rest } = program;
    const count = program.close();
    if (count === 0) continue;
    waiting.push({ agent, program, count });
    free = rest;
    if (AREA.maxOps - free.ops < AMPLE.ops || free.dataEnd - free.data < AMPLE.data) run();
  }
  run();
}
