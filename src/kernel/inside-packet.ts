/**
 * Packets as they lie in the kernel (struct sk_buff), found by looking into it. What does not lie in one piece lies in pages, of
 * which the kernel keeps no addresses, but numbers: where it maps all of the machine's memory we find out by a page of ours.
 */
import { CrError } from "../error.ts";
import { closeFd, makePipe, tryOpen } from "./fd.ts";
import { type Inside, KernelObject } from "./inside.ts";
import { PAGE_SIZE } from "./memory.ts";
import { NR } from "./nr.ts";
import { addressOf, check, sys } from "./sys.ts";
import { O } from "./uapi/fcntl.ts";

/** The memory is mapped at a multiple of this, and no machine has so many of them. */
const STEP = 1n << 30n;
const MOST_STEPS = 1n << 14n;
/** Bytes of struct page, a structure that no option of the kernel that distributions set makes larger. */
const PAGE_STRUCTURE = 64n;
const MARK = 32;
const PFN = (1n << 55n) - 1n;
/** struct skb_frag: a page, a length, an offset. */
const FRAGMENT = 16;
const PAGE = BigInt(PAGE_SIZE);

function unknown(): CrError {
  return new CrError("where the kernel has its pages is not known", { code: "ENODATA" });
}

/** The number of the page frame at an address of ours; 0 where nobody may know. */
function frameOf(address: number): bigint {
  const fd = tryOpen("/proc/self/pagemap", O.RDONLY);
  if (fd < 0) return 0n;
  const entry = new BigUint64Array(1);
  sys(NR.pread64, fd, addressOf(entry), 8, (address / PAGE_SIZE) * 8);
  closeFd(fd);
  return (entry[0] ?? 0n) & PFN;
}

/** Where the descriptions of pages begin, and the pages themselves. */
interface Places {
  readonly descriptions: bigint;
  readonly memory: bigint;
}

/** A page with a mark is given to a pipe, which then points to its description; its frame tells how far that is. */
function findPlaces(inside: Inside): Places {
  const area = new Uint8Array(new ArrayBuffer(2 * PAGE_SIZE));
  const start = addressOf(area);
  const address = Math.ceil(start / PAGE_SIZE) * PAGE_SIZE;
  const mark = crypto.getRandomValues(area.subarray(address - start, address - start + MARK));
  const frame = frameOf(address);
  const [out, into] = makePipe(O.NONBLOCK);
  try {
    const vector = BigUint64Array.of(BigInt(address), PAGE);
    check(sys(NR.vmsplice, into, addressOf(vector), 1, 0), "cannot give a page to a pipe");
    const pipe = inside.file(out).to("private_data", "pipe_inode_info");
    const page = pipe?.to("bufs", "pipe_buffer")?.long("page");
    if (pipe === undefined || page === undefined || frame === 0n) throw unknown();
    const descriptions = page - frame * PAGE_STRUCTURE;
    // they begin at such a place, too: else a description has another size
    if (descriptions % STEP !== 0n) throw unknown();
    // somewhere in there
    const top = pipe.address / STEP;
    for (let back = 0n; back < MOST_STEPS; back++) {
      const memory = (top - back) * STEP;
      if (isMarked(inside, memory + frame * PAGE, mark)) return { descriptions, memory };
    }
    throw unknown();
  } finally {
    for (const fd of [out, into]) closeFd(fd);
  }
}

function isMarked(inside: Inside, address: bigint, mark: Uint8Array): boolean {
  try {
    return Buffer.compare(inside.bytes(address, mark.length), mark) === 0;
  } catch (error) {
    if (error instanceof CrError) return false;
    throw error;
  }
}

/** Of the running kernel; undefined where it cannot be told. */
let places: Places | undefined | null = null;

function placesOf(inside: Inside): Places {
  if (places === null) {
    places = undefined;
    if (process.arch === "x64") places = findPlaces(inside);
  }
  if (places === undefined) throw unknown();
  return places;
}

function fragment(inside: Inside, view: DataView): Uint8Array {
  const { descriptions, memory } = placesOf(inside);
  const [page, length, offset] = [view.getBigUint64(0, true), view.getUint32(8, true), view.getUint32(12, true)];
  // memory of another kind, of a device
  if (page < descriptions || (page & 1n) !== 0n) throw unknown();
  return inside.bytes(memory + ((page - descriptions) / PAGE_STRUCTURE) * PAGE + BigInt(offset), length);
}

/** What a packet shares with its copies: its pages, and what it will be cut to. */
export function sharedInfo(packet: KernelObject): KernelObject {
  const address = packet.long("head") + BigInt(packet.int("end") >>> 0);
  return new KernelObject(packet.inside, address, "skb_shared_info");
}

/** The bytes of a packet, from its headers that are still there on. Errors: CrError ENODATA, as of `lookInside`. */
export function packetBytes(packet: KernelObject, most = 1 << 20): Uint8Array {
  const { inside } = packet;
  const [length, rest] = [packet.int("len"), packet.int("data_len")];
  if (length < rest || length > most) throw unknown();
  const parts = [inside.bytes(packet.long("data"), length - rest)];
  if (rest === 0) return parts[0] ?? new Uint8Array(0);
  const shared = sharedInfo(packet);
  const count = shared.in("nr_frags", "skb_shared_info").bytes(1)[0] ?? 0;
  const fragments = shared.in("frags", "skb_shared_info").bytes(count * FRAGMENT);
  for (let at = 0; at < fragments.length; at += FRAGMENT)
    parts.push(fragment(inside, new DataView(fragments.buffer, at, FRAGMENT)));
  for (let next = shared.to("frag_list", "sk_buff"); next !== undefined; next = next.to("next", "sk_buff"))
    parts.push(packetBytes(next, most));
  const bytes = new Uint8Array(Buffer.concat(parts));
  if (bytes.length !== length) throw unknown();
  return bytes;
}

/** The packets of a queue (struct sk_buff_head) that is a member of an object, the first one first. */
export function packetsIn(object: KernelObject, member: string): KernelObject[] {
  return object.list(member, "sk_buff", "next");
}
