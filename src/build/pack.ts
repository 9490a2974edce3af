/**
 * Makes a dynamic executable start by itself: the start-up code of `blobs/start.c`, the dynamic linker and the C library
 * are appended to it, and the program header that named the interpreter becomes the one that loads the start-up code.
 */
import { readFileSync } from "node:fs";
import { CrError } from "../error.ts";
import { Elf, headerSize, PT } from "./elf.ts";
import { layInHugePages } from "./huge-pages.ts";
import { type Machine, run, toolPrefix } from "./native.ts";

/** The largest page of either machine: whatever is mapped lies at a multiple of it, in the file and in memory. */
const pageLimit = 0x10000;

/** Mirrors `struct table` of blobs/start.c. */
const layout = { magic: 0x5354415254303032n, segments: 8, libraries: 8, headers: 24, question: 8, answer: 64 } as const;
/** Bytes of a library's beginning that blobs/start.c copies where the rest need not be. */
const headLimit = 4096;
const tableSize =
  8 * (12 + 5 * layout.segments + 2 * layout.libraries) + layout.question + layout.answer + headerSize * layout.headers;

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

interface Appended {
  offset: number;
  size: number;
}

/** Grows at page boundaries. */
class Pile {
  private readonly parts: Uint8Array[] = [];
  private length = 0;

  add(bytes: Uint8Array): Appended {
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
  const elf = layInHugePages(new Elf(program, new Uint8Array(readFileSync(program))));
  const interpreter = elf.the(PT.INTERP, "PT_INTERP");
  const self = elf.the(PT.PHDR, "PT_PHDR");
  const linkerName = Buffer.from(elf.bytes.subarray(interpreter.offset, interpreter.offset + interpreter.fileSize - 1));
  const linkerPath = libraryPath(machine, linkerName.toString().replace(/.*\//, ""));
  const linker = new Elf(linkerPath, new Uint8Array(readFileSync(linkerPath)));
  const loads = linker.of(PT.LOAD);
  const needed = neededBy(machine, program).map((name) => new Uint8Array(readFileSync(libraryPath(machine, name))));
  const libraries = [own, ...needed];

  const startAddress = new DataView(startup.buffer, startup.byteOffset).getBigUint64(8, true);
  const base = Number(startAddress) & -pageLimit;
  const first = Math.min(...elf.of(PT.LOAD).map((segment) => segment.address));
  const tooMany =
    loads.length > layout.segments ||
    libraries.length > layout.libraries ||
    elf.segments.length > layout.headers ||
    exchange.question.length > layout.question ||
    exchange.answer.length > layout.answer;
  if (tooMany) throw new CrError("the start-up code's table is too small", { subject: { path: program } });
  if (base + startup.length > first || interpreter.at > (elf.of(PT.LOAD)[0]?.at ?? 0)) {
    throw new CrError("the start-up code must lie below the program", { subject: { path: program, address: first } });
  }
  if (
    new DataView(startup.buffer, startup.byteOffset).getBigUint64(0, true) !== layout.magic ||
    startup.length < tableSize
  ) {
    throw new CrError("the start-up code does not begin with its table", { subject: { machine } });
  }

  const pile = new Pile();
  // the original headers, for the linker: it wants a PT_INTERP, and finds the load address by PT_PHDR
  const headers = elf.headers.slice();
  const copyAddress = base + tableSize - headerSize * layout.headers;
  const headersView = new DataView(headers.buffer);
  for (const field of [16, 24]) {
    headersView.setBigUint64(self.at - elf.headerOffset + field, BigInt(copyAddress), true);
  }
  const entry = elf.entry;
  const body = pile.add(elf.bytes);
  const code = startup.slice();
  const stub = pile.add(code);
  const mappedLinker = pile.add(linker.bytes);
  const appended = libraries.map((bytes) => pile.add(bytes));

  const words: number[] = [entry, copyAddress, linker.entry];
  words.push(Math.max(...loads.map((segment) => Math.ceil((segment.address + segment.size) / pageLimit) * pageLimit)));
  words.push(libraries.every(hasShortHead) ? mmapOf(linker) : 0);
  words.push(loads.length, appended.length);
  for (let index = 0; index < layout.segments; index++) {
    const load = loads[index];
    if (!load) words.push(0, 0, 0, 0, 0);
    else {
      const protection = (load.flags & 4 ? 1 : 0) | (load.flags & 2) | (load.flags & 1 ? 4 : 0);
      words.push(mappedLinker.offset + load.offset, load.address, load.fileSize, load.size, protection);
    }
  }
  for (let index = 0; index < layout.libraries; index++)
    words.push(appended[index]?.offset ?? 0, appended[index]?.size ?? 0);
  const table = new DataView(code.buffer, 16);
  for (const [index, word] of words.entries()) table.setBigUint64(index * 8, BigInt(word), true);
  const { question, answer } = exchange;
  const answerAt = copyAddress - base - layout.answer;
  const questionAt = answerAt - layout.question;
  const sizes = new DataView(code.buffer, questionAt - 16);
  for (const [index, { length }] of [question, answer].entries()) sizes.setBigUint64(index * 8, BigInt(length), true);
  code.set(question, questionAt);
  code.set(answer, answerAt);
  code.set(headers, copyAddress - base);

  const stubSegment = {
    type: PT.LOAD,
    flags: 5,
    offset: stub.offset,
    address: base,
    fileSize: code.length,
    size: code.length,
  };
  elf.put(interpreter.at, stubSegment, pageLimit);
  elf.entry = Number(startAddress);
  if (body.offset !== 0) throw new CrError("the program must stay at the beginning of its file");
  return pile.all();
}
