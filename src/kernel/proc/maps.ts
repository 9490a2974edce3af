import { CrError } from "../../error.ts";
import type { ProcDir } from "./read.ts";

/**
 * The two-letter flags of a VmFlags line (Documentation/filesystems/proc.rst), one bit each. The first 31 can be tested
 * with `&`; for the others, and in doubt, use `hasFlag`: there are more of them than an integer operation sees.
 */
export const VM = bits([
  "rd", // readable
  "wr", // writable
  "ex", // executable
  "sh", // shared
  "mr", // mprotect may allow reading
  "mw", // mprotect may allow writing
  "me", // mprotect may allow execution
  "ms", // may be shared: the file was opened for writing
  "gd", // stack: grows downwards
  "pf", // pure page frame numbers, no struct page
  "lo", // locked (mlock)
  "lf", // locked as pages come (mlock2 MLOCK_ONFAULT)
  "io", // memory of a device
  "sr", // MADV_SEQUENTIAL
  "rr", // MADV_RANDOM
  "dc", // MADV_DONTFORK
  "de", // mremap may not enlarge it
  "ac", // accounted
  "nr", // MAP_NORESERVE
  "ht", // hugetlb
  "sf", // MAP_SYNC
  "wf", // MADV_WIPEONFORK
  "dd", // MADV_DONTDUMP
  "mm", // mixed: pages with and without struct page
  "hg", // MADV_HUGEPAGE
  "nh", // MADV_NOHUGEPAGE
  "mg", // MADV_MERGEABLE
  "um", // userfaultfd: missing pages
  "uw", // userfaultfd: write protection
  "ui", // userfaultfd: minor faults
  "ss", // shadow stack, guarded control stack
  "sd", // soft-dirty
  "ar", // the architecture's own
  "bt", // aarch64 BTI
  "mt", // aarch64 MTE
  "sl", // sealed (mseal)
  "dp", // droppable (MAP_DROPPABLE)
  "gu", // may hold guard regions
  "dw", // old kernels: writing to the mapped file is denied
  "nl", // old kernels: remap_file_pages
  "mp", // old kernels: MPX
] as const);

function bits<const Names extends readonly string[]>(names: Names): { readonly [Name in Names[number]]: number } {
  const all: Record<string, number> = {};
  for (let i = 0; i < names.length; i++) all[names[i] ?? ""] = 2 ** i;
  return all as { [Name in Names[number]]: number };
}

/** Whether one flag of `VM` is in a set of them. */
export function hasFlag(flags: number, flag: number): boolean {
  return Math.floor(flags / flag) % 2 === 1;
}

/** Whether any of some flags is in a set of them: `anyFlag([...])` for a test of many sets. */
export function anyFlag(wanted: readonly number[]): (flags: number) => boolean {
  const half = 2 ** 30;
  let all = 0;
  for (const flag of wanted) all += flag;
  const [low, high] = [all % half, Math.floor(all / half)];
  return (flags) => ((flags % half) & low) !== 0 || (Math.floor(flags / half) & high) !== 0;
}

/** The two-letter names of a set of flags. */
export function flagNames(flags: number): string[] {
  return Object.entries(VM).flatMap(([name, bit]) => (hasFlag(flags, bit) ? [name] : []));
}

/** One mapping. Addresses, sizes and offsets are bytes; the end is exclusive. */
export interface Vma {
  readonly start: number;
  readonly end: number;
  /** PROT_READ 1 | PROT_WRITE 2 | PROT_EXEC 4. */
  readonly prot: number;
  readonly shared: boolean;
  /** Offset in the file, in bytes; 0 for anonymous memory. */
  readonly offset: number;
  /** Kernel encoding major << 20 | minor; 0 without a file. */
  readonly dev: number;
  readonly ino: number;
  /** Path, `[heap]`, `[anon:…]`, … or empty. A newline in it is a newline; ` (deleted)` is kept. */
  readonly name: string;
  /** Bits of `VM`; 0 when it was read from `maps`, which has none. */
  readonly flags: number;
  /** Bytes in memory, bytes in swap, page size: 0, 0 and 0 when read from `maps`. */
  readonly rss: number;
  readonly swap: number;
  readonly pageSize: number;
  /** x86 protection key, 0 without. */
  readonly pkey: number;
}

