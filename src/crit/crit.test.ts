import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { CrError } from "../error.ts";
import type { Entry } from "../image/codec.ts";
import { decodeImage, encodeImage } from "../image/framing.ts";
import type { KindName } from "../image/kinds.ts";
import { samplesMissing, temporaryDirectory, unpackSamples } from "../image/testing.ts";
import { imageFromJson, imageToJson } from "./convert.ts";
import { formatJson, type Json, parseJson } from "./json.ts";
import { runCrit } from "./main.ts";

interface Run {
  status: number;
  text: string;
  bytes: Uint8Array;
  errors: string;
}

function crit(args: string[], stdin: Uint8Array | string = ""): Run {
  const run: Run = { status: 0, text: "", bytes: new Uint8Array(), errors: "" };
  run.status = runCrit(args, {
    stdin: () => Buffer.from(stdin),
    stdout(data) {
      if (typeof data === "string") run.text += data;
      else run.bytes = Buffer.concat([run.bytes, data]);
    },
    stderr(text) {
      run.errors += text;
    },
  });
  return run;
}

const pretty = { pretty: true, payload: true };

/** One entry as --pretty shows it; that it and the plain form encode to the same bytes is checked here. */
function shown(kind: KindName, ...entries: Entry[]): Json {
  const bytes = Buffer.from(encodeImage(kind, entries));
  for (const shape of [pretty, { ...pretty, pretty: false }]) {
    const json = formatJson(imageToJson(kind, decodeImage(bytes, kind).entries, shape), 4);
    const again = imageFromJson(parseJson(json, kind));
    expect(bytes.equals(encodeImage(again.kind, again.entries)), json).toBeTrue();
  }
  return (imageToJson(kind, entries, pretty).entries as Json[])[0] ?? null;
}

const why = samplesMissing === undefined ? "" : ` (skipped: ${samplesMissing})`;

describe.skipIf(why !== "")(`the samples${why}`, () => {
  test("every JSON is reproduced, and every image from it", () => {
    using samples = unpackSamples();
    expect(samples.images.length).toBeGreaterThan(100);
    for (const { set, image, bytes, json } of samples.images) {
      const path = `${samples.dir}/${set}/${image}`;
      const shown = crit(["decode", "--pretty", "-i", path]);
      expect(shown.text === json, `${set}/${image}`).toBeTrue();
      expect(crit(["show", path]).text === json).toBeTrue();
      expect(Buffer.from(crit(["encode"], json).bytes).equals(bytes), `${set}/${image}`).toBeTrue();
      const plain = crit(["decode"], bytes).text;
      expect(plain).not.toContain("\n ");
      expect(Buffer.from(crit(["encode"], plain).bytes).equals(bytes), `${set}/${image}`).toBeTrue();
    }
  });

  /** Anything but a CrError is a failure; what can be decoded must survive JSON. */
  function survives(bytes: Uint8Array, image: string): void {
    try {
      const { kind, entries } = decodeImage(bytes, image);
      const json = formatJson(imageToJson(kind, entries, pretty), 4);
      const again = imageFromJson(parseJson(json, image));
      expect(Buffer.from(encodeImage(again.kind, again.entries)).equals(encodeImage(kind, entries)), json).toBeTrue();
    } catch (error) {
      if (!(error instanceof CrError)) throw error;
    }
  }

  test("images cut short or with flipped bits give a CrError or a value", () => {
    using samples = unpackSamples();
    let seed = 12345;
    for (const { image, bytes } of samples.images) {
      for (let length = 0; length < bytes.length; length += 7) survives(bytes.slice(0, length), image);
      for (let flips = 0; flips < 40; flips++) {
        seed = (seed * 1103515245 + 12345) % 2 ** 31;
        const damaged = bytes.slice();
        const at = seed % bytes.length;
        damaged[at] = (damaged[at] ?? 0) ^ (1 << ((seed >> 16) & 7));
        survives(damaged, image);
      }
    }
  });

  test("a look into a set", () => {
    using samples = unpackSamples();
    const [tree, fds] = [`${samples.dir}/tree`, `${samples.dir}/fds`];
    const ps = crit(["x", tree, "ps"]).text.split("\n");
    expect(ps[0]).toBe("    PID   PGID    SID   COMM");
    expect(ps[3]).toMatch(/^ +\d+ +\d+ +\d+ {11}tree$/);
    expect(crit(["x", fds, "fds"]).text).toMatch(
      /\n\t {6}0: \/dev\/null\n[\s\S]*pipe\[\d+\]\n[\s\S]*\t {4}cwd: \/.*\n\t {3}root: \/\n/,
    );
    expect(crit(["x", fds, "fds"]).text).toMatch(/EVENTFD\.\d+\n[\s\S]*unix\[\d+ \(\d+\)\]\n/);
    expect(crit(["x", tree, "mems"]).text).toMatch(/\n\t[0-9a-f]+-[0-9a-f]+ +r-x \/.*\n[\s\S]*\[vdso\]/);
    expect(crit(["x", tree, "rss"]).text).toMatch(/\n\t *[0-9a-f]+ \/ \d+ +\[stack\]\n/);
    expect(JSON.parse(crit(["info", `${tree}/pstree.img`]).text)).toEqual({ magic: "PSTREE", count: 5 });
  });
});

