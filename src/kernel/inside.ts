/**
 * A look into the kernel itself, for what no call tells of: a small BPF program reads its memory for us, and changes nothing. It
 * takes a kernel that knows its own types (5.14 and later; most distributions build theirs so), CAP_BPF and CAP_PERFMON.
 */
import { CrError } from "../error.ts";
import { type Instruction, makeMap, tryLoadProgram, tryRunProgram } from "./bpf.ts";
import { KernelTypes } from "./btf.ts";
import { closeFd } from "./fd.ts";
import { SharedView } from "./memory.ts";

/** Bytes that are read at once. */
const SIZE = 4096;
const ARRAY = { type: 2, keySize: 4, valueSize: SIZE, maxEntries: 1, flags: 0x400 /* BPF_F_MMAPABLE */, extra: 0n };
/** enum bpf_func_id */
const CALL = { GET_CURRENT_TASK: 35, PROBE_READ_KERNEL: 113 } as const;

/** Operations of linux/bpf.h: a register from another, from memory, into memory; a call; jumps. */
const OP = {
  MOVE: 0xbf,
  SET: 0xb7,
  LOAD: 0x79,
  STORE: 0x7b,
  WIDE: 0x18,
  CALL: 0x85,
  GO: 0x05,
  IF: 0x15,
  ABOVE: 0x25,
  EXIT: 0x95,
};
const PSEUDO_MAP_VALUE = 2;

/** Its context: an address, or 0 for that of our own task; bytes to read; the answer. */
function reader(map: number): Instruction[] {
  return [
    [OP.MOVE, 6, 1, 0, 0],
    [OP.LOAD, 3, 6, 0, 0],
    [OP.IF, 3, 0, 6, 0],
    [OP.LOAD, 2, 6, 8, 0],
    [OP.ABOVE, 2, 0, 6, SIZE],
    [OP.WIDE, 1, PSEUDO_MAP_VALUE, 0, map],
    [0, 0, 0, 0, 0],
    [OP.CALL, 0, 0, 0, CALL.PROBE_READ_KERNEL],
    [OP.GO, 0, 0, 1, 0],
    [OP.CALL, 0, 0, 0, CALL.GET_CURRENT_TASK],
    [OP.STORE, 6, 0, 16, 0],
    [OP.SET, 0, 0, 0, 0],
    [OP.EXIT, 0, 0, 0, 0],
  ];
}

function unknownMember(structure: string, member: string): CrError {
  return new CrError("this kernel keeps its state in another way than we know", {
    code: "ENODATA",
    subject: { structure, member },
  });
}

/** An object of the kernel: where it is, and what it is. */
export class KernelObject {
  constructor(
    readonly inside: Inside,
    readonly address: bigint,
    readonly structure: string,
  ) {}

  /** The same as what it is part of, at its beginning. */
  as(structure: string): KernelObject {
    return new KernelObject(this.inside, this.address, structure);
  }

  #of(member: string, size: number): DataView {
    return this.inside.read(this.address + BigInt(this.inside.offsetOf(this.structure, member)), size);
  }

  /** A member that is a number of 32 bits, of 16 bits, or of 64. */
  int(member: string): number {
    return this.#of(member, 4).getInt32(0, true);
  }

  short(member: string): number {
    return this.#of(member, 2).getUint16(0, true);
  }

  /** A member of so many bits, within one byte. */
  bits(member: string, size: number): number {
    const at = this.inside.types.bitOf(this.structure, member);
    if (at === undefined) throw unknownMember(this.structure, member);
    return ((this.bytes(1, at >> 3)[0] ?? 0) >> (at & 7)) & ((1 << size) - 1);
  }

  long(member: string): bigint {
    return this.#of(member, 8).getBigUint64(0, true);
  }

  /** What a member points to; undefined when it points nowhere. */
  to(member: string, structure: string): KernelObject | undefined {
    const address = this.long(member);
    return address === 0n ? undefined : new KernelObject(this.inside, address, structure);
  }

  /** A part of it. */
  in(member: string, structure: string): KernelObject {
    const offset = BigInt(this.inside.offsetOf(this.structure, member));
    return new KernelObject(this.inside, this.address + offset, structure);
  }

  /** The objects of a list (struct list_head) whose head is a member of it, linked by `link` of theirs. */
  list(member: string, structure: string, link: string, most = 1 << 16): KernelObject[] {
    const head = this.in(member, "list_head").address;
    const back = BigInt(this.inside.offsetOf(structure, link));
    const found: KernelObject[] = [];
    for (let at = this.inside.read(head, 8).getBigUint64(0, true); at !== head && found.length < most; ) {
      found.push(new KernelObject(this.inside, at - back, structure));
      at = this.inside.read(at, 8).getBigUint64(0, true);
    }
    return found;
  }

  /** The objects that an array at its end points to; what points nowhere is left out. */
  pointers(member: string, count: number, structure: string): KernelObject[] {
    const bytes = this.in(member, structure).bytes(count * 8);
    const found = [...new BigUint64Array(bytes.buffer)].filter((address) => address !== 0n);
    return found.map((address) => new KernelObject(this.inside, address, structure));
  }

  bytes(length: number, offset = 0): Uint8Array {
    return this.inside.bytes(this.address + BigInt(offset), length);
  }
}

