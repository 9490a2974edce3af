/** Hostile mounts, and archives of what lies in them. */
import { type TarMember, tarEnd, tarHeader, tarPadding } from "../../../src/image/tar.ts";
import { type Row, staying, type Variant, variantsOf } from "./set.ts";

const LONG = "x".repeat(5000);

/** @param root of the container on the machine @param out a directory outside of it */
const mountRows = (root: string, out: string): Row[] => [
  ["a place above the root", "mountpoints", "mountpoint=/tmp", { mountpoint: "/../outside" }],
  ["a place above the root further on", "mountpoints", "mountpoint=/tmp", { mountpoint: "/data/../../outside" }],
  ["a place behind a link that leads out", "mountpoints", "mountpoint=/tmp", { mountpoint: "/way-out/sub" }],
  ["a place behind an absolute link", "mountpoints", "mountpoint=/tmp", { mountpoint: "/abs-out/sub" }],
  ["a place that is an absolute link", "mountpoints", "mountpoint=/bound", { mountpoint: "/abs-out" }],
  ["a place behind /proc", "mountpoints", "mountpoint=/tmp", { mountpoint: "/proc/1/root/outside" }],
  ["a place that is a link of /proc", "mountpoints", "mountpoint=/dev/pts", { mountpoint: "/proc/self/cwd" }],
  ["a place without a name", "mountpoints", "mountpoint=/tmp", { mountpoint: "" }],
  ["a relative place", "mountpoints", "mountpoint=/tmp", { mountpoint: "tmp" }],
  ["a place with a NUL", "mountpoints", "mountpoint=/tmp", { mountpoint: "/tmp\0/x" }],
  ["a place of absurd length", "mountpoints", "mountpoint=/tmp", { mountpoint: `/${LONG}` }],
  ["a place of many parts", "mountpoints", "mountpoint=/tmp", { mountpoint: "/a".repeat(5000) }],
  ["a directory on a file", "mountpoints", "mountpoint=/tmp", { mountpoint: "/container" }],
  ["a directory above the root", "mountpoints", "mountpoint=/bound", { root: `${root}/../outside` }],
  ["a directory far above", "mountpoints", "mountpoint=/bound", { root: "/../../etc" }],
  ["a directory behind a link", "mountpoints", "mountpoint=/bound", { root: `${root}/way-out` }],
  ["a directory behind an absolute link", "mountpoints", "mountpoint=/bound", { root: `${root}/abs-out/sub` }],
  ["a directory that is not there", "mountpoints", "mountpoint=/bound", { root: `${root}/nothing` }],
  ["a directory with a NUL", "mountpoints", "mountpoint=/bound", { root: `${root}/data\0/in` }],
  ["a directory beside the root", "mountpoints", "mountpoint=/bound", { root: out }],
  ["a relative directory", "mountpoints", "mountpoint=/bound", { root: "data" }],
  ["a deleted directory above", "mountpoints", "mountpoint=/bound", { root: `${root}/../outside/new`, deleted: true }],
  [
    "a deleted directory behind a link",
    "mountpoints",
    "mountpoint=/bound",
    { root: `${root}/way-out/new`, deleted: true },
  ],
  ["a deleted one called ..", "mountpoints", "mountpoint=/bound", { root: `${root}/data/..`, deleted: true }],
  ["a deleted one without a name", "mountpoints", "mountpoint=/bound", { root: `${root}/data/`, deleted: true }],
  ["a deleted one that is there", "mountpoints", "mountpoint=/bound", { root: `${root}/data`, deleted: true }],
  ["one that was found outside", "mountpoints", "mountpoint=/bound", { ext_key: "CRIU:AUTODETECTED", source: "/etc" }],
  ["one that nobody gave", "mountpoints", "mountpoint=/bound", { ext_key: "NAME" }],
  ["an external root", "mountpoints", "mountpoint=/", { ext_key: "CRIU:AUTODETECTED", source: "/" }],
  [
    "an overlay of directories outside",
    "mountpoints",
    "mountpoint=/tmp",
    { fstype: 17, options: `lowerdir=/etc,upperdir=${out},workdir=${out}` },
  ],
  ["an unknown file system", "mountpoints", "mountpoint=/tmp", { fstype: 99, root_dev: 9 }],
  ["one that was not allowed", "mountpoints", "mountpoint=/tmp", { fstype: 16, fsname: "ramfs", root_dev: 9 }],
  ["one of an absurd name", "mountpoints", "mountpoint=/tmp", { fstype: 16, fsname: "../x", root_dev: 9 }],
  [
    "a hierarchy of cgroups that is not there",
    "mountpoints",
    "mountpoint=/dev/mqueue",
    { fstype: 12, fsname: undefined, root_dev: 9, options: "none,name=tscriu-hostile,release_agent=/container" },
  ],
  ["a parent that is not there", "mountpoints", "mountpoint=/tmp", { parent_mnt_id: 424242 }],
  ["its own parent", "mountpoints", "mountpoint=/tmp", { mnt_id: 7777, parent_mnt_id: 7777 }],
  ["the root's number", "mountpoints", "mountpoint=/", { mnt_id: 1 }],
  ["a master that is not there", "mountpoints", "mountpoint=/tmp", { master_id: 424242 }],
  ["its own master", "mountpoints", "mountpoint=/tmp", { shared_id: 5, master_id: 5 }],
  ["unknown options", "mountpoints", "mountpoint=/tmp", { options: "size=1m,nonsense=1" }],
  ["options of absurd length", "mountpoints", "mountpoint=/tmp", { options: `size=${"9".repeat(100_000)}` }],
  ["options with a NUL", "mountpoints", "mountpoint=/tmp", { options: "size=4m\0,nonsense" }],
  ["an absurd mode", "mountpoints", "mountpoint=/dev/pts", { options: "mode=99999999999" }],
  ["a source of absurd length", "mountpoints", "mountpoint=/tmp", { source: LONG }],
  ["a tmpfs without its content", "mountpoints", "mountpoint=/tmp", { root_dev: 9 }],
  ["a part of a tmpfs that is not there", "mountpoints", "mountpoint=/tmp", { root: "/nothing" }],
  ["a part of a tmpfs above it", "mountpoints", "mountpoint=/tmp", { root: "/../../data" }],
  ["a pid namespace that is not there", "mountpoints", "mountpoint=/proc", { tscriu_pid_ns: 999 }],
  ["a number twice", "mountpoints", "+", {}],
];