describe("forms", () => {
  test("flags by name, what has none in hexadecimal", () => {
    const vma = { start: 0x1000, end: 0x2000, pgoff: 0, shmid: 0, prot: 3, flags: 0x22, status: 0x10201, fd: -1 };
    expect(shown("VMAS", { ...vma, madv: 0xffffffffffffffffn })).toEqual({
      ...vma,
      start: "0x1000",
      end: "0x2000",
      prot: "PROT_READ | PROT_WRITE",
      flags: "MAP_PRIVATE | MAP_ANON",
      status: "VMA_AREA_REGULAR | VMA_ANON_PRIVATE | 0x10000",
      madv: "0xffffffffffffffff",
    });
  });

  test("devices, one with 20 bits of minor, one as the C library has it", () => {
    const entry = { uid: 0, gid: 0, mode: 0o20644, dev: (8 << 20) | 0x12345, rdev: 0x123456 };
    expect(shown("GHOST_FILE", { ...entry, extra: new Uint8Array() })).toMatchObject({
      dev: "8:74565",
      rdev: "564:342",
    });
  });

  const fown = { uid: 0, euid: 0, signum: 0, pid_type: 0, pid: 0 };
  const opts = {
    so_sndbuf: 1,
    so_rcvbuf: 1,
    so_snd_tmo_sec: 0,
    so_snd_tmo_usec: 0,
    so_rcv_tmo_sec: 0,
    so_rcv_tmo_usec: 0,
  };

  test.each([
    ["127.0.0.1", [0x0100007f]],
    ["0.0.0.0", [0]],
    ["::", [0, 0, 0, 0]],
    ["::1", [0, 0, 0, 0x01000000]],
    ["::ffff:1.2.3.4", [0, 0, 0xffff0000, 0x04030201]],
    ["fe80::1:0:0:1", [0x80fe, 0, 0x00000100, 0x01000000]],
    ["1:2:3:4:5:6:7:8", [0x02000100, 0x04000300, 0x06000500, 0x08000700]],
    ["2001:db8::", [0xb80d0120, 0, 0, 0]],
  ])("address %s", (text, words) => {
    const sk = {
      id: 1,
      ino: 2,
      family: 10,
      type: 2,
      proto: 17,
      state: 7,
      src_port: 1,
      dst_port: 0,
      flags: 0,
      backlog: 0,
    };
    const entry = { ...sk, src_addr: words, dst_addr: words, fown, opts };
    expect(shown("INETSK", entry)).toMatchObject({ src_addr: [text], dst_addr: [text], family: "INET6", proto: "UDP" });
  });

  test.each([
    ["", ""],
    ["\0abc", "=00abc"],
    ["a b\tc=d", "a=20b=09c=3Dd"],
    [".", "=2E"],
    [".x", ".x"],
    ["x".repeat(76), "x".repeat(76)],
    ["x".repeat(77), `${"x".repeat(75)}=\nxx`],
    [`${"x".repeat(73)}\0`, `${"x".repeat(73)}=\n=00`],
    ["\xff\r", "=FF=0D"],
  ])("the unix name %p", (name, text) => {
    const entry = { id: 1, ino: 2, type: 1, state: 7, flags: 0, uflags: 0, backlog: 0, peer: 0, fown, opts };
    expect(shown("UNIXSK", { ...entry, name: Buffer.from(name, "latin1") })).toMatchObject({ name: text });
  });

  test("every kind of payload", () => {
    const desc = { key: 0, uid: 0, gid: 0, cuid: 0, cgid: 0, mode: 0, id: 0 };
    const bytes = Uint8Array.from({ length: 60 }, (_, i) => i);
    const base64 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8gISIjJCUmJygpKissLS4vMDEyMzQ1Njc4\nOTo7\n";
    const extra = (kind: KindName, entry: Entry): Json => (shown(kind, entry) as { extra: Json }).extra;
    expect(extra("PIPES_DATA", { pipe_id: 1, bytes: 60, size: 1, extra: bytes })).toBe(base64);
    expect(extra("IPCNS_SHM", { desc, size: 60, extra: bytes })).toBe(base64);
    expect(extra("IPCNS_SEM", { desc, nsems: 3, extra: [1, 2, 65535] })).toEqual([1, 2, 65535]);
    const message = { message: { mtype: 2n ** 63n, msize: 60 }, text: bytes };
    expect(extra("IPCNS_MSG", { desc, qbytes: 1, qnum: 2, extra: [message, message] })).toEqual([
      { mtype: 2n ** 63n, msize: 60 },
      base64,
      { mtype: 2n ** 63n, msize: 60 },
      base64,
    ]);
    const chunked = [
      { uid: 0, gid: 0, mode: 0o100600, chunks: true, size: 1 << 20 },
      { len: 60, off: 4096, extra: bytes },
    ];
    expect(shown("GHOST_FILE", ...chunked)).not.toHaveProperty("extra");
  });

  test("fields of ours show by name, only when they are there", () => {
    const entry = { id: 1, flags: 0, fown, counter: 1 };
    expect(shown("EVENTFD_FILE", entry)).not.toHaveProperty("tscriu_semaphore");
    expect(shown("EVENTFD_FILE", { ...entry, tscriu_semaphore: true })).toHaveProperty("tscriu_semaphore", true);
  });

  test("numbers, names and hexadecimal are all taken", () => {
    const json = (state: string): string =>
      `{"magic": "FILE_LOCKS", "entries": [{"flag": ${state}, "type": "0x1", "pid": "0b11", "fd": " 5 ", "start": -9223372036854775808, "len": "0xffff"}]}`;
    const entry = decodeImage(crit(["encode"], json("1")).bytes, "").entries[0];
    expect(entry).toEqual({ flag: 1, type: 1, pid: 3, fd: 5, start: -(2n ** 63n), len: 0xffff });
  });
});

