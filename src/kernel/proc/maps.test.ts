import { afterAll, describe, expect, test } from "bun:test";
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { NR } from "../nr.ts";
import { pageSize } from "../page-size.ts";
import { must, sys } from "../sys.ts";
import { MADV, MAP, PROT } from "../uapi/mman.ts";
import { flagNames, hasFlag, parseMaps, readMaps, readSmaps, VM, type Vma } from "./maps.ts";
import { ProcDir } from "./read.ts";
import { Victim } from "./victim.testing.ts";

const PAGE = pageSize();
const PRIVATE = MAP.PRIVATE | MAP.ANONYMOUS;

function map(
  pages: number,
  prot: number = PROT.READ | PROT.WRITE,
  flags: number = PRIVATE,
  fd = -1,
  offset = 0,
): number {
  return must(NR.mmap, [0, pages * PAGE, prot, flags, fd, offset]);
}

function at(areas: readonly Vma[], address: number): Vma {
  const area = areas.find((one) => one.start <= address && address < one.end);
  if (!area) throw new Error(`nothing is mapped at ${address.toString(16)}`);
  return area;
}

test("the flags are bits of their own", () => {
  const bits = Object.values(VM);
  expect(new Set(bits).size).toBe(bits.length);
  const all = bits.reduce((sum, bit) => sum + bit, 0);
  expect(Number.isSafeInteger(all)).toBe(true);
  expect(flagNames(all)).toEqual(Object.keys(VM));
  for (const bit of bits) {
    expect(hasFlag(all, bit)).toBe(true);
    expect(hasFlag(all - bit, bit)).toBe(false);
  }
});

