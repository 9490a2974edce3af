import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { Fstype, type MntEntry } from "../image/schema.gen.ts";
import { type TarMember, tarEnd, tarHeader, tarPadding } from "../image/tar.ts";
import { plainMember } from "../image/testing.ts";
import { closeFd, openPath } from "../kernel/fd.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { planGroups } from "./mnt-groups.ts";
import { AUTODETECTED, planMounts } from "./mnt-plan.ts";
import { packTree } from "./tmpfs-pack.ts";
import { unpackTree } from "./tmpfs-unpack.ts";

const disk = 0xfe00000;
const root: MntEntry = {
  fstype: Fstype.UNSUPPORTED,
  mnt_id: 1,
  root_dev: disk,
  parent_mnt_id: 0,
  flags: 0,
  root: "/",
  mountpoint: "/",
  source: "/dev/vda",
  options: "",
};
const mount = (mnt_id: number, mountpoint: string, more: Partial<MntEntry> = {}): MntEntry => ({
  ...root,
  mnt_id,
  mountpoint,
  parent_mnt_id: 1,
  fstype: Fstype.TMPFS,
  root_dev: mnt_id,
  source: "none",
  ...more,
});
const plan = (...entries: MntEntry[]) => {
  const { mounts, errors } = planMounts(entries);
  return {
    sources: mounts.map(({ at, source }) => [at, source.how, source.path]),
    errors: errors.map((e) => e.message),
  };
};

describe("how mounts are made again", () => {
  test("parents first, each where it is seen from its parent; parts of the root, new ones, those from outside", () => {
    const { sources, errors } = plan(
      mount(4, "/a/b/c", { parent_mnt_id: 3 }),
      mount(3, "/a/b", { root_dev: disk, root: "/srv/b", fstype: Fstype.UNSUPPORTED }),
      root,
      mount(5, "/a/b/c", { parent_mnt_id: 4, root_dev: 4, root: "/part" }),
      mount(6, "/host", { ext_key: AUTODETECTED, source: "/mnt/host", fstype: Fstype.UNSUPPORTED }),
      mount(7, "/given", { ext_key: "NAME", fstype: Fstype.UNSUPPORTED, root_dev: 9, root: "/x" }),
      mount(8, "/given/too", { parent_mnt_id: 7, fstype: Fstype.UNSUPPORTED, root_dev: 9, root: "/x/y" }),
      mount(10, "/memory", { ext_key: "MEMORY" }),
      mount(11, "/memory too", { root_dev: 10, root: "/part" }),
    );
    expect(errors).toEqual([]);
    expect(sources).toEqual([
      ["/", "root", "/"],
      ["/a/b", "root", "/srv/b"],
      ["/host", "outside", "/mnt/host"],
      ["/given", "named", "/"],
      ["/memory", "named", "/"],
      ["/memory too", "named", "/part"],
      ["/c", "new", "/"],
      ["/too", "named", "/y"],
      ["/", "new", "/part"],
    ]);
  });

  test("a root that is a directory of its file system: what lies beside that is not in it", () => {
    const jail = { ...root, root: "/jail" };
    expect(
      plan(jail, mount(2, "/in", { ...jail, mnt_id: 2, mountpoint: "/in", parent_mnt_id: 1, root: "/jail/x" }))
        .sources[1],
    ).toEqual(["/in", "root", "/x"]);
    const beside = mount(2, "/out", { fstype: Fstype.UNSUPPORTED, root_dev: disk, root: "/jailbreak" });
    expect(plan(jail, beside).errors).toEqual([expect.stringContaining("cannot be made again")]);
  });

  test.each([
    ["a place that is not absolute", [mount(2, "a")]],
    ["a root that is not absolute", [mount(2, "/a", { root: "a" })]],
    ["a place outside of the parent", [mount(2, "/a"), mount(3, "/b", { parent_mnt_id: 2 })]],
    ["a parent that is not there", [mount(2, "/a", { parent_mnt_id: 77 })]],
  ])("%s is an error", (_, entries) => {
    expect(plan(root, ...entries).errors.length).toBe(1);
  });

  test("two with one number, none, a circle: nothing can be made of that", () => {
    expect(() => plan(root, mount(1, "/a"))).toThrow("one number");
    expect(() => plan()).toThrow("without a root");
    expect(() => plan(mount(2, "/a", { parent_mnt_id: 3 }), mount(3, "/b", { parent_mnt_id: 2 }))).toThrow(
      "without a root",
    );
  });
});

