import { expect, test } from "bun:test";
import { NR } from "../kernel/nr.ts";
import { AREA, OP } from "./layout.ts";
import { type Area, Program } from "./program.ts";
import { Template } from "./template.ts";

/** An area whose agent answers calls with `answers` in turn, but for those it does not make, and stores the last where the first says. */
function area(answers: readonly (number | undefined)[]): Area {
  const bytes = new Uint8Array(AREA.size);
  const view = new DataView(bytes.buffer);
  const execute = (ops: number) => {
    for (const [i, answer] of answers.slice(0, ops).entries())
      if (answer !== undefined) view.setBigInt64(AREA.ops + i * OP.size + OP.result, BigInt(answer), true);
    bytes[Number(view.getBigUint64(AREA.ops + OP.args, true))] = answers.at(-1) ?? 0;
    return ops;
  };
  return { bytes, view, base: 0x7000_0000_0000, subject: { pid: 42 }, execute };
}

/** Two calls, the second only after the first failed by 3, and a place. */
const template = () =>
  new Template((program) => {
    const place = program.data(Uint8Array.of(9));
    const first = program.call(NR.getpid, [place], { ignore: true, what: "cannot ask" });
    const second = program.call(NR.getppid, [], { ignore: true, after: { call: first, answered: -3 } });
    return () => ({ first: program.result(first), made: program.made(second), byte: place.bytes[0] });
  });

test("what is built once begins the programs of many areas, and each has its own answers", () => {
  const common = template();
  const begun = [area([5, undefined, 7, 11]), area([-3, 1, 8, 12])].map((there) => {
    const program = new Program(there);
    const answers = common.begin(program);
    const own = program.call(NR.getuid, [program.data(Uint8Array.of(1, 2))]);
    program.run();
    return { answers, own: () => program.result(own), there };
  });
  expect(begun.map(({ answers, own }) => ({ ...answers(), own: own() }))).toEqual([
    { first: 5, made: false, byte: 11, own: 7 },
    { first: -3, made: true, byte: 12, own: 8 },
  ]);
  // behind what it begins with
  for (const { there } of begun) expect([...there.bytes.subarray(AREA.near + 8, AREA.near + 10)]).toEqual([1, 2]);
});

test("a call that fails is told of with the words that it was built with; nothing comes before what it begins with", () => {
  const strict = new Template((program) => {
    program.call(NR.getpid, [], { what: "cannot ask" });
    return () => 0;
  });
  const there = area([-13]);
  const program = new Program({ ...there, execute: (ops) => there.execute(ops) - ops });
  strict.begin(program);
  expect(() => program.run()).toThrow(/cannot ask: permission denied/);
  program.call(NR.getpid, []);
  expect(() => strict.begin(program)).toThrow("begins with something else");
});