describe("text", () => {
  const smaps = (rest: string, flags: string) =>
    `Size:                  4 kB\nKernelPageSize:       64 kB\nRss:                   8 kB\n${rest}Swap:                 12 kB\nVmFlags: ${flags}\n`;

  test("mappings of all kinds", () => {
    const text = [
      "00400000-00452000 r-xp 00001000 08:02 173521                             /usr/bin/a b\n",
      smaps("", "rd ex mr mw me "),
      "7f0000000000-7f0000001000 rw-s 10000000 fd:10f 9007199254740991          /dev/zero (deleted)\n",
      smaps("", "rd wr sh zz mr sd ?? sl "),
      "7ffd00000000-7ffd00021000 ---p 00000000 00:00 0 \n",
      smaps("ProtectionKey:         5\n", ""),
      "ffffffffff600000-ffffffffff601000 --xp 00000000 00:00 0                  [vsyscall]\n",
      smaps("", "ex"),
    ].join("");
    const [a, b, c, d, ...rest] = parseMaps(Buffer.from(text));
    expect(rest).toEqual([]);
    expect(a).toEqual({
      start: 0x400000,
      end: 0x452000,
      prot: 5,
      shared: false,
      offset: 0x1000,
      dev: 8 * 0x100000 + 2,
      ino: 173521,
      name: "/usr/bin/a b",
      flags: VM.rd + VM.ex + VM.mr + VM.mw + VM.me,
      rss: 8192,
      swap: 12288,
      pageSize: 65536,
      pkey: 0,
    });
    expect(b).toMatchObject({ prot: 3, shared: true, offset: 0x10000000, dev: 0xfd * 0x100000 + 0x10f });
    expect(b).toMatchObject({ ino: Number.MAX_SAFE_INTEGER, name: "/dev/zero (deleted)" });
    expect(b?.flags).toBe(VM.rd + VM.wr + VM.sh + VM.mr + VM.sd + VM.sl);
    expect(c).toMatchObject({ prot: 0, name: "", flags: 0, ino: 0 });
    expect(d).toMatchObject({ start: 0xffffffffff600000, end: 0xffffffffff601000, prot: 4, name: "[vsyscall]" });
  });

  test("lines that move from mapping to mapping are found again", () => {
    const area = (n: number) => `${n}000-${n}800 rw-p 00000000 00:00 0 ${n % 2 ? "" : "      [anon:a]"}\n`;
    const text = [1, 2, 3, 4].map((n) => area(n) + smaps(n % 2 ? "Extra: 1\n" : "ProtectionKey: 3\n", "rd")).join("");
    const areas = parseMaps(Buffer.from(area(5) + smaps("ProtectionKey: 3\n", "wr") + text));
    expect(areas.map((one) => [one.start, one.pkey, one.swap, one.flags])).toEqual([
      [0x5000, 3, 12288, VM.wr],
      [0x1000, 0, 12288, VM.rd],
      [0x2000, 3, 12288, VM.rd],
      [0x3000, 0, 12288, VM.rd],
      [0x4000, 3, 12288, VM.rd],
    ]);
  });

  test("a line that is missing is not taken from the next mapping", () => {
    const head = "1000-2000 r--p 00000000 00:00 0 \n";
    const short = "VmFlags: rd\n";
    const filler = `${"X".repeat(short.length + head.length - 1)}\n`;
    const key = (n: number) => `ProtectionKey: ${n}\n`;
    // counted from its first line, the second mapping has the third one's key where the first has its own
    const text = `${head}${filler}${key(7)}${short}${head}${short}${head}${key(5)}${short}`;
    expect(parseMaps(Buffer.from(text)).map((area) => area.pkey)).toEqual([7, 0, 5]);
  });

  test("pages of hugetlb count as memory", () => {
    const huge = "Shared_Hugetlb:     2048 kB\nPrivate_Hugetlb:    4096 kB\n";
    const text = `1000-2000 r--p 00000000 00:00 0 /a\n${smaps(huge, "rd ht")}3000-4000 r--p 00000000 00:00 0 /a\n${smaps(huge, "rd")}`;
    expect(parseMaps(Buffer.from(text)).map((area) => area.rss)).toEqual([(8 + 2048 + 4096) * 1024, 8192]);
  });

  test("inodes beyond 53 bits round as statx(2) results do", () => {
    for (const ino of [0x8000_0000_0000_1234n, 0x2000_0000_0000_0401n, 9007199254740993n]) {
      const [area] = parseMaps(Buffer.from(`1000-2000 r--p 00000000 00:00 ${ino} /a\n`));
      expect(area?.ino).toBe(Number(ino));
    }
  });

  test("nothing is mapped", () => {
    expect(parseMaps(Buffer.from(""))).toEqual([]);
  });

  test.each(["00400000 r-xp", "hello", "00400000-00452000 r-xp 0 08-02 1 /a\n", "1-2\n"])("refuses %p", (text) => {
    expect(() => parseMaps(Buffer.from(text))).toThrow("unknown form");
  });

  test("refuses smaps that are cut short", () => {
    const text = `1000-2000 r--p 00000000 00:00 0 \n${smaps("", "rd")}2000-3000 r--p 00000000 00:00 0 \nSize: 4 kB\n`;
    expect(() => parseMaps(Buffer.from(text))).toThrow("without VmFlags");
  });
});

test("a process as a slow reading of maps sees it", async () => {
  await using victim = await Victim.start("");
  using dir = new ProcDir(victim.pid);
  const slow = readFileSync(`/proc/${victim.pid}/maps`, "utf8")
    .split("\n")
    .filter(Boolean)
    .map((line) => {
      const [range = "", prot = "", offset = "", dev = "", ino = "", ...name] = line.split(/ +/);
      const [start, end] = range.split("-").map((hex) => Number.parseInt(hex, 16));
      const [major = "", minor = ""] = dev.split(":");
      return {
        start,
        end,
        prot: (prot[0] === "r" ? 1 : 0) + (prot[1] === "w" ? 2 : 0) + (prot[2] === "x" ? 4 : 0),
        shared: prot[3] === "s",
        offset: Number.parseInt(offset, 16),
        dev: Number.parseInt(major, 16) * 0x100000 + Number.parseInt(minor, 16),
        ino: Number(ino),
        name: name.join(" "),
      };
    });
  expect(slow.length).toBeGreaterThan(5);
  expect(readMaps(dir)).toMatchObject(slow as Partial<Vma>[]);
  const areas = readSmaps(dir);
  expect(areas).toMatchObject(slow as Partial<Vma>[]);
  for (const area of areas) {
    expect(hasFlag(area.flags, VM.wr)).toBe((area.prot & PROT.WRITE) !== 0);
    expect(area.pageSize).toBe(PAGE);
  }
  expect(areas.some((area) => area.name === "[stack]" && hasFlag(area.flags, VM.gd))).toBe(true);
});