const COLON = 58;
const DASH = 45;
const SPACE = 32;
const NEWLINE = 10;

const flagTable = new Float64Array(26 * 26);
for (const name in VM) {
  flagTable[(name.charCodeAt(0) - 97) * 26 + name.charCodeAt(1) - 97] = VM[name as keyof typeof VM];
}

/**
 * A line of smaps that we want. All mappings have the same lines, nearly always of the same lengths: so it is looked for
 * where it was in the mapping before, counted from the end of the mapping's first line.
 */
class Wanted {
  private readonly tag: Buffer;
  private readonly first: number;
  private readonly last: number;
  private distance = 0;
  private present = false;

  constructor(tag: string) {
    this.tag = Buffer.from(tag);
    this.first = tag.charCodeAt(0);
    this.last = tag.charCodeAt(tag.length - 1);
  }

  /** Whether mappings have this line at all, by the first of them. */
  begin(first: Buffer): void {
    this.present = first.includes(this.tag);
  }

  /** Where the line's value begins; -1 when there is no such line before `limit`. */
  find(text: Buffer, from: number, limit: number): number {
    if (!this.present) return -1;
    const { tag } = this;
    const guess = from + this.distance;
    const here =
      text[guess] === this.first && text[guess - 1] === NEWLINE && text[guess + tag.length - 1] === this.last;
    if (here && guess < limit) return guess + tag.length;
    const at = text.subarray(from, limit).indexOf(tag) + from;
    if (at < from) return -1;
    this.distance = at - from;
    return at + tag.length;
  }
}

const pageSizeLine = new Wanted("KernelPageSize:");
const rssLine = new Wanted("Rss:");
const swapLine = new Wanted("Swap:");
const keyLine = new Wanted("ProtectionKey:");
const sharedHugeLine = new Wanted("Shared_Hugetlb:");
const privateHugeLine = new Wanted("Private_Hugetlb:");
/** The last line of each mapping: all others lie before it. */
const FLAGS = Buffer.from("\nVmFlags:");
const wanted = [sharedHugeLine, privateHugeLine, pageSizeLine, rssLine, swapLine, keyLine];

function decimalAt(text: Buffer, at: number): number {
  let from = at;
  while (text[from] === SPACE) from++;
  let value = 0;
  let i = from;
  for (let c = text[i] ?? 0; c >= 48 && c <= 57; c = text[++i] ?? 0) value = value * 10 + (c - 48);
  // inodes may need 64 bits: rounded once, as all other sources of them are, so that equal ones stay equal
  return value > Number.MAX_SAFE_INTEGER ? Number(text.toString("latin1", from, i)) : value;
}

/** A hexadecimal number ends at the first byte that is none; the scanner keeps the place. */
class Scanner {
  at = 0;
  constructor(readonly text: Buffer) {}

  hex(): number {
    const { text } = this;
    let { at } = this;
    let value = 0;
    for (;;) {
      const c = text[at] ?? 0;
      if (c >= 48 && c <= 57) value = value * 16 + c - 48;
      else if (c >= 97 && c <= 102) value = value * 16 + c - 87;
      else break;
      at++;
    }
    this.at = at;
    return value;
  }

  expect(c: number): void {
    if (this.text[this.at] !== c) {
      const line = this.text.toString("latin1", this.text.lastIndexOf(NEWLINE, this.at - 1) + 1, this.at + 20);
      throw new CrError("a mapping of an unknown form in /proc", { code: "BAD_PROC", subject: { line } });
    }
    this.at++;
  }
}

function nameAt(text: Buffer, from: number, to: number): string {
  if (from >= to) return "";
  const name = text.toString("utf8", from, to);
  // a newline is all that the kernel escapes here; a backslash stays as it is
  return name.includes("\\012") ? name.replaceAll("\\012", "\n") : name;
}

function flagsAt(text: Buffer, at: number): number {
  let flags = 0;
  for (let i = at + 1; i + 1 < text.length; i += 3) {
    const first = text[i] ?? NEWLINE;
    if (first === NEWLINE) break;
    const a = first - 97;
    const b = (text[i + 1] ?? 0) - 97;
    // a flag that the kernel itself cannot name is shown as ??
    if (a >= 0 && a < 26 && b >= 0 && b < 26) flags += flagTable[a * 26 + b] ?? 0;
  }
  return flags;
}

