import {
  hasHeader,
  isScalable,
  maxVectorLength,
  plainRegisters,
  SVE,
  vectorLength,
  withHeader,
} from "../../agent/arch/sve.ts";
import { CrError } from "../../error.ts";
import {
  type CoreEntry,
  CoreEntryMarch,
  type PacKeys,
  type ThreadInfoAarch64,
  type TscriuRegset,
} from "../../image/schema.gen.ts";
import { getRegset, setRegset } from "../../kernel/ptrace.ts";
import { check } from "../../kernel/sys.ts";
import { toU64 } from "../../kernel/u64.ts";
import { NT } from "../../kernel/uapi/ptrace.ts";
import type { OtherRegisters, RegisterKind } from "./entry.ts";

/** struct user_pt_regs (asm/ptrace.h): x0..x30, then these. */
const GENERAL = 31;
const SP = 31;
const PC = 32;
const PSTATE = 33;
/** struct user_fpsimd_state: 32 vectors of 16 bytes, then these. */
const VECTORS = 64;
const FPSR = 512;
const FPCR = 516;

/** Register sets that images have no field for; a machine without one sees nothing missing when it is all zero. */
const EXTENSIONS: ReadonlyMap<number, string> = new Map([
  [NT.ARM_SVE, "scalable vectors (SVE)"],
  [NT.ARM_TAGGED_ADDR_CTRL, "tagged addresses"],
  [NT.ARM_FPMR, "the 8-bit floating point mode"],
  [NT.ARM_POE, "permission overlays"],
]);
const READ = [
  ...[NT.ARM_TLS, NT.ARM_PACA_KEYS, NT.ARM_PACG_KEYS, NT.ARM_PAC_ENABLED_KEYS, NT.ARM_TAGGED_ADDR_CTRL],
  ...[NT.ARM_FPMR, NT.ARM_POE, NT.ARM_SSVE, NT.ARM_ZA, NT.ARM_GCS],
];
/** Large enough for all of the above but the matrix, of which the header tells enough. */
const ROOM = 64;
const EINVAL = -22;

/** Register sets that this machine does not have. */
const absent = new Set<number>();
const buffer = new Uint8Array(ROOM);

function read(tid: number, type: number): Uint8Array | undefined {
  if (absent.has(type)) return undefined;
  const size = getRegset(tid, type, buffer);
  if (size === EINVAL) absent.add(type);
  return size > 0 ? buffer.slice(0, size) : undefined;
}

function word(bytes: Uint8Array | undefined, index: number): bigint {
  if (!bytes || bytes.length < (index + 1) * 8) return 0n;
  return new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(index * 8, true);
}

function half(bytes: Uint8Array | undefined, offset: number): number {
  return bytes && bytes.length >= offset + 2 ? new DataView(bytes.buffer, bytes.byteOffset).getUint16(offset, true) : 0;
}

function refuse(tid: number, what: string, remedy: string): CrError {
  return new CrError(`the task uses ${what}, which cannot be kept yet`, { code: "ENOTSUP", subject: { tid }, remedy });
}

/** @throws CrError for state that would be lost. */
function refuseUnknown(tid: number, others: OtherRegisters): void {
  // streaming mode: the registers are those of the matrix unit; the matrix: more than a header
  const streaming = (half(others.get(NT.ARM_SSVE), SVE.flags) & 1) !== 0;
  const matrix = others.get(NT.ARM_ZA);
  const storage = matrix !== undefined && new DataView(matrix.buffer).getUint32(SVE.size, true) > SVE.header;
  if (streaming || storage || word(others.get(NT.ARM_TLS), 1) !== 0n) {
    throw refuse(tid, "the matrix extension (SME)", "dump it while no matrix computation is under way");
  }
  if (word(others.get(NT.ARM_GCS), 0) !== 0n) {
    throw refuse(tid, "a guarded control stack", "start it with GLIBC_TUNABLES=glibc.cpu.aarch64_gcs=0");
  }
}

