/**
 * Who looks into a queue moves the place where its program peeks (SO_PEEK_OFF). If we die meanwhile, a process beside us puts it
 * back.
 */
import type { FileDump } from "../file/kind.ts";
import { POLL, pollNow } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { getNumber } from "../kernel/socket.ts";
import type { Call } from "../kernel/standby.ts";
import { SO, SOL } from "../kernel/uapi/socket.ts";

function putBack(fd: number): Call[] {
  if ((pollNow(fd, POLL.IN) & POLL.IN) === 0) return [];
  const place = getNumber(fd, SOL.SOCKET, SO.PEEK_OFF);
  if (place === undefined) return [];
  return [{ nr: NR.setsockopt, args: [fd, SOL.SOCKET, SO.PEEK_OFF, Int32Array.of(place), 4] }];
}

/** Acts while the queues of these sockets are looked into. `more` puts back what else looking takes. */
export function whilePeeking(
  fds: readonly number[],
  dump: Pick<FileDump, "beside">,
  act: () => void,
  more: readonly Call[] = [],
): void {
  const undo = [...fds.flatMap(putBack), ...more];
  if (undo.length > 0) dump.beside.renew(undo);
  try {
    act();
  } finally {
    if (undo.length > 0) dump.beside.ifWeDie([]);
  }
}