type Draft = { -readonly [Key in keyof Vma]: Vma[Key] };

/** The first line of a mapping: all that `maps` tells. */
function firstLine(scan: Scanner): Draft {
  const { text } = scan;
  const start = scan.hex();
  scan.expect(DASH);
  const end = scan.hex();
  scan.expect(SPACE);
  const { at } = scan;
  const prot = (text[at] === 114 ? 1 : 0) | (text[at + 1] === 119 ? 2 : 0) | (text[at + 2] === 120 ? 4 : 0);
  const shared = text[at + 3] === 115;
  scan.at += 4;
  scan.expect(SPACE);
  const offset = scan.hex();
  scan.expect(SPACE);
  const major = scan.hex();
  scan.expect(COLON);
  const dev = major * 0x100000 + scan.hex();
  scan.expect(SPACE);
  const ino = decimalAt(text, scan.at);
  const newline = text.indexOf(NEWLINE, scan.at);
  const eol = newline < 0 ? text.length : newline;
  let from = scan.at;
  while (from < eol && text[from] !== SPACE) from++;
  while (from < eol && text[from] === SPACE) from++;
  scan.at = eol;
  const name = nameAt(text, from, eol);
  return { start, end, prot, shared, offset, dev, ino, name, flags: 0, rss: 0, swap: 0, pageSize: 0, pkey: 0 };
}

/** The lines that follow in smaps. */
function details(scan: Scanner, area: Draft): void {
  const { text, at } = scan;
  const end = text.indexOf(FLAGS, at);
  if (end < 0) throw new CrError("a mapping without VmFlags in smaps", { code: "BAD_PROC" });
  const value = (line: Wanted): number => {
    const found = line.find(text, at, end);
    return found < 0 ? 0 : decimalAt(text, found);
  };
  area.flags = flagsAt(text, end + FLAGS.length);
  // the kernel counts pages of hugetlb apart
  const huge = area.flags & VM.ht ? value(sharedHugeLine) + value(privateHugeLine) : 0;
  area.rss = (value(rssLine) + huge) * 1024;
  area.swap = value(swapLine) * 1024;
  area.pageSize = value(pageSizeLine) * 1024;
  area.pkey = value(keyLine);
  const newline = text.indexOf(NEWLINE, end + 1);
  scan.at = newline < 0 ? text.length : newline;
}

/**
 * Reads the text of /proc/PID/maps or /proc/PID/smaps, in one pass over the bytes.
 * @param areas what it is appended to
 * @throws CrError BAD_PROC when a line is not of that form
 */
export function parseMaps(text: Buffer, areas: Vma[] = []): Vma[] {
  const firstFlags = text.indexOf(FLAGS);
  if (firstFlags >= 0) for (const line of wanted) line.begin(text.subarray(0, firstFlags));
  for (const scan = new Scanner(text); scan.at < text.length; scan.at++) {
    const area = firstLine(scan);
    if (firstFlags >= 0) details(scan, area);
    areas.push(area);
  }
  return areas;
}

/** Where the last mapping of a piece of smaps ends that is there as a whole. */
function endOfWhole(text: Buffer): number {
  const flags = text.lastIndexOf(FLAGS);
  if (flags < 0) return 0;
  const newline = text.indexOf(NEWLINE, flags + 1);
  // its line of flags is cut: those before it are whole
  if (newline < 0) return endOfWhole(text.subarray(0, flags));
  return newline + 1;
}

/** All mappings of a process with their flags, ascending. One smaps read: the kernel walks the whole page table for it. */
export function readSmaps(dir: ProcDir): Vma[] {
  const areas: Vma[] = [];
  dir.pieces("smaps", (text, isAll) => {
    const end = isAll ? text.length : endOfWhole(text);
    parseMaps(text.subarray(0, end), areas);
    return end;
  });
  return areas;
}

/** All mappings without flags; far cheaper than `readSmaps`. */
export function readMaps(dir: ProcDir): Vma[] {
  return parseMaps(dir.bytes("maps"));
}