function dumpKeys(others: OtherRegisters): PacKeys | undefined {
  const address = others.get(NT.ARM_PACA_KEYS);
  const generic = others.get(NT.ARM_PACG_KEYS);
  if (!address && !generic) return undefined;
  const keys: PacKeys = {};
  if (address) {
    const at = (index: number) => toU64(word(address, index));
    keys.pac_address_keys = {
      apiakey_lo: at(0),
      apiakey_hi: at(1),
      apibkey_lo: at(2),
      apibkey_hi: at(3),
      apdakey_lo: at(4),
      apdakey_hi: at(5),
      apdbkey_lo: at(6),
      apdbkey_hi: at(7),
      pac_enabled_key: toU64(word(others.get(NT.ARM_PAC_ENABLED_KEYS), 0)),
    };
  }
  if (generic) keys.pac_generic_keys = { apgakey_lo: toU64(word(generic, 0)), apgakey_hi: toU64(word(generic, 1)) };
  return keys;
}

function dumpRegsets(extended: Uint8Array, others: OtherRegisters): TscriuRegset[] {
  const sets: TscriuRegset[] = [];
  if (hasHeader(extended)) {
    // without scalable registers the length of a vector is all that is left to know
    sets.push({ type: NT.ARM_SVE, state: isScalable(extended) ? extended : extended.slice(0, SVE.header) });
  }
  for (const type of EXTENSIONS.keys()) {
    const state = others.get(type);
    if (state?.some((byte) => byte !== 0)) sets.push({ type, state });
  }
  return sets;
}

function write(tid: number, type: number, state: Uint8Array, what: string): void {
  check(setRegset(tid, type, state), `cannot set ${what}: has this CPU none?`, { tid });
}

function words(values: readonly (number | bigint)[]): Uint8Array {
  return new Uint8Array(BigUint64Array.from(values, (value) => BigInt.asUintN(64, BigInt(value))).buffer);
}

function restoreKeys(tid: number, keys: PacKeys): void {
  const a = keys.pac_address_keys;
  if (a) {
    const values = [
      a.apiakey_lo,
      a.apiakey_hi,
      a.apibkey_lo,
      a.apibkey_hi,
      a.apdakey_lo,
      a.apdakey_hi,
      a.apdbkey_lo,
      a.apdbkey_hi,
    ];
    write(tid, NT.ARM_PACA_KEYS, words(values), "the pointer authentication keys");
    // a kernel before 5.13 has all keys enabled, always
    if (getRegset(tid, NT.ARM_PAC_ENABLED_KEYS, buffer) > 0) {
      write(tid, NT.ARM_PAC_ENABLED_KEYS, words([a.pac_enabled_key]), "which authentication keys are enabled");
    }
  }
  const g = keys.pac_generic_keys;
  if (g) write(tid, NT.ARM_PACG_KEYS, words([g.apgakey_lo, g.apgakey_hi]), "the generic authentication key");
}

function lacking(what: string): CrError {
  return new CrError(`the image holds ${what}, which this CPU or kernel does not offer`, {
    code: "ENOTSUP",
    remedy: "restore on a machine whose CPU has the features of the one that dumped",
  });
}

/** The extended state in the form that this machine has it. */
function buildExtended(info: ThreadInfoAarch64, template: Uint8Array): Uint8Array {
  const plain = new Uint8Array(FPCR + 12);
  const fp = new DataView(plain.buffer);
  for (const [i, value] of info.fpsimd.vregs.slice(0, VECTORS).entries()) {
    fp.setBigUint64(i * 8, BigInt.asUintN(64, BigInt(value)), true);
  }
  fp.setUint32(FPSR, info.fpsimd.fpsr, true);
  fp.setUint32(FPCR, info.fpsimd.fpcr, true);
  const saved = info.tscriu_regsets.find(({ type }) => type === NT.ARM_SVE)?.state;
  if (!hasHeader(template)) {
    if (saved) throw lacking("scalable vectors (SVE)");
    return plain;
  }
  if (!saved) return withHeader(template, plain);
  if (saved.length < SVE.header) {
    throw new CrError("the image's vector registers are cut short", { code: "BAD_IMAGE" });
  }
  if (vectorLength(saved) > maxVectorLength(template)) {
    throw lacking(`scalable vectors of ${vectorLength(saved) * 8} bits`);
  }
  return saved.length === SVE.header ? withHeader(saved, plain) : saved;
}

