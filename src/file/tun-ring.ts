/** Packets that wait in a tun device, seen in the kernel's memory: they stay where they are. */
import { KernelObject, lookInside } from "../kernel/inside.ts";
import { packetBytes, sharedInfo } from "../kernel/inside-packet.ts";
import { IFF, PI, VNET_HDR, type Wire } from "./tun-queue.ts";

/** What the ring points to may be a frame of XDP, which the last bit of the pointer tells. */
const XDP = 1n;
/** Bits of an skb's ip_summed. */
const CHECKSUM = { UNNECESSARY: 1, PARTIAL: 3 } as const;
/** Of struct virtio_net_hdr: its flags, and its types of segments by the bits of the kernel's (SKB_GSO_). */
const NEEDS_CSUM = 1;
const DATA_VALID = 2;
const ECN = 0x80;
const KERNEL_ECN = 1 << 2;
const SEGMENTS: readonly (readonly [bit: number, type: number])[] = [
  [0, 1],
  [4, 4],
  [17, 5],
];

/** The packets, as the program would read them; undefined where nobody can look, or one is of a kind that we do not know. */
export function seePackets(fd: number, wire: Wire): Uint8Array[] | undefined {
  const seen = lookInside((inside) => {
    const ring = inside.file(fd).to("private_data", "tun_file")?.in("tx_ring", "ptr_ring");
    if (ring === undefined) return undefined;
    const [size, first, queue] = [ring.int("size"), ring.int("consumer_head"), ring.long("queue")];
    const packets: (Uint8Array | undefined)[] = [];
    for (let n = 0; n < size; n++) {
      const at = queue + BigInt(((first + n) % size) * 8);
      const address = inside.read(at, 8).getBigUint64(0, true);
      if (address === 0n) break;
      packets.push((address & XDP) === 0n ? asRead(new KernelObject(inside, address, "sk_buff"), wire) : undefined);
    }
    return packets;
  });
  return seen?.every((packet) => packet !== undefined) ? seen : undefined;
}

function asRead(packet: KernelObject, { flags, header }: Wire): Uint8Array | undefined {
  // a tag that the program would find among the bytes
  if (packet.int("vlan_all") !== 0) return undefined;
  const bytes = packetBytes(packet);
  const info = new Uint8Array(flags & IFF.NO_PI ? 0 : PI);
  if (info.length > 0) info.set(packet.in("protocol", "sk_buff").bytes(2), 2);
  if ((flags & IFF.VNET_HDR) === 0) return new Uint8Array(Buffer.concat([info, bytes]));
  const told = headerOf(packet, Math.max(header, VNET_HDR));
  return told && new Uint8Array(Buffer.concat([info, told, bytes]));
}

/** struct virtio_net_hdr */
function headerOf(packet: KernelObject, size: number): Uint8Array | undefined {
  const view = new DataView(new ArrayBuffer(size));
  const shared = sharedInfo(packet);
  const segment = shared.short("gso_size");
  if (segment !== 0) {
    const kind = shared.int("gso_type");
    const type = SEGMENTS.find(([bit]) => (kind >> bit) & 1)?.[1];
    if (type === undefined) return undefined;
    view.setUint8(1, type | (kind & KERNEL_ECN ? ECN : 0));
    view.setUint16(2, packet.int("len") - packet.int("data_len"), true);
    view.setUint16(4, segment, true);
  }
  const summed = packet.bits("ip_summed", 2);
  if (summed === CHECKSUM.PARTIAL) {
    view.setUint8(0, NEEDS_CSUM);
    view.setUint16(6, packet.short("csum_start") - Number(packet.long("data") - packet.long("head")), true);
    view.setUint16(8, packet.short("csum_offset"), true);
  } else if (summed === CHECKSUM.UNNECESSARY) view.setUint8(0, DATA_VALID);
  return new Uint8Array(view.buffer);
}
