/**
 * Errors that wait in sockets of the Internet: the one that the next call is told (SO_ERROR), and the queue of those that came by
 * ICMP (IP_RECVERR). Nobody can ask for either without taking it away, so we look into the kernel, and the same messages of ICMP
 * come again at restore: over the loopback, to a port where nobody else can be meant.
 */
import { CrError, type Subject } from "../error.ts";
import type { FileRestore } from "../file/kind.ts";
import type { InetSkEntry } from "../image/schema.gen.ts";
import { ERRNO, errnoWords } from "../kernel/errno.ts";
import { POLL, pollNow } from "../kernel/fd.ts";
import { KernelObject, lookInside } from "../kernel/inside.ts";
import {
  getNumber,
  type InetAddress,
  inetAddress,
  ownAddress,
  parseInetAddress,
  tryBind,
  tryConnect,
  tryGetOption,
  tryReceive,
  trySetNumber,
  trySetOption,
} from "../kernel/socket.ts";
import type { Call } from "../kernel/standby.ts";
import { check } from "../kernel/sys.ts";
import { IP, IPPROTO, IPV6 } from "../kernel/uapi/inet.ts";
import { AF, MSG, SO, SOL } from "../kernel/uapi/socket.ts";
import { answerTelling, errorOf, isAnswer, isTold, readdressed } from "./icmp-packet.ts";
import { familyOf, PacketSender } from "./ip-packet.ts";
import { applyMoreOptions } from "./more-options.ts";
import type { Ends } from "./network-lock.ts";

/** ee_origin of struct sock_extended_err: ICMP and ICMPv6. */
const FROM_ICMP: ReadonlySet<number> = new Set([2, 3]);
const ORIGIN = 4;
const MOST = 4096;
const LONGEST = 0xffff;
/** Milliseconds until a message of ours must have come. */
const PATIENCE = 5000;
/** SOF_TIMESTAMPING_OPT_ID */
const NUMBERED = 1 << 7;

/** What waits in a socket. */
interface Waiting {
  /** errno, 0 for none. */
  readonly error: number;
  /** Messages of ICMP in the queue, first one first. */
  readonly messages: readonly Uint8Array[];
  /** The queue holds something else, too. */
  readonly isMixed: boolean;
}

const NOTHING: Waiting = { error: 0, messages: [], isMixed: false };

/** From the IP header on, as the kernel keeps it for who reads the queue. */
function messageIn(packet: KernelObject): Uint8Array | undefined {
  const start = packet.long("head") + BigInt(packet.short("network_header"));
  const length = Number(packet.long("data") - start) + packet.int("len") - packet.int("data_len");
  if (length <= 0 || length > LONGEST) return undefined;
  const bytes = packet.inside.bytes(start, length);
  return isAnswer(bytes) ? bytes : undefined;
}

function look(fd: number): Waiting | undefined {
  if ((pollNow(fd, POLL.ERR) & POLL.ERR) === 0) return NOTHING;
  return lookInside((inside) => {
    const socket = inside.socket(fd);
    const queue = socket.in("sk_error_queue", "sk_buff_head");
    const messages: Uint8Array[] = [];
    let [at, count, isMixed] = [queue.long("next"), 0, false];
    for (; at !== queue.address && count < MOST; count++) {
      const packet = new KernelObject(inside, at, "sk_buff");
      const origin =
        packet
          .in("cb", "sock_exterr_skb")
          .in("ee", "sock_extended_err")
          .bytes(ORIGIN + 1)[ORIGIN] ?? 0;
      const message = FROM_ICMP.has(origin) ? messageIn(packet) : undefined;
      if (message) messages.push(message);
      else isMixed = true;
      at = packet.long("next");
    }
    return { error: socket.int("sk_err"), messages, isMixed };
  });
}

/** What of a socket has to be known here. */
export interface Addressed {
  readonly protocol: number;
  readonly own: InetAddress;
  readonly peer: InetAddress | undefined;
}

const isUdp = ({ protocol }: { readonly protocol: number }) => protocol === IPPROTO.UDP || protocol === IPPROTO.UDPLITE;

/** Who does not ask for errors and is connected is told by answers alone that nobody listens, as good as always. */
function guess(fd: number, { peer }: Addressed): Waiting | undefined {
  const asks = [getNumber(fd, SOL.IP, IP.RECVERR), getNumber(fd, SOL.IPV6, IPV6.RECVERR)].some((on) => on === 1);
  return asks || peer === undefined ? undefined : { ...NOTHING, error: ERRNO.ECONNREFUSED ?? 111 };
}

