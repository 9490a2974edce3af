/** The kernel's own types (Documentation/bpf/btf.rst), as far as it takes to find a member of a structure. */
import { readFileSync } from "node:fs";

const PATH = "/sys/kernel/btf/vmlinux";
const MAGIC = 0xeb9f;

const KIND = { STRUCT: 4, UNION: 5, TYPEDEF: 8, VOLATILE: 9, CONST: 10, RESTRICT: 11, TYPE_TAG: 18 } as const;
const MODIFIERS: ReadonlySet<number> = new Set([KIND.TYPEDEF, KIND.VOLATILE, KIND.CONST, KIND.RESTRICT, KIND.TYPE_TAG]);
/** Bytes behind a type's head, by kind: once, and for each of its parts. */
const ONCE: readonly number[] = [0, 4, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 0, 0, 4, 0, 0];
const EACH: readonly number[] = [0, 0, 0, 0, 12, 12, 8, 0, 0, 0, 0, 0, 0, 8, 0, 12, 0, 0, 0, 12];
const HEAD = 12;

/** Some 150,000 of them, while a tree stands still: a loop without calls. */
function placesOf(words: Uint32Array): Uint32Array {
  const places = new Uint32Array(words.length / 3 + 1);
  let count = 1;
  for (let at = 0; at < words.length; ) {
    places[count++] = at;
    const info = words[at + 1] ?? 0;
    const kind = (info >>> 24) & 31;
    at += (HEAD + (ONCE[kind] ?? 0) + (EACH[kind] ?? 0) * (info & 0xffff)) >> 2;
  }
  return places.subarray(0, count);
}

/** The types of the running kernel. Little-endian, as the machines that we run on. */
export class KernelTypes {
  readonly #words: Uint32Array;
  readonly #strings: Buffer;
  /** Where each type begins, in words; the first is void. */
  readonly #at: Uint32Array;

  private constructor(bytes: Buffer) {
    const head = new DataView(bytes.buffer, bytes.byteOffset, 24);
    const [start, typesAt, typesLength, stringsAt, stringsLength] = [4, 8, 12, 16, 20].map((at) =>
      head.getUint32(at, true),
    ) as [number, number, number, number, number];
    this.#words = new Uint32Array(
      bytes.buffer.slice(bytes.byteOffset + start + typesAt, bytes.byteOffset + start + typesAt + typesLength),
    );
    this.#strings = bytes.subarray(start + stringsAt, start + stringsAt + stringsLength);
    this.#at = placesOf(this.#words);
  }

  /** Undefined where the kernel tells none. */
  static read(): KernelTypes | undefined {
    try {
      const bytes = readFileSync(PATH);
      return bytes.readUInt16LE(0) === MAGIC ? new KernelTypes(bytes) : undefined;
    } catch {
      return undefined;
    }
  }

  #word(at: number): number {
    return this.#words[at] ?? 0;
  }

  #kind(at: number): number {
    return (this.#word(at + 1) >>> 24) & 31;
  }

  #count(at: number): number {
    return this.#word(at + 1) & 0xffff;
  }

  #nameAt(offset: number): string {
    return this.#strings.toString("latin1", offset, this.#strings.indexOf(0, offset));
  }

  /** Bytes from the beginning of a structure to a member, `member.of.it`; undefined where there is none. */
  offsetOf(structure: string, member: string): number | undefined {
    const bit = this.bitOf(structure, member);
    return bit === undefined ? undefined : bit >> 3;
  }

  /** The same in bits, for a member that is some bits of a byte. */
  bitOf(structure: string, member: string): number | undefined {
    const found = this.#strings.indexOf(`\0${structure}\0`, 0, "latin1");
    if (found < 0) return undefined;
    for (let id = 1; id < this.#at.length; id++) {
      const at = this.#at[id] ?? 0;
      if (this.#words[at] !== found + 1 || this.#kind(at) !== KIND.STRUCT) continue;
      const offset = this.#find(id, member.split("."));
      if (offset !== undefined) return offset;
    }
    return undefined;
  }

  #find(id: number, [name, ...rest]: readonly string[]): number | undefined {
    if (name === undefined) return 0;
    const at = this.#at[this.#plain(id)] ?? 0;
    const kind = this.#kind(at);
    if (kind !== KIND.STRUCT && kind !== KIND.UNION) return undefined;
    const hasBits = this.#word(at + 1) >>> 31 === 1;
    for (let i = 0, part = at + 3; i < this.#count(at); i++, part += 3) {
      const nameAt = this.#word(part);
      const bits = hasBits ? this.#word(part + 2) & 0xff_ffff : this.#word(part + 2);
      const isWithout = nameAt === 0;
      if (!isWithout && this.#nameAt(nameAt) !== name) continue;
      const inside = this.#find(this.#word(part + 1), isWithout ? [name, ...rest] : rest);
      if (inside !== undefined) return bits + inside;
    }
    return undefined;
  }

  #plain(id: number): number {
    let plain = id;
    while (MODIFIERS.has(this.#kind(this.#at[plain] ?? 0)) && plain !== 0)
      plain = this.#word((this.#at[plain] ?? 0) + 2);
    return plain;
  }
}
