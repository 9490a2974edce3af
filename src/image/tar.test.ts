import { expect, test } from "bun:test";
import {
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readTar, type TarMember, tarEnd, tarHeader, tarPadding } from "./tar.ts";
import { plainMember as plain } from "./testing.ts";

function archive(...members: [TarMember, string?][]): Uint8Array {
  const parts = members.flatMap(([member, content = ""]) => {
    const body = Buffer.from(content, "latin1");
    return [tarHeader({ ...member, size: body.length }), body, tarPadding(body.length)];
  });
  return Buffer.concat([...parts, tarEnd]);
}

const read = (bytes: Uint8Array) =>
  Array.from(readTar([bytes]), ({ member, pieces }) => ({
    member,
    content: Array.from(pieces, (piece) => `${piece.offset}:${Buffer.from(piece.bytes).toString("latin1")}`).join(),
  }));

test("what is written is read again: long names, large numbers, fractions of seconds, attributes", () => {
  const name = `./${"long/".repeat(30)}\xff\xfe`;
  const members: TarMember[] = [
    { ...plain, type: "5", name: "./dir", mode: 0o1777 },
    { ...plain, name, uid: 3_000_000_000, gid: 5_000_000, mtime: 1_000_000_000_123_456_789n, mode: 0o4755 },
    { ...plain, type: "2", name: "./link", link: "x".repeat(150) },
    { ...plain, type: "3", name: "./null", major: 1, minor: 3, mtime: 5_000_000_000n },
    { ...plain, name: "./attributed", xattrs: new Map([["user.key", Uint8Array.of(0, 10, 61, 255)]]) },
    {
      ...plain,
      type: "5",
      name: "./flagged",
      flags: "schg,nodump",
      sockets: [
        { name: "a b", mode: 0o640, uid: 1, gid: 2, mtime: -7n },
        { name: "\xff\n=", mode: 0o777, uid: 5_000_000_000, gid: 0, mtime: 1_000_000_000_123_456_789n },
      ],
    },
    { ...plain, name: "./early", mtime: -1_500_000_000n * 1000n },
  ];
  const found = read(
    archive(...members.map((member): [TarMember, string] => [member, member.type === "0" ? "text" : ""])),
  );
  expect(found.map(({ member }) => ({ ...member, atime: undefined, size: 0 }))).toEqual(
    members.map((member) => ({ ...member, atime: undefined, size: 0 })),
  );
  expect(found.map(({ content }) => content)).toEqual(["", "0:text", "", "", "0:text", "", "0:text"]);
});

test("sockets outside of their directory are none", () => {
  for (const name of ["..", ".", "a/b", ""]) {
    const bytes = archive([{ ...plain, type: "5", name: "./d", sockets: [{ ...plain, name }] }]);
    expect(() => read(bytes)).toThrow("a socket file is none");
  }
});

const tar = Bun.which("tar");

test.skipIf(tar === null)("what GNU tar writes is read, sparse files too; what is written GNU tar reads", () => {
  const path = mkdtempSync(join(tmpdir(), "tscriu-tar-"));
  try {
    mkdirSync(join(path, "in/dir"), { recursive: true });
    writeFileSync(join(path, `in/dir/${"n".repeat(120)}`), "long name");
    writeFileSync(join(path, "in/sparse"), "head");
    truncateSync(join(path, "in/sparse"), 1 << 20);
    writeFileSync(join(path, "in/sparse"), "tail", { flag: "a" });
    symlinkSync("dir", join(path, "in/link"));
    const made = Bun.spawnSync(["tar", "--create", "--sparse", "--format=gnu", "-C", join(path, "in"), "."]);
    const found = new Map(read(made.stdout).map((one) => [one.member.name, one]));
    expect(found.get(`./dir/${"n".repeat(120)}`)?.content).toBe("0:long name");
    expect(found.get("./link")?.member).toMatchObject({ type: "2", link: "dir" });
    const sparse = found.get("./sparse");
    expect(sparse?.member.size).toBe((1 << 20) + 4);
    expect(sparse?.content.length).toBeLessThan(20_000);
    writeFileSync(
      join(path, "ours.tar"),
      archive(
        [{ ...plain, name: "./x" }, "ours"],
        [{ ...plain, name: `./${"y".repeat(130)}`, mtime: 1_500_000_000n }, "too"],
      ),
    );
    const listed = Bun.spawnSync(["tar", "-tf", join(path, "ours.tar")]).stdout.toString();
    expect(listed).toBe(`./x\n./${"y".repeat(130)}\n`);
  } finally {
    rmSync(path, { recursive: true, force: true });
  }
});

test("damage is told: a cut, a wrong sum, a broken extended header, sparse files that lack data", () => {
  const whole = archive([{ ...plain, xattrs: new Map([["user.a", Uint8Array.of(1)]]) }, "content"]);
  expect(() => read(whole.slice(0, 1540))).toThrow("ends too early");
  expect(() => read(whole.slice(0, 2048))).toThrow("has no end");
  const wrong = Buffer.from(whole);
  wrong[0] = 0x7a;
  expect(() => read(wrong)).toThrow("check sum");
  const broken = Buffer.from(whole);
  broken.write("9999999 x=", 512, "latin1");
  expect(() => read(broken)).toThrow("extended header");
});

test("of sparse files what has content is written, and GNU tar reads it with its holes", () => {
  const huge = 9 * 2 ** 30;
  const files = [
    { name: "./none", size: 123_456, ranges: [] },
    { name: "./few", size: 8192, ranges: [{ offset: 4096, length: 4096 }] },
    {
      name: "./many",
      size: 500_000,
      ranges: Array.from({ length: 60 }, (_, i) => ({ offset: i * 8192, length: 512 })),
    },
    { name: "./huge", size: huge, ranges: [{ offset: huge - 8192, length: 5 }] },
  ];
  const parts = files.flatMap((file) => {
    const body = Buffer.alloc(
      file.ranges.reduce((sum, { length }) => sum + length, 0),
      "abc",
    );
    return [tarHeader({ ...plain, ...file, room: 40960 }), body, tarPadding(body.length)];
  });
  const bytes = Buffer.concat([...parts, tarEnd]);
  const found = read(bytes);
  expect(found.map(({ member: { name, size, room } }) => ({ name, size, room }))).toEqual(
    files.map(({ name, size }) => ({ name, size, room: 40960 })),
  );
  expect(found.map(({ content }) => content.split(",").filter(Boolean).length)).toEqual([0, 1, 60, 1]);
  expect(found[2]?.content).toMatch(/^0:(abc)+ab,8192:/);
  if (tar === null) return;
  const dir = mkdtempSync(join(tmpdir(), "tar-"));
  try {
    const done = Bun.spawnSync([tar, "-xf", "-", "-C", dir], { stdin: bytes });
    expect(done.stderr.toString()).toBe("");
    expect(files.map(({ name }) => statSync(join(dir, name)).size)).toEqual(files.map(({ size }) => size));
    expect(statSync(join(dir, "huge")).blocks).toBeLessThan(64);
    const many = readFileSync(join(dir, "many"));
    expect(many[59 * 8192 + 511]).toBeGreaterThan(0);
    expect(many[59 * 8192 + 512]).toBe(0);
  } finally {
    rmSync(dir, { recursive: true });
  }
});
