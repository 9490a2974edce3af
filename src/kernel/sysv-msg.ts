/** System V message queues: msgget(2), msgctl(2), msgop(2). Source of the layout: asm-generic/msgbuf.h, linux/msg.h. */
import type { Caller } from "./envoy.ts";
import { NR } from "./nr.ts";
import { addressOf, check } from "./sys.ts";
import { IPC, makeObject, type Owner, readOwner, writeOwner } from "./sysv.ts";

/** msgrcv(2): a copy of the message at a place; needs CONFIG_CHECKPOINT_RESTORE. */
const MSG_COPY = 0o40000;
const SIZE = 120;
const TYPE = 8;

export interface Message {
  readonly type: bigint;
  readonly text: Uint8Array;
}

export interface QueueState extends Owner {
  /** Bytes that it may hold. */
  readonly room: number;
  readonly messages: readonly Message[];
}

/** A queue with copies of its messages, which stay where they are. */
export function readQueue(id: number, call: Caller): QueueState {
  const view = new DataView(new ArrayBuffer(SIZE));
  check(call(NR.msgctl, id, IPC.STAT, addressOf(view)), "cannot read a message queue", { id });
  const [held, count, room] = [72, 80, 88].map((at) => Number(view.getBigUint64(at, true)));
  const messages: Message[] = [];
  const buffer = new DataView(new ArrayBuffer(TYPE + (held ?? 0)));
  for (let i = 0; i < (count ?? 0); i++) {
    const got = check(
      call(NR.msgrcv, id, addressOf(buffer), held ?? 0, i, IPC.NOWAIT | MSG_COPY),
      "cannot copy a message of a queue",
      { id, message: i },
      "the kernel needs CONFIG_CHECKPOINT_RESTORE",
    );
    messages.push({ type: buffer.getBigInt64(0, true), text: new Uint8Array(buffer.buffer, TYPE, got).slice() });
  }
  return { ...readOwner(view), room: room ?? 0, messages };
}

export function makeQueue(id: number, state: QueueState, call: Caller): void {
  makeObject(
    {
      kind: "msg",
      id,
      owner: state,
      get: (how) => call(NR.msgget, state.key | 0, how),
      remove: (made) => void call(NR.msgctl, made, IPC.RMID, 0),
      remedy: "see the limits: ipcs -l -q",
    },
    call,
  );
  const subject = { id };
  const view = new DataView(new ArrayBuffer(SIZE));
  writeOwner(view, state);
  view.setBigUint64(88, BigInt(state.room), true);
  check(call(NR.msgctl, id, IPC.SET, addressOf(view)), "cannot set the owner of a message queue", subject);
  for (const { type, text } of state.messages) {
    const buffer = new DataView(new ArrayBuffer(TYPE + text.length));
    buffer.setBigInt64(0, type, true);
    new Uint8Array(buffer.buffer, TYPE).set(text);
    const put = call(NR.msgsnd, id, addressOf(buffer), text.length, IPC.NOWAIT);
    check(put, "cannot put a message into a queue", subject);
  }
}
