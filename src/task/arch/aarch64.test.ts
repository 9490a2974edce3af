/** Layouts of aarch64's registers, which need no such machine: what a kernel would give, put into an entry and built again. */
import { describe, expect, test } from "bun:test";
import { aarch64 as agentArch } from "../../agent/arch/aarch64.ts";
import { RemoteMemory } from "../../kernel/memory.ts";
import { addressOf } from "../../kernel/sys.ts";
import { NT } from "../../kernel/uapi/ptrace.ts";
import { aarch64 } from "./aarch64.ts";
import { aarch64 as calls, EINTR, ERESTART_RESTARTBLOCK } from "./call.ts";
import type { OtherRegisters, SavedRegisters } from "./entry.ts";

const general = BigUint64Array.from({ length: 34 }, (_, i) => 0xff00_0000_0000_0000n + BigInt(i));
const TLS = new Uint8Array(new BigUint64Array([0xffff_1234_5678n]).buffer);

/** Bytes that differ from each other and from their neighbours. */
const pattern = (length: number, seed: number) => Uint8Array.from({ length }, (_, i) => (i * 7 + seed) & 0xff);

/** 32 vectors of 16 bytes, status, control, and two words that are zero. */
function plain(): Uint8Array {
  const state = new Uint8Array(528);
  state.set(pattern(520, 3));
  return state;
}

/** struct user_sve_header: size, its maximum (32 bits each), length, its maximum, flags, nothing (16 bits each). */
function header(size: number, length: number, flags: number, max = 256): Uint8Array {
  return new Uint8Array(new Uint32Array([size, 8768, length | (max << 16), flags]).buffer);
}

/** Vectors, 16 predicates and the first-fault register of an eighth of their size; status and control 16-byte aligned. */
function scalable(length: number): Uint8Array {
  const registers = 32 * length + (17 * length) / 8;
  const words = 16 + Math.ceil(registers / 16) * 16;
  const state = new Uint8Array(words + 16);
  state.set(header(state.length, length, 1));
  state.set(pattern(registers, 5), 16);
  state.set(pattern(8, 9), words);
  return state;
}

function saved(extended: Uint8Array, others: [number, Uint8Array][] = []): SavedRegisters {
  return { general, extended, others: new Map([[NT.ARM_TLS, TLS], ...others]) as OtherRegisters };
}

const puppet = (extended: Uint8Array) => ({ general: new BigUint64Array(34), extended });
const withHeader = (length: number, state: Uint8Array) =>
  Uint8Array.of(...header(16 + state.length, length, 0), ...state);
const quiet = (max: number) => Uint8Array.of(...header(544, 16, 0, max), ...new Uint8Array(528));

