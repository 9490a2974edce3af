/**
 * Memory protection keys (pkeys(7)): which keys an address space has taken, and which areas lie under one. What a thread may do
 * under a key is in its registers.
 */
import type { Program, Result } from "../agent/program.ts";
import type { VmaEntry } from "../image/schema.gen.ts";
import { NR } from "../kernel/nr.ts";
import { sys } from "../kernel/sys.ts";
import type { Questions } from "../task/questions.ts";

/** The most that an architecture has, key 0 of all memory among them. */
const KEYS = 16;
const PROT_EXEC = 4;

let all: number | undefined;

/** All keys of this machine but key 0, by bit; 0 where it has none. We ourselves use none. */
function allKeys(): number {
  if (all === undefined) {
    all = 0;
    for (let key = sys(NR.pkey_alloc, 0, 0); key > 0; key = sys(NR.pkey_alloc, 0, 0)) all |= 1 << key;
    for (let key = 1; key < KEYS; key++) if ((all >> key) & 1) sys(NR.pkey_free, key);
  }
  return all;
}

/**
 * The keys that are taken, by bit. Nobody lists them: the task takes all that are free, and gives those back. What it may do
 * under them meanwhile ends with its way home.
 */
export function askKeys(questions: Questions): () => number {
  if (allKeys() === 0) return () => 0;
  const free = takeAll(questions);
  for (const key of free) questions.call(NR.pkey_free, [key], { ignore: true });
  return () =>
    free.map((key) => questions.result(key)).reduce((taken, key) => (key > 0 ? taken & ~(1 << key) : taken), allKeys());
}

function takeAll(questions: Questions): Result[] {
  return Array.from({ length: KEYS - 1 }, () => questions.call(NR.pkey_alloc, [0, 0], { ignore: true }));
}

/** The kernel gives areas that may only be executed a key by itself. */
function isKernels(entry: VmaEntry): boolean {
  return entry.prot === PROT_EXEC;
}

/** Does an area need a call of its own to come under its key? */
export function hasOwnKey(entry: VmaEntry): boolean {
  return (entry.tscriu_pkey ?? 0) !== 0 && !isKernels(entry);
}

/**
 * Takes all keys, before anything is mapped, but for one that the kernel is to find free for what may only be executed. From here
 * on the puppet may do anything under each of them, its children too.
 * @returns gives back those that the task had not taken; call it when all areas are mapped
 */
export function takeKeys(
  program: Program,
  taken: number,
  areas: readonly VmaEntry[],
  inherited: readonly VmaEntry[],
): () => void {
  if (taken === 0 && !inherited.some((entry) => entry.tscriu_pkey)) return () => {};
  takeAll(program);
  const kernels = areas.find((entry) => entry.tscriu_pkey && isKernels(entry))?.tscriu_pkey;
  const give = (key: number) => program.call(NR.pkey_free, [key], { ignore: true });
  if (kernels !== undefined) give(kernels);
  return () => {
    for (let key = 1; key < KEYS; key++) if (((taken >> key) & 1) === 0) give(key);
  };
}

/** Puts an area under its key. */
export function protectWithKey(program: Program, entry: VmaEntry): void {
  const [start, key] = [Number(entry.start), entry.tscriu_pkey ?? 0];
  program.call(NR.pkey_mprotect, [start, Number(entry.end) - start, entry.prot, key], {
    what: "cannot put an area under its protection key: this processor may have none",
    subject: { address: start, key },
  });
}
