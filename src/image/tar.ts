/**
 * Tar archives as tmpfs contents are kept in (tar(5)): written in the pax form, which GNU tar reads; read in that and in GNU's own,
 * with its sparse files. Names are bytes, each a character here.
 */
import { CrError } from "../error.ts";

const BLOCK = 512;

/** What one member is. */
export interface TarMember {
  /** `./a/b`, without a slash at the end. */
  readonly name: string;
  /** One character of tar(5): 0 regular, 1 hard link, 2 symbolic link, 3 character, 4 block device, 5 directory, 6 FIFO. */
  readonly type: string;
  /** Permissions, 0o7777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  /** Bytes of content. */
  readonly size: number;
  /** Nanoseconds since 1970. */
  readonly mtime: bigint;
  readonly atime?: bigint;
  /** Target of a link. */
  readonly link: string;
  readonly major: number;
  readonly minor: number;
  /** Extended attributes by name. */
  readonly xattrs: ReadonlyMap<string, Uint8Array>;
  /** chattr(1) by names, with commas between: `schg,nodump`. */
  readonly flags?: string;
  /** Socket files in a directory, which tar(5) has no type for. */
  readonly sockets?: readonly TarSocket[];
  /** Bytes of memory that a file has, written or not. */
  readonly room?: number;
  /** What of a sparse file has content, which alone follows: all but the last in whole blocks of 512 bytes. */
  readonly ranges?: readonly TarRange[];
}

export interface TarRange {
  readonly offset: number;
  readonly length: number;
}

/** A socket file, as its directory tells of it. */
export type TarSocket = Pick<TarMember, "name" | "mode" | "uid" | "gid" | "mtime">;

/** Where a piece of content belongs in its file. */
export interface TarPiece {
  readonly offset: number;
  readonly bytes: Uint8Array;
}

const XATTR = "SCHILY.xattr.";
/** As libarchive has it; GNU tar takes no notice. */
const FLAGS = "SCHILY.fflags";
/** Of a directory: MODE UID GID TIME NAME, a zero behind each. */
const SOCKETS = "TSCRIU.sockets";
/** In a comment, about which GNU tar says nothing. */
const ROOM = "TSCRIU.room=";
const COMMENT = "comment";
/** The largest number that eleven octal digits hold, and seven. */
const LARGEST_SIZE = 8 ** 11 - 1;
const LARGEST_ID = 8 ** 7 - 1;
const LONGEST_NAME = 100;
/** What stands before a member, extended attributes with it; bytes. */
const LONGEST_HEADER = 16 << 20;
const SECOND = 1_000_000_000n;

/** `sec.nsec` as pax writes times. */
function paxTime(ns: bigint): string {
  const fraction = ((ns % SECOND) + SECOND) % SECOND;
  const seconds = (ns - fraction) / SECOND;
  // below zero the digits would count upwards again
  return seconds < 0n || fraction === 0n ? `${seconds}` : `${seconds}.${fraction.toString().padStart(9, "0")}`;
}

function readTime(text: string): bigint {
  const [seconds = "0", digits = ""] = text.split(".");
  return BigInt(seconds) * SECOND + BigInt(digits.slice(0, 9).padEnd(9, "0"));
}

function record(key: string, value: Uint8Array): Uint8Array {
  const rest = Buffer.concat([Buffer.from(` ${key}=`, "latin1"), value, Buffer.from("\n")]);
  // the length counts its own digits
  let length = rest.length;
  while (`${length}`.length + rest.length !== length) length = `${length}`.length + rest.length;
  return Buffer.concat([Buffer.from(`${length}`), rest]);
}

function header(member: TarMember, type: string): Uint8Array {
  const block = Buffer.alloc(BLOCK);
  const octal = (at: number, digits: number, value: number) =>
    block.write(`${Math.max(0, value).toString(8).padStart(digits, "0").slice(-digits)}\0`, at, "latin1");
  block.write(member.name.slice(0, LONGEST_NAME), 0, "latin1");
  octal(100, 7, member.mode);
  octal(108, 7, member.uid);
  octal(116, 7, member.gid);
  octal(124, 11, member.size);
  octal(136, 11, Number(member.mtime / SECOND));
  block.write(type, 156, "latin1");
  block.write(member.link.slice(0, LONGEST_NAME), 157, "latin1");
  block.write("ustar\x0000", 257, "latin1");
  octal(329, 7, member.major);
  octal(337, 7, member.minor);
  return signed(block);
}