describe("entries of aarch64", () => {
  test("general, plain vector and thread registers go in and come out", () => {
    const entry = aarch64.dump(1, saved(plain()), 0x1234);
    const info = entry.ti_aarch64;
    expect(info).toMatchObject({ clear_tid_addr: 0x1234, tls: 0xffff_1234_5678, pac_keys: undefined });
    expect(info?.gpregs).toMatchObject({ sp: general[31], pc: general[32], pstate: general[33] });
    expect(info?.gpregs.regs).toEqual([...general.subarray(0, 31)]);
    const words = new BigUint64Array(plain().slice(0, 512).buffer);
    expect(info?.fpsimd.vregs.map(BigInt)).toEqual([...words]);
    expect(info?.fpsimd.fpsr).toBe(new DataView(plain().buffer).getUint32(512, true));
    expect(info?.tscriu_regsets).toEqual([]);
    expect(aarch64.build(entry, puppet(new Uint8Array(528)))).toEqual({ general, extended: plain() });
  });

  test("authentication keys have names", () => {
    const keys = new Uint8Array(new BigUint64Array([1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n]).buffer);
    const generic = new Uint8Array(new BigUint64Array([9n, 10n]).buffer);
    const enabled = new Uint8Array(new BigUint64Array([15n]).buffer);
    const { ti_aarch64 } = aarch64.dump(
      1,
      saved(plain(), [
        [NT.ARM_PACA_KEYS, keys],
        [NT.ARM_PACG_KEYS, generic],
        [NT.ARM_PAC_ENABLED_KEYS, enabled],
      ]),
      0,
    );
    expect(ti_aarch64?.pac_keys).toMatchObject({
      pac_address_keys: { apiakey_lo: 1, apibkey_hi: 4, apdakey_lo: 5, apdbkey_hi: 8, pac_enabled_key: 15 },
      pac_generic_keys: { apgakey_lo: 9, apgakey_hi: 10 },
    });
  });

  for (const length of [16, 32, 64, 256]) {
    test(`scalable vectors of ${length * 8} bits: whole beside their low parts`, () => {
      const state = scalable(length);
      const entry = aarch64.dump(1, saved(state), 0);
      const [set] = entry.ti_aarch64?.tscriu_regsets ?? [];
      expect(set).toEqual({ type: NT.ARM_SVE, state });
      const third = new DataView(state.buffer).getBigUint64(16 + 3 * length + 8, true);
      expect(BigInt(entry.ti_aarch64?.fpsimd.vregs[7] ?? 0)).toBe(third);
      expect(entry.ti_aarch64?.fpsimd.fpcr).toBe(new DataView(state.buffer).getUint32(state.length - 12, true));
      expect(aarch64.build(entry, puppet(quiet(256))).extended).toEqual(state);
    });
  }

  test("plain vectors keep the length that scalable ones would have", () => {
    const entry = aarch64.dump(1, saved(withHeader(32, plain())), 0);
    expect(entry.ti_aarch64?.tscriu_regsets).toEqual([{ type: NT.ARM_SVE, state: header(544, 32, 0) }]);
    expect(aarch64.build(entry, puppet(quiet(256))).extended).toEqual(withHeader(32, plain()));
  });

  test("an image without them is for a machine with them, too", () => {
    const entry = aarch64.dump(1, saved(plain()), 0);
    const built = aarch64.build(entry, puppet(quiet(256))).extended;
    expect(built).toEqual(Uint8Array.of(...header(544, 16, 0), ...plain()));
  });

  test("scalable vectors that this machine lacks, or has too short ones for, are refused", () => {
    const entry = aarch64.dump(1, saved(scalable(64)), 0);
    expect(() => aarch64.build(entry, puppet(new Uint8Array(528)))).toThrow(/scalable vectors \(SVE\), which this CPU/);
    expect(() => aarch64.build(entry, puppet(quiet(32)))).toThrow(/vectors of 512 bits, which this CPU/);
  });
});

