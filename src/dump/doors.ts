/**
 * New clients wait while a tree stands still. A connection that was not accepted yet when the tree froze has no descriptor, and
 * is hard to save: so those who ask for one are held back a moment before, and the tree accepts whoever is inside. They ask
 * again by themselves, a second later.
 */
import { readChildren } from "../kernel/proc/children.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { type InetSocket, SockDiag } from "../kernel/sock-diag.ts";
import { IPPROTO, TCP_STATE } from "../kernel/uapi/inet.ts";
import { AF } from "../kernel/uapi/socket.ts";
import type { Log } from "../log.ts";
import type { DumpOptions } from "../options.ts";
import { NetworkLock } from "../socket/network-lock.ts";
import type { Scope } from "./save.ts";

/** Milliseconds that the tree gets to accept its clients: one that does not is told so by the dump. */
const PATIENCE = 500;
/** The same where those who still wait are saved. */
const COURTESY = 50;
/** What waits behind a door: on its way in, or listening itself. */
const STATES = (1 << TCP_STATE.LISTEN) | (1 << TCP_STATE.SYN_RECV);

/**
 * Holds new clients of the tree back until the scope ends, and waits until it has accepted those that it has.
 * @returns whether there were doors to shut
 */
export function shutDoors(options: DumpOptions, scope: Scope, log: Log, step: () => void): boolean {
  const { tcpEstablished, tcpClose, tcpSkipInFlight, networkLock } = options;
  if (!(tcpEstablished || tcpClose) || tcpSkipInFlight || networkLock === "skip") return false;
  using diag = new SockDiag();
  const rows = () => [AF.INET, AF.INET6].flatMap((family) => diag.inet(family, IPPROTO.TCP, STATES));
  const listening = rows().filter(({ state }) => state === TCP_STATE.LISTEN);
  if (listening.length === 0) return false;
  const own = socketsBelow(options.pid);
  const doors = listening.filter(({ ino }) => own.has(ino));
  if (doors.length === 0) return false;
  if (!lock(doors, scope, log)) return false;
  const ports = new Set(doors.map(({ srcPort }) => srcPort));
  const isInside = ({ state, ino, rqueue, srcPort }: InetSocket) =>
    state === TCP_STATE.LISTEN ? own.has(ino) && rqueue > 0 : ports.has(srcPort);
  const patience = tcpEstablished ? COURTESY : PATIENCE;
  for (const late = performance.now() + patience; rows().some(isInside) && performance.now() < late; Bun.sleepSync(1))
    step();
  log.debug(`New clients of ports ${[...ports].join(", ")} wait`);
  return true;
}

/** Where there is no nf_tables we do without: most dumps meet nobody on the way in. */
function lock(doors: readonly InetSocket[], scope: Scope, log: Log): boolean {
  try {
    const all = doors.map((it) => ({ own: { bytes: addressOf(it), port: it.srcPort }, v6only: it.v6only ?? false }));
    scope.use(NetworkLock.ofDoors(all));
    return true;
  } catch (error) {
    log.debug(`New clients are not held back: ${error}`);
    return false;
  }
}

function addressOf({ src }: InetSocket): Uint8Array {
  return new Uint8Array(Uint32Array.from(src).buffer);
}

/** Inodes of the sockets that processes of the tree have open. */
function socketsBelow(pid: number, found = new Set<number>()): Set<number> {
  try {
    using dir = new ProcDir(pid);
    for (const fd of dir.list("fd")) {
      const [, ino] = /^socket:\[(\d+)\]$/.exec(linkOf(dir, fd)) ?? [];
      if (ino !== undefined) found.add(Number(ino));
    }
    for (const child of readChildren(dir)) socketsBelow(child, found);
  } catch {
    // it ended: the freeze will see
  }
  return found;
}

function linkOf(dir: ProcDir, fd: number): string {
  try {
    return dir.link(`fd/${fd}`);
  } catch {
    return "";
  }
}
