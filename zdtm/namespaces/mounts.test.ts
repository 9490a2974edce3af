/** Trees with mounts of their own: what they see before the dump, they see after the restore, and nobody else does. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from "node:fs";
import { mountTable } from "../lib/mount-table.ts";
import { treeOf } from "../lib/snapshot.ts";
import { refusal, Scratch } from "../unharmed/lib/victim.ts";
import { namespace, Stage, sleepers } from "./stage.ts";

const isRoot = process.getuid?.() === 0;
const testTime = 60_000;

/** A line of mountinfo without its numbers: those of mounts, of devices, of groups. */
function mountsOf(pid: number): string[] {
  const lines = readFileSync(`/proc/${pid}/mountinfo`, "latin1").trim().split("\n");
  const named = lines.map((line) => {
    const [, , , root, mountpoint, options, ...rest] = line.split(" ");
    return [mountpoint, root, options, ...rest].join(" ").replace(/(shared|master):\d+/g, "$1");
  });
  return named.sort();
}

/** Of each mount below a directory, its peer group and master; groups are numbered as they are met. */
function groupsOf(pid: number, directory: string): Record<string, string> {
  const lines = readFileSync(`/proc/${pid}/mountinfo`, "latin1").trim().split("\n");
  const numbers = new Map<string, number>();
  const number = (id: string | undefined) => {
    if (id !== undefined && !numbers.has(id)) numbers.set(id, numbers.size + 1);
    return id === undefined ? undefined : numbers.get(id);
  };
  const found: Record<string, string> = {};
  const mounts = lines.filter((line) => line.split(" ")[4]?.startsWith(directory));
  for (const line of mounts.toSorted((a, b) => (a.split(" ")[4] ?? "").localeCompare(b.split(" ")[4] ?? ""))) {
    const [shared, master] = [/ shared:(\d+)/, / master:(\d+)/].map((tag) => number(tag.exec(line)?.[1]));
    const words = [shared, master === undefined ? undefined : `of ${master}`];
    found[line.split(" ")[4] ?? ""] = words.filter((word) => word !== undefined).join(" ");
  }
  return found;
}

/** What a command says that sees what the tree sees. */
function inside(root: number, script: string): string {
  const enter = ["nsenter", `--mount=/proc/${root}/ns/mnt`, `--pid=/proc/${root}/ns/pid`, "sh", "-c", script];
  const { stdout, stderr } = Bun.spawnSync(enter);
  return stdout.toString() + stderr.toString();
}

/** A small root with a shell. */
function makeRoot(root: string): void {
  for (const dir of ["bin", "dev", "proc", "old", "tmp", "data/in"]) mkdirSync(`${root}/${dir}`, { recursive: true });
  Bun.spawnSync(["cp", Bun.which("busybox") ?? "", `${root}/bin/sh`]);
  for (const name of ["sleep", "mount", "umount", "cat"]) symlinkSync("sh", `${root}/bin/${name}`);
  Bun.spawnSync(["mknod", `${root}/dev/null`, "c", "1", "3"]);
  writeFileSync(`${root}/data/in/file`, `of ${root}`.slice(0, 8).padEnd(40, root.slice(-1)));
}

/** A script that makes a directory its root and lives there. */
const livesIn = (root: string) => `mount --bind ${root} ${root}; cd ${root}; pivot_root . old; exec /bin/sh -c '
        mount -t proc proc /proc; umount -l /old; mount -t tmpfs none /tmp; echo hello >/tmp/file; exec </dev/null >/tmp/out 2>&1
        mount -o bind /data/in /data; cd /data; exec 5<file 6<>/tmp/gone; echo some >&6; rm /tmp/gone; sleep 1000000 & wait'`;

