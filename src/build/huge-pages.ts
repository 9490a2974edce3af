/**
 * Has the segments of an executable lie in its file as they lie in memory, as far as huge pages go: the kernel then maps what its
 * page cache holds in pieces of that size with one fault each, instead of one for every 64 KiB.
 */
import { Elf, PT } from "./elf.ts";

/** Both machines', with pages of 4 KiB. */
const HUGE = 0x200000;
const PHOFF = 32;
const SHOFF = 40;
const SHNUM = 60;
/** Bytes of one section header, and where in it the section's place in the file stands. */
const SECTION = { size: 64, offset: 24 } as const;

/** @returns the same program; it grows by less than a huge page for each segment */
export function layInHugePages(elf: Elf): Elf {
  const loads = elf.of(PT.LOAD).sort((a, b) => a.offset - b.offset);
  const moves: { from: number; by: number }[] = [];
  for (const { offset, address } of loads) {
    const before = moves.at(-1)?.by ?? 0;
    moves.push({ from: offset, by: before + ((((address - offset - before) % HUGE) + HUGE) % HUGE) });
  }
  const moved = (offset: number) => offset + (moves.findLast(({ from }) => from <= offset)?.by ?? 0);
  const end = elf.bytes.length;
  const bytes = new Uint8Array(moved(end));
  bytes.set(elf.bytes.subarray(0, moves[0]?.from ?? end));
  for (const [index, { from, by }] of moves.entries())
    bytes.set(elf.bytes.subarray(from, moves[index + 1]?.from ?? end), from + by);

  const view = new DataView(bytes.buffer);
  const move = (at: number) => view.setBigUint64(at, BigInt(moved(Number(view.getBigUint64(at, true)))), true);
  move(PHOFF);
  move(SHOFF);
  for (const { at } of elf.segments) move(moved(at) + 8);
  const sections = Number(view.getBigUint64(SHOFF, true));
  for (let index = 0; index < view.getUint16(SHNUM, true); index++)
    move(sections + index * SECTION.size + SECTION.offset);
  return new Elf(elf.path, bytes);
}
