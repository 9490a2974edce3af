/** System V semaphores: semget(2), semctl(2). Source of the layout: asm-generic/sembuf.h, linux/sem.h. */
import type { Caller } from "./envoy.ts";
import { NR } from "./nr.ts";
import { addressOf, check } from "./sys.ts";
import { IPC, makeObject, type Owner, readOwner, writeOwner } from "./sysv.ts";

const GETALL = 13;
const SETALL = 17;
const SIZE = 112;

export interface SemaphoreState extends Owner {
  readonly values: readonly number[];
}

/** @param count semaphores of the set */
export function readSemaphores(id: number, count: number, call: Caller): SemaphoreState {
  const view = new DataView(new ArrayBuffer(SIZE));
  const values = new Uint16Array(count);
  check(call(NR.semctl, id, 0, IPC.STAT, addressOf(view)), "cannot read a semaphore set", { id });
  check(call(NR.semctl, id, 0, GETALL, addressOf(values)), "cannot read the values of semaphores", { id });
  return { ...readOwner(view), values: [...values] };
}

export function makeSemaphores(id: number, state: SemaphoreState, call: Caller): void {
  makeObject(
    {
      kind: "sem",
      id,
      owner: state,
      get: (how) => call(NR.semget, state.key | 0, state.values.length, how),
      remove: (made) => void call(NR.semctl, made, 0, IPC.RMID, 0),
      remedy: "see the limits: ipcs -l -s",
    },
    call,
  );
  const view = new DataView(new ArrayBuffer(SIZE));
  writeOwner(view, state);
  check(call(NR.semctl, id, 0, IPC.SET, addressOf(view)), "cannot set the owner of a semaphore set", { id });
  const values = Uint16Array.from(state.values);
  check(call(NR.semctl, id, 0, SETALL, addressOf(values)), "cannot set the values of semaphores", { id });
}
