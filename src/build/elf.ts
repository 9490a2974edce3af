/** What packing needs of a 64-bit little-endian ELF file (elf(5), System V gABI): the program headers. */
import { CrError } from "../error.ts";

export const PT = { LOAD: 1, INTERP: 3, NOTE: 4, PHDR: 6 } as const;

/** Bytes of one program header. */
export const headerSize = 56;

export interface Segment {
  /** Where its header lies in the file, bytes. */
  at: number;
  type: number;
  /** PF_X 1, PF_W 2, PF_R 4. */
  flags: number;
  offset: number;
  address: number;
  fileSize: number;
  size: number;
}

export class Elf {
  readonly view: DataView;
  readonly segments: readonly Segment[];

  constructor(
    readonly path: string,
    readonly bytes: Uint8Array,
  ) {
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    if (bytes.length < 64 || this.view.getUint32(0, false) !== 0x7f454c46 || this.view.getUint16(4, false) !== 0x0201) {
      throw new CrError("not a 64-bit little-endian ELF file", { subject: { path } });
    }
    const count = this.view.getUint16(56, true);
    this.segments = Array.from({ length: count }, (_, index) => this.segmentAt(this.headerOffset + index * headerSize));
  }

  private segmentAt(at: number): Segment {
    return {
      at,
      type: this.view.getUint32(at, true),
      flags: this.view.getUint32(at + 4, true),
      offset: this.number(at + 8),
      address: this.number(at + 16),
      fileSize: this.number(at + 32),
      size: this.number(at + 40),
    };
  }

  /** A 64-bit field as a number. */
  number(at: number): number {
    return Number(this.view.getBigUint64(at, true));
  }

  get headerOffset(): number {
    return this.number(32);
  }

  get entry(): number {
    return this.number(24);
  }

  set entry(address: number) {
    this.view.setBigUint64(24, BigInt(address), true);
  }

  /** The bytes of all program headers. */
  get headers(): Uint8Array {
    return this.bytes.subarray(this.headerOffset, this.headerOffset + this.segments.length * headerSize);
  }

  of(type: number): Segment[] {
    return this.segments.filter((segment) => segment.type === type);
  }

  /** The one segment of a type. */
  the(type: number, name: string): Segment {
    const [found, ...more] = this.of(type);
    if (!found || more.length > 0)
      throw new CrError(`expected one ${name} program header`, { subject: { path: this.path } });
    return found;
  }

  /** Overwrites a program header. */
  put(at: number, segment: Omit<Segment, "at">, alignment: number): void {
    this.view.setUint32(at, segment.type, true);
    this.view.setUint32(at + 4, segment.flags, true);
    const { offset, address, fileSize, size } = segment;
    for (const [index, value] of [offset, address, address, fileSize, size, alignment].entries()) {
      this.view.setBigUint64(at + 8 + index * 8, BigInt(value), true);
    }
  }
}