function foreign({ mtype }: CoreEntry): CrError {
  return new CrError("the image is of another architecture", {
    code: "ENOEXEC",
    subject: { machine: mtype },
    remedy: "restore on a machine of the kind that dumped: this one is aarch64",
  });
}

export const aarch64: RegisterKind = {
  readOthers(tid) {
    const others = new Map<number, Uint8Array>();
    for (const type of READ) {
      const state = read(tid, type);
      if (state) others.set(type, state);
    }
    refuseUnknown(tid, others);
    return others;
  },

  dump(tid, { general, extended, others }, clearTid) {
    const plain = plainRegisters(extended);
    const fp = new DataView(plain.buffer, plain.byteOffset, plain.byteLength);
    const tls = others.get(NT.ARM_TLS);
    if (!tls) throw new CrError("cannot read the thread pointer", { code: "ENOTSUP", subject: { tid } });
    return {
      mtype: CoreEntryMarch.AARCH64,
      ti_aarch64: {
        clear_tid_addr: clearTid,
        tls: toU64(word(tls, 0)),
        gpregs: {
          regs: Array.from(general.subarray(0, GENERAL), toU64),
          sp: toU64(general[SP] ?? 0n),
          pc: toU64(general[PC] ?? 0n),
          pstate: toU64(general[PSTATE] ?? 0n),
        },
        fpsimd: {
          vregs: Array.from({ length: VECTORS }, (_, i) => toU64(fp.getBigUint64(i * 8, true))),
          fpsr: fp.getUint32(FPSR, true),
          fpcr: fp.getUint32(FPCR, true),
        },
        pac_keys: dumpKeys(others),
        tscriu_regsets: dumpRegsets(extended, others),
      },
    };
  },

  permit: () => undefined,

  requireOwn(core) {
    if (core.mtype !== CoreEntryMarch.AARCH64) throw foreign(core);
  },

  build(core, puppet) {
    const info = core.ti_aarch64;
    if (core.mtype !== CoreEntryMarch.AARCH64 || !info) throw foreign(core);
    const general = new BigUint64Array(puppet.general.length);
    for (const [i, value] of info.gpregs.regs.slice(0, GENERAL).entries())
      general[i] = BigInt.asUintN(64, BigInt(value));
    general[SP] = BigInt.asUintN(64, BigInt(info.gpregs.sp));
    general[PC] = BigInt.asUintN(64, BigInt(info.gpregs.pc));
    general[PSTATE] = BigInt.asUintN(64, BigInt(info.gpregs.pstate));
    return { general, extended: buildExtended(info, puppet.extended) };
  },

  restoreOthers(tid, core) {
    const info = core.ti_aarch64;
    if (!info) return;
    check(setRegset(tid, NT.ARM_TLS, words([info.tls])), "cannot set the thread pointer", { tid });
    if (info.pac_keys) restoreKeys(tid, info.pac_keys);
    for (const { type, state } of info.tscriu_regsets) {
      // the vectors are set with the plain ones
      if (type === NT.ARM_SVE) continue;
      write(tid, type, state, EXTENSIONS.get(type) ?? `register set 0x${type.toString(16)}`);
    }
  },

  clearTid: (core) => core.ti_aarch64?.clear_tid_addr ?? 0,
};
