import { CrError } from "../../error.ts";
import { CoreEntryMarch, type PacKeys, type U64 } from "../../image/schema.gen.ts";
import { getRegset, setRegset } from "../../kernel/ptrace.ts";
import { check } from "../../kernel/sys.ts";
import { toU64 } from "../../kernel/u64.ts";
import { NT } from "../../kernel/uapi/ptrace.ts";
import type { RegisterKind } from "./entry.ts";

/** struct user_pt_regs (asm/ptrace.h): x0..x30, then these. */
const GENERAL = 31;
const SP = 31;
const PC = 32;
const PSTATE = 33;
/** struct user_fpsimd_state: 32 vectors of 16 bytes, then these. */
const VECTORS = 64;
const FPSR = 512;
const FPCR = 516;

function readWords(tid: number, type: number, count: number): U64[] | undefined {
  const words = new BigUint64Array(count);
  const size = getRegset(tid, type, new Uint8Array(words.buffer));
  return size === count * 8 ? Array.from(words, toU64) : undefined;
}

function writeWords(tid: number, type: number, values: readonly U64[], what: string): void {
  const words = BigUint64Array.from(values, (value) => BigInt.asUintN(64, BigInt(value)));
  check(setRegset(tid, type, new Uint8Array(words.buffer)), what, { tid });
}

function dumpKeys(tid: number): PacKeys | undefined {
  const address = readWords(tid, NT.ARM_PACA_KEYS, 8);
  const generic = readWords(tid, NT.ARM_PACG_KEYS, 2);
  if (!address && !generic) return undefined;
  const keys: PacKeys = {};
  if (address) {
    const [ialo = 0, iahi = 0, iblo = 0, ibhi = 0, dalo = 0, dahi = 0, dblo = 0, dbhi = 0] = address;
    keys.pac_address_keys = {
      apiakey_lo: ialo,
      apiakey_hi: iahi,
      apibkey_lo: iblo,
      apibkey_hi: ibhi,
      apdakey_lo: dalo,
      apdakey_hi: dahi,
      apdbkey_lo: dblo,
      apdbkey_hi: dbhi,
      pac_enabled_key: readWords(tid, NT.ARM_PAC_ENABLED_KEYS, 1)?.[0] ?? 0,
    };
  }
  if (generic) keys.pac_generic_keys = { apgakey_lo: generic[0] ?? 0, apgakey_hi: generic[1] ?? 0 };
  return keys;
}

function restoreKeys(tid: number, keys: PacKeys): void {
  const a = keys.pac_address_keys;
  if (a) {
    const words = [
      a.apiakey_lo,
      a.apiakey_hi,
      a.apibkey_lo,
      a.apibkey_hi,
      a.apdakey_lo,
      a.apdakey_hi,
      a.apdbkey_lo,
      a.apdbkey_hi,
    ];
    writeWords(tid, NT.ARM_PACA_KEYS, words, "cannot set the pointer authentication keys: has this CPU none?");
    writeWords(tid, NT.ARM_PAC_ENABLED_KEYS, [a.pac_enabled_key], "cannot enable the pointer authentication keys");
  }
  const g = keys.pac_generic_keys;
  if (g) writeWords(tid, NT.ARM_PACG_KEYS, [g.apgakey_lo, g.apgakey_hi], "cannot set the generic authentication key");
}

export const aarch64: RegisterKind = {
  dump(tid, raw, clearTid) {
    const fp = new DataView(raw.extended.buffer, raw.extended.byteOffset, raw.extended.byteLength);
    const tls = readWords(tid, NT.ARM_TLS, 1);
    if (!tls) {
      throw new CrError("cannot read the thread pointer: is this a 32-bit task?", {
        code: "ENOTSUP",
        subject: { tid },
      });
    }
    return {
      mtype: CoreEntryMarch.AARCH64,
      ti_aarch64: {
        clear_tid_addr: clearTid,
        tls: tls[0] ?? 0,
        gpregs: {
          regs: Array.from(raw.general.subarray(0, GENERAL), toU64),
          sp: toU64(raw.general[SP] ?? 0n),
          pc: toU64(raw.general[PC] ?? 0n),
          pstate: toU64(raw.general[PSTATE] ?? 0n),
        },
        fpsimd: {
          vregs: Array.from({ length: VECTORS }, (_, i) => toU64(fp.getBigUint64(i * 8, true))),
          fpsr: fp.getUint32(FPSR, true),
          fpcr: fp.getUint32(FPCR, true),
        },
        pac_keys: dumpKeys(tid),
      },
    };
  },

  permit: () => undefined,

  build(core, puppet) {
    const info = core.ti_aarch64;
    if (core.mtype !== CoreEntryMarch.AARCH64 || !info) {
      throw new CrError("the image is of another architecture", {
        code: "ENOEXEC",
        subject: { machine: core.mtype },
        remedy: "restore on a machine of the kind that dumped: this one is aarch64",
      });
    }
    const general = new BigUint64Array(puppet.general.length);
    for (const [i, value] of info.gpregs.regs.slice(0, GENERAL).entries())
      general[i] = BigInt.asUintN(64, BigInt(value));
    general[SP] = BigInt.asUintN(64, BigInt(info.gpregs.sp));
    general[PC] = BigInt.asUintN(64, BigInt(info.gpregs.pc));
    general[PSTATE] = BigInt.asUintN(64, BigInt(info.gpregs.pstate));
    const extended = new Uint8Array(puppet.extended.length);
    const fp = new DataView(extended.buffer);
    for (const [i, value] of info.fpsimd.vregs.slice(0, VECTORS).entries()) {
      fp.setBigUint64(i * 8, BigInt.asUintN(64, BigInt(value)), true);
    }
    fp.setUint32(FPSR, info.fpsimd.fpsr, true);
    fp.setUint32(FPCR, info.fpsimd.fpcr, true);
    return { general, extended };
  },

  restoreOthers(tid, core) {
    const info = core.ti_aarch64;
    if (!info) return;
    writeWords(tid, NT.ARM_TLS, [info.tls], "cannot set the thread pointer");
    if (info.pac_keys) restoreKeys(tid, info.pac_keys);
  },

  clearTid: (core) => core.ti_aarch64?.clear_tid_addr ?? 0,
};