describe("who shares with whom", () => {
  const groups = (entries: MntEntry[], outside: number[] = []) => {
    const { steps, errors } = planGroups(entries, new Set(outside));
    return {
      steps: steps.map(({ mount: one, peerOf, slave, shared }) => [
        one.mnt_id,
        peerOf && ("outside" in peerOf ? `outside ${peerOf.outside}` : peerOf.mnt_id),
        slave ? "slave" : "",
        shared ? "shared" : "",
      ]),
      errors: errors.length,
    };
  };

  test("masters before slaves, the widest mount of a group first", () => {
    const of = (id: number, more: Partial<MntEntry>) => mount(id, `/${id}`, { root_dev: 5, ...more });
    expect(
      groups([
        of(2, { shared_id: 20, master_id: 10, root: "/in" }),
        of(3, { shared_id: 10, root: "/in" }),
        of(4, { shared_id: 10 }),
        of(5, { master_id: 20, root: "/in/deep" }),
      ]),
    ).toEqual({
      steps: [
        [4, undefined, "", "shared"],
        [3, 4, "", ""],
        [2, 3, "slave", "shared"],
        [5, 2, "slave", ""],
      ],
      errors: 0,
    });
  });

  test("groups outside of the tree; masters that nobody has, and groups that are their own", () => {
    const of = (id: number, more: Partial<MntEntry>) => mount(id, `/${id}`, { root_dev: 5, ...more });
    expect(groups([of(2, { shared_id: 10 }), of(3, { master_id: 11 })], [10, 11]).steps).toEqual([
      [2, "outside 10", "", ""],
      [3, "outside 11", "slave", ""],
    ]);
    expect(groups([of(2, { master_id: 11 })]).errors).toBe(1);
    expect(groups([of(2, { shared_id: 10, master_id: 10 })]).errors).toBe(1);
    expect(groups([of(2, { shared_id: 10, root: "/a" }), of(3, { shared_id: 10, root: "/b" })]).errors).toBe(1);
  });
});

/** Of ours: what it is unpacked into may belong to nobody else. */
const plain: TarMember = {
  ...plainMember,
  mode: 0o600,
  uid: process.getuid?.() ?? 0,
  gid: process.getgid?.() ?? 0,
};

const ROOM = 1 << 20;

