/** Makes a set one that another kernel's vDSO is in: its code is the same, and a name in it stands for something else. */
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ImageDirectory } from "../../src/image/directory.ts";
import { PageFlag } from "../../src/image/pagemap.ts";
import { functionSymbols } from "../../src/memory/vdso-elf.ts";
import { jumps } from "../../src/memory/vdso-jump.ts";

const VDSO = 1 << 3;
/** Elf64_Sym.st_value. */
const VALUE = 8;

/** @returns how many tasks have one now */
export function makeVdsoForeign(images: string, which: "all" | "first"): number {
  using set = ImageDirectory.open(images);
  let made = 0;
  const tasks = set.read("PSTREE").map(({ pid }) => pid);
  for (const pid of which === "all" ? tasks : tasks.slice(0, 1)) {
    if (!existsSync(join(images, `mm-${pid}.img`))) continue;
    const entry = set.one("MM", pid).vmas.find(({ status }) => status & VDSO);
    const pagemap = set.pagemap("PAGEMAP", pid);
    if (!entry || !pagemap) continue;
    const path = join(images, `pages-${pagemap.pagesId}.img`);
    const bytes = readFileSync(path);
    let offset = 0;
    for (let i = 0; i < pagemap.count; i++) {
      const start = pagemap.vaddr[i] ?? 0;
      const length = (pagemap.pages[i] ?? 0) * 4096;
      if (((pagemap.flags[i] ?? 0) & PageFlag.present) === 0) continue;
      if (start <= Number(entry.start) && Number(entry.end) <= start + length) {
        const at = offset + Number(entry.start) - start;
        const vdso = bytes.subarray(at, at + Number(entry.end) - Number(entry.start));
        // one that no program calls
        const other = functionSymbols(vdso)?.find(({ name }) => jumps.calls[name] === undefined);
        if (other) vdso[other.symbol + VALUE] = other.value | 1;
        if (other) made++;
      }
      offset += length;
    }
    writeFileSync(path, bytes);
  }
  return made;
}
