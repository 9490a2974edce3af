import { expect, test } from "bun:test";
import { closeFd, O } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, check, cstring, sys } from "../kernel/sys.ts";
import { Rehearsal } from "./rehearsal.ts";

const name = cstring(`tscriu-test-${process.pid}`);

function open(flags: number, most = 3): number {
  const words = new BigInt64Array([0n, BigInt(most), 40n, 0n, 0n, 0n, 0n, 0n]);
  return sys(NR.mq_open, addressOf(name), flags, 0o600, addressOf(words));
}

function sizes(fd: number): number[] {
  const words = new BigInt64Array(8);
  check(sys(NR.mq_getsetattr, fd, 0, addressOf(words)), "mq_getsetattr");
  return [...words.subarray(1, 4)].map(Number);
}

/** Dumps a queue, lets `between` act, and restores. */
function trip(between: () => void, send = false): number[] {
  using run = new Rehearsal();
  const fd = run.high(check(open(O.RDWR | O.CREAT), "mq_open"));
  try {
    if (send) check(sys(NR.mq_timedsend, fd, addressOf(name), 4, 0, 0), "mq_timedsend");
    run.dump([fd]);
    expect(run.blockers).toEqual([]);
    between();
    run.restore();
    return sizes(fd);
  } finally {
    closeFd(fd);
    remove();
  }
}

const remove = () => void sys(NR.mq_unlink, addressOf(name));

test("an empty queue that is gone is made again with its sizes, one that is there is opened", () => {
  expect(trip(() => undefined, true)).toEqual([3, 40, 1]);
  expect(trip(remove)).toEqual([3, 40, 0]);
});

test("messages that are gone, and sizes that are others, are told", () => {
  expect(() => trip(remove, true)).toThrow(/is gone, and with it the 1 messages/);
  const other = () => {
    remove();
    closeFd(check(open(O.RDWR | O.CREAT, 4), "mq_open"));
  };
  expect(() => trip(other)).toThrow(/other sizes than at the dump/);
});

test("messages in a queue without a name are told", () => {
  using run = new Rehearsal();
  const fd = check(open(O.WRONLY | O.CREAT), "mq_open");
  remove();
  check(sys(NR.mq_timedsend, fd, addressOf(name), 4, 0, 0), "mq_timedsend");
  run.dump([fd]);
  closeFd(fd);
  expect(run.blockers[0]?.message).toMatch(/holds 1 messages/);
});
