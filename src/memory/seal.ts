/** Areas that were sealed (mseal(2)): from then on nobody may unmap, move or protect them, so it is the last that is done to them. */
import type { Program } from "../agent/program.ts";
import type { VmaEntry } from "../image/schema.gen.ts";
import { NR } from "../kernel/nr.ts";

/** By the task's leader, when nobody is born with a copy of this memory any more. */
export function sealAreas(program: Program, areas: readonly VmaEntry[]): void {
  for (const { tscriu_sealed: isSealed, start, end } of areas) {
    if (!isSealed) continue;
    program.call(NR.mseal, [start, Number(end) - Number(start), 0], {
      what: "cannot seal an area (Linux 6.10 and later)",
      subject: { address: Number(start) },
    });
  }
}
