/** Unpacks archives of gzip members (RFC 1952), and no more of them than there is room for. */
import { CrError } from "../error.ts";

/** More than this does not come out of one gzip member, of which foreign archives may have but one. */
const LARGEST = 2 ** 32 - 1;

/** Loaded when it is needed, and seldom is: that takes longer than to unpack what a container has in its /dev. */
const zlib = () => process.getBuiltinModule("node:zlib");
const freeMemory = () => process.getBuiltinModule("node:os").freemem();

const damaged = (cause?: unknown) =>
  new CrError("an archive of a file system's content cannot be unpacked", { code: "BAD_IMAGE", cause });

const tooLarge = (most: number) =>
  new CrError("an archive of a file system's content unpacks to more than it may", {
    code: "BAD_IMAGE",
    subject: { bytes: most },
    remedy: "take the whole set from its origin again; with one of criu's, restore where there is more memory",
  });

/** What a gzip member begins with. */
const MAGIC = Buffer.of(0x1f, 0x8b, 8);
/** Flags of a gzip header (RFC 1952): what follows its ten bytes. */
const GZIP = { CRC: 2, EXTRA: 4, NAME: 8, COMMENT: 16 } as const;

/** Where the data of the gzip member begins that begins at `at`. */
function behindHeader(archive: Buffer, at: number): number {
  if (archive.length < at + 18 || archive.readUInt16BE(at) !== 0x1f8b || archive[at + 2] !== 8) throw damaged();
  const flags = archive[at + 3] ?? 0;
  let end = at + 10;
  if (flags & GZIP.EXTRA) end += 2 + (archive[end] ?? 0) + (archive[end + 1] ?? 0) * 256;
  for (const text of [GZIP.NAME, GZIP.COMMENT]) {
    if ((flags & text) === 0) continue;
    const zero = archive.indexOf(0, end);
    if (zero < 0) throw damaged();
    end = zero + 1;
  }
  return flags & GZIP.CRC ? end + 2 : end;
}

/** An archive of more bytes is not small. Deflate packs no byte better than 1032 times: this many become 64 MiB at most. */
const SMALL = 65000;

/**
 * What is in an archive of one member that cannot be large.
 * @returns undefined where it may be, or there is something wrong: who goes through it step by step sees what
 */
function inflateSmall(archive: Buffer, most: number): Uint8Array | undefined {
  if (archive.length > SMALL || archive.indexOf(MAGIC, 1) >= 0) return undefined;
  try {
    const out = Bun.inflateSync(Buffer.from(archive.subarray(behindHeader(archive, 0), -8)));
    const isWhole = Bun.hash.crc32(out) === archive.readUInt32LE(archive.length - 8);
    return isWhole && out.length <= most ? out : undefined;
  } catch {
    return undefined;
  }
}

/** Unpacks one gzip member after the other. @param most bytes in all @throws CrError BAD_IMAGE when there are more */
export function* gunzip(archive: Buffer, most: number): Generator<Uint8Array> {
  const small = inflateSmall(archive, most);
  if (small) {
    yield small;
    return;
  }
  let total = 0;
  for (let at = 0; at < archive.length; ) {
    const start = behindHeader(archive, at);
    const maxOutputLength = Math.min(LARGEST, freeMemory(), most - total);
    let out: { buffer: Buffer; engine: { bytesWritten: number } };
    try {
      const options = { info: true, maxOutputLength: Math.max(1, maxOutputLength) } as const;
      out = zlib().inflateRawSync(archive.subarray(start), options) as unknown as typeof out;
    } catch (cause) {
      throw (cause as { code?: string }).code === "ERR_BUFFER_TOO_LARGE" ? tooLarge(maxOutputLength) : damaged(cause);
    }
    const { buffer, engine } = out;
    at = start + engine.bytesWritten + 8;
    if (at > archive.length || archive.readUInt32LE(at - 8) !== zlib().crc32(buffer)) throw damaged();
    total += buffer.length;
    if (total > most) throw tooLarge(most);
    yield buffer;
  }
}
