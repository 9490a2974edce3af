/** Figures as people read them. */

const units = ["bytes", "KiB", "MiB", "GiB", "TiB"];

/** `512 bytes`, `1.5 MiB`. */
export function bytesInWords(bytes: number): string {
  let value = bytes;
  let unit = 0;
  while (value >= 1024 && unit < units.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit] ?? ""}`;
}

/** Microseconds as `0.4 ms`, `25 ms`, `1.2 s`. */
export function timeInWords(us: number): string {
  if (us >= 999_500) return `${(us / 1e6).toFixed(1)} s`;
  return us >= 9_950 ? `${Math.round(us / 1000)} ms` : `${(us / 1000).toFixed(1)} ms`;
}

export function count(number: number, noun: string): string {
  return `${number} ${noun}${number === 1 ? "" : "s"}`;
}
