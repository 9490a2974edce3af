/**
 * Areas of memory (vma_entry) as most of them are: a task may have tens of thousands, so these do not go field by field by the
 * schema. What is not as expected here is left to it.
 */
import type { Entry } from "./codec.ts";
import type { VmaEntry } from "./schema.gen.ts";
import type { Reader } from "./wire-reader.ts";
import type { Writer } from "./wire-writer.ts";

export const AREA = "vma_entry";

/** Field number and wire type, as they stand before the values; only those that nearly every area has. */
const TAG = {
  start: 0x08,
  end: 0x10,
  pgoff: 0x18,
  shmid: 0x20,
  prot: 0x28,
  flags: 0x30,
  status: 0x38,
  fd: 0x40,
  madv: 0x48,
  fdflags: 0x50,
} as const;
/** A descriptor of -1, zigzag. */
const NONE = 1;
const MAX32 = 0xffff_ffff;
const { MAX_SAFE_INTEGER } = Number;

const is32 = (value: number | bigint) => value >= 0 && value <= MAX32;

/** The area that fills the reader to its end; undefined, and nothing is read, for what is not as most are. */
export function readArea(reader: Reader): Entry | undefined {
  const { pos } = reader;
  const start = reader.behind(TAG.start);
  const end = reader.behind(TAG.end);
  const pgoff = reader.behind(TAG.pgoff);
  const shmid = reader.behind(TAG.shmid);
  const prot = reader.behind(TAG.prot);
  const flags = reader.behind(TAG.flags);
  const status = reader.behind(TAG.status);
  const fd = reader.behind(TAG.fd);
  const isPlain = start >= 0 && end >= 0 && pgoff >= 0 && shmid >= 0 && fd === NONE;
  if (isPlain && is32(prot) && is32(flags) && is32(status)) {
    const entry: Entry = { start, end, pgoff, shmid, prot, flags, status, fd: -1 };
    if (reader.pos === reader.end) return entry;
    const madv = reader.behind(TAG.madv);
    if (madv >= 0) entry.madv = madv;
    const fdflags = reader.behind(TAG.fdflags);
    if (is32(fdflags)) entry.fdflags = fdflags;
    if (reader.pos === reader.end && fdflags <= MAX32) return entry;
  }
  reader.pos = pos;
  return undefined;
}

/** Appends an area; false, and nothing is written, for one that is not as most are. */
export function writeArea(writer: Writer, entry: Entry): boolean {
  const { pos } = writer;
  const area = entry as unknown as VmaEntry;
  const isPlain =
    area.fd === -1 &&
    area.tscriu_lock_onfault === undefined &&
    area.tscriu_name === undefined &&
    area.tscriu_pkey === undefined &&
    area.tscriu_sealed === undefined &&
    area.tscriu_mempolicy === undefined &&
    writer.plainly(TAG.start, area.start, MAX_SAFE_INTEGER) &&
    writer.plainly(TAG.end, area.end, MAX_SAFE_INTEGER) &&
    writer.plainly(TAG.pgoff, area.pgoff, MAX_SAFE_INTEGER) &&
    writer.plainly(TAG.shmid, area.shmid, MAX_SAFE_INTEGER) &&
    writer.plainly(TAG.prot, area.prot, MAX32) &&
    writer.plainly(TAG.flags, area.flags, MAX32) &&
    writer.plainly(TAG.status, area.status, MAX32) &&
    writer.plainly(TAG.fd, NONE, MAX32) &&
    (area.madv === undefined || writer.plainly(TAG.madv, area.madv, MAX_SAFE_INTEGER)) &&
    (area.fdflags === undefined || writer.plainly(TAG.fdflags, area.fdflags, MAX32));
  if (!isPlain) writer.pos = pos;
  return isPlain;
}
