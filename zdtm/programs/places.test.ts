/** Directories of images that nobody can write to, or that have no room; what restores say, and to whom. */
import { describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { binary } from "../lib/binary.ts";
import { describeStatus } from "../lib/keeper.ts";
import { treeOf } from "../lib/snapshot.ts";
import { isRoot, type Program, Stage, testTime, until } from "./lib/stage.ts";

/** What is mounted at the images directory; the machine sees nothing of it. */
const mounts = {
  "that is read-only": { mount: "mount -t tmpfs none DIR && mount -o remount,ro DIR", says: /read-only file system/ },
  "without room": { mount: "mount -t tmpfs -o size=1m none DIR", says: /no space left on device/ },
  "that takes few files": { mount: "mount -t tmpfs -o nr_inodes=4 none DIR", says: /no space left on device/ },
} as const;

/** Runs tscriu behind a shell script in a mount namespace of its own; how it ended, and its log. */
async function behind(stage: Stage, script: string, words: readonly string[]): Promise<[status: string, log: string]> {
  const under = ["unshare", "-m", "--propagation", "private", "sh", "-c", script, "sh"];
  const log = stage.file("log");
  const argv = [...under, ...(await binary()), ...words, "-o", log];
  const pid = await stage.keeper.run({ argv, directory: "/", output: stage.file("said") });
  return [describeStatus(await stage.keeper.ended(pid)), readFileSync(log, "latin1")];
}

/** A program that so many MiB of its own take long to write. */
async function startLarge(stage: Stage, mib: number): Promise<Program> {
  const program = await stage.start(["perl", "-e", `$x = "a" x (${mib} << 20); $| = 1; print "up\\n"; sleep while 1`]);
  await program.says(/up/);
  return program;
}

/** Saves and ends it; where its images are. */
async function saved(stage: Stage, program: Program): Promise<string> {
  const place = stage.nextImages();
  await stage.tscriu(place, ["dump", "-t", `${program.pid}`]);
  await program.end;
  return place;
}

describe.skipIf(!isRoot || Bun.which("unshare") === null)("images (needs root)", () => {
  for (const [which, { mount, says }] of Object.entries(mounts)) {
    test(
      `to a directory ${which}: one error that says so and what to do, and the tree runs on`,
      async () => {
        await using stage = await Stage.open();
        const program = await startLarge(stage, 4);
        const [place, work] = [stage.file("place"), stage.file("work")];
        for (const dir of [place, work]) mkdirSync(dir);
        const script = `${mount.replaceAll("DIR", place)} && "$@"; s=$?; ls -A ${place} >${stage.file("left")}; exit $s`;
        const before = await program.settled();
        const [status, log] = await behind(stage, script, ["dump", "-t", `${program.pid}`, "-D", place, "-W", work]);
        expect(status).toBe("exit 1");
        const errors = log.split("\n").filter((line) => /^Error /.test(line));
        expect(errors.filter((line) => says.test(line)).length).toBe(1);
        expect(errors.at(-1)).toMatch(/remedy: .*another/);
        expect(log).not.toMatch(/internal error/);
        expect(readFileSync(stage.file("left"), "latin1")).toBe("");
        // on a busy machine it may not have run again yet
        let changed = program.compare(before);
        await until(
          () => `it is as before, but for ${changed.join("; ")}`,
          () => {
            changed = program.compare(before);
            return changed.length === 0 || undefined;
          },
        );
      },
      testTime,
    );
  }

  test(
    "are saved where the work directory has no room, without statistics",
    async () => {
      await using stage = await Stage.open();
      const program = await stage.start(["sleep", "1000000"]);
      const place = stage.nextImages();
      const work = stage.file("work");
      mkdirSync(work);
      const script = `mount -t tmpfs -o nr_inodes=1 none ${work} && "$@"`;
      const [status, log] = await behind(stage, script, ["dump", "-t", `${program.pid}`, "-D", place, "-W", work]);
      expect(status).toBe("exit 0");
      await program.end;
      expect(log).toMatch(/Warn .*no statistics.*no space left/);
      expect((await behind(stage, '"$@"', ["restore", "-D", place, "-d"]))[0]).toBe("exit 0");
    },
    testTime,
  );

  test(
    "in a directory that is read-only, which is the work directory too, are restored, without statistics",
    async () => {
      await using stage = await Stage.open();
      const program = await stage.start(["sleep", "1000000"]);
      const place = await saved(stage, program);
      const script = `mount --bind ${place} ${place} && mount -o remount,bind,ro ${place} && "$@"`;
      const pidfile = stage.file("pid");
      const [status, log] = await behind(stage, script, ["restore", "-D", place, "-d", "--pidfile", pidfile]);
      expect(status).toBe("exit 0");
      expect(readFileSync(pidfile, "latin1")).toBe(`${program.pid}`);
      expect(readFileSync(`/proc/${program.pid}/comm`, "latin1")).toBe("sleep\n");
      expect(log).toMatch(/Warn .*no statistics.*read-only/);
    },
    testTime,
  );

  test(
    "are restored with a log for each task, and a descriptor that is not there is an error",
    async () => {
      await using stage = await Stage.open();
      const program = await stage.start(["sh", "-c", "sleep 1000000 & wait"]);
      const child = await until("there is a child", () => treeOf(program.pid)[1]);
      await until("it sleeps", () => (readFileSync(`/proc/${child}/comm`, "latin1") === "sleep\n" ? true : undefined));
      const place = await saved(stage, program);
      const [status, log] = await behind(stage, '"$@"', ["restore", "-D", place, "-d", "--inherit-fd", "fd[99]:some"]);
      expect(status).toBe("exit 1");
      expect(log).toContain("option --inherit-fd: descriptor 99 is not open");
      expect(existsSync(`/proc/${program.pid}`)).toBe(false);
      const said = stage.file("debug");
      const words = ["restore", "-D", place, "-d", "--log-pid", "-v3", "--inherit-fd", "debug[9]:hello"];
      expect((await behind(stage, `exec 9>${said}; "$@"`, words))[0]).toBe("exit 0");
      for (const [pid, comm] of [
        [program.pid, "sh"],
        [child, "sleep"],
      ] as const)
        expect(readFileSync(`${stage.file("log")}.${pid}`, "latin1")).toMatch(
          new RegExp(` ${pid}: ${comm}: 1 threads, [0-9]+ areas of memory, 3 descriptors\\n$`),
        );
      expect(readFileSync(said, "latin1")).toBe("hello");
    },
    testTime,
  );

  test(
    "meet limits of whoever saves and restores: errors that name them, and nothing half done",
    async () => {
      await using stage = await Stage.open();
      const program = await startLarge(stage, 20);
      const place = stage.nextImages();
      const dump = ["dump", "-t", `${program.pid}`, "-D", place];
      const [large, why] = await behind(stage, 'ulimit -f 1024; "$@"', dump);
      expect(large).toBe("exit 1");
      expect(why).toMatch(/file too large.*\n.*remedy: raise the file size limit/);
      expect(readdirSync(place).filter((name) => name.includes("img"))).toEqual([]);
      await stage.tscriu(place, ["dump", "-t", `${program.pid}`]);
      await program.end;
      const [few, told] = await behind(stage, 'ulimit -n 40; "$@"', ["restore", "-d", "-D", place]);
      expect(few).toBe("exit 1");
      expect(told).toMatch(/limit 40, needed [0-9]+.*\n.*remedy: raise the limit of open files/);
      expect(existsSync(`/proc/${program.pid}`)).toBe(false);
      await stage.tscriu(place, ["restore", "-d"]);
    },
    testTime,
  );
});
