import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import protobuf from "protobufjs";
import { CrError } from "../error.ts";
import { decode, encode, keep } from "./codec.ts";
import { messages } from "./descriptor.gen.ts";
import { descriptor } from "./descriptor.ts";
import { Reader } from "./wire-reader.ts";
import { Writer } from "./wire-writer.ts";

const maxU64 = 0xffffffffffffffffn;
const minI64 = -0x8000000000000000n;
const maxI64 = 0x7fffffffffffffffn;

function code(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof CrError) return error.code;
    throw error;
  }
  return "no error";
}

describe("64-bit integers", () => {
  const edges = [0n, 1n, 127n, 128n, 2n ** 28n - 1n, 2n ** 28n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 56n];
  const unsigned = [...edges, 2n ** 56n - 1n, 2n ** 63n, maxU64 - 1n, maxU64];
  const signed = [...edges, ...edges.map((n) => -n), maxI64, minI64, minI64 + 1n];
  const bytesOf = (value: bigint, width = 64): Uint8Array => {
    const out: number[] = [];
    let rest = BigInt.asUintN(width, value);
    while (rest > 0x7fn) {
      out.push(Number(rest & 0x7fn) | 0x80);
      rest >>= 7n;
    }
    return Uint8Array.from([...out, Number(rest)]);
  };
  const narrowed = (value: bigint): number | bigint =>
    value >= -(2n ** 53n - 1n) && value <= 2n ** 53n - 1n ? Number(value) : value;

  test.each(unsigned)("unsigned %p", (value) => {
    for (const given of new Set([value, narrowed(value)])) {
      const writer = new Writer();
      writer.uint64(given);
      expect(writer.finish()).toEqual(bytesOf(value));
      const fixed = new Writer();
      fixed.fixed64(given);
      expect(new Reader(fixed.finish()).fixed64()).toBe(narrowed(value));
    }
    expect(new Reader(bytesOf(value)).uint64()).toBe(narrowed(value));
  });

  test.each(signed)("signed %p", (value) => {
    for (const given of new Set([value, narrowed(value)])) {
      const plain = new Writer();
      plain.int64(given);
      expect(plain.finish()).toEqual(bytesOf(value));
      const zigzag = new Writer();
      zigzag.sint64(given);
      expect(zigzag.finish()).toEqual(bytesOf(value < 0n ? -2n * value - 1n : 2n * value));
      expect(new Reader(zigzag.finish()).sint64()).toBe(narrowed(value));
      const fixed = new Writer();
      fixed.fixed64(given);
      expect(new Reader(fixed.finish()).sfixed64()).toBe(narrowed(value));
    }
    expect(new Reader(bytesOf(value)).int64()).toBe(narrowed(value));
  });

  test("negative int32 takes ten bytes, zigzag few", () => {
    const writer = new Writer();
    writer.int32(-2);
    expect(writer.finish()).toEqual(bytesOf(-2n));
    expect(new Reader(writer.finish()).int32()).toBe(-2);
    const zigzag = new Writer();
    zigzag.sint32(-0x80000000);
    expect(zigzag.finish()).toEqual(bytesOf(0xffffffffn));
    expect(new Reader(zigzag.finish()).sint32()).toBe(-0x80000000);
  });
});

