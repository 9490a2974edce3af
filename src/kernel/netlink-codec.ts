import { CrError } from "../error.ts";

/** One netlink message (netlink(7)). */
export interface NetlinkMessage {
  readonly type: number;
  /** NLM_F_* */
  readonly flags: number;
  readonly sequence: number;
  /** Port of the sender; 0 is the kernel. */
  readonly port: number;
  readonly payload: Uint8Array;
}

const HEADER = 16;
const ATTRIBUTE_HEADER = 4;
const TYPE_MASK = 0x3fff;
const NESTED = 0x8000;

const align = (length: number): number => (length + 3) & ~3;

function bad(what: string, at: number): CrError {
  return new CrError(`netlink: ${what}`, { code: "BAD_NETLINK", subject: { offset: at } });
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

export function encodeMessage(message: NetlinkMessage): Uint8Array {
  const bytes = new Uint8Array(HEADER + align(message.payload.length));
  const view = viewOf(bytes);
  view.setUint32(0, HEADER + message.payload.length, true);
  view.setUint16(4, message.type, true);
  view.setUint16(6, message.flags, true);
  view.setUint32(8, message.sequence, true);
  view.setUint32(12, message.port, true);
  bytes.set(message.payload, HEADER);
  return bytes;
}

/**
 * The messages of one datagram. Payloads are views of it.
 * @throws CrError BAD_NETLINK when a length does not fit or bytes are left over
 */
export function parseMessages(datagram: Uint8Array): NetlinkMessage[] {
  const view = viewOf(datagram);
  const messages: NetlinkMessage[] = [];
  let at = 0;
  while (at < datagram.length) {
    if (at + HEADER > datagram.length) throw bad("a message is cut short", at);
    const length = view.getUint32(at, true);
    if (length < HEADER || at + length > datagram.length) throw bad("a message of impossible length", at);
    messages.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      port: view.getUint32(at + 12, true),
      payload: datagram.subarray(at + HEADER, at + length),
    });
    at += align(length);
  }
  return messages;
}

/** Attributes in their order, with the flags of the type taken off. Repeated types are kept. */
export function attributeList(bytes: Uint8Array): [type: number, value: Uint8Array][] {
  const view = viewOf(bytes);
  const list: [number, Uint8Array][] = [];
  let at = 0;
  while (at < bytes.length) {
    if (at + ATTRIBUTE_HEADER > bytes.length) throw bad("an attribute is cut short", at);
    const length = view.getUint16(at, true);
    if (length < ATTRIBUTE_HEADER || at + length > bytes.length) throw bad("an attribute of impossible length", at);
    list.push([view.getUint16(at + 2, true) & TYPE_MASK, bytes.subarray(at + ATTRIBUTE_HEADER, at + length)]);
    at += align(length);
  }
  return list;
}

/**
 * Attributes by type; of a repeated type the last one counts. Values are views of `bytes`.
 * @throws CrError BAD_NETLINK when a length does not fit or bytes are left over
 */
export function parseAttributes(bytes: Uint8Array): Map<number, Uint8Array> {
  return new Map(attributeList(bytes));
}

/** Reads fixed-size values out of an attribute or a header, and checks that they are there. */
export class Fields {
  private readonly view: DataView;

  constructor(
    readonly bytes: Uint8Array,
    private readonly name = "value",
  ) {
    this.view = viewOf(bytes);
  }

  private need(at: number, size: number): void {
    if (at + size > this.bytes.length) throw bad(`${this.name} is too short`, at);
  }

  u8(at = 0): number {
    this.need(at, 1);
    return this.view.getUint8(at);
  }

  u16(at = 0): number {
    this.need(at, 2);
    return this.view.getUint16(at, true);
  }

  /** Network byte order: ports. */
  be16(at = 0): number {
    this.need(at, 2);
    return this.view.getUint16(at, false);
  }

  u32(at = 0): number {
    this.need(at, 4);
    return this.view.getUint32(at, true);
  }

  i32(at = 0): number {
    this.need(at, 4);
    return this.view.getInt32(at, true);
  }

  u64(at = 0): bigint {
    this.need(at, 8);
    return this.view.getBigUint64(at, true);
  }

  /** `count` numbers of 32 bits; all that there are when it is left out. */
  u32s(at = 0, count = Math.floor((this.bytes.length - at) / 4)): number[] {
    return Array.from({ length: count }, (_, i) => this.u32(at + i * 4));
  }

  /** Text up to the first NUL. */
  text(at = 0): string {
    const end = this.bytes.indexOf(0, at);
    return new TextDecoder().decode(this.bytes.subarray(at, end < 0 ? undefined : end));
  }

  slice(at: number, length: number): Uint8Array {
    this.need(at, length);
    return this.bytes.slice(at, at + length);
  }

  /** The attributes that follow a fixed header of `size` bytes. */
  attributes(size: number): Map<number, Uint8Array> {
    this.need(0, size);
    return parseAttributes(this.bytes.subarray(align(size)));
  }
}

/** Builds the payload of a message: a fixed header, then attributes. */
export class PayloadBuilder {
  private bytes = new Uint8Array(256);
  private used = 0;

  private reserve(length: number): number {
    const at = this.used;
    const needed = at + align(length);
    if (needed > this.bytes.length) {
      const larger = new Uint8Array(Math.max(needed, this.bytes.length * 2));
      larger.set(this.bytes);
      this.bytes = larger;
    }
    this.used = needed;
    return at;
  }

  /** The family's own header, or anything else that is no attribute; padded to 4 bytes. */
  raw(bytes: Uint8Array): this {
    // which may put others in their place
    const at = this.reserve(bytes.length);
    this.bytes.set(bytes, at);
    return this;
  }

  attribute(type: number, value: Uint8Array): this {
    if (value.length > 0xffff - ATTRIBUTE_HEADER) throw bad("an attribute is too long", value.length);
    const at = this.reserve(ATTRIBUTE_HEADER + value.length);
    const view = viewOf(this.bytes);
    view.setUint16(at, ATTRIBUTE_HEADER + value.length, true);
    view.setUint16(at + 2, type, true);
    this.bytes.set(value, at + ATTRIBUTE_HEADER);
    return this;
  }

  u8(type: number, value: number): this {
    return this.attribute(type, Uint8Array.of(value));
  }

  u16(type: number, value: number): this {
    return this.attribute(type, new Uint8Array(Uint16Array.of(value).buffer));
  }

  be16(type: number, value: number): this {
    return this.attribute(type, Uint8Array.of(value >> 8, value & 0xff));
  }

  u32(type: number, value: number): this {
    return this.attribute(type, new Uint8Array(Uint32Array.of(value).buffer));
  }

  be32(type: number, value: number): this {
    const bytes = new Uint8Array(4);
    viewOf(bytes).setUint32(0, value, false);
    return this.attribute(type, bytes);
  }

  u64(type: number, value: bigint): this {
    return this.attribute(type, new Uint8Array(BigUint64Array.of(value).buffer));
  }

  /** NUL-terminated. */
  text(type: number, value: string): this {
    return this.attribute(type, new TextEncoder().encode(`${value}\0`));
  }

  /** Attributes within an attribute. */
  nest(type: number, fill: (inner: PayloadBuilder) => void): this {
    const inner = new PayloadBuilder();
    fill(inner);
    return this.attribute(type | NESTED, inner.build());
  }

  build(): Uint8Array {
    return this.bytes.slice(0, this.used);
  }
}