type Entry = Record<string, unknown>;
/** What an image could say of a mount to get out of the root that it is restored into. */
const HOSTILE: readonly (readonly [what: string, place: string, change: Entry])[] = [
  ["a place above the root", "/tmp", { mountpoint: "/../outside" }],
  ["a place above the root further on", "/tmp", { mountpoint: "/tmp/../../outside" }],
  ["a place behind a link that leads out", "/tmp", { mountpoint: "/way-out/outside" }],
  ["a place behind /proc", "/tmp", { mountpoint: "/proc/1/root/outside" }],
  ["a directory above the root", "/data", { root: "/../../outside" }],
  ["a directory behind a link that leads out", "/data", { root: "/way-out" }],
  ["a mount that was found outside", "/data", { ext_key: "CRIU:AUTODETECTED", source: "/etc" }],
  ["a mount that nobody gave", "/data", { ext_key: "NAME" }],
  ["an overlay of directories outside", "/tmp", { fstype: 17, options: "lowerdir=/etc,upperdir=/tmp,workdir=/tmp" }],
  ["an unknown file system", "/tmp", { fstype: 99, root_dev: "9:9" }],
  ["a file system that was not allowed", "/tmp", { fstype: 16, fsname: "ramfs", root_dev: "9:9" }],
  ["a parent that is not there", "/tmp", { parent_mnt_id: 424242 }],
  ["a master that is not there", "/tmp", { master_id: 424242 }],
  ["options that the kernel does not know", "/tmp", { options: "size=1m,nonsense=1" }],
  ["an option of absurd length", "/tmp", { options: `size=${"9".repeat(100_000)}` }],
  ["a tmpfs without its content", "/tmp", { root_dev: "9:9" }],
];

