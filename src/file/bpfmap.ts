import { CrError, type Subject } from "../error.ts";
import { type BpfmapFileEntry, FdTypes } from "../image/schema.gen.ts";
import { BPF_F, fillMap, freezeMap, MAP_TYPES, makeMap, mapInfo, openMap, programOf, readMap } from "../kernel/bpf.ts";
import { closeFd } from "../kernel/fd.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import type { FileDump, FileKind, FileRestore, OpenFile } from "./kind.ts";
import { perRun } from "./per-run.ts";

/** Types of which a descriptor gives all that they hold. */
const PLAIN: ReadonlySet<number> = new Set(
  ["hash", "array", "lru_hash", "lpm_trie"].map((name) => MAP_TYPES.indexOf(name)),
);

/** Maps of one dump that are in the images, by the kernel's ids. */
const saved = perRun((_: FileDump) => new Set<number>());

/** A line of /proc/PID/fdinfo that is a number. */
function line(file: OpenFile, name: string): number {
  return Number(new RegExp(`^${name}:\\s*(\\w+)$`, "m").exec(file.info.raw)?.[1] ?? 0);
}

function subjectOf(file: OpenFile): Subject {
  return { pid: file.pid, fd: file.fd, path: file.link };
}

function problem(file: OpenFile): CrError | undefined {
  const subject = subjectOf(file);
  const { type, id, ifindex } = mapInfo(file.dup, subject);
  const refuse = (what: string, remedy: string) => new CrError(what, { code: "UNSUPPORTED", subject, remedy });
  if (!PLAIN.has(type)) {
    const name = MAP_TYPES[type] ?? String(type);
    return refuse(`a BPF map of the type ${name} cannot be dumped`, "let the program close it before the dump");
  }
  if (ifindex !== 0) return refuse("a BPF map lies on a network card", "let the program close it before the dump");
  const program = programOf(id);
  if (program === undefined) return undefined;
  return refuse(
    `a BPF map is used by the loaded BPF program ${program}, which would not follow the tree to another map`,
    "detach the program before the dump",
  );
}

/** The maps of one restore: descriptions that were of one map are of one map again. */
class RestoredMaps {
  readonly #made = new Map<number, { id: number; fd: number }>();

  constructor(private readonly restore: FileRestore) {
    restore.atDispose(() => {
      for (const { fd } of this.#made.values()) closeFd(fd);
    });
  }

  open(entry: BpfmapFileEntry): number {
    const subject = { file: entry.id };
    const { id } = this.#made.get(entry.map_id) ?? this.#make(entry, subject);
    const mode = entry.flags & O.ACCMODE;
    return openMap(id, mode === O.RDONLY ? BPF_F.RDONLY : mode === O.WRONLY ? BPF_F.WRONLY : 0, subject);
  }

  #make(entry: BpfmapFileEntry, subject: Subject): { id: number } {
    const { map_type, key_size, value_size, max_entries, map_flags, map_name, map_extra } = entry;
    const state = {
      type: map_type,
      keySize: key_size,
      valueSize: value_size,
      maxEntries: max_entries,
      flags: map_flags,
      name: map_name,
      extra: BigInt(map_extra ?? 0),
    };
    const fd = makeMap(state, subject);
    const made = { id: mapInfo(fd, subject).id, fd };
    this.#made.set(entry.map_id, made);
    const data = this.restore.images.read("BPFMAP_DATA").find((one) => one.map_id === entry.map_id);
    if (data) {
      const { count, keys_bytes, extra } = data;
      fillMap(fd, { count, keys: extra.slice(0, keys_bytes), values: extra.slice(keys_bytes) }, subject);
    }
    if (entry.frozen) freezeMap(fd, subject);
    return made;
  }
}

const maps = perRun((restore: FileRestore) => new RestoredMaps(restore));

/** BPF maps of the plain types. The kernel gives them other ids. */
export const bpfmap: FileKind = {
  name: "BPF map",
  type: FdTypes.BPFMAP,

  matches: (file) => file.link === "anon_inode:bpf-map",

  check(file, dump) {
    const found = problem(file);
    if (found) dump.blocker(found);
  },

  dump(file, dump) {
    const subject = subjectOf(file);
    const info = mapInfo(file.dup, subject);
    const bpf: BpfmapFileEntry = {
      id: file.id,
      flags: file.flags,
      pos: file.pos,
      fown: file.fown,
      map_type: info.type,
      key_size: info.keySize,
      value_size: info.valueSize,
      map_id: info.id,
      max_entries: info.maxEntries,
      map_flags: info.flags,
      memlock: line(file, "memlock"),
      frozen: line(file, "frozen") !== 0,
      map_name: info.name,
      ifindex: info.ifindex,
      map_extra: info.extra,
    };
    dump.add({ type: FdTypes.BPFMAP, id: file.id, bpf });
    if (saved(dump).has(info.id)) return;
    saved(dump).add(info.id);
    if (info.isTyped) dump.log.warn(`the type information (BTF) of the BPF map ${info.name} is not kept`);
    // this description may be for writing alone
    const fd = openMap(info.id, BPF_F.RDONLY, subject);
    try {
      const { count, keys, values } = readMap(fd, info, subject);
      const extra = new Uint8Array(keys.length + values.length);
      extra.set(keys);
      extra.set(values, keys.length);
      const sizes = { keys_bytes: keys.length, values_bytes: values.length };
      dump.images.append("BPFMAP_DATA", [{ map_id: info.id, ...sizes, count, extra }]);
    } finally {
      closeFd(fd);
    }
  },

  open(entry, restore) {
    const { bpf } = entry;
    if (bpf === undefined)
      throw new CrError("a BPF map without its state", { code: "BAD_IMAGE", subject: { file: entry.id } });
    const fd = maps(restore).open(bpf);
    restore.put(entry.id, fd);
    restore.applyFown(fd, bpf.fown, bpf.flags);
  },
};
