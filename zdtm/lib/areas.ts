/** One area of an address space, as smaps tells it; neighbours that the kernel might have merged count as one. */
export interface Area {
  /** Addresses, bytes. */
  start: number;
  end: number;
  permissions: string;
  /** Bytes into the file; 0 without one. */
  offset: number;
  name: string;
  flags: string[];
  shared: boolean;
  /** Bytes present or swapped out. */
  populated: number;
}

/** `sd` (soft-dirty) is what a tracker leaves; `ac` (accounted) depends on how an area came to its permissions. */
const volatileFlags = new Set(["sd", "ac"]);
const header = /^([0-9a-f]+)-([0-9a-f]+) (\S+) ([0-9a-f]+) \S+ (\d+)\s*(.*)$/;
/** Kernel names for memory without a file of its own: all of it is shared memory. */
const unnamed = /^(\/dev\/zero|\/SYSV[0-9a-f]+|\/anon_hugepage|\/memfd:.*)( \(deleted\))?$/;

function follows(a: Area, b: Area): boolean {
  return (
    a.end === b.start &&
    a.permissions === b.permissions &&
    a.name === b.name &&
    a.flags.join() === b.flags.join() &&
    (!a.name.startsWith("/") || a.offset + (a.end - a.start) === b.offset)
  );
}

function parse(text: string): Area[] {
  const found: Area[] = [];
  for (const line of text.split("\n")) {
    const m = header.exec(line);
    const last = found.at(-1);
    if (m !== null) {
      const [, start = "", end = "", permissions = "", offset = "", , name = ""] = m;
      const file = name.startsWith("/");
      found.push({
        start: Number.parseInt(start, 16),
        end: Number.parseInt(end, 16),
        permissions,
        offset: file ? Number.parseInt(offset, 16) : 0,
        name: unnamed.test(name) && !name.startsWith("/memfd:") ? "shared memory" : name,
        flags: [],
        shared: permissions[3] === "s",
        populated: 0,
      });
    } else if (last !== undefined) {
      if (line.startsWith("VmFlags:"))
        last.flags = line.split(" ").filter((f) => f.length === 2 && !volatileFlags.has(f));
      else if (/^(Rss|Swap):/.test(line))
        last.populated += Number.parseInt(line.slice(line.indexOf(":") + 1), 10) * 1024;
    }
  }
  return found;
}

/** The areas of a smaps text. */
export function areas(smaps: string): Area[] {
  const merged: Area[] = [];
  for (const area of parse(smaps)) {
    const last = merged.at(-1);
    if (last !== undefined && follows(last, area)) {
      last.end = area.end;
      last.populated += area.populated;
    } else merged.push(area);
  }
  return merged;
}
