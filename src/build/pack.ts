/**
 * Makes a dynamic executable start by itself: the start-up code of `blobs/start.c`, the dynamic linker and the C library
 * are put before it, and the program header that named the interpreter becomes the one that loads the start-up code.
 *
 * The start-up code comes first of all: what the kernel reads of a file to see what it is, it reads with that, and nothing of the
 * program before it is told to read that in huge pages.
 */
import { readFileSync } from "node:fs";
import { CrError } from "../error.ts";
import { Elf, headerSize, PT } from "./elf.ts";
import { layInHugePages } from "./huge-pages.ts";
import { type Machine, run, toolPrefix } from "./native.ts";
import { writtenIn } from "./written.ts";

/** The largest page of either machine: whatever is mapped lies at a multiple of it, in the file and in memory. */
const pageLimit = 0x10000;

/** Mirrors `struct table` of blobs/start.c. */
const layout = {
  magic: 0x5354415254303032n,
  segments: 8,
  libraries: 8,
  written: 4,
  headers: 24,
  question: 8,
  answer: 64,
} as const;
/** Bytes before the start-up code, of its segment and of the file: for the ELF header and program headers. blobs/start.ld knows too. */
const headRoom = 4096;
/** Bytes of a file that any kernel reads with its first page. */
const firstRead = 16_384;
/** Bytes of a library's beginning that blobs/start.c copies where the rest need not be. */
const headLimit = 4096;
const tableSize =
  8 * (12 + 5 * layout.segments + 3 * layout.libraries + 2 * layout.written) +
  layout.question +
  layout.answer +
  headerSize * layout.headers;

