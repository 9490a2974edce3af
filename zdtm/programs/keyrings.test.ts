/** Keyrings of which a dump has something to say, or nothing. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { NR } from "../../src/kernel/nr.ts";
import { sys } from "../../src/kernel/sys.ts";
import { KEY_SPEC, KEYCTL } from "../../src/kernel/uapi/keyctl.ts";
import { sessionInside } from "../../src/task/keyrings-dump.ts";
import { cProgram } from "./lib/build.ts";
import { isRoot, type Program, Stage, testTime } from "./lib/stage.ts";

const ENOSYS = -38;
const hasKeys = sys(NR.keyctl, KEYCTL.GET_KEYRING_ID, KEY_SPEC.PROCESS, 0) !== ENOSYS;

async function start(stage: Stage, kind: string): Promise<{ program: Program; pid: number }> {
  const program = await stage.start([cProgram("keyring"), kind]);
  const [, pid] = await program.says(/pid (\d+)/);
  return { program, pid: Number(pid) };
}

/** What a dump that leaves a process running has to say of keys. */
async function wordsOf(stage: Stage, pid: number): Promise<string[]> {
  const images = stage.nextImages();
  await stage.tscriu(images, ["dump", "-t", String(pid), "--leave-running"]);
  const log = readFileSync(`${images}/dump.log`, "utf8");
  return log.split("\n").filter((line) => /Warn.*\bkey(ring)?s?\b/.test(line));
}

describe.skipIf(!isRoot || !hasKeys)("keyrings (needs root)", () => {
  test(
    "an empty session keyring, as runc makes it, is kept without a word, and shared with nobody who has one of that name",
    async () => {
      await using stage = await Stage.open();
      const { program } = await start(stage, "empty");
      await using elsewhere = await Stage.open();
      const { pid: other } = await start(elsewhere, "empty");
      const before = sessionInside(program.pid);
      expect(await wordsOf(stage, program.pid)).toEqual([]);
      expect(sessionInside(program.pid)).toBe(before as number);
      const images = stage.nextImages();
      await stage.tscriu(images, ["dump", "-t", String(program.pid)]);
      await program.end;
      await stage.tscriu(images, ["restore", "-d"]);
      process.kill(program.pid, "SIGUSR1");
      await program.says(/session _ses.tscriu, good 0/);
      if (before !== undefined) expect([before, sessionInside(other)]).not.toContain(sessionInside(program.pid));
    },
    testTime,
  );

  test(
    "who has no session keyring has none after a question",
    async () => {
      await using stage = await Stage.open();
      const { pid } = await start(stage, "none");
      const before = sessionInside(pid);
      expect(await wordsOf(stage, pid)).toEqual([]);
      expect(sessionInside(pid)).toBe(before as number);
    },
    testTime,
  );

  test(
    "a key that cannot be read is named before the tree ends, and the others come back",
    async () => {
      await using stage = await Stage.open();
      const { program, pid } = await start(stage, "logon");
      const words = await wordsOf(stage, pid);
      expect(words).toHaveLength(1);
      expect(words[0]).toContain('the key "tscriu:secret" of the type logon does not come back');
      expect(words[0]).toContain(`pid ${pid}`);
      await program.trip();
      process.kill(pid, "SIGUSR1");
      await program.says(/session _ses.tscriu, good 1/);
    },
    testTime,
  );

  test(
    "the keyring of a user is linked again, and stays the user's",
    async () => {
      await using stage = await Stage.open();
      const { program, pid } = await start(stage, "linked");
      expect(await wordsOf(stage, pid)).toEqual([]);
      await program.trip();
      process.kill(pid, "SIGUSR1");
      await program.says(/session _ses.tscriu, good 1, linked 1/);
    },
    testTime,
  );

  test(
    "a keyring that others have too, or tasks in several user namespaces, and one of a further thread, are told",
    async () => {
      await using stage = await Stage.open();
      const { pid } = await start(stage, "shared");
      expect((await wordsOf(stage, pid)).join()).toContain("others may have the session keyring _ses.tscriu");
      for (const kind of ["threads", "filtered"]) {
        await using second = await Stage.open();
        const { pid: threads } = await start(second, kind);
        expect((await wordsOf(second, threads)).join()).toContain("a thread has a keyring of its own");
      }
      await using third = await Stage.open();
      const { pid: spaces, program } = await start(third, "spaces");
      await program.says(/inside/);
      expect((await wordsOf(third, spaces)).join()).toContain(
        "tasks in several user namespaces have the session keyring",
      );
    },
    testTime,
  );
});
