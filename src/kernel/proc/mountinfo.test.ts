import { describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeDev, statPath } from "../stat.ts";
import { parseMountInfo } from "./mountinfo.ts";
import { ProcDir } from "./read.ts";
import { Victim } from "./victim.testing.ts";

const root = process.getuid?.() === 0;

describe("mountinfo", () => {
  test("optional fields and escapes", () => {
    const text =
      "36 35 98:15 /mnt\\0401 /m\\011nt\\134\\0122 rw,noatime master:1 - ext3 /dev/r\\040oot rw,errors=continue\n" +
      "40 36 0:300 / /a rw shared:5 master:6 propagate_from:2 unbindable odd:9 - fuse.x\\040y \\043src \n" +
      "41 36 0:5 / /\\303\\244\\040ü ro - tmpfs tmpfs rw\n";
    const none = { shared: undefined, master: undefined, propagateFrom: undefined, unbindable: false, optional: [] };
    expect(parseMountInfo(text)).toEqual([
      {
        ...none,
        mntId: 36,
        parentId: 35,
        dev: makeDev(98, 15),
        root: "/mnt 1",
        mountpoint: "/m\tnt\\\n2",
        options: ["rw", "noatime"],
        master: 1,
        fsType: "ext3",
        source: "/dev/r oot",
        superOptions: "rw,errors=continue",
      },
      {
        mntId: 40,
        parentId: 36,
        dev: makeDev(0, 300),
        root: "/",
        mountpoint: "/a",
        options: ["rw"],
        shared: 5,
        master: 6,
        propagateFrom: 2,
        unbindable: true,
        optional: ["odd:9"],
        fsType: "fuse.x y",
        source: "#src",
        superOptions: "",
      },
      {
        ...none,
        mntId: 41,
        parentId: 36,
        dev: makeDev(0, 5),
        root: "/",
        mountpoint: "/ä ü",
        options: ["ro"],
        fsType: "tmpfs",
        source: "tmpfs",
        superOptions: "rw",
      },
    ]);
  });

  test.each(["hello\n", "36 35 98:15 / /a rw - ext3 x\n", "36 35 98 / /a rw - ext3 x rw\n"])("refuses %p", (text) => {
    expect(() => parseMountInfo(text)).toThrow("unknown form");
  });

  test("the mounts that we live in", () => {
    using self = new ProcDir(process.pid);
    const mounts = parseMountInfo(self.text("mountinfo"));
    const proc = mounts.findLast((mount) => mount.mountpoint === "/proc");
    expect(proc).toMatchObject({
      fsType: "proc",
      root: "/",
      mntId: statPath("/proc")?.mntId,
      dev: statPath("/proc")?.dev,
    });
  });

  test.skipIf(!root)("a mount with an odd name (skipped without root)", async () => {
    const dir = mkdtempSync(join(tmpdir(), "mounts \n\\x-"));
    try {
      const script = `mount -t tmpfs -o size=1m 'my #src' "$DIR" && mount --make-shared "$DIR"`;
      await using victim = await Victim.start(`DIR='${dir}'; ${script}`, ["unshare", "-m", "sh", "-c"]);
      using proc = new ProcDir(victim.pid);
      const mount = parseMountInfo(proc.text("mountinfo")).find((one) => one.mountpoint === dir);
      expect(mount).toMatchObject({ fsType: "tmpfs", source: "my #src", shared: expect.any(Number) });
      expect(mount?.superOptions).toContain("size=1024k");
    } finally {
      rmSync(dir, { recursive: true });
    }
  });
});

test("a comma within an option is told from those between them", () => {
  const line = (options: string) => `67 63 0:39 / /mnt rw - overlay none ${options}\n`;
  const read = (options: string) => parseMountInfo(line(options))[0]?.superOptions;
  // by mount(2), in the words of who mounted it, and by fsconfig(2)
  expect(read(String.raw`rw,lowerdir=/lo\134\054w:/l\134:o,upperdir=/u\040p`)).toBe(
    String.raw`rw,lowerdir=/lo\,w:/l\:o,upperdir=/u p`,
  );
  expect(read(String.raw`rw,lowerdir+=/lo\054\134w,upperdir=/u\054p`)).toBe(
    String.raw`rw,lowerdir+=/lo\,\\w,upperdir=/u\,p`,
  );
  expect(read('rw,context="a:b,c"')).toBe('rw,context="a:b,c"');
});
