import { expect, test } from "bun:test";
import { NR } from "../kernel/nr.ts";
import { AREA, ARG_AREA, ARG_LOAD32, ARG_RESULT, OP, POLICY_EXPECT, POLICY_IGNORE } from "./layout.ts";
import { type Area, load32, Program } from "./program.ts";

/** An area whose agent answers as the test says. */
function area(answer: (view: DataView, ops: number, watch?: () => void) => number): Area & { runs: number[] } {
  const bytes = new Uint8Array(AREA.size);
  const view = new DataView(bytes.buffer);
  const runs: number[] = [];
  return {
    bytes,
    view,
    base: 0x7000_0000_0000,
    subject: { pid: 42 },
    runs,
    execute(ops, watch) {
      runs.push(ops);
      return answer(view, ops, watch);
    },
  };
}

const record = (index: number) => AREA.ops + index * OP.size;

test("arguments are numbers, places, results of earlier calls and what they stored", () => {
  const there = area((_, ops) => ops);
  const program = new Program(there);
  const place = program.data(Uint8Array.of(1, 2, 3));
  const first = program.call(NR.getpid, []);
  program.call(NR.write, [-1, place, 0x1234_5678_9abc], { ignore: true });
  program.call(NR.close, [first, load32(place)], { expect: 0 });
  expect(place.offset).toBe(AREA.near);
  expect([...there.bytes.subarray(place.offset, place.offset + 3)]).toEqual([1, 2, 3]);
  const second = record(1);
  expect(there.view.getBigInt64(second + OP.args, true)).toBe(-1n);
  expect(there.view.getBigInt64(second + OP.args + 8, true)).toBe(BigInt(place.offset));
  expect(there.view.getBigInt64(second + OP.args + 16, true)).toBe(0x1234_5678_9abcn);
  expect(there.view.getUint32(second + OP.kinds, true)).toBe(ARG_AREA << 4);
  expect(there.view.getUint16(second + OP.policy, true)).toBe(POLICY_IGNORE);
  const third = record(2);
  expect(there.view.getUint32(third + OP.kinds, true)).toBe(ARG_RESULT | (ARG_LOAD32 << 4));
  expect(there.view.getUint16(third + OP.policy, true)).toBe(POLICY_EXPECT);
  program.run();
  expect(there.runs).toEqual([3]);
});

test("a call that fails is an error that names it and the task", () => {
  const program = new Program(
    area((view) => {
      view.setBigInt64(record(1) + OP.result, -13n, true);
      return 1;
    }),
  );
  program.call(NR.getpid, []);
  program.call(NR.setsid, [], { what: "cannot make the session" });
  expect(() => program.run()).toThrow(/cannot make the session: permission denied/);
});

test("who watches a program sees what it has done, and may empty what is to come", () => {
  const result = (view: DataView, index: number, value: bigint) =>
    view.setBigInt64(record(index) + OP.result, value, true);
  const seen: boolean[][] = [];
  const program = new Program(
    area((view, ops, watch) => {
      watch?.();
      result(view, 0, 0n);
      watch?.();
      result(view, 1, -28n);
      watch?.();
      return ops;
    }),
  );
  const calls = [1, 2].map((n) => program.call(NR.write, [n, 0, 0x1234_5678_9abc], { ignore: true, watched: true }));
  program.run(() => {
    seen.push(calls.map((call) => program.made(call)));
    for (const call of calls.slice(1)) program.empty(call, 2);
  });
  expect(seen).toEqual([
    [false, false],
    [true, false],
    [true, true],
  ]);
  const size = (index: number) => program.area.view.getBigUint64(record(index) + OP.args + 16, true);
  expect([size(0), size(1)]).toEqual([0x1234_5678_9abcn, 0n]);
});

test("a result is of one run only", () => {
  const program = new Program(area((_, ops) => ops));
  const call = program.call(NR.getpid, []);
  expect(() => program.result(call)).toThrow("before its program ran");
  program.run();
  expect(program.result(call)).toBe(0);
  expect(() => program.call(NR.close, [call])).toThrow("earlier run");
});

test("what is kept stays over all runs until it is forgotten", () => {
  const there = area((_, ops) => ops);
  const program = new Program(there);
  const kept = program.keep(9);
  kept.bytes.fill(7);
  expect(kept.offset).toBe(AREA.nearEnd - 16);
  program.reserve(program.room).bytes.fill(1);
  program.call(NR.getpid, []);
  program.run();
  program.reserve(program.room).bytes.fill(2);
  expect([...kept.bytes]).toEqual(new Array(9).fill(7));
  const large = program.keep(AREA.nearEnd - AREA.near);
  expect(large.offset).toBe(AREA.size - (AREA.nearEnd - AREA.near));
  expect(program.reserve(program.room).offset).toBe(AREA.data);
  program.run();
  program.forget();
  expect(program.room).toBe(AREA.size - AREA.data);
});

test("data lies near as long as there is room, and what has none there lies far", () => {
  const there = area((_, ops) => ops);
  const program = new Program(there);
  const near = AREA.nearEnd - AREA.near;
  expect(program.reserve(near - 8).offset).toBe(AREA.near);
  expect(program.reserve(16).offset).toBe(AREA.data);
  expect(program.reserve(8).offset).toBe(AREA.nearEnd - 8);
  expect(program.reserve(8).offset).toBe(AREA.data + 16);
  expect(program.room).toBe(AREA.size - AREA.data - 24);
  program.call(NR.getpid, []);
  program.reserve(program.room);
  expect(there.runs).toEqual([]);
  expect(program.reserve(8).offset).toBe(AREA.near);
  expect(there.runs).toEqual([1]);
});

test("a program begins behind what another leaves", () => {
  const there = area((view, ops) => {
    view.setBigInt64(record(1) + OP.result, 42n, true);
    return ops;
  });
  const first = new Program(there);
  first.text("first");
  first.call(NR.getpid, []);
  const second = new Program(there, first.rest);
  const place = second.text("second");
  const call = second.call(NR.chdir, [place]);
  expect(place.offset).toBe(AREA.near + 8);
  expect(there.view.getUint32(record(1) + OP.nr, true)).toBe(NR.chdir);
  second.run();
  expect(second.result(call)).toBe(42);
});

test("what is too much for one run is run in parts, and what never fits is refused", () => {
  const there = area((_, ops) => ops);
  const program = new Program(there);
  for (let i = 0; i <= AREA.maxOps; i++) program.call(NR.getpid, []);
  expect(there.runs).toEqual([AREA.maxOps]);
  program.run();
  expect(there.runs).toEqual([AREA.maxOps, 1]);
  expect(() => program.reserve(AREA.size)).toThrow("more data than");
});
