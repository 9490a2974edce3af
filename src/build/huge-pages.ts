/**
 * Has the segments of an executable lie in its file as they lie in memory, as far as huge pages go: the kernel then maps what its
 * page cache holds in pieces of that size with one fault each, instead of one for every 64 KiB. It does so where all of such a
 * piece has one protection and nobody writes to it, so the text begins at one, and the bundle gets its own.
 */
import { CrError } from "../error.ts";
import { Elf, headerSize, PT, type Segment } from "./elf.ts";

/** Both machines', with pages of 4 KiB. */
const HUGE = 0x200000;
const PHOFF = 32;
const SHOFF = 40;
const PHNUM = 56;
const SHNUM = 60;
const SHSTRNDX = 62;
/** Bytes of an ELF header; of a section header, and where in it things stand. */
const HEADER = 64;
const SECTION = { size: 64, type: 4, address: 16, offset: 24, bytes: 32 } as const;
const [SHT_NULL, SHT_NOBITS] = [0, 8];
/** Where in a program header its alignment stands. */
const ALIGN = 48;
/** Bun's, with the bundle and its bytecode: it lies behind the .bss, of whose zeros the file is full for its sake. */
const BUNDLE = ".bun";

const down = (address: number, unit: number) => address - (address % unit);
const up = (address: number, unit: number) => down(address + unit - 1, unit);

/** Bytes of the old file, and where they lie in the new one. */
interface Part {
  from: number;
  until: number;
  to: number;
}

interface Bundle {
  address: number;
  offset: number;
  /** The .bss before it. */
  zeros: { offset: number; address: number; end: number };
  /** Where in the file the program has its address. */
  pointer: number;
}

function sectionsOf(elf: Elf) {
  const table = elf.number(SHOFF);
  const count = elf.view.getUint16(SHNUM, true);
  const all = Array.from({ length: count }, (_, index) => {
    const at = table + index * SECTION.size;
    const [address, offset, bytes] = [SECTION.address, SECTION.offset, SECTION.bytes].map((field) =>
      elf.number(at + field),
    );
    const [name, type] = [elf.view.getUint32(at, true), elf.view.getUint32(at + SECTION.type, true)];
    return { at, name, type, address: address ?? 0, offset: offset ?? 0, bytes: bytes ?? 0 };
  });
  const names = all[elf.view.getUint16(SHSTRNDX, true)]?.offset ?? 0;
  return all.map((section) => {
    const begin = names + section.name;
    return { ...section, name: Buffer.from(elf.bytes.subarray(begin, elf.bytes.indexOf(0, begin))).toString() };
  });
}

/** The bundle, where it can have a segment of its own: behind nothing but zeros, and found by one pointer. */
function bundleIn(elf: Elf, data: Segment): Bundle | undefined {
  const sections = sectionsOf(elf);
  const bundle = sections.find(({ name }) => name === BUNDLE);
  const bss = sections.find(({ name, type }) => name === ".bss" && type === SHT_NOBITS);
  if (!bundle || !bss) return undefined;
  const zeros = {
    offset: data.offset + bss.address - data.address,
    address: bss.address,
    end: bss.address + bss.bytes,
  };
  const isBehind = data.offset < zeros.offset && zeros.end <= bundle.address && data.fileSize === data.size;
  if (!isBehind || elf.bytes.subarray(zeros.offset, bundle.offset).some((byte) => byte !== 0)) return undefined;
  const pointers: number[] = [];
  for (let at = up(data.offset, 8); at + 8 <= zeros.offset; at += 8)
    if (elf.number(at) === bundle.address) pointers.push(at);
  const [pointer] = pointers;
  if (pointer === undefined || pointers.length > 1) return undefined;
  return { address: bundle.address, offset: bundle.offset, zeros, pointer };
}

/** The bundle's bytes as a segment at a huge page of its own, behind what is left of the one with the data. */
function splitBundle(data: Segment, bundle: Bundle, page: number): Segment[] {
  // to the end of a page: the kernel would write zeros to the rest of it, and read the file before anybody can say how
  const end = Math.max(up(bundle.zeros.address, page), bundle.zeros.end);
  const length = data.offset + data.fileSize - bundle.offset;
  return [
    { ...data, fileSize: up(bundle.zeros.address, page) - data.address, size: end - data.address },
    { ...data, offset: bundle.offset, address: up(end, HUGE), fileSize: length, size: length },
  ];
}

