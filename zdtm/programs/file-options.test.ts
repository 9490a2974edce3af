/** Files that changed between dump and restore, files and sockets that the user gives: the options that decide. */
import { describe, expect, test } from "bun:test";
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  readFileSync,
  renameSync,
  statSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { cProgram } from "./lib/build.ts";
import { isRoot, type Program, Stage, testTime, until } from "./lib/stage.ts";

/** What tscriu says when it refuses. */
async function refusal(stage: Stage, images: string, words: readonly string[], under: readonly string[] = []) {
  const done = stage.tscriu(images, words, under);
  const error = await done.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error === undefined) throw new Error(`${words.join(" ")} was not refused`);
  return String(error);
}

async function saved(stage: Stage, program: Program, words: readonly string[] = []): Promise<string> {
  const images = stage.nextImages();
  await stage.tscriu(images, ["dump", "-t", String(program.pid), ...words]);
  await program.end;
  return images;
}

describe.skipIf(!isRoot)("between dump and restore (needs root)", () => {
  test(
    "a changed program, size or mode is refused by name, and goes where the user says so",
    async () => {
      await using stage = await Stage.open();
      const [own, lines] = [stage.file("program"), stage.file("lines")];
      copyFileSync(Bun.which("sleep") ?? "", own);
      writeFileSync(lines, "one\ntwo\n");
      const program = await stage.start(["sh", "-c", `exec ${own} 1000 <lines`]);
      await until("it sleeps", () =>
        program.view().get(`${program.pid} exe`)?.includes("/program") ? true : undefined,
      );
      const images = await saved(stage, program);

      renameSync(own, stage.file("kept"));
      copyFileSync(Bun.which("sort") ?? "", own);
      expect(await refusal(stage, images, ["restore", "-d"])).toMatch(/build id differs \(.*\/program\)/);
      renameSync(stage.file("kept"), own);

      appendFileSync(lines, "three\n");
      expect(await refusal(stage, images, ["restore", "-d"])).toMatch(
        /size of a file is 14 bytes.*was 8 \(.*\/lines\)/,
      );
      truncateSync(lines, 8);

      const { mode } = statSync(lines);
      chmodSync(lines, 0o600);
      expect(await refusal(stage, images, ["restore", "-d"])).toMatch(/permissions of a file.*--skip-file-rwx-check/s);
      await stage.tscriu(images, ["restore", "-d", "--skip-file-rwx-check"]);
      expect(statSync(lines).mode).not.toBe(mode);
    },
    testTime,
  );

  test(
    "with --file-validation filesize a program may be another of the same size",
    async () => {
      await using stage = await Stage.open();
      const [own, other] = [stage.file("library"), stage.file("other")];
      const bytes = Buffer.from(await Bun.file(Bun.which("sleep") ?? "").bytes());
      writeFileSync(own, bytes);
      const program = await stage.start(["sh", "-c", "exec sleep 1000 <library"]);
      await until("it sleeps", () => (program.view().get(`${program.pid} exe`)?.includes("sleep") ? true : undefined));
      const validation = ["--file-validation", "filesize"];
      const images = await saved(stage, program, validation);
      writeFileSync(other, bytes.fill(0, 0, 4));
      renameSync(other, own);
      await stage.tscriu(images, ["restore", "-d", ...validation]);
    },
    testTime,
  );

  test(
    "--inherit-fd gives another file for a path, and for one that was declared with --external",
    async () => {
      await using stage = await Stage.open();
      for (const name of ["one", "two", "other"]) writeFileSync(stage.file(name), `${name}\n`);
      const story = "trap 'read a; read b <&3; echo got $a $b' USR1; echo ready; while :; do sleep 1000 & wait; done";
      const program = await stage.start(["sh", "-c", `exec <one 3<two; ${story}`]);
      await program.says(/ready/);
      const info = await Bun.file(`/proc/${program.pid}/fdinfo/3`).text();
      const mount = Number(/mnt_id:\s*(\d+)/.exec(info)?.[1]).toString(16);
      const id = `file[${mount}:${statSync(stage.file("two")).ino.toString(16)}]`;
      const images = await saved(stage, program, ["--external", id]);
      expect(await refusal(stage, images, ["restore", "-d"])).toContain(`--inherit-fd fd[N]:${id}`);
      const given = ["sh", "-c", `exec "$@" 7<${stage.file("other")} 8<${stage.file("one")}`, "sh"];
      const words = ["--inherit-fd", `fd[7]:${id}`, "--inherit-fd", `fd[8]:${stage.file("one").slice(1)}`];
      await stage.tscriu(images, ["restore", "-d", ...words], given);
      process.kill(program.pid, "SIGUSR1");
      await program.says(/^got one other$/m);
    },
    testTime,
  );
});

describe.skipIf(!isRoot)("what cannot be read (needs root)", () => {
  test(
    "the root of a mount that stands nowhere, and when messages came that wait, are told as what does not come back",
    async () => {
      await using stage = await Stage.open();
      const program = await stage.start([cProgram("untold")]);
      const [, mount, datagrams, packets] = await program.says(/mount (\d+) datagrams (\d+) packets (\d+)/);
      const images = await saved(stage, program);
      const log = readFileSync(`${images}/dump.log`, "utf8");
      expect(log.match(/has the root of a mount that the tree does not see as descriptor \d+/g)).toEqual([
        `has the root of a mount that the tree does not see as descriptor ${mount}`,
      ]);
      const stamped = [...log.matchAll(/(\d) messages? waits? in a socket that tells when.*?descriptor (\d+)/g)];
      expect(stamped.map(([, count, fd]) => [count, fd]).sort()).toEqual([
        ["1", datagrams],
        ["2", packets],
      ]);
      await stage.tscriu(images, ["restore", "-d"]);
    },
    testTime,
  );

  test(
    "of directories, the one that may be watched by F_NOTIFY is named, and comes back without",
    async () => {
      await using stage = await Stage.open();
      const program = await stage.start([cProgram("dnotify")]);
      const [, , fd] = await program.says(/others (\d+) watched (\d+)/);
      const images = await saved(stage, program);
      const told = readFileSync(`${images}/dump.log`, "utf8").match(/may be watched \(dnotify.*/g);
      expect(told).toHaveLength(1);
      expect(told?.[0]).toContain(`pid ${program.pid}, descriptor ${fd}, ${stage.file("")}`.replace(/\/$/, ""));
      await stage.tscriu(images, ["restore", "-d"]);
    },
    testTime,
  );
});
