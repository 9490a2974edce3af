/**
 * What clients have sent over connections that nobody has accepted yet: the end that it waits in has no descriptor, so we look
 * into the kernel for it.
 */
import { type KernelObject, lookInside } from "../kernel/inside.ts";
import { packetBytes, packetsIn } from "../kernel/inside-packet.ts";
import type { Queued } from "./queue.ts";

function messageIn(packet: KernelObject): Queued | undefined {
  const parts = packet.in("cb", "unix_skb_parms");
  // descriptors are with it
  if (parts.long("fp") !== 0n || parts.int("consumed") !== 0) return undefined;
  const sender = parts.to("pid", "pid")?.in("numbers", "upid").int("nr");
  const credentials =
    sender === undefined ? undefined : { pid: sender, uid: parts.int("uid") >>> 0, gid: parts.int("gid") >>> 0 };
  return { bytes: packetBytes(packet), credentials, rights: [], flags: 0, from: new Uint8Array(0) };
}

/**
 * The messages that wait for whoever accepts the connection of a client, first one first; undefined where nobody can see them, or
 * they bring descriptors.
 */
export function sentAhead(listener: number, client: number): Queued[] | undefined {
  return lookInside((inside) => {
    const { address } = inside.socket(client);
    const ends = packetsIn(inside.socket(listener), "sk_receive_queue").map((packet) => packet.to("sk", "unix_sock"));
    const end = ends.find((one) => one?.long("peer") === address);
    if (end === undefined || end.long("oob_skb") !== 0n) return undefined;
    const messages = packetsIn(end.as("sock"), "sk_receive_queue").map(messageIn);
    return messages.every((one) => one !== undefined) ? messages : undefined;
  });
}
