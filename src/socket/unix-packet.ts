/** Messages of unix sockets, on their way back into a queue. */
import { CrError, type Subject } from "../error.ts";
import type { FileRestore } from "../file/kind.ts";
import type { UnixSkEntry } from "../image/schema.gen.ts";
import { ERRNO } from "../kernel/errno.ts";
import { tryReceive, trySend } from "../kernel/socket.ts";
import { check } from "../kernel/sys.ts";
import { MSG, SCM } from "../kernel/uapi/socket.ts";
import type { Packet } from "./queue-image.ts";

const ESRCH = -(ERRNO.ESRCH ?? 3);
const EAGAIN = -(ERRNO.EAGAIN ?? 11);
const EPERM = -(ERRNO.EPERM ?? 1);

/** Values of sk_packet_entry.tscriu_urgent. */
export const URGENT = { waits: 1, taken: 2 } as const;

/**
 * Sends a message that was found in a queue once more, with all that travelled beside its bytes.
 * @param to struct sockaddr; left out for the peer
 */
export function sendPacket(fd: number, packet: Packet, restore: FileRestore, subject: Subject, to?: Uint8Array): void {
  const rights = rightsOf(packet).map((id) => restore.descriptor(id));
  const [pid, uid = 0, gid = 0] = packet.tscriu_credentials;
  const credentials = pid === undefined ? undefined : { pid: (pid && restore.hostPid(pid)) || process.pid, uid, gid };
  if (packet.tscriu_urgent === URGENT.taken) {
    leaveMark(fd, packet, restore, subject);
    return;
  }
  const flags = packet.tscriu_urgent === URGENT.waits ? MSG.OOB : 0;
  const bytes = packet.extra;
  for (let at = 0; at === 0 || at < bytes.length; ) {
    const rest = { bytes: bytes.subarray(at), rights: at === 0 ? rights : [], credentials };
    let sent = trySend(fd, rest, to, flags);
    // Whoever signed it is gone: its user and group still count.
    if (sent === ESRCH && credentials)
      sent = trySend(fd, { ...rest, credentials: { ...credentials, pid: process.pid } }, to, flags);
    check(sent, "cannot put a message back into the queue of a unix socket", subject, remedyFor(sent));
    at += sent;
    if (sent === 0) break;
  }
}

/** Sends an urgent byte and takes it: readers stop at its place. */
function leaveMark(fd: number, packet: Packet, restore: FileRestore, subject: Subject): void {
  const byte = { bytes: new Uint8Array(1), rights: [], credentials: undefined };
  const what = "cannot mark the place of an urgent byte in the queue of a unix socket";
  check(trySend(fd, byte, undefined, MSG.OOB), what, subject);
  const got = tryReceive(restore.descriptor(packet.id_for), new Uint8Array(1), MSG.OOB | MSG.DONTWAIT);
  check(typeof got === "number" ? got : 0, what, subject);
}

/** File ids of the descriptors that travel with a message. */
function rightsOf(packet: Packet): number[] {
  return packet.scm.flatMap(({ type, rights }) => {
    if (type === SCM.RIGHTS) return rights;
    const subject = { image: "sk-queues.img", socket: packet.id_for, type };
    throw new CrError("a message carries something that is not known", { code: "BAD_IMAGE", subject });
  });
}

/** What a client has sent to whoever accepts its connection. */
export function packetsAhead({ id, tscriu_ahead }: UnixSkEntry): Packet[] {
  return tscriu_ahead.map(({ data, credentials }) => ({
    id_for: id,
    length: data.length,
    scm: [],
    tscriu_credentials: credentials,
    tscriu_controls: [],
    extra: data as Packet["extra"],
  }));
}

/** Bytes of send buffer that these messages need: each one costs the kernel more than its bytes. */
export function roomFor(packets: readonly Packet[]): number {
  return packets.reduce((sum, packet) => sum + 2 * packet.extra.length + 8192, 65536);
}

function remedyFor(result: number): string | undefined {
  if (result === EAGAIN) return "raise the sysctl net.unix.max_dgram_qlen to what it was where the dump was made";
  if (result === EPERM) return "restore as root";
  return undefined;
}