/** What the kernel cannot be asked for: errors are CrError ENODATA, for a kernel whose structures are others than we know. */
export class Inside implements Disposable {
  readonly #context = new BigUint64Array(3);
  readonly #map: number;
  readonly #program: number;
  readonly #view: SharedView;
  readonly #offsets = new Map<string, number>();

  private constructor(readonly types: KernelTypes) {
    this.#map = makeMap({ ...ARRAY, name: "look" }, {});
    this.#program = tryLoadProgram(reader(this.#map));
    if (this.#program < 0) {
      closeFd(this.#map);
      throw new CrError("the kernel lets nobody look into it", { code: "EPERM" });
    }
    this.#view = new SharedView(this.#map, SIZE);
  }

  /** Undefined where this kernel, or our privileges, do not allow it. */
  static open(): Inside | undefined {
    const types = KernelTypes.read();
    if (types === undefined) return undefined;
    try {
      return new Inside(types);
    } catch (error) {
      if (error instanceof CrError) return undefined;
      throw error;
    }
  }

  [Symbol.dispose](): void {
    this.#view[Symbol.dispose]();
    closeFd(this.#program);
    closeFd(this.#map);
  }

  offsetOf(structure: string, member: string): number {
    const key = `${structure}.${member}`;
    const known = this.#offsets.get(key) ?? this.types.offsetOf(structure, member);
    if (known === undefined) throw unknownMember(structure, member);
    this.#offsets.set(key, known);
    return known;
  }

  #run(address: bigint, size: number): bigint {
    this.#context.set([address, BigInt(size), ~0n]);
    if (tryRunProgram(this.#program, this.#context) !== 0) return ~0n;
    return this.#context[2] ?? ~0n;
  }

  /** Good until the next read. */
  read(address: bigint, size: number): DataView {
    if (address !== 0n && this.#run(address, size) === 0n) return new DataView(this.#view.bytes.buffer, 0, size);
    throw new CrError("the kernel's memory cannot be read", { code: "ENODATA", subject: { size } });
  }

  bytes(address: bigint, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += SIZE) {
      const part = this.read(address + BigInt(at), Math.min(SIZE, length - at));
      bytes.set(new Uint8Array(part.buffer, 0, part.byteLength), at);
    }
    return bytes;
  }

  object(address: bigint, structure: string): KernelObject {
    return new KernelObject(this, address, structure);
  }

  /** The open file description of a descriptor of ours. */
  file(fd: number): KernelObject {
    const task = new KernelObject(this, this.#run(0n, 0), "task_struct");
    const table = task.to("files", "files_struct")?.to("fdt", "fdtable");
    const place = table?.long("fd");
    const address = place === undefined ? 0n : this.read(place + BigInt(fd * 8), 8).getBigUint64(0, true);
    return new KernelObject(this, address, "file");
  }

  /** The socket of a descriptor of ours, as the protocols have it (struct sock). */
  socket(fd: number): KernelObject {
    const socket = this.file(fd).to("private_data", "socket")?.to("sk", "sock");
    if (socket) return socket;
    throw new CrError("a descriptor is no socket", { code: "ENODATA", subject: { fd } });
  }
}

let opened: Inside | undefined | null = null;

/**
 * Looks into the kernel: undefined where that is not possible, or the kernel is another than we know. To open it, on first use,
 * takes some ten milliseconds.
 */
export function lookInside<T>(look: (inside: Inside) => T): T | undefined {
  if (opened === null) opened = Inside.open();
  if (opened === undefined) return undefined;
  try {
    return look(opened);
  } catch (error) {
    if (error instanceof CrError && error.code === "ENODATA") return undefined;
    throw error;
  }
}