function waitingIn(fd: number, socket: Addressed): Waiting | undefined {
  return look(fd) ?? (isUdp(socket) ? guess(fd, socket) : undefined);
}

/** What keeps a socket from being dumped. */
export function errorProblem(fd: number, socket: Addressed, subject: Subject): CrError | undefined {
  const remedy = "let the program read what waits (SO_ERROR, MSG_ERRQUEUE), then dump again";
  const fail = (what: string, how = remedy) => new CrError(what, { code: "UNSUPPORTED", subject, remedy: how });
  const counter = counterProblem(fd);
  if (counter) return fail(counter, "let the program close it before the dump");
  const waiting = waitingIn(fd, socket);
  if (waiting === undefined) return fail("an error waits in a socket, which this kernel shows to nobody");
  const { error, messages, isMixed } = waiting;
  if (isMixed) return fail("what waits in the error queue of a socket cannot be brought back: no message of ICMP");
  if (error === 0 && messages.length === 0) return undefined;
  const words = `the error of a socket (${errnoWords(error || errorOf(messages[0] ?? new Uint8Array()))})`;
  if (!isUdp(socket)) return fail(`${words} waits to be read, and cannot be brought back`);
  if (error === 0) return undefined;
  if (messages.length > 0) {
    const known = [messages.at(0), messages.at(-1)].some((one) => one && errorOf(one) === error);
    const isRead = (pollNow(fd, POLL.IN) & POLL.IN) !== 0;
    return known && !isRead ? undefined : fail(`${words} waits to be read, with more behind it`);
  }
  const canCome = socket.peer !== undefined && isTold(error, socket.peer.bytes);
  return canCome ? undefined : fail(`${words} waits to be read, and cannot be brought back`);
}

/** Numbers that the kernel gives to what it completes or stamps, which begin anew in another socket. */
function counterProblem(fd: number): string | undefined {
  const isZeroCopy = getNumber(fd, SOL.SOCKET, SO.ZEROCOPY) === 1;
  const stamps = getNumber(fd, SOL.SOCKET, SO.TIMESTAMPING) ?? 0;
  if (!isZeroCopy && (stamps & NUMBERED) === 0) return undefined;
  const used = lookInside((inside) => {
    const socket = inside.socket(fd);
    return { sends: isZeroCopy ? socket.int("sk_zckey") : 0, stamped: stamps & NUMBERED ? socket.int("sk_tskey") : 0 };
  });
  if (used?.sends) return "a socket has sent without copying (MSG_ZEROCOPY), and counts what was";
  if (used?.stamped) return "a socket counts what it stamps with times (SOF_TIMESTAMPING_OPT_ID)";
  return undefined;
}

/** Puts what waits into an entry. */
export function readErrors(fd: number, socket: Addressed): Pick<InetSkEntry, "tscriu_error" | "tscriu_errors"> {
  const { error, messages } = isUdp(socket) ? (waitingIn(fd, socket) ?? NOTHING) : NOTHING;
  return { ...(error !== 0 && { tscriu_error: error }), tscriu_errors: [...messages] };
}

/** Errors of sockets of which the queue is read, which takes them away: they are put back by messages of ICMP. */
export class TakenErrors implements Disposable {
  readonly #taken = new Map<number, { packet: Uint8Array; own: InetAddress; sender: PacketSender }>();

  /** A socket of which the queue is going to be read; in its network namespace. */
  add(fd: number, socket: Addressed, subject: Subject): void {
    const { own, peer, protocol } = socket;
    if ((pollNow(fd, POLL.IN) & POLL.IN) === 0 || peer === undefined || !isUdp(socket)) return;
    const { error, messages } = waitingIn(fd, socket) ?? NOTHING;
    if (error === 0 || messages.length > 0) return;
    const packet = answerTelling(error, { own, peer }, protocol);
    this.#taken.set(fd, { packet, own, sender: new PacketSender(familyOf(peer), subject) });
  }

