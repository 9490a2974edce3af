/** Connections that nobody has accepted yet: taken out of their listener's queue, read, and put back (see tcp-rebirth.ts). */
import { CrError, type Subject } from "../error.ts";
import type { FileDump, FileRestore, OpenFile } from "../file/kind.ts";
import { perRun } from "../file/per-run.ts";
import type { InetSkEntry, TscriuPending } from "../image/schema.gen.ts";
import { closeFd, POLL, pollNow } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { SockDiag } from "../kernel/sock-diag.ts";
import { getNumber, type InetAddress, ownAddress, parseInetAddress } from "../kernel/socket.ts";
import type { Call } from "../kernel/standby.ts";
import { statFd } from "../kernel/stat.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { F, O } from "../kernel/uapi/fcntl.ts";
import { IPPROTO, TCP, TCP_STATE } from "../kernel/uapi/inet.ts";
import { AF, SOCK, SOL } from "../kernel/uapi/socket.ts";
import { bytesOf, v4Of, wordsOf } from "./inet-address.ts";
import { type Ends, NetworkLock } from "./network-lock.ts";
import { type Foreseen, foresee } from "./tcp-foreseen.ts";
import { readStream, type Stream } from "./tcp-read.ts";
import { type Pending, type Rebirth, rebirth } from "./tcp-rebirth.ts";
import { infoOf, optionCall, repairOn } from "./tcp-repair.ts";

/** Milliseconds until a connection must be in its queue. */
const PATIENCE = 20_000;
const UNSPECIFIED = new Uint8Array(new ArrayBuffer(16));

/** Listeners with connections that wait, of a run. */
const listeners = perRun((_: FileDump): OpenFile[] => []);
/** What listeners' entries say of them, by file id. */
const entries = perRun((_: FileDump) => new Map<number, TscriuPending[]>());

export function rememberListener(file: OpenFile, dump: FileDump): void {
  listeners(dump).push(file);
}

export function pendingOf(file: OpenFile, dump: FileDump): TscriuPending[] {
  return entries(dump).get(file.id) ?? [];
}

const perform = ({ nr, args }: Call) => sys(nr, ...args.map((arg) => (typeof arg === "number" ? arg : addressOf(arg))));

interface Addresses {
  readonly own: InetAddress;
  readonly peer: InetAddress;
}

function endsOf(fd: number, peer: Uint8Array): Addresses {
  const nowhere = { family: AF.INET, bytes: new Uint8Array(4), port: 0, scope: 0 };
  return { own: parseInetAddress(ownAddress(fd)) ?? nowhere, peer: parseInetAddress(peer) ?? nowhere };
}

/** One that is in no queue now, and in repair mode: closed, it vanishes without a word. */
class Taken {
  readonly #stream: Stream;
  readonly #state: number;
  readonly #again: Rebirth;

  constructor(
    readonly listener: OpenFile,
    readonly fd: number,
    readonly ends: Addresses,
  ) {
    this.#state = infoOf(fd)?.state ?? TCP_STATE.CLOSE;
    this.#stream = readStream(fd, false, this.#state, this.#subject);
    repairOn(fd, this.#subject);
    this.#again = rebirth(pendingIn(this.ends, this.#state, this.#stream), this.#subject);
  }

  get #subject(): Subject {
    const { pid, fd, link } = this.listener;
    return { pid, fd, path: link };
  }

