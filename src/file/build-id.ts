import { ERRNO } from "../kernel/errno.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, sys } from "../kernel/sys.ts";

/** elf(5) */
const PT_NOTE = 4;
const NT_GNU_BUILD_ID = 3;
const EINTR = -(ERRNO.EINTR ?? 4);
/** Notes beyond this are not looked at: a build id stands in the first few hundred bytes. */
const NOTES_MAX = 64 * 1024;

function readAt(fd: number, at: number, length: number): DataView {
  const bytes = new Uint8Array(length);
  let got: number;
  do got = sys(NR.pread64, fd, addressOf(bytes), length, at);
  while (got === EINTR);
  return new DataView(bytes.buffer, 0, Math.max(0, got));
}

/** Bytes as images keep them: 32-bit words in the machine's order, zero padded. */
function words(view: DataView, at: number, length: number): number[] {
  const padded = new Uint8Array((length + 3) & ~3);
  padded.set(new Uint8Array(view.buffer, view.byteOffset + at, length));
  return Array.from(new Uint32Array(padded.buffer));
}

function idInNotes(notes: DataView, align: number): number[] | undefined {
  const up = (n: number) => Math.ceil(n / align) * align;
  for (let at = 0; at + 12 <= notes.byteLength; ) {
    const nameSize = notes.getUint32(at, true);
    const size = notes.getUint32(at + 4, true);
    const type = notes.getUint32(at + 8, true);
    const content = at + up(12 + nameSize);
    if (content + size > notes.byteLength) return undefined;
    const isGnu = nameSize === 4 && notes.getUint32(at + 12, true) === 0x0055_4e47;
    if (isGnu && type === NT_GNU_BUILD_ID && size > 0) return words(notes, content, size);
    at = up(content + size);
  }
  return undefined;
}

/**
 * The GNU build id of an ELF file (little-endian, 32 or 64 bits) in 32-bit words; none for all else. Does not move the
 * position of the descriptor, which must be readable.
 */
export function readBuildId(fd: number): number[] {
  const head = readAt(fd, 0, 64);
  if (head.byteLength < 52 || head.getUint32(0) !== 0x7f45_4c46 || head.getUint8(5) !== 1) return [];
  const wide = head.getUint8(4) === 2;
  if (wide && head.byteLength < 64) return [];
  const at = wide ? Number(head.getBigUint64(32, true)) : head.getUint32(28, true);
  const size = head.getUint16(wide ? 54 : 42, true);
  const count = head.getUint16(wide ? 56 : 44, true);
  if (size < (wide ? 56 : 32) || count > 4096) return [];
  const table = readAt(fd, at, size * count);
  for (let i = 0; (i + 1) * size <= table.byteLength; i++) {
    const from = i * size;
    if (table.getUint32(from, true) !== PT_NOTE) continue;
    const field = (wideAt: number, narrowAt: number): number =>
      wide ? Number(table.getBigUint64(from + wideAt, true)) : table.getUint32(from + narrowAt, true);
    const notes = readAt(fd, field(8, 4), Math.min(field(32, 16), NOTES_MAX));
    const id = idInNotes(notes, field(48, 28) === 8 ? 8 : 4);
    if (id !== undefined) return id;
  }
  return [];
}
