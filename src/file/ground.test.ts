import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { closeFd, linkOf, openPath } from "../kernel/fd.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { RootGround } from "./ground.ts";

const ELOOP = -40;

/** A root with ways out of it: links up, absolute ones, those of /proc; and a file beside it that nobody may reach. */
class Place implements Disposable {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), "tscriu-ground-")));
  readonly ground: RootGround;

  constructor() {
    mkdirSync(join(this.path, "root/dir"), { recursive: true });
    writeFileSync(join(this.path, "secret"), "outside");
    writeFileSync(join(this.path, "root/secret"), "inside");
    symlinkSync("../secret", join(this.path, "root/up"));
    symlinkSync(join(this.path, "secret"), join(this.path, "root/absolute"));
    symlinkSync("/proc/self/root", join(this.path, "root/magic"));
    symlinkSync("/", join(this.path, "root/dir/top"));
    this.ground = new RootGround(openPath(join(this.path, "root"), O.PATH | O.DIRECTORY));
  }

  [Symbol.dispose](): void {
    this.ground[Symbol.dispose]();
    rmSync(this.path, { recursive: true, force: true });
  }
}

test("no path leads out of a root: not up, not by links, not by those of /proc", () => {
  using place = new Place();
  const { ground, path } = place;
  const inside = ground.stat("/secret")?.ino;
  expect(inside).toBeDefined();
  for (const name of ["/../secret", "/../../../secret", "/up", "/dir/../../secret", "/dir/top/secret"])
    expect([name, ground.stat(name)?.ino]).toEqual([name, inside]);
  expect(ground.stat("/absolute")).toBeUndefined();
  expect(ground.stat(`/magic${path}/secret`)).toBeUndefined();
  expect(ground.open("/magic", O.PATH | O.NOFOLLOW)).toBeGreaterThan(0);
});

test("a link of /proc is followed from nowhere", () => {
  using ground = new RootGround(openPath("/", O.PATH | O.DIRECTORY));
  expect(ground.open("/proc/self/root/etc", O.PATH)).toBe(ELOOP);
  expect(ground.open(`/proc/${process.pid}/cwd`, O.PATH)).toBe(ELOOP);
  expect(() => ground.at("/proc/self/root/etc/made")).toThrow("cannot open a directory of the tree");
});

test("a name to make things by stands in its directory, whatever leads there, and its last part is left alone", () => {
  using place = new Place();
  const { ground, path } = place;
  const [made] = [ground.at("/dir/top/../../dir/new")];
  writeFileSync(made, "made");
  expect(ground.stat("/dir/new")?.size).toBe(4);
  const fd = openPath(ground.at("/absolute"), O.PATH | O.NOFOLLOW);
  expect(linkOf(fd)).toBe(join(path, "root/absolute"));
  closeFd(fd);
  // a directory that was made anew is found
  rmSync(join(path, "root/dir"), { recursive: true });
  mkdirSync(join(path, "root/dir"));
  writeFileSync(ground.at("/dir/new"), "again");
  expect(ground.stat("/dir/new")?.size).toBe(5);
});
