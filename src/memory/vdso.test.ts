/** Another kernel's vDSO: what becomes of it is planned without a kernel but for our own vDSO, which is real. */
import { describe, expect, test } from "bun:test";
import type { MmEntry } from "../image/schema.gen.ts";
import type { Vma } from "../kernel/proc/maps.ts";
import { exportedFunctions, functionSymbols } from "./vdso-elf.ts";
import { aarch64, type Jumps, jumps, x86_64 } from "./vdso-jump.ts";
import { ownAreas, putMark, readMark } from "./vdso-mark.ts";
import { planVdso, type Runtime, runtimeVdso, type SavedSpace, type VdsoPlan } from "./vdso-plan.ts";
import { nearestRoom } from "./vdso-room.ts";

const SPACE = 2 ** 47;
const VDSO = 0x7f00_0001_0000;
const CODE = 1 | 8 | 0x200;
const DATA = 1 | 0x1000 | 0x200;

const real = runtimeVdso();
if (!real) throw new Error("this kernel gives tasks no vDSO");

/** A task whose vDSO holds these bytes, with the running kernel's data areas or others. */
function task(
  bytes: Uint8Array,
  stopped: number[] = [],
  runtime: Runtime = real as Runtime,
  vvar?: number,
): SavedSpace {
  const area = (start: number, length: number, status: number) => ({ start, end: start + length, status, flags: 0x22 });
  const own = runtime.vvar ?? { start: 0, end: 0 };
  const data = area(VDSO + own.start - runtime.vdso.start, vvar ?? own.end - own.start, DATA);
  const vmas = [area(0x400000, 0x1000, 0x41), area(VDSO, bytes.length, CODE), data].sort((a, b) => a.start - b.start);
  const mm = { vmas, mm_start_brk: 0x500000, mm_brk: 0x600000 } as unknown as MmEntry;
  return { pid: 7, mm, bytes, stopped: new Map(stopped.map((ip, i) => [7 + i, ip])) };
}

function changed(bytes: Uint8Array): Uint8Array {
  const copy = bytes.slice();
  const other = functionSymbols(copy)?.find(({ name }) => jumps.calls[name] === undefined);
  if (!other) throw new Error("every function of the vDSO is called by programs");
  copy[other.symbol + 8] = other.value | 1;
  return copy;
}

function beside(plan: VdsoPlan) {
  if (plan.kind !== "beside") throw new Error(`the plan is ${plan.kind}`);
  return plan;
}

describe("this machine's own vDSO", () => {
  test("exports what programs call", () => {
    const names = Object.keys(jumps.calls).filter((name) => !name.endsWith("getrandom"));
    const found = exportedFunctions(real.bytes);
    expect(names.filter((name) => found?.has(name) !== true)).toEqual([]);
    expect(exportedFunctions(real.bytes.subarray(0, 100))).toBeUndefined();
    expect(exportedFunctions(new Uint8Array(4096))).toBeUndefined();
  });

  test("takes the place of the same", () => {
    expect(planVdso(task(real.bytes), [], SPACE)).toMatchObject({ kind: "move", vdso: VDSO });
    // a thread inside does not mind
    expect(planVdso(task(real.bytes, [VDSO + 0x801]), [], SPACE).kind).toBe("move");
    const { mm } = task(real.bytes);
    const without = { ...mm, vmas: mm.vmas.filter(({ status }) => (status & (CODE | DATA) & ~0x201) === 0) };
    expect(planVdso({ ...task(real.bytes), mm: without }, [], SPACE)).toEqual({ kind: "none" });
  });

  test("takes the place of one with the same functions, unless a thread is inside", () => {
    const alike = real.bytes.slice();
    // not where a dump's way home may have lain, which does not matter
    const trace = real.bytes.slice();
    trace[trace.length - 1] = 1;
    expect(planVdso(task(trace, [VDSO + 0x801]), [], SPACE).kind).toBe("move");
    alike[alike.length - 300] = 1;
    expect(planVdso(task(alike), [], SPACE).kind).toBe("move");
    const plan = beside(planVdso(task(alike, [VDSO + alike.length - 4]), [], SPACE));
    expect(plan.vdso).toBe(VDSO);
  });
});

