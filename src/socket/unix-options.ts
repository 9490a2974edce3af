/** Options that unix sockets alone have, and that CRIU's images do not keep (unix(7), asm-generic/socket.h). */
import type { Subject } from "../error.ts";
import type { UnixSkEntry } from "../image/schema.gen.ts";
import { ERRNO } from "../kernel/errno.ts";
import { POLL, pollNow } from "../kernel/fd.ts";
import { getNumber, trySend, trySetNumber } from "../kernel/socket.ts";
import { check } from "../kernel/sys.ts";
import { SO, SOL } from "../kernel/uapi/socket.ts";

const ECONNRESET = ERRNO.ECONNRESET ?? 104;

type Field = "tscriu_peek_off" | "tscriu_passpidfd" | "tscriu_passrights";

/** Each with what a new socket has: that is not kept. Older kernels lack the last two. */
const OPTIONS: readonly (readonly [Field, number, number, string])[] = [
  ["tscriu_peek_off", SO.PEEK_OFF, -1, "SO_PEEK_OFF"],
  ["tscriu_passpidfd", SO.PASSPIDFD, 0, "SO_PASSPIDFD"],
  ["tscriu_passrights", SO.PASSRIGHTS, 1, "SO_PASSRIGHTS"],
];

/** To be asked before the queue is looked into. */
export function readUnixOptions(fd: number): Pick<UnixSkEntry, Field> {
  const found: Pick<UnixSkEntry, Field> = {};
  for (const [field, name, usual] of OPTIONS) {
    const value = getNumber(fd, SOL.SOCKET, name);
    if (value !== undefined && value !== usual) found[field] = value;
  }
  return found;
}

/** To be set when the queue is filled: one of them keeps descriptors out. */
export function applyUnixOptions(fd: number, entry: UnixSkEntry, subject: Subject): void {
  for (const [field, name, , word] of OPTIONS) {
    const value = entry[field];
    if (value === undefined) continue;
    check(trySetNumber(fd, SOL.SOCKET, name, value), `cannot set ${word} of a unix socket`, subject);
  }
}

/**
 * The error that waits for the next call on a socket, which is not taken from it: unix sockets know no other than this, when
 * the other end was closed with something left to read, or a datagram socket connected elsewhere.
 */
export function pendingError(fd: number): Pick<UnixSkEntry, "tscriu_error"> {
  return (pollNow(fd, POLL.ERR) & POLL.ERR) === 0 ? {} : { tscriu_error: ECONNRESET };
}

/** Leaves something unread with the other end, which is closed next: that is told to this end. */
export function leaveUnread(fd: number, entry: UnixSkEntry, subject: Subject): void {
  if (entry.tscriu_error === undefined) return;
  const byte = { bytes: new Uint8Array(1), rights: [], credentials: undefined };
  check(trySend(fd, byte), "cannot make a unix socket's error again", subject);
}