  /** Puts it back, behind the lock. */
  get undo(): readonly Call[] {
    const vanish = { nr: NR.connect, args: [this.fd, UNSPECIFIED, UNSPECIFIED.length] };
    return [vanish, ...undelayed(this.listener.dup, this.#again.calls)];
  }

  write(dump: FileDump): TscriuPending {
    const { ino } = statFd(this.fd);
    dump.images.write("TCP_STREAM", ino, [this.#stream]);
    const { own, peer } = this.ends;
    const [src_addr, dst_addr] = [wordsOf(own.bytes), wordsOf(peer.bytes)];
    return { ino, state: this.#state, src_addr, dst_port: peer.port, dst_addr };
  }

  close(): void {
    this.#again[Symbol.dispose]();
    closeFd(this.fd);
  }
}

/** A listener that waits for data first takes no call without it. */
function undelayed(listener: number, calls: readonly Call[]): readonly Call[] {
  const deferred = getNumber(listener, SOL.TCP, TCP.DEFER_ACCEPT) ?? 0;
  if (deferred === 0) return calls;
  const set = (value: number) => optionCall(listener, SOL.TCP, TCP.DEFER_ACCEPT, Int32Array.of(value));
  return [set(0), ...calls, set(deferred)];
}

function pendingIn({ own, peer }: Addresses, state: number, stream: Stream): Pending {
  const { inq_seq: inqSeq, outq_seq: outqSeq, opt_mask: mask, snd_wscale: sndWscale, mss_clamp: mss, extra } = stream;
  return { own, peer, state, received: extra.inq, inqSeq, outqSeq, mask, sndWscale, mss };
}

/** What the kernel lists of a listener's queue: sockets of its port without an owner, and some that are dying. */
function listed(listener: OpenFile): Ends[] {
  const port = parseInetAddress(ownAddress(listener.dup))?.port;
  using diag = new SockDiag();
  return [AF.INET, AF.INET6].flatMap((family) =>
    diag
      .inet(family, IPPROTO.TCP)
      .filter((row) => row.ino === 0 && row.srcPort === port && row.state !== TCP_STATE.TIME_WAIT)
      .map((row) => ({
        own: { bytes: bytesOf(row.src, family), port: row.srcPort },
        peer: { bytes: bytesOf(row.dst, family), port: row.dstPort },
      })),
  );
}

const wordsOfEnds = ({ own, peer }: Ends) =>
  [own, peer].map(({ bytes, port }) => `${v4Of(bytes).join(".")}:${port}`).join();

/**
 * What puts back all that wait at a listener, however many of them we have taken when we die: those that still wait are taken
 * too, all are ended without a word (their network is locked), and they come again as they were.
 */
class Guarded implements Disposable {
  readonly #again: readonly Rebirth[];
  readonly #diag = new SockDiag();

  private constructor(
    readonly listener: OpenFile,
    readonly found: readonly Foreseen[],
    readonly subject: Subject,
  ) {
    this.#again = found.map((one) => rebirth(one, subject));
  }

  /** Undefined where nobody can foresee them. */
  static of(listener: OpenFile): Guarded | undefined {
    // what is listed gets its cookie: without, the kernel would find the listener in place of one that is gone
    listed(listener);
    const found = foresee(listener.dup);
    if (found?.some(({ cookie }) => cookie === 0n)) return undefined;
    const subject = { pid: listener.pid, fd: listener.fd, path: listener.link };
    return found && found.length > 0 ? new Guarded(listener, found, subject) : undefined;
  }

  get undo(): Call[] {
    const { dup, flags } = this.listener;
    const set = (now: number): Call => ({ nr: NR.fcntl, args: [dup, F.SETFL, now] });
    const take: Call = { nr: NR.accept4, args: [dup, 0, 0, SOCK.CLOEXEC] };
    return [
      set(flags | O.NONBLOCK),
      ...this.found.map(() => take),
      set(flags),
      ...this.found.map((one) => this.#diag.destroyCall(nameOf(one))),
      ...undelayed(
        dup,
        this.#again.flatMap(({ calls }) => calls),
      ),
    ];
  }

  [Symbol.dispose](): void {
    this.#diag[Symbol.dispose]();
    for (const one of this.#again) one[Symbol.dispose]();
  }
}

function nameOf({ own, peer, cookie }: Foreseen) {
  const [here, there] = [v4Of(own.bytes), v4Of(peer.bytes)];
  return {
    family: here.length === 4 ? AF.INET : AF.INET6,
    protocol: IPPROTO.TCP,
    srcPort: own.port,
    dstPort: peer.port,
    src: wordsOf(here),
    dst: wordsOf(there),
    ifindex: own.scope,
    cookie,
  };
}

/** All that wait, of all listeners that were remembered. Between `take` and `putBack` they are ours. */
export class PendingConnections {
  readonly listeners: readonly OpenFile[];
  /** What to lock before `take`. */
  readonly expected: Ends[];
  readonly #taken: Taken[] = [];
  /** Of those that came later. */
  readonly #locks: NetworkLock[] = [];

  constructor(readonly dump: FileDump) {
    this.listeners = listeners(dump).splice(0);
    this.expected = this.listeners.flatMap(listed);
  }

  /**
   * Takes and reads them; each entry of a listener can be written then.
   * @param guard has others put back what we hold, if we die, and what else these calls put back
   */
  take(guard: (more: readonly Call[]) => void): void {
    this.dump.onFailure(() => this.putBack());
    for (const listener of this.listeners) {
      const found = [...this.#takeForeseen(listener, guard), ...this.#takeFrom(listener, () => guard([]))];
      entries(this.dump).set(
        listener.id,
        found.map((one) => one.write(this.dump)),
      );
    }
  }

  /** Those that can be seen before they are taken: at no instant could they not be put back. */
  #takeForeseen(listener: OpenFile, guard: (more: readonly Call[]) => void): Taken[] {
    if (this.dump.options.networkLock === "skip") return [];
    const known = new Set(this.expected.map(wordsOfEnds));
    const late = (foresee(listener.dup) ?? []).filter((one) => !known.has(wordsOfEnds(one)));
    if (late.length > 0) this.#locks.push(NetworkLock.ofConnections(late));
    this.expected.push(...late);
    // nothing reaches them any more: now they are what they will be
    using guarded = Guarded.of(listener);
    if (guarded === undefined) return [];
    guard(guarded.undo);
    const found = this.#takeFrom(listener, () => undefined, guarded.found.length);
    guard([]);
    return found;
  }

  #takeFrom(listener: OpenFile, guard: () => void, most = Number.POSITIVE_INFINITY): Taken[] {
    const found: Taken[] = [];
    const known = new Set(this.expected.map(wordsOfEnds));
    while (found.length < most && pollNow(listener.dup, POLL.IN) & POLL.IN) {
      const [peer, size] = [new Uint8Array(128), Uint32Array.of(128)];
      const fd = sys(NR.accept4, listener.dup, addressOf(peer), addressOf(size), SOCK.CLOEXEC);
      check(fd, "cannot take a connection that waits", { pid: listener.pid, fd: listener.fd, path: listener.link });
      const ends = endsOf(fd, peer.subarray(0, size[0]));
      const isLate = !known.has(wordsOfEnds(ends)) && this.dump.options.networkLock !== "skip";
      if (isLate) this.#locks.push(NetworkLock.ofConnections([ends]));
      const taken = new Taken(listener, fd, ends);
      this.#taken.push(taken);
      found.push(taken);
      guard();
    }
    return found;
  }

  get ends(): Ends[] {
    return this.#taken.map(({ ends }) => ends);
  }

  /** What puts all of them back. */
  get undo(): Call[] {
    return this.#taken.flatMap((one) => one.undo);
  }

  /** To be called while the network lock is there. */
  putBack(): void {
    for (const one of this.#taken.splice(0)) {
      for (const call of one.undo) perform(call);
      one.close();
    }
    for (const lock of this.#locks.splice(0)) lock[Symbol.dispose]();
  }
}

function endsIn(entry: InetSkEntry, one: TscriuPending): Addresses {
  const { family } = entry;
  const own = { family, bytes: bytesOf(one.src_addr, family), port: entry.src_port, scope: 0 };
  return { own, peer: { family, bytes: bytesOf(one.dst_addr, family), port: one.dst_port, scope: 0 } };
}

/** The connections that wait at a listener of the images. */
export function pendingEnds(entry: InetSkEntry): Ends[] {
  return entry.tscriu_pending.map((one) => endsIn(entry, one));
}

/** Has them wait at the listener again; it has all of its options by now, and the network lock is there. */
export function returnPending(fd: number, entry: InetSkEntry, scope: number, restore: FileRestore): void {
  const subject: Subject = { file: entry.id };
  entry.tscriu_pending.forEach((one, index) => {
    const stream: Stream = restore.images.one("TCP_STREAM", one.ino);
    const { own, peer } = endsIn(entry, one);
    using again = rebirth(pendingIn({ own: { ...own, scope }, peer }, one.state, stream), subject);
    for (const call of undelayed(fd, again.calls)) check(perform(call), "cannot have a connection wait again", subject);
    awaitWaiting(fd, index + 1, subject);
  });
}

function awaitWaiting(fd: number, count: number, subject: Subject): void {
  const late = performance.now() + PATIENCE;
  while ((infoOf(fd)?.waiting ?? 0) < count) {
    if (performance.now() > late) {
      throw new CrError("a connection does not come to wait at its listener again", {
        code: "ETIMEDOUT",
        subject,
        remedy: "let packets of the mark 0xc114 pass the firewall, or dump with --skip-in-flight",
      });
    }
    Bun.sleepSync(0.2);
  }
}