describe("one of another kernel", () => {
  const old = changed(real.bytes);

  test("calls the running kernel's by all that programs know", () => {
    const plan = beside(planVdso(task(old), [], SPACE));
    const code = exportedFunctions(plan.code) ?? new Map<string, number>();
    for (const [name, at] of code) {
      if (jumps.calls[name] === undefined) continue;
      const from = at + jumps.landing(plan.code, at);
      const target = jumps.target(plan.code, from, VDSO + from);
      expect(target).toBe(plan.to + real.vdso.start + (real.functions.get(name) ?? 0));
    }
    expect(plan.mark).toMatchObject({ at: plan.to + real.vdso.start, vdso: VDSO });
    expect(plan.to % 4096).toBe(0);
    expect(Math.abs(plan.to - VDSO)).toBeLessThan(aarch64.reach / 2);
  });

  test("finds the running kernel's where it was before", () => {
    const first = beside(planVdso(task(old), [], SPACE));
    // nearer there is room again
    const taken = [{ start: first.to, end: first.to + 4096 }];
    const other = beside(planVdso(task(old), taken, SPACE));
    expect(other.to).not.toBe(first.to);
    expect(beside(planVdso(task(other.code), [], SPACE)).to).toBe(other.to);
    expect(beside(planVdso(task(first.code), taken, SPACE)).to).toBe(other.to);
  });

  test("is known by the size of its data alone", () => {
    if (real.vvar) expect(planVdso(task(real.bytes, [], real, 0x1000), [], SPACE).kind).toBe("beside");
  });

  test("makes the system call where the running kernel's has no such function", () => {
    const functions = new Map([...real.functions].filter(([name]) => !/gettimeofday$/.test(name)));
    const plan = beside(planVdso(task(old), [], SPACE, { ...real, functions }));
    const [name = "", nr = 0] = Object.entries(jumps.calls).find(([called]) => called.endsWith("gettimeofday")) ?? [];
    const at = real.functions.get(name) ?? 0;
    const from = at + jumps.landing(plan.code, at) + (jumps.landing(old, at) > 0 ? 0 : jumps.lander.length);
    const call = jumps.call(nr);
    expect(plan.code.subarray(from, from + call.length)).toEqual(call);
  });

  test("is refused when a thread stands in what is replaced, and when there is no room", () => {
    const at = VDSO + (real.functions.get(Object.keys(jumps.calls)[0] ?? "") ?? 0);
    const whole = beside(planVdso(task(old, [at]), [], SPACE));
    expect(whole.kind).toBe("beside");
    if (jumps === x86_64) expect(() => planVdso(task(old, [VDSO, at + 1]), [], SPACE)).toThrow("a thread was stopped");
    expect(() => planVdso(task(old), [{ start: 0, end: SPACE }], SPACE)).toThrow("leaves no room");
    expect(() => planVdso({ ...task(real.bytes, [], real, 0x1000), bytes: undefined }, [], SPACE)).toThrow("not all");
  });
});

