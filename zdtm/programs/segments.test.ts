/** System V segments of the host between dump and restore: still there, gone, changed, or somebody else's. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { NR } from "../../src/kernel/nr.ts";
import { sys } from "../../src/kernel/sys.ts";
import { removeSegment, statSegment } from "../../src/kernel/sysv-shm.ts";
import { binary } from "../lib/binary.ts";
import { cProgram } from "./lib/build.ts";
import { isRoot, type Program, Stage, testTime, until } from "./lib/stage.ts";

const BYTES = 1 << 20;
const IPC_CREAT = 0o1000;
const SIGKILL = 9;
let keys = 0;

/** A key that nobody else has. */
const freshKey = () => (0x7d000000 | (process.pid << 4) | (keys++ & 15)) >>> 0;

/** A program with a segment of its own, which is gone at the end of the scope under whatever id. */
class Owner implements AsyncDisposable {
  private constructor(
    readonly stage: Stage,
    readonly program: Program,
    readonly key: number,
    readonly id: number,
  ) {}

  static async start(): Promise<Owner> {
    const stage = await Stage.open();
    const key = freshKey();
    const program = await stage.start([cProgram("segment"), "make", String(key), String(BYTES)]);
    const [, id] = await program.says(/id (\d+)/);
    return new Owner(stage, program, key, Number(id));
  }

  /** Lets it count on: the word that it says. */
  async counts(expected: number): Promise<void> {
    process.kill(this.program.pid, "SIGUSR1");
    await this.program.says(new RegExp(`word ${expected}\n`));
  }

  async dump(...words: string[]): Promise<string> {
    const images = this.stage.nextImages();
    await this.stage.tscriu(images, ["dump", "-t", String(this.program.pid), ...words]);
    if (!words.includes("--leave-running")) await this.program.end;
    return images;
  }

  async restore(images: string, ...words: string[]): Promise<void> {
    await this.stage.tscriu(images, ["restore", "-d", ...words]);
    this.program.end = this.stage.keeper.ended(this.program.pid);
  }

