import { describe, expect, test } from "bun:test";
import { NR } from "../nr.ts";
import { addressOf, must } from "../sys.ts";
import { U64_MAX } from "../u64.ts";
import { CLOCK } from "../uapi/event.ts";
import { SIG, SIGEV } from "../uapi/signal.ts";
import { ProcDir } from "./read.ts";
import { parseTimers } from "./timers.ts";

describe("timers", () => {
  test("all kinds of notification, by id", () => {
    const text =
      "ID: 3\nsignal: 60/00007fff86e452a8\nnotify: signal/pid.2634\nClockID: 0\n" +
      "ID: 1\nsignal: 10/ffffffffffffffff\nnotify: signal/tid.2635\nClockID: 1\n" +
      "ID: 0\nsignal: 0/0000000000000000\nnotify: none/pid.0\nClockID: -21074\n" +
      "ID: 7\nsignal: 5/(null)\nnotify: thread/pid.9\nClockID: 7\n";
    expect(parseTimers(text)).toEqual([
      { id: 0, signal: 0, value: 0, notify: 1, target: 0, clock: -21074 },
      { id: 1, signal: 10, value: U64_MAX, notify: 4, target: 2635, clock: 1 },
      { id: 3, signal: 60, value: 0x7fff86e452a8, notify: 0, target: 2634, clock: 0 },
      { id: 7, signal: 5, value: 0, notify: 2, target: 9, clock: 7 },
    ]);
    expect(parseTimers("")).toEqual([]);
  });

  test("refuses what it does not know", () => {
    expect(() => parseTimers("ID: 3\nsignal: 60/0\n")).toThrow("unknown form");
    expect(() => parseTimers("ID: 0\nsignal: 1/0\nnotify: magic/pid.2\nClockID: 0\n")).toThrow("unknown form");
  });

  test("timers of our own", () => {
    using self = new ProcDir(process.pid);
    const before = parseTimers(self.text("timers")).map((timer) => timer.id);
    const create = (signal: number, notify: number, value: bigint): number => {
      const event = new DataView(new ArrayBuffer(64));
      event.setBigUint64(0, value, true);
      event.setInt32(8, signal, true);
      event.setInt32(12, notify, true);
      event.setInt32(16, process.pid, true);
      const id = new Int32Array(new ArrayBuffer(4));
      must(NR.timer_create, [CLOCK.MONOTONIC, addressOf(event), addressOf(id)]);
      return id[0] ?? -1;
    };
    const ids = [
      create(SIG.USR2, SIGEV.SIGNAL, 0x1122334455667788n),
      create(0, SIGEV.NONE, 0n),
      create(SIG.USR2, SIGEV.SIGNAL | SIGEV.THREAD_ID, U64_MAX),
    ];
    try {
      const mine = parseTimers(self.text("timers")).filter((timer) => !before.includes(timer.id));
      const target = process.pid;
      expect(mine).toEqual([
        { id: ids[0] ?? -1, signal: SIG.USR2, value: 0x1122334455667788n, notify: 0, target, clock: 1 },
        { id: ids[1] ?? -1, signal: 0, value: 0, notify: 1, target, clock: 1 },
        { id: ids[2] ?? -1, signal: SIG.USR2, value: U64_MAX, notify: 4, target, clock: 1 },
      ]);
    } finally {
      for (const id of ids) must(NR.timer_delete, [id]);
    }
  });
});
