/** Files on other file systems than the one of /tmp, which are made and mounted where nobody else sees them. */
import { describe, expect, test } from "bun:test";
import { copyFileSync, existsSync, mkdirSync, readFileSync, realpathSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ownMounts } from "../../src/kernel/mount.ts";
import { binary } from "../lib/binary.ts";
import { isRoot, Stage, testTime, until } from "./lib/stage.ts";

const root = join(import.meta.dir, "..", "..");

/** Cases about what file systems do each in their own way: what is deleted, renamed, mapped, watched, locked, sparse. */
const CASES = [
  ...["file_append", "file_locks00", "ghost_holes00", "ghost_multi_hole00", "ghost_tree", "lib_replaced", "link10"],
  ...["rmdir_open", "unlink_fstat00", "unlink_fstat03", "unlink_mmap00", "unlink_mmap01", "unlink_fifo", "fifo"],
  ...["inotify00", "inotify_irmap", "fanotify00", "fanotify_gone", "exe_deleted", "shared_file", "mtime_mmap"],
  ...["sk-unix-renamed", "deleted_unix_sock", "sk-unix-dgram-ghost"],
];

interface FileSystem {
  readonly name: string;
  /** Programs that this takes. */
  readonly programs: readonly string[];
  /** Lines for a shell that mount it at $MOUNT; $IMAGE is a sparse file. */
  readonly mount: string;
}

const loop = "mount -o loop $IMAGE $MOUNT";

const SYSTEMS: readonly FileSystem[] = [
  { name: "ext4", programs: ["mkfs.ext4"], mount: `mkfs.ext4 -Fq $IMAGE; ${loop}` },
  { name: "xfs", programs: ["mkfs.xfs"], mount: `mkfs.xfs -fq $IMAGE; ${loop}` },
  { name: "btrfs", programs: ["mkfs.btrfs"], mount: `mkfs.btrfs -fq $IMAGE >$IMAGE.log 2>&1; ${loop}` },
  { name: "tmpfs", programs: [], mount: "mount -t tmpfs none $MOUNT" },
  {
    name: "overlay",
    programs: [],
    mount: `mkdir $MOUNT.d; mount -t tmpfs none $MOUNT.d; mkdir $MOUNT.d/lower $MOUNT.d/upper $MOUNT.d/work
mount -t overlay -o lowerdir=$MOUNT.d/lower,upperdir=$MOUNT.d/upper,workdir=$MOUNT.d/work none $MOUNT`,
  },
];

/** What scratch directories lie on: the cases run there anyway. */
const ours = ownMounts()
  .filter(({ mountpoint }) => `${realpathSync(tmpdir())}/`.startsWith(mountpoint.replace(/\/?$/, "/")))
  .toSorted((a, b) => a.mountpoint.length - b.mountpoint.length)
  .at(-1)?.fsType;

/** Why a file system cannot be tried here, or undefined. */
function lacking({ name, programs, mount }: FileSystem): string | undefined {
  if (!isRoot) return "needs root";
  if (name === ours) return "all cases run on it here";
  const program = ["unshare", "nsenter", ...programs].find((one) => Bun.which(one) === null);
  if (program !== undefined) return `there is no ${program}`;
  if (mount.includes("loop") && !existsSync("/dev/loop-control")) return "there are no loop devices";
  const known = readFileSync("/proc/filesystems", "utf8").split(/\s+/).includes(name);
  return known || Bun.spawnSync(["modprobe", name]).exitCode === 0 ? undefined : "this kernel does not have it";
}

const script = (mount: string) => `set -eu
export IMAGE=$1/image MOUNT=$1/mount
truncate -s 400M $IMAGE
mkdir $MOUNT
${mount}
chmod 1777 $MOUNT
shift
TMPDIR=$MOUNT exec "$@"
`;

describe("cases on", () => {
  for (const system of SYSTEMS) {
    const why = lacking(system);
    test.skipIf(why !== undefined)(
      `${system.name}${why === undefined ? "" : ` (${why})`}`,
      async () => {
        await using stage = await Stage.open();
        await binary(); // which is built once for all
        const run = [process.execPath, join(root, "zdtm/lib/cli.ts"), "run", "--jobs", "2", ...CASES];
        const argv = ["unshare", "-m", "--propagation", "private", "sh", "-c", script(system.mount), "sh", stage.path];
        const output = stage.file("said");
        const pid = await stage.keeper.run({ argv: [...argv, ...run], directory: root, output });
        const status = await stage.keeper.ended(pid);
        const said = readFileSync(output, "utf8");
        expect(said).toContain(`${CASES.length} passed, 0 failed, 0 skipped`);
        expect(status).toBe(0);
      },
      testTime,
    );
  }
});

const squashfs = lacking({ name: "squashfs", programs: ["mksquashfs", "busybox"], mount: loop });

test.skipIf(squashfs !== undefined)(
  `a program that runs from squashfs, and works and reads there${squashfs === undefined ? "" : ` (${squashfs})`}`,
  async () => {
    await using stage = await Stage.open();
    const [files, image, mount] = [stage.file("files"), stage.file("image"), stage.file("mount")];
    mkdirSync(files);
    mkdirSync(mount);
    copyFileSync(Bun.which("busybox") ?? "", join(files, "sh"));
    writeFileSync(join(files, "lines"), "one\ntwo\nthree\n");
    expect(Bun.spawnSync(["mksquashfs", files, image, "-quiet", "-no-progress"]).exitCode).toBe(0);
    const holding = `mount -o loop ${image} ${mount} && exec sleep 100000`;
    const argv = ["unshare", "-m", "--propagation", "private", "sh", "-c", holding];
    const holder = await stage.keeper.run({ argv, directory: "/", output: stage.file("holder") });
    await until("squashfs is mounted", () => existsSync(`/proc/${holder}/root${mount}/lines`) || undefined);
    const under = ["nsenter", "-t", String(holder), "-m", "--"];
    const story = `cd ${mount}; exec <lines; read first; echo $first; trap 'read next; echo $next' USR1; while :; do sleep 1000 & wait; done`;
    const program = await stage.start([...under, join(mount, "sh"), "-c", story]);
    await program.says(/^one$/m);
    await program.roundTrip({ under });
    process.kill(program.pid, "SIGUSR1");
    await program.says(/^two$/m);
    await program.roundTrip({ under });
    process.kill(program.pid, "SIGUSR1");
    await program.says(/^three$/m);
  },
  testTime,
);
