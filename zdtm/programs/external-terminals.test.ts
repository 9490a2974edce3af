/** Terminals that are not of the tree, and are given to it: by name, or as a new pair whose master a client takes over. */

import { describe, expect, test } from "bun:test";
import { closeSync, existsSync, openSync, readFileSync } from "node:fs";
import { adopting, reap } from "../../src/kernel/proc/victim.testing.ts";
import { Client } from "../../src/rpc/client.ts";
import { binary } from "../lib/binary.ts";
import { refusal } from "../unharmed/lib/victim.ts";
import { isRoot, type Program, Stage, testTime, until } from "./lib/stage.ts";
import { Terminal } from "./lib/terminal.ts";

const shell = ["bash", "--norc", "--noprofile", "-i"];
const reason = "it is another terminal, with another number";
const another = { terminal: reason, "fd 0": reason, "fd 1": reason, "fd 2": reason, "fd 255": reason };

async function startShell(stage: Stage, terminal: Terminal): Promise<Program> {
  const program = await terminal.start(stage, shell, { PS1: "> ", HISTFILE: "" });
  await terminal.shows(/^>$/m);
  return program;
}

/** Has the shell a terminal with job control? */
async function answers(terminal: Terminal, pid: number, word: string): Promise<void> {
  terminal.type("sleep 1000\r");
  await until("a job runs", () => {
    terminal.pump();
    const job = textOf(`/proc/${pid}/task/${pid}/children`).trim();
    return textOf(`/proc/${job}/comm`) === "sleep\n" ? true : undefined;
  });
  terminal.type("\x03");
  await terminal.shows(/\^C\n>$/);
  terminal.type(`echo ${word.slice(0, 2)}"${word.slice(2)}" >/dev/tty; tty\r`);
  await terminal.shows(new RegExp(`^${word}\n${terminal.path}$`, "m"));
}

function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, "latin1") : "";
}

describe.skipIf(!isRoot || Bun.which("bash") === null)("terminals from outside (need root and bash)", () => {
  test(
    "--external and --inherit-fd: another one is the controlling terminal, and its end hangs up",
    async () => {
      await using stage = await Stage.open();
      using terminal = new Terminal();
      const program = await startShell(stage, terminal);
      await answers(terminal, program.pid, "first");
      const { resource } = terminal;
      using other = new Terminal({ rows: 25, columns: 90 });
      // a descriptor of ours, given by a shell
      const under = ["bash", "-c", `exec 9<>${other.path}; exec "$@"`, "bash"];
      const words = { dump: ["--external", resource], restore: ["--inherit-fd", `fd[9]:${resource}`] };
      await program.roundTrip({ ...words, underRestore: under, except: another });
      // the shell was told of the other size
      other.type("echo $COLUMNS\r");
      await other.shows(/^90$/m);
      await answers(other, program.pid, "second");
      other.type("stty size\r");
      await other.shows(/^25 90$/m);
      other[Symbol.dispose]();
      expect(await program.end).toBe(1);
    },
    testTime,
  );

  test(
    "one that is not given is missed before anything is made, one of somebody else is not taken",
    async () => {
      await using stage = await Stage.open();
      using terminal = new Terminal();
      const program = await startShell(stage, terminal);
      const { resource } = terminal;
      const images = stage.nextImages();
      const dump = ["dump", "-t", String(program.pid)];
      expect(await refusal(stage.tscriu(images, dump))).toContain(`--external '${resource}'`);
      await answers(terminal, program.pid, "first");
      await stage.tscriu(images, [...dump, "--external", resource]);
      expect(await refusal(stage.tscriu(images, ["restore", "-d"]))).toContain(`--inherit-fd 'fd[N]:${resource}'`);
      using taken = new Terminal();
      const theirs = await startShell(stage, taken);
      const under = ["bash", "-c", `exec 9<>${taken.path}; exec "$@"`, "bash"];
      const restore = ["restore", "-d", "--inherit-fd", `fd[9]:${resource}`];
      expect(await refusal(stage.tscriu(images, restore, under))).toContain("cannot give a session its terminal");
      await answers(taken, theirs.pid, "theirs");
      process.kill(theirs.pid, "SIGKILL");
    },
    testTime,
  );

  test(
    "RPC: orphan_pts_master, the client gets the master of a new pair",
    async () => {
      await using stage = await Stage.open();
      using terminal = new Terminal();
      const program = await startShell(stage, terminal);
      const images_dir_fd = openSync(stage.nextImages(), "r");
      const options = { images_dir_fd, log_level: 4, orphan_pts_master: true };
      using dumping = Client.start(...(await binary()));
      dumping.dump({ ...options, pid: program.pid, log_file: "dump.log" }, () => true);
      await program.end;
      terminal[Symbol.dispose]();
      using _adopted = adopting();
      const masters: number[] = [];
      using restoring = Client.start(...(await binary()));
      const pid = restoring.restore(options, ({ script, fd }) => {
        if (script === "orphan-pts-master" && fd !== undefined) masters.push(fd);
        return true;
      });
      closeSync(images_dir_fd);
      expect([pid, masters.length]).toEqual([program.pid, 1]);
      await restoring.worker?.exited;
      using other = new Terminal(undefined, masters[0]);
      expect(other.path).toBe(terminal.path);
      await answers(other, program.pid, "second");
      process.kill(pid, "SIGKILL");
      reap(pid);
    },
    testTime,
  );
});