  async refusal(images: string, ...words: string[]): Promise<string> {
    return this.restore(images, ...words).then(
      () => "nothing",
      (reason: unknown) => String(reason),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stage[Symbol.asyncDispose]();
    removeSegment(this.id);
    const left = sys(NR.shmget, this.key | 0, 0, 0);
    if (left >= 0) removeSegment(left);
  }
}

/** Who uses a segment from outside of the tree. */
async function user(owner: Owner): Promise<Program> {
  const program = await owner.stage.start([cProgram("segment"), "use", String(owner.id)]);
  await until("it has the segment", () => (statSegment(owner.id)?.attached === 2 ? true : undefined));
  return program;
}

/** Changes the segment through a program that has it. */
async function change(program: Program): Promise<void> {
  process.kill(program.pid, "SIGUSR2");
  const pending = () => /^ShdPnd:\t0+$/m.test(readFileSync(`/proc/${program.pid}/status`, "utf8"));
  await until("the change is made", () => (pending() ? true : undefined));
}

async function end(program: Program): Promise<void> {
  process.kill(program.pid, "SIGKILL");
  await program.end;
}

describe.skipIf(!isRoot)("a segment that the tree has attached (needs root)", () => {
  test(
    "one that is still there is found again, one that is gone is made under its key and id",
    async () => {
      await using owner = await Owner.start();
      const { id, key } = owner;
      await owner.counts(1);
      const images = await owner.dump();
      const before = statSegment(id);
      expect(before).toMatchObject({ key, attached: 0 });
      await owner.restore(images);
      await owner.counts(2);
      expect(statSegment(id)?.cpid).toBe(before?.cpid);

      const more = await owner.dump();
      removeSegment(id);
      expect(statSegment(id)).toBeUndefined();
      await owner.restore(more);
      await owner.counts(3);
      expect(statSegment(id)).toMatchObject({ key, size: BYTES, mode: 0o620, attached: 1 });
    },
    testTime,
  );

  test(
    "what the tree itself has changed since is put back, as its own memory is",
    async () => {
      await using owner = await Owner.start();
      await owner.counts(1);
      const images = await owner.dump("--leave-running");
      await owner.counts(2);
      await change(owner.program);
      await end(owner.program);
      await owner.restore(images);
      process.kill(owner.program.pid, "SIGUSR1");
      await owner.program.says(/word 2\n(?:.*\n)*word 2\n/);
    },
    testTime,
  );

  test(
    "one that others use is shared with them again, and not touched if they have changed it",
    async () => {
      await using owner = await Owner.start();
      const other = await user(owner);
      await owner.counts(1);
      const images = await owner.dump();
      await owner.restore(images);
      await owner.counts(2);
      const later = await owner.dump();
      await change(other);
      expect(await owner.refusal(later)).toMatch(/was changed since the dump, and others have it attached/);
      expect(statSegment(owner.id)?.attached).toBe(1);
      await end(other);
    },
    testTime,
  );

  test(
    "somebody else's key or id is told, and left alone",
    async () => {
      await using owner = await Owner.start();
      const images = await owner.dump();
      removeSegment(owner.id);
      const other = sys(NR.shmget, owner.key | 0, 4096, IPC_CREAT | 0o600);
      try {
        expect(await owner.refusal(images)).toMatch(/somebody else has the key of a System V segment.*ipcrm -m/s);
        expect(statSegment(other)).toMatchObject({ size: 4096, attached: 0 });
        expect(statSegment(owner.id)).toBeUndefined();
      } finally {
        removeSegment(other);
      }
      await owner.restore(images);
      await owner.counts(1);
    },
    testTime,
  );
});

describe.skipIf(!isRoot)("a segment that a restore has made (needs root)", () => {
  test(
    "goes again when the restore fails late, and when it is killed at any time",
    async () => {
      await using owner = await Owner.start();
      const images = await owner.dump();
      removeSegment(owner.id);
      const script = owner.stage.file("objects.sh");
      writeFileSync(script, '#!/bin/sh\n[ "$CRTOOLS_SCRIPT_ACTION" != post-restore ]\n', { mode: 0o755 });
      expect(await owner.refusal(images, "--action-script", script)).toMatch(/post-restore script failed/);
      expect(statSegment(owner.id)).toBeUndefined();

      const { pid } = owner.program;
      const { keeper } = owner.stage;
      for (let round = 0; round < 12; round++) {
        const argv = [...(await binary()), "restore", "-d", "-D", images];
        const killed = await keeper.run({ argv, directory: "/", output: owner.stage.file("killed") });
        await Bun.sleep(Math.random() * 120);
        // it may be done by then
        sys(NR.kill, killed, SIGKILL);
        await keeper.ended(killed);
        // all of it is there, or nothing
        const segment = await until("it is decided", () => {
          const there = statSegment(owner.id);
          if (there === undefined) return existsSync(`/proc/${pid}`) ? undefined : "gone";
          return there.attached === 1 && existsSync(`/proc/${pid}/exe`) ? "there" : undefined;
        });
        if (segment === "gone") continue;
        // it may be about to end by itself
        sys(NR.kill, pid, SIGKILL);
        await until("it is gone", () => (existsSync(`/proc/${pid}`) ? undefined : true));
        removeSegment(owner.id);
      }
      await owner.restore(images);
      await owner.counts(1);
    },
    testTime,
  );
});

describe.skipIf(!isRoot)("semaphores and message queues (needs root)", () => {
  const ways = {
    plain: "what the tree uses without holding it is told, and left alone",
    undo: "what the kernel would undo is told",
    threads: "what the kernel may undo for a process with threads is told",
  };
  for (const [how, name] of Object.entries(ways)) {
    test(
      name,
      async () => {
        await using stage = await Stage.open();
        const program = await stage.start([cProgram("semaphores"), how]);
        const [, set, queue] = await program.says(/set (\d+) queue (\d+)/);
        const images = stage.nextImages();
        await stage.tscriu(images, ["dump", "-t", String(program.pid), "--leave-running"]);
        const log = readFileSync(`${images}/dump.log`, "utf8");
        expect(log).toContain(`message queue ${queue}, semaphore set ${set}`);
        expect(log.includes(`(SEM_UNDO) cannot be read, and is not kept: pid ${program.pid}`)).toBe(how !== "plain");
      },
      testTime,
    );
  }
});
