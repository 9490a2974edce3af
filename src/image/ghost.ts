import { fstatSync, readSync } from "node:fs";
import { type ImageVersion, readStart } from "./framing.ts";
import { RecordReader } from "./record.ts";
import type { GhostFileEntry } from "./schema.gen.ts";
import { storageError, toRead } from "./storage.ts";

/** Where a piece of a ghost file lies in its image. All bytes. */
export interface GhostPiece {
  /** In the image. */
  at: number;
  /** In the file to be made. */
  offset: number;
  length: number;
}

/** A ghost file whose content was not read: the caller copies the pieces from `fd` and closes it. */
export interface Ghost {
  fd: number;
  entry: GhostFileEntry;
  /** What is no hole, ascending. */
  pieces: GhostPiece[];
}

/** More than what stands before the first record, and more than a chunk's record can be. */
const headLimit = 512;
const chunkLimit = 512;

/** Finds the pieces of a ghost image by its descriptor. Errors: CrError BAD_IMAGE. */
export function readGhost(fd: number, path: string, version: ImageVersion): Ghost {
  const size = fstatSync(fd).size;
  const window = (at: number, limit: number): RecordReader =>
    new RecordReader(pread(fd, path, at, Math.min(limit, size - at)), path);
  const start = window(0, headLimit);
  readStart(start, "GHOST_FILE", version);
  const from = start.offset;
  if (start.remaining === 0) return start.fail("the record is missing");
  // extended attributes may be many
  const head = window(from, 4 + start.u32("the length of a record"));
  const entry = head.record("ghost_file_entry") as unknown as GhostFileEntry;
  const content = from + head.offset;
  if (entry.chunks !== true) {
    const length = size - content;
    return { fd, entry, pieces: length > 0 ? [{ at: content, offset: 0, length }] : [] };
  }
  const pieces: GhostPiece[] = [];
  let end = 0;
  for (let at = content; at < size; ) {
    const reader = window(at, chunkLimit);
    const chunk = reader.record("ghost_chunk_entry");
    const offset = Number(chunk?.off);
    const length = Number(chunk?.len);
    if (!(offset >= end)) reader.fail("a chunk is not after the one before it");
    if (!(length <= size - at - reader.offset)) reader.fail(`a chunk of ${length} bytes passes the end of the file`);
    pieces.push({ at: at + reader.offset, offset, length });
    end = offset + length;
    at += reader.offset + length;
  }
  return { fd, entry, pieces };
}

function pread(fd: number, path: string, at: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  try {
    let done = 0;
    while (done < length) {
      const got = readSync(fd, bytes, done, length - done, at + done);
      if (got === 0) break;
      done += got;
    }
    return bytes.subarray(0, done);
  } catch (error) {
    throw storageError("read the image", path, error, toRead);
  }
}
