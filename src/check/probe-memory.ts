/** Probes about memory: page maps, vDSO, userfaultfd, huge pages. */
import { closeSync, openSync, readSync, writeFileSync } from "node:fs";
import { i386Program } from "../agent/i386.ts";
import { openMapFile } from "../kernel/memory.ts";
import { readMaps, type Vma } from "../kernel/proc/maps.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import { addressOf, cstring } from "../kernel/sys.ts";
import { Child, executes } from "./child.ts";
import { call, failed, type Probes, Scope, type Verdict, works } from "./probe.ts";

const page = 4096;
const readWrite = 3;
const MAP_SHARED = 1;
const MAP_PRIVATE_ANONYMOUS = 0x22;
const MREMAP_MOVE_TO = 3;
const MADV_GUARD_INSTALL = 102;
const MFD_HUGETLB = 4;
const PAGEMAP_SCAN = 0xc0606610;
const PAGE_IS_PRESENT = 1 << 3;
const PAGE_IS_GUARD = 1 << 8;
const softDirtyBit = 55n;
const UFFDIO_API = 0xc018aa3f;
/** UFFD_FEATURE_EVENT_FORK, _REMAP, _REMOVE and _UNMAP */
const eventFeatures = (1 << 1) | (1 << 2) | (1 << 3) | (1 << 6);
const ARCH_MAP_VDSO_32 = 0x2002;
const ARCH_MAP_VDSO_64 = 0x2003;
const ringEvents = 16;

/** A page of our own that is unmapped with the scope. */
function ownPage(scope: Scope, flags = MAP_PRIVATE_ANONYMOUS, fd = -1): number {
  const address = call("mmap", 0, page, readWrite, flags, fd, 0);
  if (address < 0) throw new Error(failed("mmap", address));
  scope.defer(() => call("munmap", address, page));
  return address;
}

function mapFiles(): Verdict {
  using scope = new Scope();
  const fd = scope.open("memfd_create", addressOf(cstring("tscriu-check")), 1);
  call("ftruncate", fd, page);
  const address = ownPage(scope, MAP_SHARED, fd);
  const link = openMapFile(process.pid, address, address + page, 0);
  if (link >= 0) call("close", link);
  return works("opening a link in /proc/PID/map_files", link);
}

/** Writes a page, clears the mark in the child's page map, and looks whether the next write sets it again. */
function softDirty(): Verdict {
  using child = new Child();
  const address = child.put(new Uint8Array([1]));
  const marked = (): boolean => {
    const fd = openSync(`/proc/${child.pid}/pagemap`, "r");
    const entry = new BigUint64Array(1);
    readSync(fd, new Uint8Array(entry.buffer), 0, 8, Math.floor(address / page) * 8);
    closeSync(fd);
    return (((entry[0] ?? 0n) >> softDirtyBit) & 1n) === 1n;
  };
  writeFileSync(`/proc/${child.pid}/clear_refs`, "4");
  if (marked()) return "the mark of a changed page cannot be cleared";
  child.put(new Uint8Array([2]));
  return marked() ? undefined : "changed pages are not marked";
}

/** PAGEMAP_SCAN of one page of ours. @returns how many regions match, or -errno */
function scanPage(address: number, category: number): number {
  using scope = new Scope();
  const fd = scope.path("/proc/self/pagemap");
  const regions = new BigUint64Array(3);
  const arg = new BigUint64Array(12);
  [arg[0], arg[2], arg[3]] = [96n, BigInt(address), BigInt(address + page)];
  [arg[5], arg[6]] = [BigInt(addressOf(regions)), 1n];
  arg[9] = BigInt(category);
  arg[11] = BigInt(category);
  return call("ioctl", fd, PAGEMAP_SCAN, addressOf(arg));
}

function pagemapScan(): Verdict {
  using scope = new Scope();
  const address = ownPage(scope);
  // reading into the page brings it in
  call("read", scope.path("/proc/self/stat"), address, 8);
  const found = scanPage(address, PAGE_IS_PRESENT);
  return found < 0 ? failed("PAGEMAP_SCAN", found) : found === 1 ? undefined : "PAGEMAP_SCAN misses a page";
}

function scanGuards(): Verdict {
  using scope = new Scope();
  const address = ownPage(scope);
  const guard = call("madvise", address, page, MADV_GUARD_INSTALL);
  if (guard < 0) return failed("MADV_GUARD_INSTALL", guard);
  const found = scanPage(address, PAGE_IS_GUARD);
  return found < 0 ? failed("PAGEMAP_SCAN", found) : found === 1 ? undefined : "PAGEMAP_SCAN misses a guard page";
}

/** The ring moves, and must be found under its new address. */
function aioRemap(): Verdict {
  using child = new Child();
  child.put(new Uint8Array(8));
  const made = child.call("io_setup", ringEvents, child.scratch);
  if (made < 0) return failed("io_setup", made);
  const ring = Number(new DataView(child.memory.read(child.scratch, 8).buffer).getBigUint64(0, true));
  const area = mapsOf(child).find((vma) => vma.start === ring);
  if (!area) return "the ring is not in the maps";
  const size = area.end - area.start;
  const free = child.must("mmap", 0, size, readWrite, MAP_PRIVATE_ANONYMOUS, -1, 0);
  const moved = child.call("mremap", ring, size, size, MREMAP_MOVE_TO, free);
  if (moved < 0) return failed("moving the ring", moved);
  return works("using the moved ring", child.call("io_getevents", free, 0, 1, child.scratch, 0));
}