/** The name of the linker and of the libraries, as the program asks for them; libgcc_s is loaded by `pthread_exit`. */
function neededBy(machine: Machine, path: string): string[] {
  const dynamic = run(`${toolPrefix(machine)}readelf`, ["-dW", path]);
  const names = [...dynamic.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map((match) => match[1] ?? "");
  return [...names.filter((name) => !name.startsWith("ld-linux")), "libgcc_s.so.1"];
}

/** A library of the machine that the compiler builds for. */
function libraryPath(machine: Machine, name: string): string {
  const path = run(`${toolPrefix(machine)}gcc`, [`-print-file-name=${name}`]).trim();
  if (!path.startsWith("/"))
    throw new CrError("the compiler knows no such library", { subject: { machine, library: name } });
  return path;
}

/** The version of the C library that is packed, as it calls itself. */
export function libraryVersion(machine: Machine): string {
  const text = readFileSync(libraryPath(machine, "libc.so.6")).toString("latin1");
  return /GNU C Library \((.*?)\)/.exec(text)?.[1] ?? "";
}

interface Placed {
  offset: number;
  size: number;
}

/** Grows at page boundaries. */
class Pile {
  private readonly parts: Uint8Array[] = [];
  length = 0;

  add(bytes: Uint8Array): Placed {
    const gap = (pageLimit - (this.length % pageLimit)) % pageLimit;
    const offset = this.length + gap;
    this.parts.push(new Uint8Array(gap), bytes);
    this.length = offset + bytes.length;
    return { offset, size: bytes.length };
  }

  all(): Uint8Array {
    return Buffer.concat(this.parts);
  }
}

/** `mov $9, %eax; syscall`: x86_64's way to make the call mmap. */
const mmapCall = Buffer.from([0xb8, 9, 0, 0, 0, 0x0f, 0x05]);

/** Address of the one place where a linker calls mmap; 0 where there is no such place, or more than one. */
function mmapOf(linker: Elf): number {
  const found = linker.of(PT.LOAD).flatMap(({ flags, offset, fileSize, address }) => {
    const text = Buffer.from(linker.bytes.subarray(offset, offset + (flags & 1 ? fileSize : 0)));
    const at = text.indexOf(mmapCall);
    if (at < 0) return [];
    return text.indexOf(mmapCall, at + 1) < 0 ? [address + at] : [0, 0];
  });
  return found.length === 1 ? (found[0] ?? 0) : 0;
}

/** Whether all that a linker reads of a library, not maps, lies in its first page. */
function hasShortHead(bytes: Uint8Array): boolean {
  const elf = new Elf("", bytes);
  return elf.segments.every(({ type, offset, fileSize, at }) => {
    const isRead = type === PT.NOTE || type === PT.PHDR;
    return at + headerSize <= headLimit && (!isRead || offset + fileSize <= headLimit);
  });
}

interface Exchange {
  readonly question: Uint8Array;
  readonly answer: Uint8Array;
}

/**
 * @param program path of a dynamic executable with a fixed address (ET_EXEC)
 * @param startup flat binary of the start-up code
 * @param own a library of ours that is loaded before those that the program needs
 * @param exchange the packet that asks a worker for its version, and the one that tells it
 * @returns the bytes of the self-contained executable
 */
export function pack(
  machine: Machine,
  program: string,
  startup: Uint8Array,
  own: Uint8Array,
  exchange: Exchange = { question: new Uint8Array(), answer: new Uint8Array() },
): Uint8Array {
  const given = new Elf(program, new Uint8Array(readFileSync(program)));
  const named = given.the(PT.INTERP, "PT_INTERP");
  const linkerName = Buffer.from(given.bytes.subarray(named.offset, named.offset + named.fileSize - 1));
  const linkerPath = libraryPath(machine, linkerName.toString().replace(/.*\//, ""));
  const linker = new Elf(linkerPath, new Uint8Array(readFileSync(linkerPath)));
  const loads = linker.of(PT.LOAD);
  const needed = neededBy(machine, program).map((name) => new Uint8Array(readFileSync(libraryPath(machine, name))));
  const libraries = [own, ...needed];

  const startAddress = new DataView(startup.buffer, startup.byteOffset).getBigUint64(8, true);
  const base = Number(startAddress) & -pageLimit;
  const first = Math.min(...given.of(PT.LOAD).map((segment) => segment.address));
  const tooMany =
    loads.length > layout.segments ||
    libraries.length > layout.libraries ||
    exchange.question.length > layout.question ||
    exchange.answer.length > layout.answer;
  if (tooMany) throw new CrError("the start-up code's table is too small", { subject: { path: program } });
  if (base + headRoom + startup.length > first || named.at > (given.of(PT.LOAD)[0]?.at ?? 0)) {
    throw new CrError("the start-up code must lie below the program", { subject: { path: program, address: first } });
  }
  if (
    new DataView(startup.buffer, startup.byteOffset).getBigUint64(0, true) !== layout.magic ||
    startup.length < tableSize
  ) {
    throw new CrError("the start-up code does not begin with its table", { subject: { machine } });
  }

  const code = startup.slice();
  const pile = new Pile();
  const head = pile.add(Buffer.concat([new Uint8Array(headRoom), code]));
  if (head.size > firstRead)
    throw new CrError("the start-up code is larger than what a kernel reads first", { subject: { bytes: head.size } });
  const mappedLinker = pile.add(linker.bytes);
  const placed = libraries.map((bytes) => {
    const [first] = new Elf("", bytes).of(PT.LOAD);
    return { ...pile.add(bytes), first: first?.fileSize ?? 0 };
  });
  const elf = layInHugePages(given, pile.length);
  const interpreter = elf.the(PT.INTERP, "PT_INTERP");
  const self = elf.the(PT.PHDR, "PT_PHDR");
  if (elf.segments.length > layout.headers)
    throw new CrError("the start-up code's table is too small", { subject: { path: program } });

  // the headers for the linker: it wants a PT_INTERP, and finds the load address by PT_PHDR
  const headers = elf.headers.slice();
  const codeAddress = base + headRoom;
  const copyAddress = codeAddress + tableSize - headerSize * layout.headers;
  const headersView = new DataView(headers.buffer);
  for (const field of [16, 24]) {
    headersView.setBigUint64(self.at - elf.headerOffset + field, BigInt(copyAddress), true);
  }

  const words: number[] = [elf.entry, copyAddress, linker.entry];
  words.push(Math.max(...loads.map((segment) => Math.ceil((segment.address + segment.size) / pageLimit) * pageLimit)));
  words.push(libraries.every(hasShortHead) ? mmapOf(linker) : 0);
  words.push(loads.length, placed.length);
  for (let index = 0; index < layout.segments; index++) {
    const load = loads[index];
    if (!load) words.push(0, 0, 0, 0, 0);
    else {
      const protection = (load.flags & 4 ? 1 : 0) | (load.flags & 2) | (load.flags & 1 ? 4 : 0);
      words.push(mappedLinker.offset + load.offset, load.address, load.fileSize, load.size, protection);
    }
  }
  for (let index = 0; index < layout.libraries; index++) {
    const { offset, size, first } = placed[index] ?? { offset: 0, size: 0, first: 0 };
    words.push(offset, size, first);
  }
  const written = writtenIn(elf.of(PT.LOAD));
  for (let index = 0; index < layout.written; index++) {
    const { address, pages } = written[index] ?? { address: 0, pages: 0 };
    words.push(address, pages * 4096);
  }
  const table = new DataView(code.buffer, 16);
  for (const [index, word] of words.entries()) table.setBigUint64(index * 8, BigInt(word), true);
  const { question, answer } = exchange;
  const answerAt = copyAddress - codeAddress - layout.answer;
  const questionAt = answerAt - layout.question;
  const sizes = new DataView(code.buffer, questionAt - 16);
  for (const [index, { length }] of [question, answer].entries()) sizes.setBigUint64(index * 8, BigInt(length), true);
  code.set(question, questionAt);
  code.set(answer, answerAt);
  code.set(headers, copyAddress - codeAddress);

  const size = head.size;
  elf.put(interpreter.at, { type: PT.LOAD, flags: 5, offset: 0, address: base, fileSize: size, size }, pageLimit);
  const { type, flags } = self;
  const fileSize = elf.headers.length;
  const [offset, address] = [elf.headerOffset, base + elf.headerOffset];
  elf.put(self.at, { type, flags, offset, address, fileSize, size: fileSize }, 8);
  elf.entry = Number(startAddress);
  const front = pile.all();
  elf.bytes.set(front.subarray(headRoom), headRoom);
  elf.bytes.set(code, headRoom);
  return elf.bytes;
}
