/** What is found out of the memory of all tasks before the first is made. */
import type { ImageDirectory } from "../image/directory.ts";
import type { CoreEntry } from "../image/schema.gen.ts";
import type { MemoryPlan } from "../memory/fill-pages.ts";
import { planI386Vdso } from "../memory/vdso-i386.ts";
import { planVdso, savedVdso } from "../memory/vdso-plan.ts";
import { isI386Core } from "../task/arch/i386.ts";
import { addressSpace, type Hole } from "./hole.ts";
import type { SavedTask } from "./set.ts";

export interface MemoryPlans {
  of(pid: number): MemoryPlan;
}

/** Where a thread was stopped. */
function stoppedAt({ thread_info, ti_aarch64 }: CoreEntry): number {
  return Number(thread_info?.gpregs.ip ?? ti_aarch64?.gpregs.pc ?? 0);
}

export function planMemory(tasks: readonly SavedTask[], images: ImageDirectory, hole: Hole): MemoryPlans {
  const plans = new Map<number, MemoryPlan>();
  const space = addressSpace();
  const taken = [{ start: hole.parking, end: hole.end }];
  const missing = (pid: number) => images.missing("PAGEMAP", pid);
  for (const { pid, mm, core, threads } of tasks) {
    if (!mm) continue;
    const pagemap = images.pagemap("PAGEMAP", pid);
    if (!pagemap) throw missing(pid);
    const stopped = new Map([[pid, stoppedAt(core)], ...threads.map((t) => [t.tid, stoppedAt(t.core)] as const)]);
    const bytes = savedVdso(images, mm, pagemap);
    if (isI386Core(core)) {
      const { plan, saved } = planI386Vdso(pid, mm, bytes);
      plans.set(pid, { pagemap, vdso: plan, i386Vdso: saved });
    } else plans.set(pid, { pagemap, vdso: planVdso({ pid, mm, stopped, bytes }, taken, space) });
  }
  return {
    of(pid) {
      const plan = plans.get(pid);
      if (!plan) throw missing(pid);
      return plan;
    },
  };
}