describe("mounts", () => {
  if (!isRoot) {
    test.skip("dumps and restores (they need root)", () => {});
    return;
  }

  test.concurrent(
    "a /proc, tmpfs with content and binds of their own, over the machine's root",
    async () => {
      const script = `cd $(mktemp -d /tmp/tscriu-mounts-XXXXXX); rmdir $PWD; mkdir $PWD; cd $PWD
        mkdir own; mount -t tmpfs -o size=4m,mode=711 mine own; cd own
        mkdir -m 750 dir; echo text >dir/file; chown 7:8 dir/file; chmod 4640 dir/file; ln dir/file second; ln -s dir/file link
        touch -d @1000000000.123456789 dir/file; mkfifo fifo; mknod null c 1 3; truncate -s 1m sparse; touch one
        mkdir bound; mount --bind dir bound; mount -o remount,bind,ro,nosuid bound; mount --bind dir/file one
        mkdir upon; mount -t tmpfs upper upon; touch upon/above; mount -t tmpfs over upon
        exec 5<bound/file 6>>dir/file; sleep 1000000 & wait`;
      await using stage = await Stage.set(["--pid", "--mount-proc"], script, sleepers(1));
      const own = readlinkSync(`/proc/${stage.root}/cwd`);
      const look = () => {
        const list = `cd ${own} && find . -xdev ! -type d -printf '%p %y %m %U:%G %n %s %T@ %l\\n' | sort; stat -c '%n %a' . dir
          cat second bound/file one; du -k sparse; ls -A upon; umount upon; ls -A upon; cat /proc/1/comm`;
        return inside(stage.root, `unshare -m sh -c '${list.replaceAll("'", `'\\''`)}'`);
      };
      const before = mountsOf(stage.root);
      const content = look();
      expect(content).toContain("./dir/file f 4640 7:8 2 5 1000000000.1234567890");
      expect(content).toContain("above");
      try {
        for (let round = 0; round < 2; round++) {
          const ours = mountsOf(process.pid);
          await stage.dump();
          await stage.restore();
          expect(mountsOf(stage.root)).toEqual(before);
          expect(mountsOf(process.pid)).toEqual(ours);
          expect(look()).toBe(content);
          expect(namespace(stage.root, "mnt")).not.toBe(namespace(process.pid, "mnt"));
          for (const pid of treeOf(stage.root)) expect(namespace(pid, "mnt")).toBe(namespace(stage.root, "mnt"));
          expect(readlinkSync(`/proc/${stage.root}/fd/5`)).toBe(`${own}/bound/file`);
        }
      } finally {
        Bun.spawnSync(["rm", "-rf", "--one-file-system", own.replace(/\/own$/, "")]);
      }
    },
    testTime,
  );

  test.concurrent(
    "a root of their own, which another directory stands for at the restore (--root)",
    async () => {
      using scratch = new Scratch();
      const [here, there] = [scratch.file("here"), scratch.file("there")];
      for (const root of [here, there]) makeRoot(root);
      const script = livesIn(here);
      await using stage = await Stage.set(["--pid", "--mount"], script, sleepers(1));
      const before = mountsOf(stage.root);
      expect(before.map((line) => line.split(" ")[0])).toEqual(["/", "/data", "/proc", "/tmp"]);
      for (const root of [there, here]) {
        await stage.dump();
        await stage.restore("--root", root);
        expect(mountsOf(stage.root).map((line) => line.split(" ")[0])).toEqual(["/", "/data", "/proc", "/tmp"]);
        expect(readlinkSync(`/proc/${stage.root}/cwd`)).toBe("/data");
        expect(readlinkSync(`/proc/${stage.root}/fd/5`)).toBe("/data/file");
        expect(readFileSync(`/proc/${stage.root}/fd/5`, "latin1")).toEndWith(root.slice(-1));
        expect(readlinkSync(`/proc/${stage.root}/fd/6`)).toBe("/tmp/gone (deleted)");
        expect(readFileSync(`/proc/${stage.root}/fd/6`, "latin1")).toBe("some\n");
        expect(readFileSync(`/proc/${stage.root}/root/tmp/file`, "latin1")).toBe("hello\n");
        expect(readFileSync(`/proc/${stage.root}/root/tmp/out`, "latin1")).toBe("");
      }
      expect(mountsOf(stage.root)).toEqual(before);
    },
    testTime,
  );

  test.concurrent(
    "mounts that share with others, their slaves, and those that are both",
    async () => {
      using scratch = new Scratch();
      const script = `cd ${scratch.path}; mkdir a b c d e f
        mount -t tmpfs a a; mkdir a/in; mount --make-shared a; mount --bind a b; mount --bind a c; mount --make-slave c
        mount --bind c d; mount --make-shared d; mount --bind d e; mount --bind a/in f; mount --make-unbindable f
        sleep 1000000 & wait`;
      await using stage = await Stage.set(["--pid", "--mount-proc"], script, sleepers(1));
      const before = mountsOf(stage.root);
      const groups = () => groupsOf(stage.root, scratch.path);
      const shared = groups();
      expect(Object.values(shared).toSorted()).toEqual(["", "1", "1", "2 of 1", "2 of 1", "of 1"]);
      for (let round = 0; round < 2; round++) {
        await stage.dump();
        await stage.restore();
        expect(mountsOf(stage.root)).toEqual(before);
        expect(groups()).toEqual(shared);
      }
      inside(stage.root, `mkdir ${scratch.path}/a/new && mount -t tmpfs new ${scratch.path}/b/new`);
      const news = mountsOf(stage.root).filter((line) => line.includes(" new "));
      expect(news.map((line) => line.split(" ")[0]?.slice(scratch.path.length))).toEqual([
        "/a/new",
        "/b/new",
        "/c/new",
        "/d/new",
        "/e/new",
      ]);
    },
    testTime,
  );

  test.concurrent(
    "tasks of one tree in several mount namespaces, one a slave of the other",
    async () => {
      using scratch = new Scratch();
      const script = `cd ${scratch.path}; mkdir a b; mount -t tmpfs a a; mount --make-shared a; echo first >a/file
        unshare --mount --propagation slave sh -c '
          mount -t tmpfs only b; echo second >b/file; cd b; exec 5<file 6<../a/file; sleep 1000000 & wait' &
        exec 5<a/file; sleep 1000000 & wait`;
      await using stage = await Stage.set(["--pid", "--mount-proc"], script, (root) => {
        const names = treeOf(root).map((pid) => readFileSync(`/proc/${pid}/comm`, "latin1").trim());
        return names.filter((name) => name === "sleep").length === 2;
      });
      const inner = () => treeOf(stage.root).find((pid) => namespace(pid, "mnt") !== namespace(stage.root, "mnt")) ?? 0;
      const look = () => [stage.root, inner()].map((pid) => [mountsOf(pid), groupsOf(pid, scratch.path)]);
      const before = look();
      const [kinds, tasks] = [treeOf(stage.root).map((pid) => namespace(pid, "mnt")), treeOf(stage.root).length];
      expect([new Set(kinds).size, tasks]).toEqual([2, 4]);
      for (let round = 0; round < 2; round++) {
        await stage.dump();
        await stage.restore();
        expect(look()).toEqual(before);
        expect(new Set(treeOf(stage.root).map((pid) => namespace(pid, "mnt"))).size).toBe(2);
        expect(readlinkSync(`/proc/${inner()}/cwd`)).toBe(`${scratch.path}/b`);
        expect(readFileSync(`/proc/${inner()}/fd/5`, "latin1")).toBe("second\n");
        expect(readFileSync(`/proc/${inner()}/fd/6`, "latin1")).toBe("first\n");
      }
      inside(stage.root, `mkdir ${scratch.path}/a/new && mount -t tmpfs new ${scratch.path}/a/new`);
      expect(mountsOf(inner()).some((line) => line.includes(" new "))).toBe(true);
    },
    testTime,
  );

  test.concurrent(
    "mounts that the user gives: by name, found by themselves, left out",
    async () => {
      using scratch = new Scratch();
      const here = scratch.path;
      const before = `cd ${here}; mkdir src other auto dst out gone; mount -t tmpfs src src; echo one >src/file; mkdir src/dir
        mount -t tmpfs other other; echo two >other/file`;
      const script = `cd ${here}; mount --bind src dst; mount --bind src/dir auto; mount -t ramfs none out
        exec 5<dst/file; sleep 1000000 & wait`;
      await using stage = await Stage.set(["--pid", "--mount-proc"], script, sleepers(1), before);
      expect(await refusal(stage.dump())).toContain(`--external 'mnt[${here}/out]:NAME'`);
      const options = ["--external", `mnt[${here}/dst]:NAME`, "--skip-mnt", `${here}/out`];
      await stage.dump(...options);
      expect(await refusal(stage.restore())).toContain("--external 'mnt[NAME]:PATH'");
      // the file that was open there has another size
      writeFileSync(`/proc/${stage.parent}/root${here}/other/file`, "two\n");
      await stage.restore("--external", `mnt[NAME]:${here}/other`);
      expect(inside(stage.root, `cat ${here}/dst/file`)).toBe("two\n");
      const places = mountsOf(stage.root).map((line) => line.split(" ")[0]);
      expect([`${here}/auto`, `${here}/out`].map((place) => places.includes(place))).toEqual([true, false]);
    },
    testTime,
  );

  test.concurrent(
    "mounts that share with the machine's, and slaves of these, when that is allowed",
    async () => {
      using scratch = new Scratch();
      const before = `cd ${scratch.path}; mkdir s m; mount -t tmpfs s s; mount -t tmpfs m m; mount --make-shared s; mount --make-shared m`;
      const script = `cd ${scratch.path}; mount --make-slave m; sleep 1000000 & wait`;
      const unshared = ["--pid", "--mount", "--propagation", "unchanged"];
      await using stage = await Stage.set(unshared, script, sleepers(1), before);
      const said = await refusal(stage.dump());
      expect(said).toContain("--enable-external-sharing");
      expect(said).toContain("--enable-external-masters");
      const allowed = ["--enable-external-sharing", "--enable-external-masters"];
      for (let round = 0; round < 2; round++) {
        await stage.dump(...allowed);
        await stage.restore(...allowed);
        const place = `${scratch.path}/s/in${round}`;
        inside(stage.root, `mkdir ${place}; mount -t tmpfs from-inside ${place}`);
        expect(mountsOf(stage.parent).some((line) => line.startsWith(`${place} `))).toBe(true);
        const other = `${scratch.path}/m/out${round}`;
        inside(stage.parent, `mkdir ${other} ${other}-not; mount -t tmpfs from-outside ${other}`);
        inside(stage.root, `mount -t tmpfs from-inside ${other}-not`);
        expect(mountsOf(stage.root).some((line) => line.startsWith(`${other} `))).toBe(true);
        expect(mountsOf(stage.parent).some((line) => line.startsWith(`${other}-not `))).toBe(false);
        inside(stage.root, `umount ${place} ${other}-not`);
        inside(stage.parent, `umount ${other}`);
      }
    },
    testTime,
  );

  test.concurrent.each([1, 2, 3, 4, 5])(
    "mounts as chance has them (seed %d)",
    async (seed) => {
      using scratch = new Scratch();
      let state = seed * 7919;
      const pick = (below: number) => {
        state = (state * 1103515245 + 12345) % 2 ** 31;
        return Math.floor(state / 65536) % below;
      };
      const place = () => Array.from({ length: 1 + pick(3) }, () => "abc"[pick(3)]).join("/");
      const commands = Array.from({ length: 60 }, () => {
        const kind = pick(10);
        if (kind < 3) return `mount -t tmpfs t${pick(100)} ${place()} && mkdir -p a/b a/c b/a b/c c/a c/b`;
        if (kind < 6) return `mount --bind ${place()} ${place()}`;
        if (kind < 9) return `mount --make-${["shared", "slave", "private"][pick(3)]} ${place()}`;
        return `mount --move ${place()} ${place()}`;
      });
      const script = `cd ${scratch.path}; mkdir -p a/a a/b a/c b/a b/b b/c c/a c/b c/c
        ${commands.map((command) => `{ ${command}; } 2>/dev/null; mkdir -p ${place()}/${"abc"[pick(3)]} 2>/dev/null`).join("\n")}
        sleep 1000000 & wait`;
      await using stage = await Stage.set(["--pid", "--mount-proc"], script, sleepers(1));
      const table = () => {
        const names = new Map<string, string>();
        const text = readFileSync(`/proc/${stage.root}/mountinfo`, "latin1");
        return mountTable(text, (kind, number) => {
          const key = `${kind} ${number}`;
          if (!names.has(key)) names.set(key, `${kind} #${names.size}`);
          return names.get(key) ?? "";
        }).filter(({ place: at }) => at.startsWith(scratch.path));
      };
      const before = table();
      expect(before.length).toBeGreaterThan(10);
      const said = await refusal(stage.dump());
      // some of what can be mounted cannot be made again: that is told, and the tree runs on
      if (said !== "it did not fail") {
        expect(said).toMatch(/shows (as much|all that the others do)|only a part of a tmpfs/);
        expect(table()).toEqual(before);
        return;
      }
      await stage.restore();
      expect(table()).toEqual(before);
    },
    testTime,
  );

  test.concurrent(
    "images that want to get out of the root are refused, or stay in it: nothing outside is touched",
    async () => {
      using scratch = new Scratch();
      const [here, outside] = [scratch.file("here"), scratch.file("outside")];
      makeRoot(here);
      mkdirSync(outside);
      symlinkSync("../outside", `${here}/way-out`);
      await using stage = await Stage.set(["--pid", "--mount"], livesIn(here), sleepers(1));
      await stage.dump();
      const [name = ""] = readdirSync(stage.images).filter((file) => /^mountpoints-\d+\.img$/.test(file));
      const image = `${stage.images}/${name}`;
      const whole = readFileSync(image);
      const text = await stage.crit("decode", "-i", image);
      const ours = mountsOf(process.pid);
      for (const [what, place, change] of HOSTILE) {
        const set = JSON.parse(text);
        for (const entry of set.entries) if (entry.mountpoint === place) Object.assign(entry, change);
        writeFileSync(`${image}.json`, JSON.stringify(set));
        await stage.crit("encode", "-i", `${image}.json`, "-o", image);
        expect([what, await refusal(stage.restore("--root", here))]).not.toEqual([what, "it did not fail"]);
        expect([what, readdirSync(outside), mountsOf(process.pid)]).toEqual([what, [], ours]);
      }
      writeFileSync(image, whole);
      await stage.restore("--root", here);
      expect(readlinkSync(`/proc/${stage.root}/cwd`)).toBe("/data");
    },
    testTime,
  );
});
