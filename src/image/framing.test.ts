import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { CrError } from "../error.ts";
import { encode } from "./codec.ts";
import { ImageDirectory } from "./directory.ts";
import { decodeImage, encodeImage } from "./framing.ts";
import { imageName, type KindName, kindNames, kinds } from "./kinds.ts";
import { readPagemap } from "./pagemap.ts";
import { RecordReader } from "./record.ts";
import { samplesMissing, temporaryDirectory, unpackSamples } from "./testing.ts";

function failure(action: () => unknown): CrError {
  try {
    action();
  } catch (error) {
    if (error instanceof CrError) return error;
    throw error;
  }
  throw new Error("no error");
}

const why = samplesMissing === undefined ? "" : ` (skipped: ${samplesMissing})`;

describe.skipIf(why !== "")(`the samples${why}`, () => {
  test("every image is written again to the same bytes", () => {
    using samples = unpackSamples();
    expect(samples.images.length).toBeGreaterThan(100);
    for (const { set, image, bytes } of samples.images) {
      const { kind, entries } = decodeImage(bytes, image);
      expect(Buffer.from(encodeImage(kind, entries)).equals(bytes), `${set}/${image}`).toBeTrue();
    }
  });

  test("damaged page maps and ghosts are refused by the readers of a directory too", () => {
    using samples = unpackSamples();
    using dir = temporaryDirectory();
    const good = ImageDirectory.open(`${samples.dir}/fds`);
    const out = ImageDirectory.create(dir.path);
    out.commit(good.inventory);
    const images = ImageDirectory.open(dir.path);
    const readers = { GHOST_FILE: () => images.ghost(1), PAGEMAP: () => images.pagemap("PAGEMAP", 1) };
    for (const kind of ["GHOST_FILE", "PAGEMAP"] as const) {
      const bytes = samples.images.find(
        ({ set, image }) => set === "fds" && image.startsWith(kind.slice(0, 5).toLowerCase()),
      )?.bytes as Uint8Array;
      for (let length = 0; length < bytes.length; length += kind === "PAGEMAP" ? 7 : 1) {
        writeFileSync(`${dir.path}/${imageName(kind, 1)}`, bytes.slice(0, length));
        try {
          readers[kind]();
        } catch (error) {
          if (!(error instanceof CrError)) throw error;
        }
      }
    }
  });
});

describe("damage is named", () => {
  const pstree = encodeImage("PSTREE", [{ pid: 1, ppid: 0, pgid: 1, sid: 1, threads: [1] }]);
  const decodeAs = (bytes: Uint8Array): CrError => failure(() => decodeImage(bytes, "/set/pstree.img"));

  test.each([
    ["an empty file", new Uint8Array(), 0],
    ["half a magic number", pstree.slice(0, 6), 4],
    ["half a length", pstree.slice(0, 10), 8],
    ["half a record", pstree.slice(0, 20), 8],
    ["a byte too many", Buffer.concat([pstree, Uint8Array.of(0)]), pstree.length],
    ["an absurd length", Buffer.concat([pstree, Uint8Array.of(255, 255, 255, 255)]), pstree.length],
  ])("%s", (_, bytes, offset) => {
    const error = decodeAs(bytes);
    expect(error.code).toBe("BAD_IMAGE");
    expect(error.subject).toEqual({ image: "/set/pstree.img", offset });
    expect(error.remedy).toBeString();
  });

  test("another kind's magic number", () => {
    using dir = temporaryDirectory();
    ImageDirectory.create(dir.path).commit({ img_version: 2 });
    writeFileSync(`${dir.path}/files.img`, pstree);
    const error = failure(() => ImageDirectory.open(dir.path).read("FILES"));
    expect(error.message).toContain("0x56303138");
    expect(error.subject).toEqual({ image: `${dir.path}/files.img`, offset: 4 });
  });

  test("more than the one record of a kind that has one", () => {
    const fs = encodeImage("FS", [{ cwd_id: 1, root_id: 2 }]);
    expect(decodeAs(Buffer.concat([fs, fs.slice(8)])).message).toContain("follow the only record");
  });

  test("payloads that claim more than there is cost nothing", () => {
    const desc = { key: 0, uid: 0, gid: 0, cuid: 0, cgid: 0, mode: 0, id: 0 };
    const lies: [KindName, Record<string, unknown>][] = [
      ["PIPES_DATA", { pipe_id: 1, bytes: 0xffffffff, size: 1 }],
      ["SK_QUEUES", { id_for: 1, length: 0xffffffff }],
      ["IPCNS_SEM", { desc, nsems: 0xffffffff }],
      ["IPCNS_MSG", { desc, qbytes: 1, qnum: 0xffffffff }],
      ["IPCNS_SHM", { desc, size: 2n ** 63n }],
      [
        "TCP_STREAM",
        { inq_len: 0xffffffff, inq_seq: 0, outq_len: 0, outq_seq: 0, opt_mask: 0, snd_wscale: 0, mss_clamp: 0 },
      ],
    ];
    for (const [kind, entry] of lies) {
      const row = kinds[kind] as { entry: string };
      const error = decodeAs(lie(kind, row.entry, entry));
      expect([kind, error.code]).toEqual([kind, "BAD_IMAGE"]);
    }
  });
});

