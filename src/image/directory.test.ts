import { describe, expect, test } from "bun:test";
import {
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  unlinkSync,
  watch,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { CrError } from "../error.ts";
import { ImageDirectory } from "./directory.ts";
import { temporaryDirectory } from "./testing.ts";
import { readStats, writeStats } from "./work.ts";

const inventory = { img_version: 2 };

function code(action: () => unknown): string {
  try {
    action();
  } catch (error) {
    if (error instanceof CrError) return error.code;
    throw error;
  }
  return "no error";
}

const tree = (pid: number) => ({ pid, ppid: 0, pgid: pid, sid: pid, threads: [pid] });

/** A small finished set, whose tree holds `pid`. */
function finishedSet(path: string, pid: number): void {
  const set = ImageDirectory.create(path);
  set.write("PSTREE", [tree(pid)]);
  set.write("FS", pid, [{ cwd_id: 1, root_id: 2 }]);
  set.write("FILE_LOCKS", [{ flag: 1, type: 1, pid, fd: 3, start: 0, len: 0 }]);
  set.commit(inventory);
}

describe("a set is seen whole or not at all", () => {
  test("nothing shows before commit, all after, the inventory last", async () => {
    using dir = temporaryDirectory();
    const seen: string[] = [];
    const watcher = watch(dir.path);
    const last = new Promise<void>((resolve) => {
      watcher.on("change", (_, name) => {
        if (!String(name).startsWith(".")) seen.push(String(name));
        if (name === "inventory.img") resolve();
      });
    });
    using set = ImageDirectory.create(dir.path);
    set.write("PSTREE", [tree(7)]);
    set.writeRaw("PAGES", 1, new Uint8Array(4096));
    expect(readdirSync(dir.path).filter((name) => !name.startsWith("."))).toEqual([]);
    expect(code(() => ImageDirectory.open(dir.path))).toBe("UNFINISHED_DUMP");
    set.commit(inventory);
    expect(readdirSync(dir.path).sort()).toEqual(["inventory.img", "pages-1.img", "pstree.img"]);
    await last;
    watcher.close();
    expect(new Set(seen.slice(0, -1))).toEqual(new Set(["pages-1.img", "pstree.img"]));
    expect(ImageDirectory.open(dir.path).read("PSTREE")).toEqual([tree(7)]);
  });

  test("abort, and the end of a scope, leave what was there before", () => {
    using dir = temporaryDirectory();
    finishedSet(dir.path, 1);
    const before = readdirSync(dir.path).sort();
    {
      using set = ImageDirectory.create(dir.path);
      set.write("PSTREE", [tree(2)]);
      set.writer("PAGES", 1).raw(new Uint8Array(10));
    }
    expect(readdirSync(dir.path).sort()).toEqual(before);
    expect(ImageDirectory.open(dir.path).read("PSTREE")).toEqual([tree(1)]);
  });

  test("files that were set aside are for whom they were made; others go", () => {
    using dir = temporaryDirectory();
    const set = ImageDirectory.create(dir.path);
    const [one, two] = [set.setAside(11), set.setAside(12)];
    const names = set.spareNames(3);
    set.addSpares(names, [openSync(names[0] ?? "", "wx+"), -17]);
    expect(set.pagesWriter(12, 1).fd).toBe(two);
    expect(set.pagesWriter(13, 2).fd).not.toBe(one);
    writeFileSync(two, "pages of 12");
    set.write("PSTREE", [tree(12)]);
    set.commit(inventory);
    set.sync();
    expect(readdirSync(dir.path).sort()).toEqual(["inventory.img", "pages-1.img", "pages-2.img", "pstree.img"]);
    expect(readFileSync(`${dir.path}/pages-1.img`, "utf8")).toBe("pages of 12");
    const aborted = ImageDirectory.create(dir.path);
    aborted.setAside(14);
    aborted.abort();
    expect(readdirSync(dir.path)).toHaveLength(4);
  });

  test("a commit that fails half way puts the old set back", () => {
    using dir = temporaryDirectory();
    finishedSet(dir.path, 1);
    const before = readdirSync(dir.path).sort();
    const set = ImageDirectory.create(dir.path);
    set.write("FILES", [{ type: 0, id: 1 }]);
    set.write("PSTREE", [tree(2)]);
    const hidden = readdirSync(dir.path).find((name) => name.startsWith(".pstree.img"));
    unlinkSync(join(dir.path, hidden ?? ""));
    expect(code(() => set.commit(inventory))).toBe("ENOENT");
    expect(readdirSync(dir.path).sort()).toEqual(before);
    const old = ImageDirectory.open(dir.path);
    expect(old.read("PSTREE")).toEqual([tree(1)]);
    expect(old.read("FILE_LOCKS")).toHaveLength(1);
  });

  test("what the new set has no entries for goes with the old one", () => {
    using dir = temporaryDirectory();
    finishedSet(dir.path, 1);
    writeFileSync(`${dir.path}/reg-files.img`, "stale");
    writeFileSync(`${dir.path}/notes.txt`, "mine");
    writeFileSync(`${dir.path}/cpuinfo.img`, "by cpuinfo dump");
    const set = ImageDirectory.create(dir.path);
    set.write("PSTREE", [tree(2)]);
    set.write("FS", 1, []);
    set.commit(inventory);
    expect(readdirSync(dir.path).sort()).toEqual(["cpuinfo.img", "inventory.img", "notes.txt", "pstree.img"]);
  });

  test("without an inventory only the run's own files change", () => {
    using dir = temporaryDirectory();
    finishedSet(dir.path, 1);
    const set = ImageDirectory.create(dir.path);
    set.writeRaw("PAGES", 65537, new Uint8Array(4));
    set.commit();
    expect(ImageDirectory.open(dir.path).list("PAGES")).toEqual(["65537"]);
    expect(ImageDirectory.open(dir.path).read("FILE_LOCKS")).toHaveLength(1);
  });

  test("leftovers of killed runs go, those of living ones stay", () => {
    using dir = temporaryDirectory();
    const child = Bun.spawnSync(["true"]);
    writeFileSync(`${dir.path}/.core-1.img.1.${child.pid}.tscriu-new`, "");
    writeFileSync(`${dir.path}/.core-2.img.1.${process.pid}.tscriu-new`, "");
    ImageDirectory.create(dir.path).abort();
    expect(readdirSync(dir.path)).toEqual([`.core-2.img.1.${process.pid}.tscriu-new`]);
  });
});

describe("reading", () => {
  test("a missing file is empty, or named where it must be there", () => {
    using dir = temporaryDirectory();
    finishedSet(dir.path, 1);
    const set = ImageDirectory.open(dir.path);
    expect(set.read("FILES")).toEqual([]);
    expect(set.pagemap("PAGEMAP", 1)).toBeUndefined();
    expect(set.ghost(1)).toBeUndefined();
    expect(set.readRaw("PAGES", 1)).toBeUndefined();
    expect(set.openRaw("PAGES", 1)).toBeUndefined();
    expect(code(() => set.one("MM", 1))).toBe("MISSING_IMAGE");
    expect(set.one("FS", 1)).toEqual({ cwd_id: 1, root_id: 2 });
  });

  test("versions: 1 has no common magic number, 0 is a pre-dump, others are unknown", () => {
    using dir = temporaryDirectory();
    finishedSet(dir.path, 1);
    const pstree = readFileSync(`${dir.path}/pstree.img`);
    const withVersion = (version: number): void => ImageDirectory.create(dir.path).commit({ img_version: version });
    withVersion(1);
    writeFileSync(`${dir.path}/pstree.img`, pstree.subarray(4));
    expect(ImageDirectory.open(dir.path).read("PSTREE")).toEqual([tree(1)]);
    withVersion(0);
    expect(code(() => ImageDirectory.open(dir.path))).toBe("PRE_DUMP");
    expect(ImageDirectory.open(dir.path, true).inventory.img_version).toBe(0);
    withVersion(3);
    expect(code(() => ImageDirectory.open(dir.path))).toBe("BAD_IMAGE");
  });

  test("by a descriptor's path, and what is no directory", () => {
    using dir = temporaryDirectory();
    finishedSet(dir.path, 1);
    const fd = openSync(dir.path, "r");
    try {
      const path = `/proc/self/fd/${fd}`;
      finishedSet(path, 5);
      expect(ImageDirectory.open(path).read("PSTREE")).toEqual([tree(5)]);
    } finally {
      closeSync(fd);
    }
    expect(code(() => ImageDirectory.open(`${dir.path}/pstree.img`))).toBe("ENOTDIR");
    expect(code(() => ImageDirectory.create(`${dir.path}/pstree.img`))).toBe("ENOTDIR");
    expect(code(() => ImageDirectory.open(`${dir.path}/none`))).toBe("ENOENT");
  });

  test("the set before this one", () => {
    using dir = temporaryDirectory();
    for (const name of ["1", "2"]) mkdirSync(`${dir.path}/${name}`);
    ImageDirectory.create(`${dir.path}/1`).commit({ img_version: 0 });
    const set = ImageDirectory.create(`${dir.path}/2`);
    expect(set.parent()).toBeUndefined();
    set.linkParent("../1");
    expect(set.parent()?.inventory.img_version).toBe(0);
    set.commit(inventory);
    expect(readlinkSync(`${dir.path}/2/parent`)).toBe("../1");
    expect(ImageDirectory.open(`${dir.path}/2`).parent()?.inventory.img_version).toBe(0);
    rmSync(`${dir.path}/1/inventory.img`);
    expect(code(() => ImageDirectory.open(`${dir.path}/2`).parent())).toBe("UNFINISHED_DUMP");
  });
});

describe("writing", () => {
  test("several callers append to one file; long arrays and content from outside", () => {
    using dir = temporaryDirectory();
    const set = ImageDirectory.create(dir.path);
    set.append("SK_QUEUES", [{ id_for: 1, length: 1, extra: Uint8Array.of(1) }]);
    set.append("SK_QUEUES", [{ id_for: 2, length: 2, extra: Uint8Array.of(2, 3) }]);
    const map = set.pagemapWriter("PAGEMAP", 1, 9);
    const count = 100_000;
    for (let i = 0; i < count; i++) map.page(0x7f0000000000 + i * 8192, 1, 4);
    const ghost = set.writer("GHOST_FILE", 10);
    ghost.append({ uid: 0, gid: 0, mode: 0o100644, chunks: true, size: 1 << 20 });
    ghost.append({ len: 3, off: 4096, extra: Uint8Array.of(7, 8, 9) });
    ghost.append({ len: 300_000, off: 8192, extra: new Uint8Array(300_000).fill(5) });
    set.commit(inventory);

    const read = ImageDirectory.open(dir.path);
    expect(read.read("SK_QUEUES").map(({ extra }) => [...extra])).toEqual([[1], [2, 3]]);
    expect(read.read("PAGEMAP", 1)).toHaveLength(count + 1);
    const columns = read.pagemap("PAGEMAP", 1);
    expect([columns?.count, columns?.pagesId, columns?.vaddr[count - 1]]).toEqual([
      count,
      9,
      0x7f0000000000 + 8192 * (count - 1),
    ]);
    const found = read.ghost(10);
    expect(found?.pieces.map(({ offset, length }) => [offset, length])).toEqual([
      [4096, 3],
      [8192, 300_000],
    ]);
    const image = readFileSync(`${dir.path}/ghost-file-a.img`);
    expect([...image.subarray(found?.pieces[0]?.at, (found?.pieces[0]?.at ?? 0) + 3)]).toEqual([7, 8, 9]);
    closeSync(found?.fd ?? -1);
  });

  test("chunks of a ghost that overlap are refused", () => {
    using dir = temporaryDirectory();
    const set = ImageDirectory.create(dir.path);
    const ghost = set.writer("GHOST_FILE", 1);
    ghost.append({ uid: 0, gid: 0, mode: 0o100644, chunks: true, size: 9 });
    for (const off of [0, 2]) ghost.append({ len: 3, off, extra: new Uint8Array(3) });
    set.commit(inventory);
    expect(code(() => ImageDirectory.open(dir.path).ghost(1))).toBe("BAD_IMAGE");
  });

  test("a payload that is not as long as announced is refused", () => {
    using dir = temporaryDirectory();
    using set = ImageDirectory.create(dir.path);
    expect(code(() => set.write("PIPES_DATA", [{ pipe_id: 1, bytes: 2, size: 1, extra: new Uint8Array(3) }]))).toBe(
      "BAD_VALUE",
    );
  });

  test("statistics appear in the work directory by themselves", () => {
    using dir = temporaryDirectory();
    expect(readStats(dir.path, "restore")).toBeUndefined();
    const restore = { pages_compared: 1, pages_skipped_cow: 2, forking_time: 3, restore_time: 4 };
    writeStats(dir.path, "restore", { restore });
    writeStats(dir.path, "restore", { restore });
    expect(readStats(dir.path, "restore")?.restore).toEqual(restore);
    expect(readdirSync(dir.path)).toEqual(["stats-restore"]);
  });

  test("a directory that vanishes", () => {
    using dir = temporaryDirectory();
    const path = `${dir.path}/gone`;
    mkdirSync(path);
    const set = ImageDirectory.create(path);
    rmSync(path, { recursive: true });
    expect(code(() => set.write("PSTREE", [tree(1)]))).toBe("ENOENT");
    set.abort();
  });
});

const root = process.getuid?.() === 0;

describe.skipIf(!root)(`file systems that refuse${root ? "" : " (skipped: mounting wants root)"}`, () => {
  /** Writes a set on a tmpfs mounted with `options`, in a mount namespace of its own; gives what it printed. */
  function onTmpfs(options: string, then: string): string {
    using dir = temporaryDirectory();
    finishedSet(dir.path, 1);
    const script = `
      import { readdirSync } from "node:fs";
      import { ImageDirectory } from ${JSON.stringify(join(import.meta.dir, "directory.ts"))};
      const dir = ${JSON.stringify(dir.path)};
      try {
        using set = ImageDirectory.create(dir);
        set.write("PSTREE", [${JSON.stringify(tree(1))}]);
        ${then}
        set.commit({ img_version: 2 });
        console.log("committed");
      } catch (error) {
        console.log(error.name, error.code, typeof error.remedy, readdirSync(dir).length);
      }`;
    const shell = 'mount -t tmpfs -o "$1" none "$2" && exec "$3" -e "$4"';
    const args = ["unshare", "--mount", "sh", "-c", shell, "sh", options, dir.path, process.execPath, script];
    const done = Bun.spawnSync(args, { env: { ...process.env, BUN_BE_BUN: "1" } });
    return done.stdout.toString() + done.stderr.toString();
  }

  test("full", () => {
    expect(onTmpfs("size=64k", 'set.writeRaw("PAGES", 1, new Uint8Array(1 << 20));')).toBe("CrError ENOSPC string 0\n");
  });

  test("read-only", () => {
    expect(onTmpfs("ro", "")).toBe("CrError EROFS string 0\n");
  });

  test("large enough", () => {
    expect(onTmpfs("size=4m", 'set.writeRaw("PAGES", 1, new Uint8Array(1 << 20));')).toBe("committed\n");
  });
});