describe("JSON", () => {
  test("as Python writes it", () => {
    const value = {
      a: [],
      b: {},
      c: 'é\u{1f600}\0\x7f\u2028"\\/\x1f\udc80',
      d: [18446744073709551615n, -1, true, null],
    };
    const text = '"\\u00e9\\ud83d\\ude00\\u0000\x7f\\u2028\\"\\\\/\\u001f\\udc80"';
    expect(formatJson(value, 0)).toBe(`{"a": [], "b": {}, "c": ${text}, "d": [18446744073709551615, -1, true, null]}`);
    expect(formatJson({ x: [1, {}] }, 4)).toBe('{\n    "x": [\n        1,\n        {}\n    ]\n}');
    expect(parseJson(formatJson(value, 4), "")).toEqual(value);
  });

  test.each(["", "{", '{"a"', '{"a":1,}', "[1 2]", '"a', '"\\q"', "[1]]", "nul", "01", "[".repeat(100000), '"a\nb"'])(
    "%p is refused",
    (text) => {
      const run = crit(["encode"], text.slice(0, 300));
      expect(run.status).toBe(1);
      expect(run.errors).toMatch(/^crit: no valid JSON/);
      expect(() => parseJson(text, "")).toThrow(CrError);
    },
  );
});

describe("the command", () => {
  test("files and standard streams", () => {
    using dir = temporaryDirectory();
    const image = encodeImage("FS", [{ cwd_id: 1, root_id: 2 }]);
    writeFileSync(`${dir.path}/fs.img`, image);
    expect(crit(["decode", `--in=${dir.path}/fs.img`, "-o", `${dir.path}/fs.json`]).status).toBe(0);
    const json = readFileSync(`${dir.path}/fs.json`, "utf8");
    expect(json).toBe('{"magic": "FS", "entries": [{"cwd_id": 1, "root_id": 2}]}');
    expect(crit(["decode"], image).text).toBe(`${json}\n`);
    expect(crit(["encode", `-i${dir.path}/fs.json`, "--ou", `${dir.path}/again.img`]).status).toBe(0);
    expect(readFileSync(`${dir.path}/again.img`)).toEqual(Buffer.from(image));
  });

  test("sizes in the place of payloads", () => {
    const image = encodeImage("SK_QUEUES", [{ id_for: 1, length: 2048, extra: new Uint8Array(2048) }]);
    expect(crit(["decode", "--nopl"], image).text).toContain('"extra": "... <2.0KB>"');
    expect(crit(["encode"], crit(["decode", "--nopl"], image).text).status).toBe(1);
  });

  test.each([
    [[], 1, "crit: error: too few arguments"],
    [["frob"], 2, "no command frob"],
    [["decode", "--frob"], 2, "no option --frob"],
    [["decode", "-i"], 2, "wants a value"],
    [["show"], 2, "show wants an image"],
    [["info", "a", "b"], 2, "`b` is one word too many for info"],
    [["x", "/nonexistent", "ps"], 1, "/nonexistent"],
    [["x", "/", "frob"], 1, "no view frob"],
    [["show", "/nonexistent"], 1, "no such file or directory"],
    [["decode", "-i", "/bin/sh"], 1, "unknown magic number 0x464c457f (/bin/sh)"],
  ])("%p ends with %p", (args, status, text) => {
    const run = crit(args);
    expect(run.errors).toContain(text);
    expect([run.status, run.text]).toEqual([status, ""]);
  });

  test.each([
    ['{"magic": "NONE", "entries": []}', "no kind of image NONE"],
    ['{"magic": "PAGES", "entries": []}', "no kind of image PAGES"],
    ['{"entries": []}', '"magic" and "entries"'],
    ['{"magic": "FS", "entries": [{"cwd_id": 1, "root": 2}]}', "fs_entry has no field root"],
    ['{"magic": "FS", "entries": [{"cwd_id": 1}]}', "fs_entry.root_id is required"],
    ['{"magic": "FS", "entries": [{"cwd_id": [1], "root_id": 2}]}', "is no list"],
    ['{"magic": "FS", "entries": [{"cwd_id": "x", "root_id": 2}]}', '"x" is no number'],
    ['{"magic": "FS", "entries": [1]}', "an entry is an object"],
    ['{"magic": "SK_QUEUES", "entries": [{"id_for": 1, "length": 1, "extra": "!"}]}', "no valid base64"],
    ['{"magic": "SK_QUEUES", "entries": [{"id_for": 1, "length": 1, "extra": ""}]}', "announces 1 bytes, got 0 bytes"],
  ])("%s cannot be encoded", (json, text) => {
    const run = crit(["encode"], json);
    expect(run.errors).toContain(text);
    expect([run.status, run.bytes.length]).toEqual([1, 0]);
  });
});
