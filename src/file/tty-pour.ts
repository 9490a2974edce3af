/** Pouring bytes into a terminal that takes few of them at a time. */
import type { Subject } from "../error.ts";
import { CrError } from "../error.ts";
import { ERRNO } from "../kernel/errno.ts";
import { POLL, trySplice, tryWrite } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import type { Call } from "../kernel/standby.ts";
import { check } from "../kernel/sys.ts";
import type { Rest } from "./tty-inside.ts";

const EAGAIN = -(ERRNO.EAGAIN ?? 11);
const SPLICE_F_NONBLOCK = 2;
/**
 * Bytes that the kernel stores without a gap, up to its limit and the one that may pass it (tty_buffer.c); behind that it takes
 * small pieces only.
 */
const PIECES = [1792, 1792, 1792, 1792, 1024, 1792] as const;
export const SMALL = 256;
/** Milliseconds that the kernel has to make room. */
export const PATIENCE = 1000;
/** So often a process beside us, which cannot look how much is left, pours on; nanoseconds that it waits for room each time. */
const TIMES = 24;
const WAIT = 2_000_000n;

/**
 * In pieces that fill the kernel's buffers: it takes as many as it took before. What was read lies around until a worker comes.
 * @param put gives the terminal `size` bytes, of which the first is number `at`: how many it took, or the negative errno
 */
function pour(total: number, put: (at: number, size: number) => number, subject: Subject): void {
  let patience = PATIENCE;
  let turn = 0;
  for (let at = 0; at < total; ) {
    const size = PIECES[turn++] ?? SMALL;
    const done = put(at, size);
    if (done !== EAGAIN) at += check(done, "cannot put bytes into a terminal", subject);
    else if (size > SMALL) turn = PIECES.length;
    else if (patience-- > 0) {
      Bun.sleepSync(1);
      turn = 0;
    } else
      throw new CrError("a terminal does not take all of its bytes", {
        code: "EAGAIN",
        subject: { ...subject, taken: at, of: total },
      });
  }
}

export function writeAll({ fd, bytes }: Rest, subject: Subject): void {
  pour(bytes.length, (at, size) => tryWrite(fd, bytes.subarray(at, at + size)), subject);
}

/** The same with what a pipe holds: `total` bytes. */
export function moveAll(from: number, to: number, total: number, subject: Subject): void {
  pour(total, (_, size) => trySplice(from, to, size), subject);
}

export const move = (from: number, to: number, size: number): Call => ({
  nr: NR.splice,
  args: [from, 0, to, 0, size, SPLICE_F_NONBLOCK],
});

/** The same as calls that are made later. */
export function pourCalls(from: number, to: number): Call[] {
  const room = { nr: NR.ppoll, args: [Int32Array.of(to, POLL.OUT), 1, BigInt64Array.of(0n, WAIT), 0, 0] };
  const [large, small] = [move(from, to, PIECES[0]), move(from, to, SMALL)];
  const more = Array.from({ length: TIMES }, () => [room, large, small]);
  return [...PIECES.map((size) => move(from, to, size)), ...more.flat()];
}

/** Bytes of ours, in calls that are made later. */
export function writeCalls(fd: number, bytes: Uint8Array): Call[] {
  const calls: Call[] = [];
  for (let at = 0, turn = 0; at < bytes.length; ) {
    const piece = bytes.subarray(at, at + (PIECES[turn++] ?? SMALL));
    calls.push({ nr: NR.write, args: [fd, piece, piece.length] });
    at += piece.length;
  }
  return calls;
}
