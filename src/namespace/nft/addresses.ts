import { bytesOf } from "./types.ts";

/** An address by its value. */
export function addressText(value: bigint, size: number): string {
  const bytes = bytesOf(value, size, false);
  if (size === 4) return bytes.join(".");
  const groups = Buffer.from(bytes)
    .toString("hex")
    .replaceAll(/(.{4})(?!$)/g, "$1:");
  // what URLs do with one is its shortest form
  return new URL(`http://[${groups}]`).hostname.slice(1, -1);
}
