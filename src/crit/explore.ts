import { CrError } from "../error.ts";
import { ImageDirectory } from "../image/directory.ts";
import { FdTypes, type FileEntry, type MmEntry, type PstreeEntry, type VmaEntry } from "../image/schema.gen.ts";
import { bytesToText } from "../text.ts";

/** What `crit x DIR WHAT` shows, as lines. Errors: CrError of ImageDirectory, BAD_OPTION. */
export function explore(dir: string, what: string): string[] {
  const view = views.get(what);
  if (view === undefined)
    throw new CrError(`there is no view ${what}`, {
      code: "BAD_OPTION",
      remedy: `one of ${[...views.keys()].join(", ")}`,
    });
  return view(new ImageSet(ImageDirectory.open(dir)));
}

/** A set with what several views look up. */
class ImageSet {
  readonly tasks: PstreeEntry[];
  readonly #files: Map<number, FileEntry>;

  constructor(readonly images: ImageDirectory) {
    this.tasks = images.read("PSTREE");
    this.#files = new Map(images.read("FILES").map((file) => [file.id, file]));
  }

  comm(task: PstreeEntry): string {
    return this.images.read("CORE", task.pid)[0]?.tc?.comm ?? "?";
  }

  path(id: number): string {
    return this.#files.get(id)?.reg?.name ?? `file ${id}`;
  }

  describe(id: number, type: number): string {
    const file = this.#files.get(id);
    if (file?.reg) return file.reg.name;
    if (file?.pipe) return `pipe[${file.pipe.pipe_id}]`;
    if (file?.usk) {
      const name = bytesToText(file.usk.name).replace(/\0+$/, "").replace(/^\0/, "@");
      const peer = file.usk.peer === 0 ? "" : ` (${file.usk.peer})`;
      return `unix[${file.usk.ino}${peer}${name === "" ? "" : ` ${name}`}]`;
    }
    const kind = Object.entries(FdTypes).find(([, number]) => number === type)?.[0];
    return `${kind ?? type}.${id}`;
  }
}

function column(text: string | number): string {
  return String(text).padStart(7);
}

function ps(set: ImageSet): string[] {
  const depths = new Map<number, number>();
  const lines = [`${column("PID")}${column("PGID")}${column("SID")}   COMM`];
  for (const task of set.tasks) {
    const depth = (depths.get(task.ppid) ?? -1) + 1;
    depths.set(task.pid, depth);
    const ids = [task.pid, task.pgid, task.sid].map(column).join("");
    lines.push(`${ids}   ${" ".repeat(4 * depth)}${set.comm(task)}`);
  }
  return lines;
}

function fds(set: ImageSet): string[] {
  const lines: string[] = [];
  for (const task of set.tasks) {
    lines.push(String(task.pid));
    const ids = set.images.read("IDS", task.pid)[0];
    for (const fd of ids ? set.images.read("FDINFO", ids.files_id) : [])
      lines.push(`\t${column(fd.fd)}: ${set.describe(fd.id, fd.type)}`);
    const fs = set.images.read("FS", task.pid)[0];
    if (fs) lines.push(`\t${column("cwd")}: ${set.path(fs.cwd_id)}`, `\t${column("root")}: ${set.path(fs.root_id)}`);
  }
  return lines;
}

/** Bits of vma_entry.status, and what stands for an area that has them. */
const areas: readonly (readonly [mask: number, name: (area: VmaEntry, set: ImageSet) => string])[] = [
  [1 << 2, () => "[vsyscall]"],
  [1 << 3, () => "[vdso]"],
  [1 << 12, () => "[vvar]"],
  [1 << 13, () => "[aio]"],
  [1 << 16, () => "[guard]"],
  [1 << 14, (area) => `memfd.${area.shmid}`],
  [(1 << 6) | (1 << 7), (area, set) => set.path(Number(area.shmid))],
  [1 << 11, (area) => `packet.${area.shmid}`],
  [1 << 8, (area) => `shmem[${area.shmid}]`],
  [1 << 5, () => "[heap]"],
];

function areaName(area: VmaEntry, mm: MmEntry, set: ImageSet): string {
  const found = areas.find(([mask]) => (area.status & mask) !== 0)?.[1](area, set);
  const stack = mm.mm_start_stack >= area.start && mm.mm_start_stack < area.end;
  return `${found ?? (stack ? "[stack]" : "[anon]")}${(area.status & 1) === 0 ? " *" : ""}`;
}

function mems(set: ImageSet): string[] {
  const lines: string[] = [];
  for (const task of set.tasks) {
    lines.push(String(task.pid));
    const mm = set.images.read("MM", task.pid)[0];
    if (mm === undefined) continue;
    lines.push(`\t${"exe".padEnd(33)} ${set.path(mm.exe_file_id)}`);
    for (const area of mm.vmas) {
      const protection = ["r", "w", "x"].map((letter, bit) => ((area.prot >> bit) & 1 ? letter : "-")).join("");
      lines.push(
        `\t${`${area.start.toString(16)}-${area.end.toString(16)}`.padEnd(33)} ${protection} ${areaName(area, mm, set)}`,
      );
    }
  }
  return lines;
}

function rss(set: ImageSet): string[] {
  const lines: string[] = [];
  for (const task of set.tasks) {
    lines.push(String(task.pid));
    const mm = set.images.read("MM", task.pid)[0];
    const map = set.images.pagemap("PAGEMAP", task.pid);
    if (mm === undefined || map === undefined) continue;
    let from = 0;
    for (let i = 0; i < map.count; i++) {
      const start = map.vaddr[i] ?? 0;
      const pages = map.pages[i] ?? 0;
      // Both lists ascend: areas that end before this range will not be met again.
      while (from < mm.vmas.length && Number(mm.vmas[from]?.end) <= start) from++;
      const names: string[] = [];
      for (let at = from; at < mm.vmas.length; at++) {
        const area = mm.vmas[at];
        if (area === undefined || Number(area.start) >= start + pages * 4096) break;
        names.push(areaName(area, mm, set));
      }
      lines.push(`\t${start.toString(16).padStart(12)} / ${String(pages).padEnd(8)} ${names.join(", ")}`);
    }
  }
  return lines;
}

const views: ReadonlyMap<string, (set: ImageSet) => string[]> = new Map([
  ["ps", ps],
  ["fds", fds],
  ["mems", mems],
  ["rss", rss],
]);