describe("messages", () => {
  test("absent optional fields stay absent, repeated ones are empty lists, zeros are kept", () => {
    const bytes = encode("pagemap_entry", { vaddr: 0, compat_nr_pages: 0, flags: 0 });
    expect([...bytes]).toEqual([0x08, 0, 0x10, 0, 0x20, 0]);
    const entry = decode("pagemap_entry", bytes);
    expect(entry).toEqual({ vaddr: 0, compat_nr_pages: 0, flags: 0 });
    expect(entry.nr_pages).toBeUndefined();
    expect(decode("seccomp_entry", new Uint8Array()).seccomp_filters).toEqual([]);
  });

  test("unknown enum numbers and unknown fields do no harm", () => {
    const bytes = encode("fdinfo_entry", { id: 1, flags: 0, type: 4711, fd: -0 });
    expect(decode("fdinfo_entry", bytes).type).toBe(4711);
    const writer = new Writer();
    writer.raw(bytes);
    writer.uint32(3000 * 8 + 2);
    writer.bytes(Uint8Array.of(1, 2, 3));
    expect(decode("fdinfo_entry", writer.finish())).toEqual(decode("fdinfo_entry", bytes));
  });

  test("a repeated scalar is read packed as well", () => {
    const packed = Uint8Array.of(0x6a, 3, 1, 0x80, 1);
    const base = encode("mm_entry", { ...minimal("mm_entry"), mm_saved_auxv: [] } as never);
    const bytes = Buffer.concat([base, packed]);
    expect(decode("mm_entry", bytes).mm_saved_auxv).toEqual([1, 128]);
  });

  test("a run of repeated integers ends where it ends", () => {
    const words = [0, 127, 128, 2 ** 14, 2 ** 21, 2 ** 28 - 1, 2 ** 28, 2 ** 32 - 1, 2 ** 32, 2 ** 40, 5, maxU64, 6];
    const withAuxv = (list: unknown[]) =>
      encode("mm_entry", { ...minimal("mm_entry"), mm_saved_auxv: list, dumpable: 3 } as never);
    const whole = withAuxv(words);
    expect(decode("mm_entry", whole)).toMatchObject({ mm_saved_auxv: words, dumpable: 3 });
    // what follows in the buffer is not the message's
    const again = Buffer.concat([withAuxv([1, 2]).subarray(0, -2), Uint8Array.of(0x68, 7)]);
    expect(decode("mm_entry", again, 0, again.length - 2).mm_saved_auxv).toEqual([1, 2]);
    expect(code(() => decode("mm_entry", again, 0, again.length - 1))).toBe("BAD_IMAGE");
    const many = { mxcsr: 1, xmm_space: [1, 2 ** 31, 300], xsave: { xstate_bv: 1, ymmh_space: [9, 2 ** 32 - 1] } };
    const state = {
      ...minimal("user_x86_fpregs_entry"),
      ...many,
      xsave: { ...minimal("user_x86_xsave_entry"), ...many.xsave },
    };
    expect(decode("user_x86_fpregs_entry", encode("user_x86_fpregs_entry", state as never))).toMatchObject(many);
  });

  test("messages that are alike come as often as they are there", () => {
    const [one, other] = [1, 2].map((n) => ({
      sigaction: n,
      flags: 0,
      restorer: 2 ** 40,
      mask: 0,
      compat_sigaction: false,
    }));
    const sigactions = [one, one, one, other, one, other, other];
    const core = { ...minimal("task_core_entry"), sigactions };
    const bytes = encode("task_core_entry", core as never);
    expect(decode("task_core_entry", bytes).sigactions as object[]).toEqual(sigactions as object[]);
    const last = encode("task_core_entry", { ...minimal("task_core_entry"), sigactions: [one, one] } as never);
    expect(code(() => decode("task_core_entry", last, 0, last.length - 1))).toBe("BAD_IMAGE");
  });

  test("typed arrays serve as lists", () => {
    const value = { filter: new Uint8Array(8), flags: 0 };
    expect(decode("seccomp_filter", encode("seccomp_filter", value)).filter).toEqual(new Uint8Array(8));
    const auxv = encode("mm_entry", {
      ...minimal("mm_entry"),
      mm_saved_auxv: new BigUint64Array([1n, maxU64]),
    } as never);
    expect(decode("mm_entry", auxv).mm_saved_auxv).toEqual([1, maxU64]);
  });

  test("names that are no UTF-8 survive", () => {
    const raw = Uint8Array.of(0x2f, 0xff, 0xc3, 0x28, 0xe2, 0x82, 0xac, 0xed, 0xa0, 0x80, 0xf0, 0x9f);
    const writer = new Writer();
    writer.uint32(1 * 8 + 2);
    writer.bytes(raw);
    const entry = decode("aa_policy", Buffer.concat([writer.finish(), Uint8Array.of(0x12, 0)]));
    expect(entry.name.startsWith("/")).toBeTrue();
    expect([...encode("aa_policy", entry)]).toEqual([...writer.finish(), 0x12, 0]);
  });

  test("what does not fit is refused by name", () => {
    const entry = { vaddr: 0, compat_nr_pages: 0 };
    expect(code(() => encode("pagemap_entry", { ...entry, vaddr: -1 }))).toBe("BAD_VALUE");
    expect(code(() => encode("pagemap_entry", { ...entry, vaddr: 2 ** 53 }))).toBe("BAD_VALUE");
    expect(code(() => encode("pagemap_entry", { ...entry, vaddr: maxU64 + 1n }))).toBe("BAD_VALUE");
    expect(code(() => encode("pagemap_entry", { ...entry, compat_nr_pages: 2 ** 32 }))).toBe("BAD_VALUE");
    expect(code(() => encode("pagemap_entry", { ...entry, compat_nr_pages: 1.5 }))).toBe("BAD_VALUE");
    expect(code(() => encode("pagemap_entry", { vaddr: 1 } as never))).toBe("BAD_VALUE");
    expect(code(() => encode("aa_policy", { name: 1, blob: new Uint8Array() } as never))).toBe("BAD_VALUE");
  });

  test("what is no message is refused", () => {
    const bad = (...bytes: number[]): string => code(() => decode("pagemap_entry", Uint8Array.from(bytes)));
    expect(bad(0x08)).toBe("BAD_IMAGE");
    expect(bad(0x08, 0x80)).toBe("BAD_IMAGE");
    expect(bad(...new Array<number>(12).fill(0xff))).toBe("BAD_IMAGE");
    expect(bad(0x08, 1)).toBe("BAD_IMAGE"); // lacks a required field
    expect(bad(0x0a, 1, 1)).toBe("BAD_IMAGE"); // another wire type
    expect(bad(0x08, 1, 0x10, 1, 0x7b)).toBe("BAD_IMAGE"); // a group
    expect(bad(0x08, 1, 0x10, 1, 0x7a, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f)).toBe("BAD_IMAGE");
    const nest = (depth: number): Parameters<typeof encode<"aa_namespace">>[1] =>
      depth === 0 ? { name: "a", policies: [] } : { name: "a", policies: [], namespaces: [nest(depth - 1)] };
    expect(code(() => decode("aa_namespace", encode("aa_namespace", nest(90))))).toBe("no error");
    const nested = encode("aa_namespace", nest(110));
    expect(code(() => decode("aa_namespace", nested))).toBe("BAD_IMAGE");
  });
});

