/** The vDSO as the ELF object that it is (elf(5), System V gABI): which functions it exports, and where they lie in it. */

const PT_LOAD = 1;
const PT_DYNAMIC = 2;
const DT = { HASH: 4, STRTAB: 5, SYMTAB: 6, STRSZ: 10, GNU_HASH: 0x6ffffef5 } as const;
const PROGRAM_HEADER = 56;
const SYMBOL = 24;
/** STT_NOTYPE and STT_FUNC: functions that are written in assembler may be the former. */
const KINDS = [0, 2];
const SHN_UNDEF = 0;
const SHN_LORESERVE = 0xff00;
/** Far more than any vDSO exports. */
const MOST_SYMBOLS = 4096;

/** Exported functions by name: bytes from the object's beginning. */
export type Functions = ReadonlyMap<string, number>;

/** At the end of its last page, behind the code, a dump's way home may have lain (home.ts): bytes. */
const WAY_HOME = 256;

/** Whether a vDSO of the images is the running kernel's, but for what a dump put where that has nothing. */
export function sameCode(saved: Uint8Array, running: Uint8Array): boolean {
  const end = running.length - WAY_HOME;
  const unused = running.subarray(end).every((byte) => byte === 0);
  if (saved.length !== running.length || !unused) return Buffer.compare(saved, running) === 0;
  return Buffer.compare(saved.subarray(0, end), running.subarray(0, end)) === 0;
}

export interface FunctionSymbol {
  readonly name: string;
  /** Bytes from the object's beginning. */
  readonly value: number;
  /** Where the symbol itself lies (Elf64_Sym), likewise. */
  readonly symbol: number;
}

/** Undefined when the bytes are no 64-bit vDSO. */
export function exportedFunctions(bytes: Uint8Array): Functions | undefined {
  const symbols = functionSymbols(bytes);
  return symbols && new Map(symbols.map(({ name, value }) => [name, value]));
}

/** As `exportedFunctions`, with where it says so. */
export function functionSymbols(bytes: Uint8Array): FunctionSymbol[] | undefined {
  try {
    return read(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch (error) {
    // something points beyond the end
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

function read(view: DataView): FunctionSymbol[] | undefined {
  const number = (at: number) => Number(view.getBigUint64(at, true));
  if (view.getUint32(0, false) !== 0x7f454c46 || view.getUint16(4, false) !== 0x0201) return undefined;
  const headers = number(32);
  let bias: number | undefined;
  let dynamic: { at: number; end: number } | undefined;
  for (let i = 0; i < view.getUint16(56, true); i++) {
    const at = headers + i * PROGRAM_HEADER;
    const type = view.getUint32(at, true);
    if (type === PT_LOAD) bias ??= number(at + 8) - number(at + 16);
    if (type === PT_DYNAMIC) dynamic = { at: number(at + 8), end: number(at + 8) + number(at + 32) };
  }
  if (bias === undefined || !dynamic) return undefined;
  const tags = new Map<number, number>();
  for (let { at } = dynamic; at < dynamic.end; at += 16) {
    const tag = number(at);
    if (tag === 0) break;
    tags.set(tag, number(at + 8));
  }
  const place = (tag: number): number | undefined => {
    const value = tags.get(tag);
    return value === undefined ? undefined : value + (bias ?? 0);
  };
  const symbols = place(DT.SYMTAB);
  const names = place(DT.STRTAB);
  if (symbols === undefined || names === undefined) return undefined;
  const hash = place(DT.HASH);
  const gnuHash = place(DT.GNU_HASH);
  const count = hash !== undefined ? view.getUint32(hash + 4, true) : gnuHash && countByGnuHash(view, gnuHash);
  if (count === undefined || count > MOST_SYMBOLS) return undefined;
  const end = names + (tags.get(DT.STRSZ) ?? 0);
  const found: FunctionSymbol[] = [];
  for (let i = 1; i < count; i++) {
    const at = symbols + i * SYMBOL;
    const section = view.getUint16(at + 6, true);
    if (!KINDS.includes(view.getUint8(at + 4) & 15) || section === SHN_UNDEF || section >= SHN_LORESERVE) continue;
    found.push({
      name: text(view, names + view.getUint32(at, true), end),
      value: number(at + 8) + bias,
      symbol: at,
    });
  }
  return found.length > 0 ? found : undefined;
}

function text(view: DataView, from: number, end: number): string {
  let out = "";
  for (let at = from; at < end; at++) {
    const byte = view.getUint8(at);
    if (byte === 0) break;
    out += String.fromCharCode(byte);
  }
  return out;
}

/** How many symbols there are, where only the GNU table of hashes is there: the last chain's end tells. */
function countByGnuHash(view: DataView, at: number): number {
  const buckets = view.getUint32(at, true);
  const first = view.getUint32(at + 4, true);
  const words = view.getUint32(at + 8, true);
  const heads = at + 16 + words * 8;
  const chains = heads + buckets * 4;
  let last = 0;
  for (let i = 0; i < buckets; i++) last = Math.max(last, view.getUint32(heads + i * 4, true));
  if (last < first) return first;
  while ((view.getUint32(chains + (last - first) * 4, true) & 1) === 0) last++;
  return last + 1;
}