function signed(block: Buffer): Buffer {
  block.write("        ", 148, "latin1");
  const sum = block.reduce((total, byte) => total + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return block;
}

/** A number of twelve bytes, as GNU tar writes those that octal digits do not hold. */
function wide(block: Buffer, at: number, value: number): void {
  if (value <= LARGEST_SIZE) block.write(`${value.toString(8).padStart(11, "0")}\0`, at, "latin1");
  else {
    block[at] = 0x80;
    block.writeBigUInt64BE(BigInt(value), at + 4);
  }
}

/** GNU tar's header of a sparse file, with as many blocks behind it as its ranges need. */
function sparseHeader(member: TarMember, ranges: readonly TarRange[]): Uint8Array {
  const last = ranges.at(-1);
  // a hole at the end is told by a range without bytes
  const all =
    last && last.offset + last.length === member.size ? ranges : [...ranges, { offset: member.size, length: 0 }];
  const put = (block: Buffer, start: number, some: readonly TarRange[]) => {
    for (const [i, { offset, length }] of some.entries()) {
      wide(block, start + i * 24, offset);
      wide(block, start + i * 24 + 12, length);
    }
  };
  const block = Buffer.from(header({ ...member, size: 0 }, "S"));
  block.write("ustar  \0", 257, "latin1");
  const stored = ranges.reduce((sum, { length }) => sum + length, 0);
  wide(block, 124, stored);
  wide(block, 483, member.size);
  put(block, 386, all.slice(0, 4));
  block[482] = all.length > 4 ? 1 : 0;
  const blocks = [signed(block)];
  for (let at = 4; at < all.length; at += 21) {
    const next = Buffer.alloc(BLOCK);
    put(next, 0, all.slice(at, at + 21));
    next[504] = at + 21 < all.length ? 1 : 0;
    blocks.push(next);
  }
  return Buffer.concat(blocks);
}

/** Fills up the last block. */
export function tarPadding(size: number): Uint8Array {
  return new Uint8Array((BLOCK - (size % BLOCK)) % BLOCK);
}

/** What stands before the content of a member; after that its padding follows. */
export function tarHeader(member: TarMember): Uint8Array {
  const records: Uint8Array[] = [];
  const add = (key: string, value: string | Uint8Array) =>
    records.push(record(key, typeof value === "string" ? Buffer.from(value, "latin1") : value));
  const name = member.type === "5" ? `${member.name}/` : member.name;
  if (name.length > LONGEST_NAME) add("path", name);
  if (member.link.length > LONGEST_NAME) add("linkpath", member.link);
  if (member.size > LARGEST_SIZE && !member.ranges) add("size", `${member.size}`);
  if (member.uid > LARGEST_ID) add("uid", `${member.uid}`);
  if (member.gid > LARGEST_ID) add("gid", `${member.gid}`);
  if (member.mtime % SECOND !== 0n || member.mtime < 0n) add("mtime", paxTime(member.mtime));
  if (member.atime !== undefined) add("atime", paxTime(member.atime));
  for (const [key, value] of member.xattrs) add(`${XATTR}${key}`, value);
  if (member.flags !== undefined && member.flags !== "") add(FLAGS, member.flags);
  if (member.sockets !== undefined && member.sockets.length > 0) add(SOCKETS, member.sockets.map(socketWords).join(""));
  if (member.room !== undefined) add(COMMENT, `${ROOM}${member.room}`);
  const own = member.ranges
    ? sparseHeader(member, member.ranges)
    : header(name === member.name ? member : { ...member, name }, member.type);
  if (records.length === 0) return own;
  const body = Buffer.concat(records);
  const before = header({ ...member, name: "././@PaxHeader", link: "", size: body.length, mode: 0o644 }, "x");
  return Buffer.concat([before, body, tarPadding(body.length), own]);
}

const socketWords = ({ name, mode, uid, gid, mtime }: TarSocket) => `${mode} ${uid} ${gid} ${mtime} ${name}\0`;

function readSockets(text: string): TarSocket[] {
  return text
    .split("\0")
    .slice(0, -1)
    .map((words) => {
      const [, mode, uid, gid, mtime, name = ""] = /^(\d+) (\d+) (\d+) (-?\d+) ([^/]+)$/s.exec(words) ?? [];
      if (mtime === undefined || name === "." || name === "..") throw bad("a socket file is none");
      return { name, mode: Number(mode) & 0o7777, uid: Number(uid), gid: Number(gid), mtime: BigInt(mtime) };
    });
}

/** What ends an archive. */
export const tarEnd: Uint8Array = new Uint8Array(2 * BLOCK);

function bad(what: string): CrError {
  return new CrError(`an archive of a file system's content is damaged: ${what}`, {
    code: "BAD_IMAGE",
    remedy: "take the whole set from its origin again, or dump again",
  });
}

function number(block: Buffer, at: number, length: number): number {
  // GNU's way for large ones: two's complement, marked by the first bit
  if (((block[at] ?? 0) & 0x80) !== 0) {
    const negative = ((block[at] ?? 0) & 0x40) !== 0;
    let value = BigInt((block[at] ?? 0) & 0x3f) - (negative ? 0x40n : 0n);
    for (let i = at + 1; i < at + length; i++) value = value * 256n + BigInt(block[i] ?? 0);
    return Number(value);
  }
  const text = block.toString("latin1", at, at + length).replace(/[\0 ].*$/s, "");
  if (!/^[0-7]*$/.test(text)) throw bad("a field is no number");
  return text === "" ? 0 : Number.parseInt(text, 8);
}

function string(block: Buffer, at: number, length: number): string {
  return block.toString("latin1", at, at + length).replace(/\0.*$/s, "");
}

/** Offsets and lengths of the data of GNU's sparse files. */
function pairs(block: Buffer, at: number, count: number): { offset: number; length: number }[] {
  const found: { offset: number; length: number }[] = [];
  for (let i = 0; i < count; i++) {
    const length = number(block, at + i * 24 + 12, 12);
    if (length > 0) found.push({ offset: number(block, at + i * 24, 12), length });
  }
  return found;
}

/** The bytes of an archive, in whatever pieces they come. */
class Source {
  readonly #pieces: Iterator<Uint8Array>;
  #piece: Buffer = Buffer.alloc(0);

  constructor(pieces: Iterable<Uint8Array>) {
    this.#pieces = pieces[Symbol.iterator]();
  }

  /** Is there nothing more? */
  get isEmpty(): boolean {
    while (this.#piece.length === 0) {
      const { done, value } = this.#pieces.next();
      if (done === true) return true;
      this.#piece = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
    }
    return false;
  }

  /** At most so many bytes, at least one. */
  some(most: number): Buffer {
    if (this.isEmpty) throw bad("it ends too early");
    const taken = this.#piece.subarray(0, most);
    this.#piece = this.#piece.subarray(taken.length);
    return taken;
  }

  take(length: number): Buffer {
    if (!(length >= 0 && length <= LONGEST_HEADER)) throw bad("a header is too long");
    const parts: Buffer[] = [];
    for (let left = length; left > 0; ) {
      const part = this.some(left);
      parts.push(part);
      left -= part.length;
    }
    return parts.length === 1 && parts[0] ? parts[0] : Buffer.concat(parts);
  }

  /** What fills up the last block after a content; the archive may end there. */
  skipPadding(size: number): void {
    for (let left = tarPadding(size).length; left > 0 && !this.isEmpty; ) left -= this.some(left).length;
  }
}

/** The content of a member, which is read or skipped before the next one. */
class Body {
  #left: number;

  constructor(
    private readonly source: Source,
    private readonly size: number,
  ) {
    if (!(size >= 0)) throw bad("a member has an impossible size");
    this.#left = size;
  }

  /** As it belongs into its file. */
  *pieces(ranges: readonly { offset: number; length: number }[]): Generator<TarPiece> {
    for (const { offset, length } of ranges) {
      if (length > this.#left) throw bad("a sparse file has less data than it says");
      for (let at = 0; at < length; ) {
        const bytes = this.source.some(length - at);
        this.#left -= bytes.length;
        yield { offset: offset + at, bytes };
        at += bytes.length;
      }
    }
  }

  skip(): void {
    while (this.#left > 0) this.#left -= this.source.some(this.#left).length;
    this.source.skipPadding(this.size);
  }
}

/**
 * The members of an archive, in its order.
 * @param archive its bytes, in pieces of any size
 * @returns each with its content, which can be read until the next member is asked for
 */
export function* readTar(archive: Iterable<Uint8Array>): Generator<{ member: TarMember; pieces: Iterable<TarPiece> }> {
  const source = new Source(archive);
  let long = new Map<string, Buffer>();
  const take = (length: number) => source.take(length);
  const content = (size: number): Buffer => {
    const body = take(size);
    source.skipPadding(size);
    return body;
  };
  while (!source.isEmpty) {
    const block = take(BLOCK);
    if (block.every((byte) => byte === 0)) return;
    const sum = block.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 0x20 : byte), 0);
    if (sum !== number(block, 148, 8)) throw bad("a header's check sum is wrong");
    const type = string(block, 156, 1) || "0";
    const length = number(block, 124, 12);
    if (type === "L" || type === "K") {
      long.set(type === "L" ? "path" : "linkpath", Buffer.from(string(content(length), 0, length), "latin1"));
      continue;
    }
    if (type === "x") {
      long = new Map([...long, ...paxRecords(content(length))]);
      continue;
    }
    if (type === "g") {
      content(length);
      continue;
    }
    const said = (key: string) => long.get(key)?.toString("latin1");
    if (long.has("GNU.sparse.major")) throw bad("it has sparse files of a form that is not known");
    const ranges = type === "S" ? pairs(block, 386, 4) : undefined;
    if (ranges) {
      let more = (block[482] ?? 0) !== 0;
      while (more) {
        const next = take(BLOCK);
        ranges.push(...pairs(next, 0, 21));
        more = (next[504] ?? 0) !== 0;
      }
    }
    const stored = Number(said("size") ?? length);
    const size = /^[1-6]$/.test(type) ? 0 : stored;
    const magic = string(block, 257, 6);
    const prefix = magic === "ustar" && type !== "S" ? string(block, 345, 155) : "";
    const name = said("path") ?? (prefix === "" ? string(block, 0, 100) : `${prefix}/${string(block, 0, 100)}`);
    const member: TarMember = {
      name: name.replace(/\/+$/, ""),
      type: type === "S" || type === "7" ? "0" : type,
      mode: number(block, 100, 8) & 0o7777,
      uid: Number(said("uid") ?? number(block, 108, 8)),
      gid: Number(said("gid") ?? number(block, 116, 8)),
      size: ranges ? number(block, 483, 12) : size,
      mtime: readTime(said("mtime") ?? `${number(block, 136, 12)}`),
      atime: long.has("atime") ? readTime(said("atime") ?? "0") : undefined,
      link: said("linkpath") ?? string(block, 157, 100),
      major: number(block, 329, 8),
      minor: number(block, 337, 8),
      xattrs: new Map(
        [...long].filter(([key]) => key.startsWith(XATTR)).map(([key, value]) => [key.slice(XATTR.length), value]),
      ),
      ...(long.has(FLAGS) && { flags: said(FLAGS) }),
      ...(long.has(SOCKETS) && { sockets: readSockets(said(SOCKETS) ?? "") }),
      ...(said(COMMENT)?.startsWith(ROOM) && { room: Number(said(COMMENT)?.slice(ROOM.length)) }),
    };
    long = new Map();
    const body = new Body(source, size);
    yield { member, pieces: body.pieces(ranges ?? [{ offset: 0, length: size }]) };
    body.skip();
  }
  throw bad("it has no end");
}

function paxRecords(body: Buffer): Map<string, Buffer> {
  const found = new Map<string, Buffer>();
  for (let at = 0; at < body.length; ) {
    const space = body.indexOf(0x20, at);
    const length = Number(body.toString("latin1", at, Math.max(at, space)));
    const equals = body.indexOf(0x3d, space);
    if (space < 0 || !(length > 0) || at + length > body.length || equals < 0 || equals >= at + length)
      throw bad("an extended header is none");
    found.set(body.toString("latin1", space + 1, equals), body.subarray(equals + 1, at + length - 1));
    at += length;
  }
  return found;
}
