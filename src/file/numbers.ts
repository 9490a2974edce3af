import { type Data, type Load, load32, type Program } from "../agent/program.ts";
import { CrError } from "../error.ts";
import { ERRNO } from "../kernel/errno.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, check, sys } from "../kernel/sys.ts";
import { F, FD_CLOEXEC, O } from "../kernel/uapi/fcntl.ts";

/** SCM_MAX_FD of the kernel: descriptors that one message carries. */
export const FDS_PER_MESSAGE = 253;

const SOL_SOCKET = 1;
const SCM_RIGHTS = 1;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
const EAGAIN = -(ERRNO.EAGAIN ?? 11);
const EINTR = -(ERRNO.EINTR ?? 4);
const LAST_NUMBER = 0xffff_ffff;

/** Bytes of struct msghdr, struct iovec and struct cmsghdr on 64-bit machines (socket(7), cmsg(3)). */
const MSGHDR = 56;
const IOVEC = 16;
const CMSGHDR = 16;
/** Offsets in one block that holds a whole message: header, vector, the one byte that travels, control data. */
const AT_IOVEC = MSGHDR;
const AT_BYTE = AT_IOVEC + IOVEC;
const AT_CONTROL = AT_BYTE + 8;

/** One descriptor on its way to a task. */
export interface Placement {
  /** The number that it gets there. */
  readonly fd: number;
  readonly cloexec: boolean;
  /** Our descriptor of the description; it stays ours. Several placements may share it. */
  readonly source: number;
}

/** The unix socket pair through which descriptors travel. */
export interface Service {
  /** Our end. */
  readonly ours: number;
  /** The task's end: a number above all that are placed. */
  readonly theirs: number;
}

function controlSize(count: number): number {
  return CMSGHDR + ((count * 4 + 7) & ~7);
}

/** Writes struct msghdr with its vector and control data; `base` is the address at which the block will be seen. */
function fillMessage(block: Uint8Array, base: number, count: number): DataView {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  const word = (at: number, value: number) => view.setBigUint64(at, BigInt(value), true);
  word(16, base + AT_IOVEC);
  word(24, 1);
  word(32, base + AT_CONTROL);
  word(40, controlSize(count));
  word(AT_IOVEC, base + AT_BYTE);
  word(AT_IOVEC + 8, 1);
  return view;
}

const outgoing = new Uint8Array(new ArrayBuffer(AT_CONTROL + controlSize(FDS_PER_MESSAGE)));

/** As `sendFds`, but never waits and returns the negative errno (EAGAIN when the socket's queue is full). */
function trySend(socketFd: number, fds: readonly number[]): number {
  outgoing.fill(0);
  const view = fillMessage(outgoing, addressOf(outgoing), fds.length);
  view.setBigUint64(AT_CONTROL, BigInt(CMSGHDR + fds.length * 4), true);
  view.setInt32(AT_CONTROL + 8, SOL_SOCKET, true);
  view.setInt32(AT_CONTROL + 12, SCM_RIGHTS, true);
  for (let i = 0; i < fds.length; i++) view.setInt32(AT_CONTROL + CMSGHDR + i * 4, fds[i] ?? -1, true);
  for (;;) {
    const sent = sys(NR.sendmsg, socketFd, addressOf(outgoing), MSG_NOSIGNAL | MSG_DONTWAIT);
    if (sent !== EINTR) return sent;
  }
}

function sent(result: number, socketFd: number): void {
  check(
    result,
    "cannot send descriptors to a task",
    { fd: socketFd },
    result === -(ERRNO.ETOOMANYREFS ?? 109) ? "raise the limit of open files (ulimit -n)" : undefined,
  );
}

/**
 * Sends duplicates of our descriptors in one message of one byte (SCM_RIGHTS, unix(7)); they stay ours too. Does not wait.
 * @throws CrError EAGAIN when the queue of the socket is full; EINVAL for none or more than FDS_PER_MESSAGE
 */
export function sendFds(socketFd: number, fds: readonly number[]): void {
  if (fds.length === 0 || fds.length > FDS_PER_MESSAGE) {
    throw new CrError("a message carries 1 to 253 descriptors", { code: "EINVAL", subject: { count: fds.length } });
  }
  sent(trySend(socketFd, fds), socketFd);
}

/**
 * Appends what puts `list` at its numbers in a task, and closes every other descriptor there but `service.theirs` and
 * `keep`. Nothing is final before the program has run; when much is to be placed it runs several times on the way.
 *
 * Everything below is closed first, so message by message the task gets the numbers 0, 1, 2, ... In ascending order of
 * target no target is then lower than the number it arrives at, and moved from the highest down none can be in the way.
 * @param keep more numbers of the task that stay as they are, above all that are placed
 * @throws CrError when a number is named twice, or one to keep is not above all others
 */
