/**
 * Uprobes (tracing of user code): at each probe the kernel has put a breakpoint into a private copy of the page of code, and
 * an area of its own, "[uprobes]", holds the instructions that were there. Neither belongs to the program: a page that differs
 * from its file by breakpoints alone is not saved. Where the probe is still there at a restore, the kernel sets it again by itself.
 */
import { readSync } from "node:fs";
import type { OwnPages } from "../agent/home.ts";
import { closeFd } from "../kernel/fd.ts";
import { openMapFile, PAGE_SIZE, type RemoteMemory } from "../kernel/memory.ts";
import { check } from "../kernel/sys.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import type { PageRuns } from "./content.ts";
import { type DumpedVma, VMA } from "./vmas.ts";

/** int3, and `brk #5` as it lies in memory (asm/uprobes.h). */
const BREAKPOINT = process.arch === "arm64" ? [0xa0, 0x00, 0x20, 0xd4] : [0xcc];
const PROT_EXEC = 4;

interface Probed {
  readonly pid: number;
  readonly memory: RemoteMemory;
  /** Where our own code lies in it. */
  readonly code: OwnPages;
}

/** Whether a page of code holds what its file does, but for breakpoints. */
function isOnlyProbed(page: Uint8Array, original: Uint8Array): boolean {
  const step = BREAKPOINT.length;
  for (let at = 0; at < page.length; at += step) {
    const isSame = BREAKPOINT.every((_, i) => page[at + i] === original[at + i]);
    if (!isSame && !BREAKPOINT.every((byte, i) => page[at + i] === byte)) return false;
  }
  return true;
}

/** The pages of a run that are the program's, as [start, end] pairs. */
function ownPages(task: Probed, { vma }: DumpedVma, start: number, end: number): number[][] {
  const { pid, memory, code } = task;
  const fd = check(openMapFile(pid, vma.start, vma.end, O.RDONLY), "cannot open the file of probed code", {
    pid,
    address: vma.start,
    path: vma.name,
  });
  const kept: number[][] = [];
  const original = new Uint8Array(PAGE_SIZE);
  try {
    for (let at = start; at < end; at += PAGE_SIZE) {
      const got = readSync(fd, original, 0, PAGE_SIZE, vma.offset + at - vma.start);
      original.fill(0, got);
      const page = memory.read(at, PAGE_SIZE);
      const from = Math.min(Math.max(code.start - at, 0), PAGE_SIZE);
      page.set(original.subarray(from, Math.max(code.end - at, from)), from);
      if (isOnlyProbed(page, original)) continue;
      const last = kept.at(-1);
      if (last?.[1] === at) last[1] = at + PAGE_SIZE;
      else kept.push([at, at + PAGE_SIZE]);
    }
  } finally {
    closeFd(fd);
  }
  return kept;
}

/** Leaves out the pages that only the kernel's breakpoints have made a task's own. */
export function withoutProbes(task: Probed, runs: PageRuns): PageRuns {
  const left: PageRuns = { starts: [], ends: [], vmas: [], bytes: 0 };
  runs.vmas.forEach((one, i) => {
    const [start = 0, end = 0] = [runs.starts[i], runs.ends[i]];
    const isCode = (one.vma.prot & PROT_EXEC) !== 0 && (one.entry.status & VMA.FILE_PRIVATE) !== 0;
    for (const [from = 0, to = 0] of isCode ? ownPages(task, one, start, end) : [[start, end]]) {
      left.starts.push(from);
      left.ends.push(to);
      left.vmas.push(one);
      left.bytes += to - from;
    }
  });
  return left;
}
