/** Lists of sockets in /proc/net (proc(5)): `raw`, `icmp` and the like, of our own network namespace. */
import { readFileSync } from "node:fs";

export interface NetSocket {
  readonly ino: number;
  /** TCP_STATE: ESTABLISHED when connected. */
  readonly state: number;
  /** The peer's address in network order: 4 bytes or 16. */
  readonly peer: Uint8Array;
  readonly peerPort: number;
}

/** `SL: LOCAL:PORT REMOTE:PORT STATE QUEUES TIMER RETRANSMITS UID TIMEOUT INODE ...` */
export function parseNetSockets(text: string): NetSocket[] {
  return text.split("\n").flatMap((line) => {
    const fields = line.trim().split(/\s+/);
    const [words, port] = (fields[2] ?? "").split(":");
    if (words === undefined || port === undefined || !/^\d+:$/.test(fields[0] ?? "")) return [];
    const numbers = (words.match(/.{8}/g) ?? []).map((word) => Number.parseInt(word, 16));
    const peer = new Uint8Array(Uint32Array.from(numbers).buffer);
    const [state, ino] = [Number.parseInt(fields[3] ?? "", 16), Number(fields[9])];
    return [{ ino, state, peer, peerPort: Number.parseInt(port, 16) }];
  });
}

/** @param name `raw`, `raw6`, `icmp`, `icmp6`; one that the kernel does not have is empty */
export function readNetSockets(name: string): NetSocket[] {
  try {
    return parseNetSockets(readFileSync(`/proc/net/${name}`, "latin1"));
  } catch {
    return [];
  }
}