export function receiveAndPlace(
  program: Program,
  service: Service,
  list: readonly Placement[],
  keep: readonly number[] = [],
): void {
  const sorted = [...list].sort((a, b) => a.fd - b.fd);
  const kept = [...new Set([service.theirs, ...keep])].sort((a, b) => a - b);
  checkNumbers(sorted, kept);
  closeOthers(program, kept);
  for (let at = 0; at < sorted.length; at += FDS_PER_MESSAGE) {
    receive(program, service, sorted.slice(at, at + FDS_PER_MESSAGE));
  }
  for (let i = sorted.length - 1; i >= 0; i--) {
    const { fd, cloexec } = sorted[i] as Placement;
    const options = { what: "cannot put a descriptor at its number", subject: { fd } };
    if (fd !== i) program.call(NR.dup3, [i, fd, cloexec ? O.CLOEXEC : 0], options);
    else if (cloexec) program.call(NR.fcntl, [fd, F.SETFD, FD_CLOEXEC], options);
  }
  closeOthers(program, [...sorted.map((p) => p.fd), ...kept]);
}

function checkNumbers(sorted: readonly Placement[], kept: readonly number[]): void {
  let last = -1;
  for (const { fd } of sorted) {
    if (!Number.isInteger(fd) || fd < 0 || fd === last) {
      throw new CrError("a descriptor number is impossible or named twice", { code: "BAD_IMAGE", subject: { fd } });
    }
    last = fd;
  }
  const lowest = kept[0] ?? 0;
  if (lowest <= last) throw new CrError("a number to keep is in the way of descriptors", { subject: { fd: lowest } });
}

function receive(program: Program, service: Service, batch: readonly Placement[]): void {
  sendTo(
    program,
    service,
    batch.map((p) => p.source),
  );
  const size = AT_CONTROL + controlSize(batch.length);
  // the message names addresses of its own block, so it must not be split over two runs
  if (program.room < size || program.calls < 1) program.run();
  appendReceive(program, service, program.reserve(size), batch.length);
}

/**
 * Appends what makes a task receive duplicates of our descriptors, at most FDS_PER_MESSAGE: where their numbers will stand,
 * until the program forgets.
 */
export function receiveFds(program: Program, service: Service, sources: readonly number[]): Load[] {
  sendTo(program, service, sources);
  const block = program.keep(AT_CONTROL + controlSize(sources.length));
  appendReceive(program, service, block, sources.length);
  return sources.map((_, i) => load32(block.at(AT_CONTROL + CMSGHDR + i * 4)));
}

export function receiveFd(program: Program, service: Service, source: number): Load {
  const [fd] = receiveFds(program, service, [source]);
  if (!fd) throw new Error("a descriptor that was sent has no number");
  return fd;
}

/** Runs what is appended when the socket's queue is full. */
function sendTo(program: Program, service: Service, sources: readonly number[]): void {
  let result = trySend(service.ours, sources);
  if (result === EAGAIN) {
    program.run();
    result = trySend(service.ours, sources);
  }
  sent(result, service.ours);
}

function appendReceive(program: Program, service: Service, block: Data, count: number): void {
  fillMessage(block.bytes, program.area.base + block.offset, count);
  program.call(NR.recvmsg, [service.theirs, block, 0], { expect: 1, what: "cannot receive descriptors" });
}

/** Closes every descriptor of the task but these; `keep` ascending. */
export function closeOthers(program: Program, keep: readonly number[]): void {
  const what = "cannot close left-over descriptors";
  let from = 0;
  for (const fd of keep) {
    if (fd > from) program.call(NR.close_range, [from, fd - 1, 0], { what });
    from = fd + 1;
  }
  program.call(NR.close_range, [from, LAST_NUMBER, 0], { what });
}

const limits = new BigUint64Array(new ArrayBuffer(16));
const RLIMIT_NOFILE = 7;

/**
 * Raises our own limit of open files to at least `count`, as far as we may, and tells what it is then: duplicates of a big
 * tree's descriptors pass the usual limit. Puppets that are cloned afterwards inherit it.
 */
export function allowDescriptors(count: number): number {
  check(sys(NR.prlimit64, 0, RLIMIT_NOFILE, 0, addressOf(limits)), "cannot read the limit of open files");
  const soft = limits[0] ?? 0n;
  const hard = limits[1] ?? 0n;
  const wanted = BigInt(count);
  if (soft >= wanted) return Number(soft);
  // beyond the hard limit is for CAP_SYS_RESOURCE
  for (const limit of [wanted, hard]) {
    limits[0] = limit;
    limits[1] = hard > limit ? hard : limit;
    if (sys(NR.prlimit64, 0, RLIMIT_NOFILE, addressOf(limits), 0) === 0) return Number(limit);
  }
  return Number(soft);
}
