import { errorLines } from "../error.ts";
import type { Entry, Init } from "./codec.ts";
import { encodeImage, readEntries, readStart } from "./framing.ts";
import { imageName } from "./kinds.ts";
import { RecordReader } from "./record.ts";
import type { CpuinfoEntry, IrmapCacheEntry, StatsEntry } from "./schema.gen.ts";
import { readIfThere, writeFully } from "./storage.ts";
import { Transaction } from "./transaction.ts";

/** Files of the work directory. They are no part of a set: each appears by itself, replacing an older one. */
function writeWorkFile(workDir: string, name: string, bytes: Uint8Array): void {
  const transaction = new Transaction(workDir);
  try {
    writeFully(transaction.create(name), bytes, `${workDir}/${name}`);
    transaction.commit(name);
  } finally {
    transaction.abort();
  }
}

/**
 * Writes stats-dump or stats-restore. By then all is done, and figures that nobody can keep are no reason to fail.
 * @returns why they are not there
 */
export function writeStats(workDir: string, of: "dump" | "restore", stats: Init<StatsEntry>): string | undefined {
  try {
    writeWorkFile(workDir, imageName("STATS", of), encodeImage("STATS", [stats as unknown as Entry]));
    return undefined;
  } catch (error) {
    const [, why] = errorLines(error);
    return `there are no statistics of it, for nobody can write to the work directory ${workDir}: ${why}`;
  }
}

/** Reads stats-dump or stats-restore; undefined where there is none. Errors: CrError BAD_IMAGE. */
export function readStats(workDir: string, of: "dump" | "restore"): StatsEntry | undefined {
  const path = `${workDir}/${imageName("STATS", of)}`;
  const bytes = readIfThere(path);
  if (bytes === undefined) return undefined;
  const reader = new RecordReader(bytes, path);
  readStart(reader, "STATS", 2);
  return readEntries(reader, "STATS")[0] as unknown as StatsEntry;
}

/** Writes cpuinfo.img where there is no set. Errors: CrError ENOSPC and the like. */
export function writeCpuInfo(dir: string, entry: Init<CpuinfoEntry>): void {
  writeWorkFile(dir, imageName("CPUINFO", undefined), encodeImage("CPUINFO", [entry as unknown as Entry]));
}

/** Reads cpuinfo.img; undefined where there is none. Errors: CrError BAD_IMAGE. */
export function readCpuInfo(dir: string): CpuinfoEntry | undefined {
  const path = `${dir}/${imageName("CPUINFO", undefined)}`;
  const bytes = readIfThere(path);
  if (bytes === undefined) return undefined;
  const reader = new RecordReader(bytes, path);
  readStart(reader, "CPUINFO", 2);
  return readEntries(reader, "CPUINFO")[0] as unknown as CpuinfoEntry;
}

/** Writes irmap-cache: where a pre-dump found the files that are watched. */
export function writeIrmapCache(workDir: string, entries: readonly Init<IrmapCacheEntry>[]): void {
  writeWorkFile(workDir, "irmap-cache", encodeImage("IRMAP_CACHE", entries as readonly unknown[] as readonly Entry[]));
}

/** Reads irmap-cache; empty where there is none. Errors: CrError BAD_IMAGE. */
export function readIrmapCache(dir: string): IrmapCacheEntry[] {
  const path = `${dir}/irmap-cache`;
  const bytes = readIfThere(path);
  if (bytes === undefined) return [];
  const reader = new RecordReader(bytes, path);
  readStart(reader, "IRMAP_CACHE", 2);
  return readEntries(reader, "IRMAP_CACHE") as unknown as IrmapCacheEntry[];
}
