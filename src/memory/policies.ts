/** On which nodes of memory the pages of an area come, where it ever said so (mbind(2)). */
import type { Program } from "../agent/program.ts";
import type { TscriuMempolicy, VmaEntry } from "../image/schema.gen.ts";
import { NR } from "../kernel/nr.ts";
import { anyFlag, VM, type Vma } from "../kernel/proc/maps.ts";
import { tryReadProcFile } from "../kernel/proc/read.ts";

const MPOL_DEFAULT = 0;
const MPOL_F_ADDR = 2;
const PROT_WRITE = 2;
/** Nodes that we ask for. A kernel that may have more refuses the question. */
const NODES = 128;
/** Bytes of a mode. */
const MODE = 4;

const isNotMemory = anyFlag([VM.io, VM.pf]);

/** Areas from which on the questions take longer than they are worth where policies decide nothing. */
const MANY = 4096;

let alone: boolean | undefined;

/** All memory of this machine is that of one node: a policy decides nothing here, though it may where the images go. */
function hasOneNode(): boolean {
  alone ??= /^\d*$/.test(tryReadProcFile("/sys/devices/system/node/has_memory")?.trim() ?? "");
  return alone;
}

/** Whether a policy would decide anything there: files' pages come by that of whoever reads them first. */
function mayHavePolicy({ name, shared, prot, flags }: Vma): boolean {
  if (isNotMemory(flags) || name.startsWith("[v")) return false;
  return name === "" || name.startsWith("[") || shared || (prot & PROT_WRITE) !== 0;
}

/**
 * Asks a task for the policies of its areas, by a call for each. Others see them in a list alone for which the kernel walks all page
 * tables (numa_maps), and which does not tell them from the policies of threads.
 * @returns tells them by the areas' starts, once the program has run
 */
export function askPolicies(program: Program, vmas: readonly Vma[]): () => ReadonlyMap<number, TscriuMempolicy> {
  const starts = vmas.filter(mayHavePolicy).map(({ start }) => start);
  if (starts.length > MANY && hasOneNode()) starts.length = 0;
  const found: number[] = [];
  // those of most tasks fit into what is asked anyway
  let look = askModes(program, starts.splice(0, program.calls));
  return () => {
    found.push(...look());
    while (starts.length > 0) {
      look = askModes(program, starts.splice(0, program.calls));
      program.run();
      found.push(...look());
    }
    return new Map(found.map((start) => [start, readPolicy(program, start)]));
  };
}

/** @returns where there is a policy */
function askModes(program: Program, starts: readonly number[]): () => number[] {
  const modes = program.reserve(starts.length * MODE);
  // there may be thousands: nothing is made anew for each
  let place = program.area.base + modes.offset;
  const args = [place, 0, 0, 0, MPOL_F_ADDR];
  const options = { ignore: true };
  for (const start of starts) {
    args[0] = place;
    args[3] = start;
    program.call(NR.get_mempolicy, args, options);
    place += MODE;
  }
  return () =>
    modes.bytes.some(Boolean) ? starts.filter((_, i) => modes.view.getUint32(i * MODE, true) !== MPOL_DEFAULT) : [];
}

function readPolicy(program: Program, start: number): TscriuMempolicy {
  const [mode, nodes] = [program.reserve(MODE), program.reserve(NODES / 8)];
  program.call(NR.get_mempolicy, [mode, nodes, NODES, start, MPOL_F_ADDR], {
    what: "cannot ask on which nodes an area's memory comes",
    subject: { address: start },
  });
  program.run();
  const last = nodes.bytes.findLastIndex((byte) => byte !== 0);
  return { mode: mode.view.getUint32(0, true), nodes: nodes.bytes.slice(0, last + 1) };
}

/**
 * Says on which nodes the pages of an area come, before they do.
 * @param inherited what it has from its parent, if it was not mapped anew
 */
export function restorePolicy(
  program: Program,
  { start, end, tscriu_mempolicy: policy }: VmaEntry,
  inherited: TscriuMempolicy | undefined,
): void {
  if (!policy && !inherited) return;
  const mask = new Uint8Array(NODES / 8);
  mask.set(policy?.nodes.subarray(0, mask.length) ?? []);
  const address = Number(start);
  const mode = policy?.mode ?? MPOL_DEFAULT;
  // the kernel takes one from the number of bits
  program.call(NR.mbind, [address, Number(end) - address, mode, program.data(mask), NODES + 1, 0], {
    what: "cannot set on which nodes an area's memory comes: this machine, or its cpuset, may lack them",
    subject: { address, policy: mode },
  });
}