/** A message with a value in every field (or only the required ones), made from its descriptor. */
function filled(message: string, seed: number, depth = 0, all = true): Record<string, unknown> {
  const entry: Record<string, unknown> = {};
  for (const field of descriptor(message).fields) {
    if (field.label !== "required" && (!all || depth > 3)) continue;
    const one = field.kind === "message" ? filled(field.type, seed + 1, depth + 1, all) : sampleOf(field.type, seed);
    const isList = field.label === "repeated" || field.label === "packed";
    entry[field.name] = isList ? [one, one] : one;
    seed = (seed * 7 + 3) % 1009;
  }
  return entry;
}

function minimal(message: string): Record<string, unknown> {
  return filled(message, 1, 0, false);
}

function sampleOf(type: string, seed: number): unknown {
  if (type === "bool") return seed % 2 === 0;
  if (type === "string") return `text ${seed} ä€`;
  if (type === "bytes") return Uint8Array.from({ length: seed % 200 }, (_, i) => (i * seed) & 0xff);
  if (/^s?int/.test(type)) return -seed;
  return /int|fixed/.test(type) ? seed * 1000 : seed % 100;
}

test("every message encodes as protobufjs encodes it", () => {
  const root = new protobuf.Root();
  const dir = join(import.meta.dir, "../../proto");
  for (const file of readdirSync(dir))
    if (file !== "options.proto") protobuf.parse(readFileSync(join(dir, file), "utf8"), root, { keepCase: true });
  root.resolveAll();
  for (const name of Object.keys(messages))
    for (const seed of [0, 5, 300]) {
      const entry = filled(name, seed);
      const ours = encode(name as "core_entry", entry as never);
      const theirs = root.lookupType(name).encode(entry).finish();
      expect(Buffer.from(ours).equals(theirs), name).toBeTrue();
      expect(encode(name as "core_entry", decode(name as "core_entry", ours))).toEqual(ours);
    }
});

test("what is kept is written as all else, each time", () => {
  const entry = (ids: number[]) => {
    const creds = { uid: 1, gid: 2, euid: 3, egid: 4, suid: 5, sgid: 6, fsuid: 7, fsgid: 8, secbits: 9 };
    const more = { cap_inh: [1, 2], cap_prm: [3, 4], cap_eff: [5, 6], cap_bnd: [7, 8], groups: ids };
    return encode("thread_core_entry", {
      futex_rla: 1,
      futex_rla_len: 2,
      creds: { ...creds, ...more },
    });
  };
  const plain = entry([10, 11]);
  const groups = keep([10, 11]);
  for (let i = 0; i < 3; i++) expect(entry(groups)).toEqual(plain);
  const creds = keep({ uid: 1, gid: 2, euid: 3, egid: 4, suid: 5, sgid: 6, fsuid: 7, fsgid: 8, secbits: 300 });
  const whole = (comm: string) => encode("thread_core_entry", { futex_rla: 1, futex_rla_len: 2, creds, comm });
  const seen = [whole("a"), whole("b"), whole("a")];
  expect(seen[2]).toEqual(seen[0] as Uint8Array);
  for (const bytes of seen) expect(decode("thread_core_entry", bytes).creds?.secbits).toBe(300);
});
