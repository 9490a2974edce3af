import { CrError } from "../error.ts";
import { FdTypes, type FifoEntry, type RegFileEntry } from "../image/schema.gen.ts";
import { closeFd, readable } from "../kernel/fd.ts";
import { S_IFIFO, S_IFMT } from "../kernel/stat.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import type { FileDump, FileKind, FileRestore, OpenFile } from "./kind.ts";
import { openRegular } from "./open-regular.ts";
import { perRun } from "./per-run.ts";
import { contentOf, dataEntry, fillPipe, type PipeContent, readPipe } from "./pipe-content.ts";
import { RegularFiles } from "./regular-files.ts";

function isFifo(file: OpenFile): boolean {
  return (file.stat.mode & S_IFMT) === S_IFIFO && !file.link.startsWith("pipe:[") && (file.flags & O.PATH) === 0;
}

/** Inodes of FIFOs whose bytes are in the image already. */
const saved = perRun((_: FileDump) => new Set<number>());

const plan = perRun((restore: FileRestore) => {
  const fifos = new Map<number, FifoEntry[]>();
  for (const { fifo } of restore.entries.values()) {
    if (fifo === undefined) continue;
    const list = fifos.get(fifo.pipe_id);
    if (list === undefined) fifos.set(fifo.pipe_id, [fifo]);
    else list.push(fifo);
  }
  const contents = new Map<number, PipeContent>();
  for (const data of restore.images.read("FIFO_DATA")) contents.set(data.pipe_id, contentOf(data, data.extra));
  return { fifos, contents };
});

export const fifo: FileKind = {
  name: "FIFO",
  type: FdTypes.FIFO,
  matches: isFifo,

  check(file, dump) {
    const problem = RegularFiles.of(dump).problem(file);
    if (problem) dump.blocker(problem);
  },

  dump(file, dump) {
    const ino = file.stat.ino % 0x1_0000_0000;
    const entry: FifoEntry = { id: file.id, pipe_id: ino, regf_id: dump.regular(file) };
    dump.add({ type: FdTypes.FIFO, id: file.id, fifo: entry });
    if ((file.flags & O.ACCMODE) === O.WRONLY || saved(dump).has(ino)) return;
    saved(dump).add(ino);
    const content = readPipe(file.dup, { pid: file.pid, fd: file.fd, path: file.link });
    dump.images.append("FIFO_DATA", [dataEntry(ino, content)]);
  },

  open(entry, restore) {
    const { fifo } = entry;
    if (fifo === undefined)
      throw new CrError("a FIFO without its entry", { code: "BAD_IMAGE", subject: { file: entry.id } });
    const { fifos, contents } = plan(restore);
    openAll(fifos.get(fifo.pipe_id) ?? [], contents.get(fifo.pipe_id), restore);
  },
};

function pathOf(entry: FifoEntry, restore: FileRestore): RegFileEntry {
  const reg = restore.entries.get(entry.regf_id ?? -1)?.reg;
  if (reg) return reg;
  throw new CrError("a FIFO without its path", { code: "BAD_IMAGE", subject: { file: entry.id } });
}

/** Opens all descriptions of one FIFO while a helper holds both ends: no open waits, and the bytes stay. */
function openAll(list: readonly FifoEntry[], content: PipeContent | undefined, restore: FileRestore): void {
  let holder = -1;
  try {
    for (const entry of list) {
      const reg = pathOf(entry, restore);
      if (holder < 0) {
        holder = openRegular(reg, restore, O.RDWR | O.NONBLOCK);
        fill(holder, content, reg.name, restore);
      }
      const fd = openRegular(reg, restore, reg.flags & ~O.DIRECT);
      restore.put(entry.id, fd);
      restore.applyFown(fd, reg.fown, reg.flags);
    }
  } finally {
    if (holder >= 0) closeFd(holder);
  }
}

/** What is there already is what was there at the dump, when others keep the FIFO open; else it is empty. */
function fill(fd: number, content: PipeContent | undefined, path: string, restore: FileRestore): void {
  if (content === undefined) return;
  if (readable(fd, { path }) === 0) fillPipe(fd, content, { path });
  else if (content.bytes.length > 0)
    restore.log.warn(`${path} is held by others and not empty: its bytes stay as they are`);
}