/** Text begins at a huge page: what else lies in that one is executable with it. */
function widenText(loads: Segment[]): void {
  for (const [index, text] of loads.entries()) {
    const before = loads[index - 1];
    const begin = down(text.address, HUGE);
    const isText = before?.flags === 4 && text.flags === 5 && before.size === before.fileSize;
    if (!before || !isText || begin <= before.address) continue;
    if (before.offset - before.address !== text.offset - text.address) continue;
    const more = text.address - begin;
    before.fileSize = before.size = Math.min(before.size, begin - before.address);
    text.address -= more;
    text.offset -= more;
    text.fileSize += more;
    text.size += more;
  }
}

/**
 * @param room bytes at the beginning of the file that are the caller's, behind the ELF header and the program headers
 * @returns the same program behind that; it grows by less than a huge page for each segment
 */
export function layInHugePages(elf: Elf, room: number): Elf {
  const given = elf.of(PT.LOAD).sort((a, b) => a.offset - b.offset);
  const last = given.at(-1);
  const bundle = last && bundleIn(elf, last);
  const loads =
    last && bundle ? [...given.slice(0, -1), ...splitBundle(last, bundle, elf.number(last.at + ALIGN))] : given;
  if (loads[0]?.offset !== 0)
    throw new CrError("the program's first segment must begin with its file", { subject: { path: elf.path } });

  const parts: Part[] = [];
  let end = room;
  for (const [index, { offset: from, address }] of loads.entries()) {
    const next = loads[index + 1]?.offset ?? elf.bytes.length;
    // zeros before the bundle are none of the file's any more
    const until = bundle && next === bundle.offset ? bundle.zeros.offset : next;
    const to = end + ((((address - end) % HUGE) + HUGE) % HUGE);
    parts.push({ from, until, to });
    end = to + until - from;
  }
  const moved = (offset: number) => {
    const part = parts.findLast(({ from }) => from <= offset);
    return part ? part.to + offset - part.from : offset;
  };
  for (const load of loads) load.offset = moved(load.offset);
  widenText(loads);
  const tail = loads.at(-1);
  if (bundle && tail) {
    // all of its last huge page is mapped, or it would not be one
    tail.fileSize = tail.size = up(tail.size, HUGE);
    end = Math.max(end, tail.offset + tail.size);
  }

  const bytes = new Uint8Array(end);
  for (const { from, until, to } of parts) bytes.set(elf.bytes.subarray(from, until), to);
  bytes.set(elf.bytes.subarray(0, HEADER));
  const view = new DataView(bytes.buffer);
  const put = (at: number, value: number) => view.setBigUint64(at, BigInt(value), true);
  for (const { at, name, type } of sectionsOf(elf)) {
    if (type === SHT_NULL) continue;
    const field = moved(at) + SECTION.offset;
    put(field, moved(elf.number(at + SECTION.offset)));
    if (bundle && name === BUNDLE) put(moved(at) + SECTION.address, tail?.address ?? 0);
  }
  if (bundle) put(moved(bundle.pointer), tail?.address ?? 0);
  put(PHOFF, HEADER);
  put(SHOFF, moved(elf.number(SHOFF)));
  // the others stand where they stood: before the segments, PT_INTERP among them, and behind
  const firstLoad = elf.segments.findIndex(({ type }) => type === PT.LOAD);
  const others = elf.segments
    .filter(({ type }) => type !== PT.LOAD)
    .map((one) => ({ ...one, offset: one.fileSize && moved(one.offset) }));
  const all = [...others.slice(0, firstLoad), ...loads, ...others.slice(firstLoad)];
  view.setUint16(PHNUM, all.length, true);
  if (HEADER + all.length * headerSize > room)
    throw new CrError("no room for the program headers", { subject: { room } });
  const laid = new Elf(elf.path, bytes);
  for (const [index, segment] of all.entries()) {
    laid.put(HEADER + index * headerSize, segment, elf.number(segment.at + ALIGN));
  }
  return new Elf(elf.path, bytes);
}
