/**
 * Rings of packet sockets (Documentation/networking/packet_mmap.rst): memory into which the kernel writes packets, frame after
 * frame, or block after block in version 3, and from which the program takes them in the same order. Where the kernel goes on
 * cannot be told to it: a fresh ring gets there by packets of our own.
 */
import { CrError, type Subject } from "../error.ts";
import type { PacketRing, PacketSockEntry, TscriuFrame } from "../image/schema.gen.ts";
import { closeFd } from "../kernel/fd.ts";
import { SharedView } from "../kernel/memory.ts";
import { makeSocket, tryBind, trySend } from "../kernel/socket.ts";
import { check } from "../kernel/sys.ts";
import { AF, SOCK } from "../kernel/uapi/socket.ts";
import { interfaceIndex } from "./interface.ts";

/** For experiments (IEEE 802): no program waits for it. */
const ETHERTYPE = 0x88b5;
/** Frames that are filled before we look: fewer than the kernel lets wait for a loopback. */
const BATCH = 64;
/** Bytes of a packet that is to fill a block; the loopback takes 65536. */
const BIG = 60_000;
/** Milliseconds until packets of ours must have come. */
const PATIENCE = 20_000;
/** TP_STATUS_USER: the program's turn. */
const USERS = 1;
const V1 = 0;
const V3 = 2;
/** Of a frame that is to be sent: more than any version's header uses. */
const SEND_HEADER = 32;

/** struct sockaddr_ll */
export function linkAddress(protocol: number, index: number): Uint8Array {
  const view = new DataView(new ArrayBuffer(20));
  view.setUint16(0, AF.PACKET, true);
  view.setUint16(2, protocol);
  view.setInt32(4, index, true);
  return new Uint8Array(view.buffer);
}

type Shape = Pick<PacketRing, "block_size" | "block_nr" | "frame_size" | "frame_nr">;

const bytesOf = (ring: Shape | undefined) => (ring ? ring.block_size * ring.block_nr : 0);

/** Bytes of a socket's rings: what a program maps. */
function ringBytes(entry: Pick<PacketSockEntry, "rx_ring" | "tx_ring">): number {
  return bytesOf(entry.rx_ring) + bytesOf(entry.tx_ring);
}

/** A receive ring in our memory, by its frames, or by its blocks in version 3. */
class Ring {
  readonly #view: DataView;
  readonly count: number;
  readonly #isBlocks: boolean;

  constructor(
    readonly bytes: Uint8Array,
    readonly shape: Shape,
    readonly version: number,
  ) {
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#isBlocks = version === V3;
    this.count = this.#isBlocks ? shape.block_nr : shape.frame_nr;
  }

