import { arch } from "../../agent/arch/index.ts";
import { PSEUDO } from "../../agent/layout.ts";
import { CrError } from "../../error.ts";
import { keep } from "../../image/codec.ts";
import {
  type CoreEntry,
  CoreEntryMarch,
  type UserDescT,
  type UserX86RegsEntry,
  UserX86RegsMode,
} from "../../image/schema.gen.ts";
import { NR } from "../../kernel/nr.ts";
import { getThreadArea, setThreadArea } from "../../kernel/ptrace.ts";
import { check } from "../../kernel/sys.ts";
import { putU64s, u64At } from "../../kernel/u64.ts";
import { ARCH } from "../../kernel/uapi/prctl.ts";
import type { OtherRegisters, RegisterKind } from "./entry.ts";
import { buildXstate, dumpXstate } from "./xstate.ts";

/** struct user_regs_struct (sys/user.h), in its order; the image names them alike. */
const NAMES = [
  ...([
    "r15",
    "r14",
    "r13",
    "r12",
    "bp",
    "bx",
    "r11",
    "r10",
    "r9",
    "r8",
    "ax",
    "cx",
    "dx",
    "si",
    "di",
    "orig_ax",
  ] as const),
  ...(["ip", "cs", "flags", "sp", "ss", "fs_base", "gs_base", "ds", "es", "fs", "gs"] as const),
] as const;
const ORIG_AX = NAMES.indexOf("orig_ax");
const FS_BASE = NAMES.indexOf("fs_base");
const GS_BASE = NAMES.indexOf("gs_base");
/** Registers of struct user_regs_struct32 (asm/user32.h), in 32 bits; an image leaves the others 0. */
const NARROW: ReadonlySet<string> = new Set([
  ...["bx", "cx", "dx", "si", "di", "bp", "ax", "ds", "es", "fs", "gs", "orig_ax", "ip", "cs", "flags", "sp", "ss"],
]);
const NOT_IN_SYSCALL = 0xffff_ffff_ffff_ffffn;

/** The one component that a process must ask for: Documentation/arch/x86/xstate.rst. */
const TILE_DATA = 18;
/** LDTILECFG's operand (Intel SDM volume 2): palette 1, the first tile one row of 64 bytes. */
const ONE_TILE = new Uint8Array(64);
ONE_TILE[0] = 1;
ONE_TILE[16] = 64;
ONE_TILE[48] = 1;
/** The three slots of the GDT that belong to a thread (asm/segment.h). */
const TLS_SLOTS = [12, 13, 14] as const;

/** struct user_desc (asm/ldt.h): number, base, limit, then one bit field. */
const FLAGS = {
  seg_32bit: 0,
  contents_l: 1,
  contents_h: 2,
  read_exec_only: 3,
  limit_in_pages: 4,
  seg_not_present: 5,
  usable: 6,
} as const;

function readSlots(tid: number): OtherRegisters {
  const slots = new Map<number, Uint8Array>();
  for (const slot of TLS_SLOTS) {
    const desc = new Uint8Array(16);
    // a kernel without 32-bit support has no such request: then the slots are empty
    if (getThreadArea(tid, slot, desc) === 0) slots.set(slot, desc);
  }
  return slots;
}

function describeSlot(slot: number, raw: Uint8Array | undefined): UserDescT {
  const desc = new Uint32Array((raw ?? new Uint8Array(16)).slice().buffer);
  const bits = raw ? (desc[3] ?? 0) : (1 << FLAGS.read_exec_only) | (1 << FLAGS.seg_not_present);
  const flag = (name: keyof typeof FLAGS) => ((bits >> FLAGS[name]) & 1) === 1;
  return {
    entry_number: slot,
    base_addr: desc[1] ?? 0,
    limit: desc[2] ?? 0,
    seg_32bit: flag("seg_32bit"),
    contents_h: flag("contents_h"),
    contents_l: flag("contents_l"),
    read_exec_only: flag("read_exec_only"),
    limit_in_pages: flag("limit_in_pages"),
    seg_not_present: flag("seg_not_present"),
    usable: flag("usable"),
  };
}

/** The slots that were last described: threads are alike. */
let last: { slots: OtherRegisters; tls: UserDescT[] } | undefined;