describe("jumps", () => {
  const each: [string, Jumps][] = [
    ["x86_64", x86_64],
    ["aarch64", aarch64],
  ];
  for (const [name, how] of each) {
    test(`of ${name} lead where they should, near and far`, () => {
      const from = 0x7fff_f000_1000;
      for (const to of [
        from + 0x4000,
        from - 0x4000,
        from + how.reach - 64,
        from - how.reach + 64,
        0x40_0000,
        2 ** 46,
      ]) {
        const bytes = how.jump(from, to);
        expect(how.target(Uint8Array.of(...new Uint8Array(8), ...bytes), 8, from)).toBe(to);
        expect(how.jump(from, to).length).toBeLessThanOrEqual(16);
      }
      expect(how.target(how.call(1), 0, from)).toBeUndefined();
      expect(how.landing(how.jump(from, from + 64), 0)).toBe(0);
    });
  }

  test("are the instructions that assemblers make", () => {
    const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");
    expect(hex(x86_64.jump(0x1000, 0x2000))).toBe("e9fb0f0000");
    expect(hex(x86_64.jump(0x1000, 0x7766_5544_3322))).toBe("48b82233445566770000ffe0");
    expect(hex(x86_64.call(228))).toBe("b8e40000000f05c3");
    expect(hex(aarch64.jump(0x1000, 0x2000))).toBe("00040014");
    expect(hex(aarch64.jump(0x2000, 0x1000))).toBe("00fcff17");
    expect(hex(aarch64.jump(0, 0x7fff_0000_1234))).toBe("5000005800021fd634120000ff7f0000");
    expect(hex(aarch64.call(113))).toBe("280e80d2010000d4c0035fd6");
    expect(hex(aarch64.lander)).toBe("5f2403d5");
    expect(aarch64.landing(aarch64.lander, 0)).toBe(4);
    // paciasp is a landing that does more
    expect(aarch64.landing(Uint8Array.of(0x3f, 0x23, 0x03, 0xd5), 0)).toBe(0);
    expect(x86_64.landing(Uint8Array.of(0xf3, 0x0f, 0x1e, 0xfa), 0)).toBe(4);
  });
});

describe("room", () => {
  const to = { start: 0x1_0000_0000, end: 0x1_0000_2000 };

  test("is found on the nearer side", () => {
    expect(nearestRoom(to, 0x4000, [to], SPACE)).toBe(to.end);
    const above = { start: to.end, end: to.end + 0x100000 };
    expect(nearestRoom(to, 0x4000, [to, above], SPACE)).toBe(to.start - 0x4000);
    const below = { start: to.start - 0x10000, end: to.start };
    expect(nearestRoom(to, 0x4000, [above, to, below], SPACE)).toBe(below.start - 0x4000);
    const crack = { start: to.end + 0x2000, end: to.end + 0x3000 };
    expect(nearestRoom(to, 0x4000, [to, crack], SPACE)).toBe(to.start - 0x4000);
    expect(nearestRoom(to, 0x2000, [to, crack], SPACE)).toBe(to.end);
    expect(nearestRoom(to, 0x4000, [{ start: 0, end: SPACE }], SPACE)).toBeUndefined();
  });
});

describe("marks", () => {
  const mark = { vdso: VDSO, vvar: VDSO - 0x4000, marksVvar: 0x7000_0000 };

  test("come back as they were put", () => {
    expect(readMark(putMark(mark))).toEqual(mark);
    expect(readMark(putMark({ vdso: 4096, vvar: undefined, marksVvar: undefined }))).toEqual({
      vdso: 4096,
      vvar: undefined,
      marksVvar: undefined,
    });
    expect(Buffer.from(putMark(mark)).toString("latin1")).toStartWith("CRIUvDSO");
    expect(readMark(real.bytes)).toBeUndefined();
  });

  const area = (start: number, length: number, name: string) => ({ start, end: start + length, name }) as Vma;

  test("tell a dump what is the task's own", () => {
    const areas = [
      area(0x7000_0000, 0x4000, "[vvar]"),
      area(0x7000_4000, 0x2000, "[vvar_vclock]"),
      area(0x7000_6000, 0x2000, "[vdso]"),
      area(VDSO - 0x4000, 0x4000, ""),
      area(VDSO, 0x2000, ""),
    ];
    const at = new Map([[0x7000_6000, putMark(mark)]]);
    const read = (address: number) => at.get(address) ?? new Uint8Array(40);
    const own = ownAreas(7, areas, read).map(({ start, name }) => [start, name]);
    expect(own).toEqual([
      [VDSO - 0x4000, "[vvar]"],
      [VDSO, "[vdso]"],
    ]);
    expect(ownAreas(7, areas, () => new Uint8Array(40))).toBe(areas);
    const grown = [...areas.slice(0, 3), area(VDSO - 0x1000, 0x3000, "")];
    expect(() => ownAreas(7, grown, read)).toThrow("has become one");
  });
});
