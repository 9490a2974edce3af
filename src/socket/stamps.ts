/** Time stamps of messages that wait: the kernel gives them as it takes a message in, and takes none from anybody. */
import type { FileDump, OpenFile } from "../file/kind.ts";
import { getNumber } from "../kernel/socket.ts";
import { SO, SOL } from "../kernel/uapi/socket.ts";

const PLAIN = [SO.TIMESTAMP, SO.TIMESTAMPNS, SO.TIMESTAMP_NEW, SO.TIMESTAMPNS_NEW] as const;
/** What software stamps on the way in: SOF_TIMESTAMPING_RX_SOFTWARE (linux/net_tstamp.h). */
const RX_SOFTWARE = 8;

/** Whether a program asks when its messages came. */
function isStamped(fd: number): boolean {
  if (PLAIN.some((name) => (getNumber(fd, SOL.SOCKET, name) ?? 0) !== 0)) return true;
  return ((getNumber(fd, SOL.SOCKET, SO.TIMESTAMPING) ?? 0) & RX_SOFTWARE) !== 0;
}

/** Says that messages will seem to have come at the restore, to a program that measures by that. @param count of messages that wait */
export function tellOfStamps({ pid, fd, link, dup }: OpenFile, count: number, { log }: FileDump): void {
  if (count === 0 || !isStamped(dup)) return;
  log.warn(
    `${count} ${count === 1 ? "message waits" : "messages wait"} in a socket that tells when they came (SO_TIMESTAMP): pid ${pid}, ` +
      `descriptor ${fd}, ${link}; a restore brings them with its own time; dump when the program has read them, if it measures by that`,
  );
}