describe("signal frames of aarch64", () => {
  const END = 0x7000_0000;
  /** Records of the frame by their magic numbers: where each begins. */
  function records(bytes: Uint8Array): Map<number, number> {
    const view = new DataView(bytes.buffer);
    const found = new Map<number, number>();
    let at = 128 + 176 + 288;
    for (;;) {
      const magic = view.getUint32(at, true);
      const size = view.getUint32(at + 4, true);
      expect([at % 16, size % 16]).toEqual([0, 0]);
      if (magic === 0) break;
      found.set(magic, at);
      at += size;
      if (magic !== 0x45585401) continue;
      // the frame goes on behind an end that is none
      expect([view.getUint32(at, true), view.getUint32(at + 4, true)]).toEqual([0, 0]);
      expect(view.getBigUint64(at - size + 8, true)).toBe(BigInt(END - bytes.length + at + 16));
      at += 16;
    }
    return found;
  }

  for (const [name, state, isLong] of [
    ["plain vectors", plain(), false],
    ["plain vectors behind a header", withHeader(32, plain()), false],
    ["vectors of 512 bits", scalable(64), false],
    ["vectors of 2048 bits, which need more room than a frame has", scalable(256), true],
  ] as const) {
    test(`with ${name}`, () => {
      const { bytes, sp } = agentArch.frame(general, state, 0x5555n, END);
      expect([sp, sp % 16, bytes.length]).toEqual([END - bytes.length, 0, agentArch.frameSize(state.length)]);
      const view = new DataView(bytes.buffer);
      expect(view.getBigUint64(168, true)).toBe(0x5555n);
      for (let i = 0; i < 34; i++) expect(view.getBigUint64(312 + i * 8, true)).toBe(general[i] ?? 0n);
      const found = records(bytes);
      const low = found.get(0x46508001) ?? 0;
      const fields = aarch64.dump(1, saved(state), 0).ti_aarch64?.fpsimd;
      expect(view.getUint32(low + 8, true)).toBe(fields?.fpsr ?? 0);
      expect(view.getBigUint64(low + 16 + 31 * 16, true)).toBe(BigInt(fields?.vregs[62] ?? 0));
      const whole = found.get(0x53564501);
      const length = view.getUint16((whole ?? 0) + 8, true);
      expect(whole !== undefined).toBe(state.length > 600);
      if (whole) expect(bytes.slice(whole + 16, whole + 16 + 34 * length)).toEqual(state.slice(16, 16 + 34 * length));
      expect(found.has(0x45585401)).toBe(isLong);
    });
  }
});

describe("interrupted calls of aarch64", () => {
  // mov x8, #115; mov x9, x9; svc #0; ret
  const code = Uint32Array.of(...new Uint32Array(16), 0xd2800e68, 0xaa0903e9, 0xd4000001, 0xd65f03c0);
  const at = addressOf(code) + 18 * 4;
  const regs = (pc: number, x0: number, x8: number) => {
    const set = general.slice();
    set[32] = BigInt(pc);
    set[0] = BigInt.asUintN(64, BigInt(x0));
    set[8] = BigInt(x8);
    return set;
  };
  const known = { nr: 115, args: [1, 0, 0x1000, 0, 0, 0], ip: at + 4 };

  test("a call that the kernel stepped back to goes on by its restart call, in the image with its own number", () => {
    using memory = new RemoteMemory(process.pid);
    const found = regs(at, 1, 115);
    const call = calls.interrupted(found, memory, known);
    expect(call).toMatchObject({ nr: 115, error: ERESTART_RESTARTBLOCK });
    expect(calls.goOn(found)?.[8]).toBe(128n);
    expect(call && calls.gaveUp(found, call)).toEqual(found);
  });

  test("one that has gone on before is found by its code", () => {
    using memory = new RemoteMemory(process.pid);
    const found = regs(at, 1, 128);
    const call = calls.interrupted(found, memory, { ...known, nr: 128 });
    expect(call).toMatchObject({ nr: 115, error: ERESTART_RESTARTBLOCK });
    expect(call && calls.gaveUp(found, call)[8]).toBe(115n);
  });

  test("one that says EINTR is made again with its first argument", () => {
    using memory = new RemoteMemory(process.pid);
    const found = regs(at + 4, EINTR, 115);
    const call = calls.interrupted(found, memory, known);
    expect(call).toMatchObject({
      nr: 115,
      error: EINTR,
      args: [1, ...[...found.subarray(1, 6)].map((v) => Number(BigInt.asIntN(64, v)))],
    });
    const again = call && calls.again(found, call);
    expect([again?.[32], again?.[0]]).toEqual([BigInt(at), 1n]);
  });

  test("none where the thread was elsewhere", () => {
    using memory = new RemoteMemory(process.pid);
    expect(calls.interrupted(regs(at - 4, 1, 115), memory, known)).toBeUndefined();
    expect(calls.interrupted(regs(at, 1, 63), memory, known)).toBeUndefined();
    expect(calls.interrupted(regs(at, 1, 115), memory, undefined)).toBeUndefined();
  });
});