function mapsOf(child: Child): Vma[] {
  using dir = new ProcDir(child.pid);
  return readMaps(dir);
}

function specialAreas(child: Child): Vma[] {
  return mapsOf(child).filter((vma) => vma.name === "[vdso]" || vma.name.startsWith("[vvar"));
}

function mremapSpecial(): Verdict {
  using child = new Child();
  const vdso = specialAreas(child).find((vma) => vma.name === "[vdso]");
  if (!vdso) return "this kernel gives tasks no vDSO";
  const size = vdso.end - vdso.start;
  const free = child.must("mmap", 0, size, readWrite, MAP_PRIVATE_ANONYMOUS, -1, 0);
  return works("moving the vDSO", child.call("mremap", vdso.start, size, size, MREMAP_MOVE_TO, free));
}

/** Takes the child's vDSO away and asks for another one. */
function mapVdso(code: number): Verdict {
  if (process.arch !== "x64") return "this architecture has no call for it";
  using child = new Child();
  const areas = specialAreas(child);
  for (const { start, end } of areas) child.must("munmap", start, end - start);
  const room = 16 * page;
  const hint = child.must(
    "mmap",
    0,
    room,
    readWrite,
    MAP_PRIVATE_ANONYMOUS | (code === ARCH_MAP_VDSO_32 ? 0x40 : 0),
    -1,
    0,
  );
  child.must("munmap", hint, room);
  return works("mapping a vDSO", child.call("arch_prctl", code, hint));
}

function userfault(features: number): Verdict {
  using scope = new Scope();
  const fd = scope.open("userfaultfd", 0o2004000);
  const api = new BigUint64Array([0xaan, BigInt(features), 0n]);
  return works("UFFDIO_API", call("ioctl", fd, UFFDIO_API, addressOf(api)));
}

function memfdHugetlb(): Verdict {
  const fd = call("memfd_create", addressOf(cstring("tscriu-check")), 1 | MFD_HUGETLB);
  if (fd >= 0) call("close", fd);
  return works("MFD_HUGETLB", fd);
}

/** From an odd address, of an odd length. */
function vmsplice(): Verdict {
  using scope = new Scope();
  const [, input] = scope.pair("pipe2");
  const bytes = new Uint8Array(64);
  const iov = new BigUint64Array([BigInt(addressOf(bytes) + 3), 21n]);
  const done = call("vmsplice", input, addressOf(iov), 1, 0);
  return done < 0 ? failed("vmsplice", done) : done === 21 ? undefined : `vmsplice takes ${done} bytes of 21`;
}

/** An overlay in a mount namespace of the child's: a mapping must name the same file as fstat does. */
function overlayMaps(): Verdict {
  using child = new Child();
  child.must("unshare", 0x20000);
  const text = (value: string, at: number): number => child.put(value, at);
  const mount = (source: string, target: string, type: string, flags: number, data: string): number =>
    child.call("mount", text(source, 0), text(target, 256), text(type, 512), flags, text(data, 768));
  // private and recursive first: nothing may reach the namespace that we came from
  const isolated = mount("none", "/", "", 0x44000, "");
  if (isolated < 0) return failed("a private mount tree", isolated);
  const base = mount("none", "/proc", "tmpfs", 0, "");
  if (base < 0) return failed("mounting tmpfs", base);
  for (const name of ["l", "u", "w", "m"]) child.must("mkdirat", -100, text(`/proc/${name}`, 0), 0o700);
  const file = child.must("openat", -100, text("/proc/l/f", 0), 0o102, 0o600);
  child.must("ftruncate", file, page);
  const overlay = mount("overlay", "/proc/m", "overlay", 0, "lowerdir=/proc/l,upperdir=/proc/u,workdir=/proc/w");
  if (overlay < 0) return failed("mounting overlayfs", overlay);
  const seen = child.must("openat", -100, text("/proc/m/f", 0), 0, 0);
  const address = child.must("mmap", 0, page, 1, 2, seen, 0);
  child.must("fstat", seen, child.scratch);
  // st_ino is the second word of struct stat
  const inode = Number(new DataView(child.memory.read(child.scratch, 16).buffer).getBigUint64(8, true));
  const vma = mapsOf(child).find((area) => area.start === address);
  return vma?.ino === inode ? undefined : "mappings name a file of the layer below";
}

/** Some virtual machines run no 32-bit programs, whatever their kernel was built for. */
function compatible(): Verdict {
  const vdso = mapVdso(ARCH_MAP_VDSO_32);
  if (vdso !== undefined) return vdso;
  return executes(i386Program()) ? undefined : "the kernel does not execute 32-bit programs";
}

export const memoryProbes = {
  map_files: mapFiles,
  mem_dirty_track: softDirty,
  pagemap_scan: pagemapScan,
  pagemap_scan_guard_pages: scanGuards,
  aio_remap: aioRemap,
  mremap_special: mremapSpecial,
  can_map_vdso: () => mapVdso(ARCH_MAP_VDSO_64),
  compat_cr: compatible,
  uffd: () => userfault(0),
  "uffd-noncoop": () => userfault(eventFeatures),
  memfd_hugetlb: memfdHugetlb,
  vmsplice,
  overlayfs_maps: overlayMaps,
} as const satisfies Probes<string>;
