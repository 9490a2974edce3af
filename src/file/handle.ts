import type { FhEntry, U64 } from "../image/schema.gen.ts";
import { closeFd } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import type { FileHandle } from "../kernel/proc/fdinfo.ts";
import { addressOf, sys } from "../kernel/sys.ts";
import { toU64 } from "../kernel/u64.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import type { FileDump, FileRestore } from "./kind.ts";

/** 64-bit words that an image keeps at least, as CRIU does. */
const MIN_WORDS = 16;
/** MAX_HANDLE_SZ of name_to_handle_at(2). */
const MAX_BYTES = 128;

/** A handle as images keep it: its bytes in 64-bit words, padded. */
export function encodeHandle(handle: FileHandle, path?: string): FhEntry {
  const words = Math.max(MIN_WORDS, Math.ceil(handle.bytes.length / 8));
  const bytes = new Uint8Array(words * 8);
  bytes.set(handle.bytes);
  const values: U64[] = Array.from(new BigUint64Array(bytes.buffer), toU64);
  const entry: FhEntry = { bytes: handle.bytes.length, type: handle.type, handle: values };
  if (path !== undefined) entry.path = path;
  return entry;
}

export function decodeHandle(entry: FhEntry): FileHandle {
  const bytes = new Uint8Array(new BigUint64Array(entry.handle.map(BigInt)).buffer);
  return { type: entry.type, bytes: bytes.slice(0, Math.min(entry.bytes, MAX_BYTES)) };
}

/**
 * Opens a file by its handle on any mount of its file system; the caller closes the descriptor.
 * @param dev the file system's own device number (sdev in fdinfo), kernel encoding
 * @returns an O_PATH descriptor, or undefined when there is no such mount or no such file any more
 */
export function openHandle(handle: FileHandle, dev: number, run: FileDump | FileRestore): number | undefined {
  const block = new Uint8Array(8 + handle.bytes.length);
  const view = new DataView(block.buffer);
  view.setUint32(0, handle.bytes.length, true);
  view.setInt32(4, handle.type, true);
  block.set(handle.bytes, 8);
  for (const { mntId, mountpoint } of run.mounts.filter((mount) => mount.dev === dev)) {
    const mount = run.groundOf(mntId).open(mountpoint, O.RDONLY | O.NONBLOCK | O.NOCTTY);
    if (mount < 0) continue;
    const fd = sys(NR.open_by_handle_at, mount, addressOf(block), O.PATH | O.CLOEXEC);
    closeFd(mount);
    if (fd >= 0) return fd;
  }
  return undefined;
}