  [Symbol.dispose](): void {
    for (const { sender } of this.#taken.values()) sender[Symbol.dispose]();
  }

  /** What puts them back, for somebody else. */
  get calls(): Call[] {
    return [...this.#taken.values()].map(({ packet, own, sender }) => sender.sending(packet, own, own.scope));
  }

  /** Acts while a socket has no error. */
  without(fd: number, act: () => void): void {
    const taken = this.#taken.get(fd);
    if (taken) getNumber(fd, SOL.SOCKET, SO.ERROR);
    try {
      act();
    } finally {
      if (taken) {
        taken.sender.trySend(taken.packet, taken.own, taken.own.scope);
        until(() => (pollNow(fd, POLL.ERR) & POLL.ERR) !== 0);
      }
    }
  }
}

function until(holds: () => boolean): boolean {
  const late = performance.now() + PATIENCE;
  while (!holds()) {
    if (performance.now() > late) return false;
    Bun.sleepSync(0.2);
  }
  return true;
}

const RECVERR = [
  [SOL.IP, IP.RECVERR],
  [SOL.IPV6, IPV6.RECVERR],
] as const;
const ASKS = [...RECVERR, [SOL.IP, IP.RECVERR_RFC4884], [SOL.IPV6, IPV6.RECVERR_RFC4884]] as const;

const LOOPBACK = {
  [AF.INET]: Uint8Array.of(127, 0, 0, 1),
  [AF.INET6]: Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1),
};

/** Bytes of memory that waits in a socket, errors too (SO_MEMINFO). */
function received(fd: number): number {
  const memory = tryGetOption(fd, SOL.SOCKET, SO.MEMINFO, 4);
  return typeof memory === "number" ? 0 : new DataView(memory.buffer, memory.byteOffset).getUint32(0, true);
}

/** Fills the error queue of a socket that is not bound yet, and is not bound afterwards. */
export function feedErrors(fd: number, entry: InetSkEntry, restore: FileRestore): void {
  const { tscriu_errors: messages, tscriu_error: error = 0, family } = entry;
  const [first] = messages;
  if (first === undefined) return;
  const subject: Subject = { file: entry.id };
  const options = entry.ip_opts?.tscriu_options ?? [];
  const asks = options.filter((one) => ASKS.some(([level, name]) => one.level === level && one.name === name));
  applyMoreOptions(fd, asks, subject);
  const anywhere = { family, bytes: new Uint8Array(family === AF.INET6 ? 16 : 4), port: 0, scope: 0 };
  check(tryBind(fd, inetAddress(anywhere)), "cannot bind a socket to a free port", subject);
  const { port } = parseInetAddress(ownAddress(fd)) ?? anywhere;
  // who takes the first one is told the error of the second
  const isSecond = error !== 0 && error !== errorOf(messages.at(-1) ?? first);
  const lost = (isSecond ? [first, ...messages] : messages).filter((one) => !feed(fd, one, port, subject)).length;
  if (isSecond) tryReceive(fd, new Uint8Array(1), MSG.ERRQUEUE | MSG.DONTWAIT);
  if (error === 0) getNumber(fd, SOL.SOCKET, SO.ERROR);
  if (lost > 0) restore.log.warn(`${lost} of ${messages.length} errors that waited in a socket are lost`);
  check(tryConnect(fd, new Uint8Array(16)), "cannot take the address from a socket", subject);
}

/** @returns whether it has come */
function feed(fd: number, message: Uint8Array, port: number, subject: Subject): boolean {
  const family = (message[0] ?? 0) >> 4 === 4 ? AF.INET : AF.INET6;
  using sender = new PacketSender(family, subject);
  const own = { bytes: LOOPBACK[family], port };
  const before = received(fd);
  return sender.trySend(readdressed(message, own), own, 0) > 0 && until(() => received(fd) !== before);
}

/** Gives a connected socket the error that waited in it alone. */
export function restoreError(
  fd: number,
  entry: InetSkEntry,
  ends: Ends & { scope: number },
  restore: FileRestore,
): void {
  const { tscriu_error: error = 0, tscriu_errors: messages } = entry;
  if (error === 0 || messages.length > 0 || !isUdp({ protocol: entry.proto })) return;
  const subject: Subject = { file: entry.id };
  const asked = RECVERR.filter(([level, name]) => getNumber(fd, level, name) === 1);
  for (const [level, name] of asked) trySetNumber(fd, level, name, 0);
  const device = entry.opts.so_bound_dev;
  const tie = (to: string) => device && trySetOption(fd, SOL.SOCKET, SO.BINDTODEVICE, Buffer.from(`${to}\0`));
  tie("");
  using sender = new PacketSender(familyOf(ends.peer), subject);
  const own = parseInetAddress(ownAddress(fd)) ?? ends.own;
  sender.trySend(answerTelling(error, { own, peer: ends.peer }, entry.proto), own, ends.scope);
  const hasCome = until(() => (pollNow(fd, POLL.ERR) & POLL.ERR) !== 0);
  if (!hasCome) restore.log.warn(`the error of a socket (${errnoWords(error)}) is lost`);
  tie(device ?? "");
  for (const [level, name] of asked) trySetNumber(fd, level, name, 1);
}