/** A directory that is unpacked into, beside another that must stay as it is. */
class Place implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "tscriu-unpack-"));
  readonly into = join(this.path, "into");

  constructor() {
    mkdirSync(this.into);
    mkdirSync(join(this.path, "beside"));
    writeFileSync(join(this.path, "beside/file"), "untouched");
  }

  unpack(members: readonly (readonly [Partial<TarMember>, string?])[]): void {
    const parts = members.flatMap(([member, content = ""]) => {
      const body = Buffer.from(content);
      return [tarHeader({ ...plain, ...member, size: body.length }), body, tarPadding(body.length)];
    });
    this.with((fd) => unpackTree(fd, gzipSync(Buffer.concat([...parts, tarEnd])), ROOM));
  }

  with<T>(act: (fd: number) => T): T {
    const fd = openPath(this.into, O.PATH | O.DIRECTORY);
    try {
      return act(fd);
    } finally {
      closeFd(fd);
    }
  }

  get isUntouched(): boolean {
    const names = [readdirSync(this.path).sort().join(), readdirSync(join(this.path, "beside")).join()];
    return (
      names.join(" ") === "beside,into file" && readFileSync(join(this.path, "beside/file"), "utf8") === "untouched"
    );
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

describe("what lies in a tmpfs", () => {
  test.each<readonly [string, readonly (readonly [Partial<TarMember>, string?])[]]>([
    ["a name that leads up", [[{ name: "./../beside/file" }, "evil"]]],
    ["a name that leads up further on", [[{ name: "./x", type: "5" }], [{ name: "./x/../../beside/new" }, "evil"]]],
    ["an absolute name", [[{ name: "/tmp/tscriu-evil" }, "evil"]]],
    [
      "a file by way of a link that leads out",
      [[{ name: "./l", type: "2", link: "../beside" }], [{ name: "./l/new" }, "evil"]],
    ],
    [
      "a link upon a link that leads out",
      [[{ name: "./l", type: "2", link: "../beside/file" }], [{ name: "./l" }, "evil"]],
    ],
    [
      "a hard link to what lies outside",
      [[{ name: "./h", type: "1", link: "../beside/file" }], [{ name: "./h" }, "evil"]],
    ],
    [
      "an absolute link and a file behind it",
      [[{ name: "./l", type: "2", link: "/" }], [{ name: "./l/tscriu-evil" }, "evil"]],
    ],
    ["a member of an unknown type", [[{ name: "./x", type: "9" }]]],
    [
      "a file where a file is",
      [
        [{ name: "./x" }, "1"],
        [{ name: "./x" }, "2"],
      ],
    ],
  ])("%s: nothing outside is touched", (_, members) => {
    using place = new Place();
    try {
      place.unpack(members);
    } catch (error) {
      expect(String(error)).not.toContain("TypeError");
    }
    expect(place.isUntouched).toBe(true);
    expect(readdirSync("/tmp").includes("tscriu-evil")).toBe(false);
    expect(readdirSync("/").includes("tscriu-evil")).toBe(false);
  });

  test("it comes back as it was: names of any bytes, links, holes, times", () => {
    using place = new Place();
    mkdirSync(join(place.into, "dir"));
    writeFileSync(join(place.into, "dir/file"), "x".repeat(10_000));
    writeFileSync(join(place.into, "sparse"), `${"\0".repeat(1 << 14)}end`);
    symlinkSync("dir/file", join(place.into, "link"));
    writeFileSync(Buffer.concat([Buffer.from(`${place.into}/`), Buffer.of(0xff, 0x0a, 0x20)]), "odd");
    const parts: Uint8Array[] = [];
    const size = place.with((fd) => packTree(fd, (bytes) => parts.push(bytes)));
    using other = new Place();
    const unpack = (most: number) => other.with((fd) => unpackTree(fd, Buffer.concat(parts), most));
    unpack(size);
    const look = (path: string) =>
      Bun.spawnSync(["sh", "-c", "find . -printf '%p %y %m %s %T@ %l\\n' | sort; cat dir/file sparse | md5sum"], {
        cwd: path,
      }).stdout.toString();
    expect(look(other.into)).toBe(look(place.into));
    expect(
      Number(
        Bun.spawnSync(["du", "-k", join(other.into, "sparse")])
          .stdout.toString()
          .split("\t")[0],
      ),
    ).toBeLessThan(64);
  });

  test("what is no archive is an error", () => {
    using place = new Place();
    expect(() => place.with((fd) => unpackTree(fd, Buffer.from("nonsense"), ROOM))).toThrow("cannot be unpacked");
  });

  test("more than the images say does not come out, in one piece or in many", () => {
    const members = Array.from({ length: 64 }, (_, i): readonly [Partial<TarMember>, string] => [
      { name: `./${i}` },
      "\0".repeat(1 << 14),
    ]);
    const tar = Buffer.concat(
      members.flatMap(([member, content]) => [
        tarHeader({ ...plain, ...member, size: content.length }),
        Buffer.from(content),
      ]),
    );
    const cut = (size: number) =>
      Array.from({ length: Math.ceil(tar.length / size) }, (_, i) => gzipSync(tar.subarray(i * size, (i + 1) * size)));
    for (const archive of [gzipSync(tar), Buffer.concat(cut(50_001))]) {
      using place = new Place();
      const unpack = () => place.with((fd) => unpackTree(fd, archive, 1 << 19));
      expect(unpack).toThrow("unpacks to more than it may");
      expect(readdirSync(place.into).length).toBeLessThan(33);
    }
    // with its end, and room for it
    using place = new Place();
    const whole = Buffer.concat([...cut(999), gzipSync(tarEnd)]);
    place.with((fd) => unpackTree(fd, whole, tar.length + tarEnd.length));
    expect(readdirSync(place.into)).toHaveLength(64);
    whole[whole.length - 6] = 1;
    using other = new Place();
    expect(() => other.with((fd) => unpackTree(fd, whole, tar.length + tarEnd.length))).toThrow("cannot be unpacked");
  });
});