const plain: Omit<TarMember, "name" | "type"> = {
  mode: 0o755,
  uid: 0,
  gid: 0,
  size: 0,
  mtime: 0n,
  link: "",
  major: 0,
  minor: 0,
  xattrs: new Map(),
};

type Part = Partial<TarMember> & { readonly content?: string };

function archive(parts: readonly Part[]): Uint8Array {
  const top = tarHeader({ ...plain, name: ".", type: "5" });
  const bytes = parts.map(({ content = "", ...part }) => {
    const member = { ...plain, name: "./x", type: "0", size: content.length, ...part };
    return Buffer.concat([tarHeader(member), Buffer.from(content), tarPadding(content.length)]);
  });
  return Bun.gzipSync(new Uint8Array(Buffer.concat([top, ...bytes, tarEnd])));
}

/** A field of a header, with its check sum made right again. */
function forged(member: Part, at: number, field: string): Uint8Array {
  const bytes = Buffer.from(Bun.gunzipSync(new Uint8Array(archive([member]))));
  const block = bytes.subarray(512, 1024);
  block.write(field, at, "latin1");
  block.fill(0x20, 148, 156);
  const sum = block.reduce((all, byte) => all + byte, 0);
  block.write(`${sum.toString(8).padStart(6, "0")}\0 `, 148, "latin1");
  return Bun.gzipSync(new Uint8Array(bytes));
}

const tmpfs = (what: string, bytes: () => Uint8Array): Variant => ({
  what: `tmpfs-dev: ${what}`,
  change: (set) => set.raw("tmpfs-dev", bytes),
});

const holding = (what: string, ...parts: Part[]) => tmpfs(what, () => archive(parts));