  at(index: number): number {
    const { block_size, frame_size } = this.shape;
    if (this.#isBlocks) return index * block_size;
    const each = Math.floor(block_size / frame_size);
    return Math.floor(index / each) * block_size + (index % each) * frame_size;
  }

  /** struct tpacket_hdr and tpacket2_hdr begin with it, struct tpacket_block_desc has it behind two words. */
  #status(index: number): number {
    return this.at(index) + (this.#isBlocks ? 8 : 0);
  }

  isUsers(index: number): boolean {
    return (this.#view.getUint32(this.#status(index), true) & USERS) !== 0;
  }

  giveBack(index: number): void {
    this.#view.setUint32(this.#status(index), 0, true);
  }

  /** As if nothing had ever come to it. */
  clear(index: number): void {
    const size = this.#isBlocks ? 0 : this.shape.frame_size;
    this.bytes.fill(0, this.at(index), this.at(index) + size);
  }

  /** The kernel counts blocks anew: one that comes back gets the number that it would have had. */
  renumber(index: number, next: number): void {
    const before = (next - index + this.count) % this.count;
    const number = this.order(next) - BigInt(before);
    if (this.#isBlocks) this.#view.setBigUint64(this.at(index) + 24, number > 0n ? number : 0n, true);
  }

  /** Grows from one that is filled to the next: the time of a frame, the number of a block. 0 for one that never was filled. */
  order(index: number): bigint {
    const at = this.at(index);
    if (this.#isBlocks) return this.#view.getBigUint64(at + 24, true);
    const time = at + (this.version === V1 ? 20 : 16);
    return BigInt(this.#view.getUint32(time, true)) * 1_000_000_000n + BigInt(this.#view.getUint32(time + 4, true));
  }

  /** How many lie in a block. */
  packets(block: number): number {
    return this.#view.getUint32(this.at(block) + 12, true);
  }

  /** Bytes in use: up to the end of the packet, or of the last one of a block. */
  #used(index: number): number {
    const at = this.at(index);
    if (this.#isBlocks) return Math.min(this.shape.block_size, this.#view.getUint32(at + 20, true));
    const lengths = at + (this.version === V1 ? 12 : 8);
    const end = this.#view.getUint16(lengths + 4, true) + this.#view.getUint32(lengths, true);
    return Math.min(this.shape.frame_size, end);
  }

  take(index: number): TscriuFrame {
    const at = this.at(index);
    return { index, bytes: this.bytes.slice(at, at + this.#used(index)) };
  }

  put({ index, bytes }: TscriuFrame, subject: Subject): void {
    const size = this.#isBlocks ? this.shape.block_size : this.shape.frame_size;
    if (index >= this.count || bytes.length > size)
      throw new CrError("a frame lies outside of a packet socket's ring", { code: "BAD_IMAGE", subject });
    this.bytes.set(bytes, this.at(index));
  }
}

/** The frame that the kernel fills next stands behind the newest one; of blocks the newest is the one that it fills. */
function nextIn(ring: Ring): number {
  let [newest, best] = [0, 0n];
  for (let index = 0; index < ring.count; index++) {
    const order = ring.order(index);
    // frames of the same moment lie one behind the other, perhaps across the end
    const isLater = order > best || (order === best && index === newest + 1);
    if (order > 0n && isLater) [newest, best] = [index, order];
  }
  if (best === 0n || (ring.version === V3 && !ring.isUsers(newest))) return newest;
  return (newest + 1) % ring.count;
}

function withRing<T>(fd: number, entry: PacketSockEntry, use: (bytes: Uint8Array) => T): T {
  using view = new SharedView(fd, ringBytes(entry));
  return use(view.bytes);
}

/** What is in a socket's receive ring, and whether its ring for sending was ever used. */
export function readRings(
  fd: number,
  entry: PacketSockEntry,
): Pick<PacketSockEntry, "tscriu_next" | "tscriu_frames"> & { sends: boolean } {
  const nothing = { tscriu_frames: [], sends: false };
  if (ringBytes(entry) === 0) return nothing;
  return withRing(fd, entry, (bytes) => {
    const { rx_ring: rx, tx_ring: tx, version } = entry;
    const sends = tx !== undefined && hasSent(bytes.subarray(bytesOf(rx)), tx);
    if (rx === undefined) return { ...nothing, sends };
    const ring = new Ring(bytes, rx, version);
    const next = nextIn(ring);
    const frames: TscriuFrame[] = [];
    for (let index = 0; index < ring.count; index++) if (ring.isUsers(index)) frames.push(ring.take(index));
    return { tscriu_next: next, tscriu_frames: frames, sends };
  });
}

function hasSent(bytes: Uint8Array, shape: Shape): boolean {
  const ring = new Ring(bytes, shape, V1);
  for (let index = 0; index < ring.count; index++) {
    const at = ring.at(index);
    if (bytes.subarray(at, at + SEND_HEADER).some((byte) => byte !== 0)) return true;
  }
  return false;
}

/** Brings a fresh ring to where the saved one was. The socket hears of nothing yet, and has no filter. */
export function fillRing(fd: number, entry: PacketSockEntry, subject: Subject): void {
  const { rx_ring: rx, version, tscriu_next: next = 0, tscriu_frames: frames } = entry;
  if (rx === undefined || (next === 0 && frames.length === 0)) return;
  withRing(fd, entry, (bytes) => {
    const ring = new Ring(bytes, rx, version);
    if (next >= ring.count)
      throw new CrError("a packet socket's ring has no such frame", {
        code: "BAD_IMAGE",
        subject: { ...subject, next },
      });
    if (next > 0) advance(fd, ring, next, subject);
    for (const frame of frames) {
      // Of a ring that is full of blocks the kernel has the oldest as its next one.
      if (version === V3 && frame.index === next) continue;
      ring.put(frame, subject);
      ring.renumber(frame.index, next);
    }
  });
}

function advance(fd: number, ring: Ring, next: number, subject: Subject): void {
  const lo = interfaceIndex(fd, "lo");
  if (lo === undefined) throw new CrError("there is no loopback", { code: "ENODEV", subject });
  check(tryBind(fd, linkAddress(ETHERTYPE, lo)), "cannot bind a packet socket to the loopback", subject);
  const sender = makeSocket(AF.PACKET, SOCK.DGRAM, 0, subject);
  try {
    const send = (size: number) => {
      const message = { bytes: new Uint8Array(size), rights: [], credentials: undefined };
      const sent = trySend(sender, message, linkAddress(ETHERTYPE, lo));
      check(sent, "cannot send packets to ourselves", subject, "bring the loopback up: ip link set lo up");
    };
    if (ring.version === V3) closeBlocks(ring, next, send, subject);
    else fillFrames(ring, next, send, subject);
  } finally {
    closeFd(sender);
  }
  for (let index = 0; index < next; index++) ring.giveBack(index);
  // Only the newest tells where the kernel is.
  for (let index = 0; index < next - 1; index++) ring.clear(index);
}

function fillFrames(ring: Ring, next: number, send: (size: number) => void, subject: Subject): void {
  for (let done = 0; done < next; ) {
    const end = Math.min(next, done + BATCH);
    for (; done < end; done++) send(1);
    until(() => ring.isUsers(done - 1), subject);
  }
}

/**
 * A block is closed when a packet does not fit any more, or by its timer, at any time, which leaves the next one empty. None of
 * these was open before.
 */
function closeBlocks(ring: Ring, next: number, send: (size: number) => void, subject: Subject): void {
  const last = next - 1;
  for (let block = 0; block < last; block++) {
    const most = 2 + Math.ceil(ring.shape.block_size / BIG);
    for (let turn = 0; turn < most && !ring.isUsers(block); turn++) send(BIG);
    until(() => ring.isUsers(block) && ring.order(block + 1) > 0n, subject);
  }
  if (ring.packets(last) === 0) send(1);
  until(() => ring.isUsers(last), subject);
}

function until(holds: () => boolean, subject: Subject): void {
  const late = performance.now() + PATIENCE;
  while (!holds()) {
    if (performance.now() > late) {
      throw new CrError("packets of ours do not reach a packet socket's ring", {
        code: "ETIMEDOUT",
        subject,
        remedy: "let packets of the protocol 0x88b5 pass on the loopback",
      });
    }
    Bun.sleepSync(0.2);
  }
}