describe("our own mappings", () => {
  const dir = mkdtempSync(join(tmpdir(), "maps-"));
  const mapped: [number, number][] = [];
  afterAll(() => {
    for (const [address, pages] of mapped) sys(NR.munmap, address, pages * PAGE);
    rmSync(dir, { recursive: true });
  });
  const keep = (address: number, pages: number): number => {
    mapped.push([address, pages]);
    return address;
  };

  test("advice and locks are flags", () => {
    using self = new ProcDir(process.pid);
    const GAP = 2;
    const advice: readonly (readonly [number, number])[] = [
      [MADV.DONTFORK, VM.dc],
      [MADV.WIPEONFORK, VM.wf],
      [MADV.DONTDUMP, VM.dd],
      [MADV.SEQUENTIAL, VM.sr],
      [MADV.RANDOM, VM.rr],
    ];
    // a hole after each keeps the kernel from joining them
    const base = keep(map(advice.length * GAP + GAP), advice.length * GAP + GAP);
    advice.forEach(([one], i) => {
      must(NR.madvise, [base + i * GAP * PAGE, PAGE, one]);
      must(NR.mprotect, [base + (i * GAP + 1) * PAGE, PAGE, PROT.NONE]);
    });
    must(NR.mlock, [base + advice.length * GAP * PAGE, PAGE]);
    const reserve = keep(map(1, PROT.READ, PRIVATE | MAP.NORESERVE), 1);
    const areas = readSmaps(self);
    advice.forEach(([, flag], i) => {
      expect(flagNames(at(areas, base + i * GAP * PAGE).flags)).toContain(flagNames(flag)[0] ?? "?");
      expect(at(areas, base + (i * GAP + 1) * PAGE).flags % (flag * 2)).toBeLessThan(flag);
    });
    const locked = at(areas, base + advice.length * GAP * PAGE);
    expect(hasFlag(locked.flags, VM.lo)).toBe(true);
    expect(locked.rss).toBe(PAGE);
    expect(hasFlag(at(areas, reserve).flags, VM.nr)).toBe(true);
  });

  test("file names with newlines, blanks and backslashes", () => {
    using self = new ProcDir(process.pid);
    const names = ["a\nb", " a  b ", "a\\b", "äöü", "a (deleted)"];
    for (const name of names) {
      const path = join(dir, name);
      writeFileSync(path, Buffer.alloc(3 * PAGE));
      const fd = openSync(path, "r");
      const address = keep(map(1, PROT.READ, MAP.SHARED, fd, PAGE * 2), 1);
      closeSync(fd);
      const { ino } = statSync(path);
      expect(at(readMaps(self), address)).toMatchObject({ name: path, ino, offset: 2 * PAGE, shared: true, prot: 1 });
    }
  });

  test("ten thousand mappings", () => {
    using self = new ProcDir(process.pid);
    const pages = 10_000;
    const before = readMaps(self).length;
    const base = keep(map(pages, PROT.NONE), pages);
    for (let i = 0; i < pages; i += 2) must(NR.mprotect, [base + i * PAGE, PAGE, PROT.READ]);
    const areas = readSmaps(self);
    expect(areas.length).toBeGreaterThanOrEqual(before + pages - 2);
    const ours = areas.filter((area) => area.start >= base && area.end <= base + pages * PAGE);
    ours.forEach((area, i) => {
      expect(area.start).toBe(base + i * PAGE);
      expect(area.prot).toBe(i % 2 ? PROT.NONE : PROT.READ);
    });
  });
});
