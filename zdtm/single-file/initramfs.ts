/** Archives that the kernel unpacks as its first root directory: cpio, format newc (initramfs buffer format). */

export interface Entry {
  path: string;
  /** Type and permission bits. */
  mode: number;
  data?: Uint8Array;
}

export const directory = (path: string): Entry => ({ path, mode: 0o40755 });
export const program = (path: string, data: Uint8Array): Entry => ({ path, mode: 0o100755, data });

function padding(length: number): Uint8Array {
  return new Uint8Array((4 - (length % 4)) % 4);
}

function member({ path, mode, data = new Uint8Array() }: Entry, inode: number): Uint8Array[] {
  const name = Buffer.from(`${path}\0`);
  // inode, mode, uid, gid, links, mtime, size, device (2), special device (2), length of the name, checksum
  const fields = [inode, mode, 0, 0, 1, 0, data.length, 0, 0, 0, 0, name.length, 0];
  const head = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`);
  return [head, name, padding(head.length + name.length), data, padding(data.length)];
}

/** The archive; parent directories must come before what they hold. */
export function initramfs(entries: readonly Entry[]): Uint8Array {
  const all = [...entries, { path: "TRAILER!!!", mode: 0 }];
  return Buffer.concat(all.flatMap((entry, index) => member(entry, index + 1)));
}