function sameSlots(a: OtherRegisters, b: OtherRegisters): boolean {
  return TLS_SLOTS.every((slot) => {
    const [one, other] = [a.get(slot), b.get(slot)];
    return one && other ? Buffer.compare(one, other) === 0 : one === other;
  });
}

function describeSlots(slots: OtherRegisters): UserDescT[] {
  if (!last || !sameSlots(last.slots, slots))
    last = { slots, tls: keep(TLS_SLOTS.map((slot) => describeSlot(slot, slots.get(slot)))) };
  return last.tls;
}

function isEmpty(desc: UserDescT): boolean {
  return desc.base_addr === 0 && desc.limit === 0 && desc.seg_not_present && !desc.usable;
}

/** Where the segment of a selector begins: a slot of the thread's, or the null segment. */
function baseOf(selector: number | bigint, tls: readonly UserDescT[]): bigint {
  return BigInt(tls.find((desc) => desc.entry_number === Number(selector) >> 3)?.base_addr ?? 0);
}

function foreign({ mtype }: CoreEntry): CrError {
  return new CrError("the image is of another architecture", {
    code: "ENOEXEC",
    subject: { machine: mtype },
    remedy: "restore on a machine of the kind that dumped: this one is x86-64",
  });
}

export const x86_64: RegisterKind = {
  readOthers: readSlots,

  dump(_tid, raw, clearTid) {
    const isI386 = arch.isI386(raw.general);
    const values: Partial<UserX86RegsEntry> = { mode: isI386 ? UserX86RegsMode.COMPAT : UserX86RegsMode.NATIVE };
    const halves = new Uint32Array(raw.general.buffer, raw.general.byteOffset, NAMES.length * 2);
    for (let i = 0; i < NAMES.length; i++) {
      const name = NAMES[i];
      if (!name) continue;
      if (isI386) values[name] = NARROW.has(name) ? (halves[i * 2] ?? 0) : 0;
      else values[name] = u64At(halves, i);
    }
    const gpregs = values as UserX86RegsEntry;
    return {
      mtype: CoreEntryMarch.X86_64,
      thread_info: {
        clear_tid_addr: clearTid,
        gpregs,
        fpregs: dumpXstate(raw.extended),
        tls: describeSlots(raw.others),
      },
    };
  },

  permit(program, core) {
    const states = core.thread_info?.fpregs.xsave?.tscriu_xstates ?? [];
    const inUse = states.some(({ component }) => component === TILE_DATA);
    if (!inUse && !core.tc?.tscriu_xcomp_perm) return;
    program.call(NR.arch_prctl, [ARCH.REQ_XCOMP_PERM, TILE_DATA], {
      what: "cannot get leave to use AMX registers, which the task had",
    });
    if (inUse) program.call(PSEUDO.useTiles, [program.data(ONE_TILE)]);
  },

  requireOwn(core) {
    if (core.mtype !== CoreEntryMarch.X86_64) throw foreign(core);
  },

  build(core, puppet) {
    const info = core.thread_info;
    if (core.mtype !== CoreEntryMarch.X86_64 || !info) throw foreign(core);
    const general = new BigUint64Array(new ArrayBuffer(NAMES.length * 8));
    const values = NAMES.map((name) => info.gpregs[name]);
    putU64s(new Uint8Array(general.buffer), values.length, values);
    // what the call was is worked into the other registers: the kernel must not do it again
    general[ORIG_AX] = NOT_IN_SYSCALL;
    if (info.gpregs.mode === UserX86RegsMode.COMPAT) {
      // the image has no bases: they are those of the segments
      general[FS_BASE] = baseOf(info.gpregs.fs, info.tls);
      general[GS_BASE] = baseOf(info.gpregs.gs, info.tls);
    }
    return { general, extended: buildXstate(info.fpregs, puppet.extended) };
  },

  restoreOthers(tid, core) {
    for (const desc of core.thread_info?.tls ?? []) {
      if (isEmpty(desc)) continue;
      let bits = 0;
      for (const [name, bit] of Object.entries(FLAGS)) if (desc[name as keyof typeof FLAGS]) bits |= 1 << bit;
      const raw = Uint32Array.of(desc.entry_number, desc.base_addr, desc.limit, bits);
      check(setThreadArea(tid, desc.entry_number, raw), "cannot set a segment", {
        tid,
      });
    }
  },

  clearTid: (core) => core.thread_info?.clear_tid_addr ?? 0,
};