const archives = (out: string): Variant[] => [
  holding("a file above", { name: "../escape", content: "x" }),
  holding("a file above further on", { name: "./a/../../escape", content: "x" }),
  holding("an absolute file", { name: `${out}/escape`, content: "x" }),
  holding("a directory above", { name: "..", type: "5" }),
  holding("a FIFO above", { name: "./../escape", type: "6" }),
  holding(
    "a file behind an absolute link",
    { name: "./way", type: "2", link: out },
    { name: "./way/escape", content: "x" },
  ),
  holding(
    "a file behind a link that leads up",
    { name: "./way", type: "2", link: "../../../../../.." },
    { name: "./way/tmp/escape", content: "x" },
  ),
  holding(
    "a file over a link",
    { name: "./way", type: "2", link: `${out}/precious` },
    { name: "./way", content: "overwritten" },
  ),
  holding(
    "a directory over a link, with a file in it",
    { name: "./way", type: "2", link: out },
    { name: "./way", type: "5", mode: 0o777, uid: 77 },
    { name: "./way/escape", content: "x" },
  ),
  holding("a hard link to what lies above", { type: "1", link: "../../outside/precious" }),
  holding("a hard link to an absolute file", { type: "1", link: `${out}/precious` }),
  holding(
    "a hard link to what lies behind a link",
    { name: "./way", type: "2", link: out },
    { type: "1", link: "./way/precious" },
  ),
  holding("a hard link to itself", { type: "1", link: "./x" }),
  holding("a hard link to a directory", { name: "./d", type: "5" }, { type: "1", link: "./d" }),
  holding("a link to nothing", { type: "2", link: "" }),
  holding("a link of absurd length", { type: "2", link: LONG }),
  holding("a member of an unknown type", { type: "9" }),
  holding("a file where a file is", { content: "x" }, { content: "x" }),
  holding("a file in a file", { content: "x" }, { name: "./x/y", content: "x" }),
  holding("a file in nothing", { name: "./a/b", content: "x" }),
  holding("a name of absurd length", { name: `./${"x".repeat(256)}` }),
  holding("a path of absurd length", { name: `.${"/x".repeat(3000)}` }),
  holding("a name with a NUL", { name: `./a\0b${"x".repeat(120)}` }),
  holding("its root a file", { name: ".", content: "x" }),
  holding("its root a link", { name: ".", type: "2", link: out }),
  holding("an absurd user", { uid: 2 ** 32 }),
  holding("no user", { uid: 2 ** 32 - 1 }),
  holding("an absurd group", { gid: 2 ** 33 + 5 }),
  holding("an absurd attribute", { content: "x", xattrs: new Map([["nonsense", Uint8Array.of(1)]]) }),
  holding("an attribute of absurd length", { content: "x", xattrs: new Map([[`user.${LONG}`, Uint8Array.of(1)]]) }),
  holding("an attribute that is damaged", {
    content: "x",
    xattrs: new Map([["system.posix_acl_access", Uint8Array.of(1, 2)]]),
  }),
  holding("an attribute with a NUL", { content: "x", xattrs: new Map([["user.a\0b", Uint8Array.of(1)]]) }),
  tmpfs("a size that is not there", () => forged({ content: "x" }, 124, "77777777777\0")),
  tmpfs("a size below zero", () => forged({ content: "x" }, 124, `\xff${"\xff".repeat(10)}\0`)),
  tmpfs("a size that is no number", () => forged({ content: "x" }, 124, "zzz\0")),
  tmpfs("a user below zero", () => forged({ content: "x" }, 108, "\xff\xff\xff\xff\xff\xff\xff\xf0")),
  tmpfs("a time that cannot be", () => forged({ content: "x" }, 136, `\x7f${"\xff".repeat(11)}`)),
  tmpfs("a device of absurd numbers", () => forged({ type: "3" }, 329, "\x80\xff\xff\xff\xff\xff\xff\xff")),
  tmpfs("a sparse file with more than it has", () =>
    forged({ type: "S", content: "x" }, 386, "00000000000\x0077777777777"),
  ),
  tmpfs("no end", () => Bun.gzipSync(new Uint8Array(tarHeader({ ...plain, name: ".", type: "5" })))),
  tmpfs("no archive", () => Buffer.from("nonsense")),
  tmpfs("text", () => Bun.gzipSync(Buffer.from("nonsense".repeat(200)))),
  {
    what: "tmpfs-dev: half of it",
    change: (set) => set.raw("tmpfs-dev", (bytes) => bytes.subarray(0, bytes.length / 2)),
  },
  // who may make nodes of devices has them in its tmpfs
  ...staying([
    holding("a disk", { type: "4", major: 8 }),
    holding("the machine's memory", { type: "3", major: 1, minor: 1 }),
    holding("a link that leads out", { type: "2", link: out }),
  ]),
];

export const hostileMounts = (root: string, out: string): Variant[] => [
  ...variantsOf(mountRows(root, out)),
  ...staying(
    variantsOf([
      [
        "whom a hierarchy of cgroups tells",
        "mountpoints",
        "mountpoint=/dev/mqueue",
        { fstype: 12, root_dev: 9, options: "name=systemd,release_agent=/container" },
      ],
      ["an absurd size", "mountpoints", "mountpoint=/tmp", { options: "size=99999999999999999999999g" }],
      ["all flags", "mountpoints", "mountpoint=/dev/mqueue", { flags: 0xffff_ffff }],
      ["a source with a NUL", "mountpoints", "mountpoint=/proc", { source: "a\0b" }],
    ]),
  ),
  {
    what: "mountpoints: two that lie in each other",
    change: (set) =>
      set.edit("mountpoints", (entries) => {
        const [one, other] = ["/tmp", "/bound"].map((place) => entries.find(({ mountpoint }) => mountpoint === place));
        if (one && other) [one.parent_mnt_id, other.parent_mnt_id] = [other.mnt_id, one.mnt_id];
        return entries;
      }),
  },
  {
    what: "mountpoints: more than there can be",
    change: (set) =>
      set.edit("mountpoints", (entries) => {
        const last = entries.at(-1) ?? {};
        return [...entries, ...Array.from({ length: 110_000 }, (_, i) => ({ ...last, mnt_id: 1_000_000 + i }))];
      }),
  },
  { what: "mountpoints: none", change: (set) => set.edit("mountpoints", () => []) },
  { what: "mountpoints: no image", change: (set) => set.remove("mountpoints") },
  ...archives(out),
];
