/** Messages of unix sockets, on their way back into a queue. */
import { CrError, type Subject } from "../error.ts";
import type { FileRestore } from "../file/kind.ts";
import type { SkPacketEntry } from "../image/schema.gen.ts";
import { ERRNO } from "../kernel/errno.ts";
import { trySend } from "../kernel/socket.ts";
import { check } from "../kernel/sys.ts";
import { SCM } from "../kernel/uapi/socket.ts";

const ESRCH = -(ERRNO.ESRCH ?? 3);
const EAGAIN = -(ERRNO.EAGAIN ?? 11);
const EPERM = -(ERRNO.EPERM ?? 1);

export type Packet = SkPacketEntry & { extra: Uint8Array };

/** Every queue of the set by the id of the socket that it waits in, first message first. */
export function packetsOf(restore: FileRestore): Map<number, Packet[]> {
  return Map.groupBy(restore.images.read("SK_QUEUES"), ({ id_for }) => id_for);
}

/**
 * Sends a message that was found in a queue once more, with all that travelled beside its bytes.
 * @param to struct sockaddr; left out for the peer
 */
export function sendPacket(fd: number, packet: Packet, restore: FileRestore, subject: Subject, to?: Uint8Array): void {
  const rights = rightsOf(packet).map((id) => restore.descriptor(id));
  const [pid, uid = 0, gid = 0] = packet.tscriu_credentials;
  const credentials = pid === undefined ? undefined : { pid: pid || process.pid, uid, gid };
  const bytes = packet.extra;
  for (let at = 0; at === 0 || at < bytes.length; ) {
    const rest = { bytes: bytes.subarray(at), rights: at === 0 ? rights : [], credentials };
    let sent = trySend(fd, rest, to);
    // Whoever signed it is gone: its user and group still count.
    if (sent === ESRCH && credentials)
      sent = trySend(fd, { ...rest, credentials: { ...credentials, pid: process.pid } }, to);
    check(sent, "cannot put a message back into the queue of a unix socket", subject, remedyFor(sent));
    at += sent;
    if (sent === 0) break;
  }
}

/** File ids of the descriptors that travel with a message. */
function rightsOf(packet: Packet): number[] {
  return packet.scm.flatMap(({ type, rights }) => {
    if (type === SCM.RIGHTS) return rights;
    const subject = { image: "sk-queues.img", socket: packet.id_for, type };
    throw new CrError("a message carries something that is not known", { code: "BAD_IMAGE", subject });
  });
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