/** An image with one record and no payload at all. */
function lie(kind: KindName, message: string, entry: Record<string, unknown>): Uint8Array {
  const record = encode(message as "core_entry", entry as never);
  const start = encodeImage(kind, []);
  const length = new Uint8Array(new Uint32Array([record.length]).buffer);
  return Buffer.concat([start, length, record]);
}

describe("page maps", () => {
  const read = (...entries: Record<string, unknown>[]): ReturnType<typeof readPagemap> => {
    const reader = new RecordReader(encodeImage("PAGEMAP", [{ pages_id: 3 }, ...entries]), "pagemap-1.img");
    reader.offset = 8;
    return readPagemap(reader);
  };

  test("entries of all ages", () => {
    const map = read(
      { vaddr: 0x1000, compat_nr_pages: 2 },
      { vaddr: 0x3000, compat_nr_pages: 1, in_parent: true },
      { vaddr: 0x5000, compat_nr_pages: 0, flags: 6, nr_pages: 2 ** 33 },
    );
    expect(map.pagesId).toBe(3);
    expect([...map.vaddr]).toEqual([0x1000, 0x3000, 0x5000]);
    expect([...map.pages]).toEqual([2, 1, 2 ** 33]);
    expect([...map.flags]).toEqual([4, 1, 6]);
  });

  test.each([
    [
      "overlap",
      [
        { vaddr: 0x1000, compat_nr_pages: 2 },
        { vaddr: 0x2000, compat_nr_pages: 1 },
      ],
    ],
    [
      "descend",
      [
        { vaddr: 0x5000, compat_nr_pages: 1 },
        { vaddr: 0x2000, compat_nr_pages: 1 },
      ],
    ],
    ["are no pages", [{ vaddr: 0x1001, compat_nr_pages: 2 }]],
    ["pass the end of memory", [{ vaddr: 0x1000, compat_nr_pages: 0, nr_pages: 2 ** 52 }]],
  ])("ranges that %s are refused", (_, entries) => {
    expect(failure(() => read(...entries)).code).toBe("BAD_IMAGE");
  });
});

test("names and magic numbers: one kind each", () => {
  expect(imageName("CORE", 12)).toBe("core-12.img");
  expect(imageName("TCP_STREAM", 0x43bbab)).toBe("tcp-stream-43bbab.img");
  expect(imageName("TCP_STREAM", 0xffffffffffffffffn)).toBe("tcp-stream-ffffffffffffffff.img");
  expect(failure(() => imageName("CORE", undefined)).code).toBe("BAD_VALUE");
  expect(failure(() => imageName("FILES", 1)).code).toBe("BAD_VALUE");
  expect(new Set(kindNames.map((name) => kinds[name].file)).size).toBe(kindNames.length);
});
