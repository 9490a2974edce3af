/** Programs of a terminal: a shell with its jobs, an editor, a monitor, a multiplexer. Whoever sits there types on. */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { binary } from "../lib/binary.ts";
import { isRoot, type Program, Stage, testTime, until } from "./lib/stage.ts";
import { Terminal } from "./lib/terminal.ts";

const shell = ["bash", "--norc", "--noprofile", "-i"];
const prompt = { PS1: "> ", HISTFILE: "" };

const missing = (...names: string[]) => names.find((name) => Bun.which(name) === null);
const named = (what: string, lacking: string | undefined) =>
  lacking === undefined ? what : `${what} (there is no ${lacking})`;

const reason = "it is another terminal, with another number";
const another = { terminal: reason, "fd 0": reason, "fd 1": reason, "fd 2": reason, "fd 255": reason };
const anotherSize = { ...another, area: "programs draw in another size, which takes memory" };

const moves = { fd: "top reads /proc again and again", memory: "", area: "" };

/** Dumps from elsewhere and restores in a terminal: the same again, or another one. */
function trip(program: Program, terminal: Terminal, except = {}): Promise<void> {
  return program.roundTrip({ words: ["--shell-job"], underRestore: terminal.under, except });
}

describe.skipIf(!isRoot)("programs of a terminal (need root)", () => {
  const noBash = missing("bash");
  test.skipIf(noBash !== undefined)(
    named("bash goes on, with jobs in the foreground, in the background and stopped", noBash),
    async () => {
      await using stage = await Stage.open();
      using terminal = new Terminal();
      const program = await terminal.start(stage, shell, prompt);
      await terminal.shows(/^>$/m);
      let count = 0;
      const answers = async () => {
        const token = `answer${++count}`;
        terminal.type(`echo ${token.slice(0, 3)}"${token.slice(3)}"\r`);
        await terminal.shows(new RegExp(`^${token}$`, "m"));
      };
      await answers();
      terminal.type("sleep 1000 &\r");
      await terminal.shows(/^\[1\] \d+$/m);
      terminal.type("cat\r");
      await until("cat runs", () => (/cat/.test(children(program)) ? true : undefined));
      terminal.type("first\r");
      await terminal.shows(/^first\nfirst$/m);
      terminal.type("\x1a");
      await terminal.shows(/^\[2\]\+ {2}Stopped .*cat$/m);
      await answers();
      await trip(program, terminal);
      await answers();
      await trip(program, terminal);
      await answers();
      terminal.type("clear; jobs\r");
      await terminal.shows(/^\[1\]- {2}Running .*sleep 1000 &\n\[2\]\+ {2}Stopped .*cat$/m);
      terminal.type("fg\r");
      await terminal.shows(/^cat$/m);
      terminal.type("second\r");
      await terminal.shows(/^second\nsecond$/m);
      // with a job in the foreground
      await trip(program, terminal);
      terminal.type("third\r");
      await terminal.shows(/^third\nthird$/m);
      terminal.type("\x04");
      await answers();
      terminal.type("kill %1; wait %1; echo waited $?\r");
      await terminal.shows(/^waited 143$/m);
      terminal.type("sleep 1000\r");
      await until("sleep runs", () => (/sleep/.test(children(program)) ? true : undefined));
      await trip(program, terminal);
      terminal.type("\x03");
      await terminal.shows(/\^C\n>$/);
      await answers();
    },
    testTime,
  );

  const noVim = missing("bash", "vim");
  test.skipIf(noVim !== undefined)(
    named("vim in bash keeps its text, its undo and its screen", noVim),
    async () => {
      await using stage = await Stage.open();
      using terminal = new Terminal();
      const program = await terminal.start(stage, shell, prompt);
      await terminal.shows(/^>$/m);
      terminal.type("vim -u NONE -i NONE -N text\r");
      await terminal.shows(/^~$/m);
      terminal.type("ione\rtwo");
      await terminal.shows(/^one\ntwo\n~/);
      await trip(program, terminal);
      // still inserting, at the same place
      await terminal.shows(/^one\ntwo\n~\n/);
      terminal.type(" and a half\x1bothree\x1b");
      await terminal.shows(/^one\ntwo and a half\nthree\n~\n/);
      using other = new Terminal({ rows: 30, columns: 100 });
      await trip(program, other, anotherSize);
      await other.shows(/^one\ntwo and a half\nthree\n(~\n){25}~/);
      other.type("u:w\r");
      await until("the file is there", () =>
        textOf(stage.file("text")) === "one\ntwo and a half\n" ? true : undefined,
      );
      await other.shows(/^one\ntwo and a half\n~\n/);
      other.type("\x12");
      await other.shows(/^one\ntwo and a half\nthree\n~\n/);
      other.type(":wq\r");
      await other.shows(/>$/);
      expect(textOf(stage.file("text"))).toBe("one\ntwo and a half\nthree\n");
    },
    testTime,
  );

  const noTop = missing("bash", "top");
  test.skipIf(noTop !== undefined)(
    named("top in bash goes on counting, and draws in another size", noTop),
    async () => {
      await using stage = await Stage.open();
      using terminal = new Terminal();
      const program = await terminal.start(stage, shell, prompt);
      await terminal.shows(/^>$/m);
      terminal.type("top -d 0.5\r");
      await terminal.shows(/^top - .*\n(.*\n)+ +PID USER/);
      terminal.type("u");
      await terminal.shows(/Which user/);
      await trip(program, terminal, moves);
      // in the middle of a question
      terminal.type("nobody\r");
      await terminal.shows(/^top - /);
      using wide = new Terminal({ rows: 10, columns: 120 });
      await trip(program, wide, { ...anotherSize, ...moves });
      const [first] = await wide.shows(/^top - .*\n(.*\n)+ +PID USER/);
      await until("the clock goes on", () => {
        wide.pump();
        return wide.screen.lines[0] === first.split("\n")[0] ? undefined : true;
      });
      wide.type("q");
      await wide.shows(/>$/);
      wide.type("echo top ends with $?\r");
      await wide.shows(/^top ends with 0$/m);
    },
    testTime,
  );

  const noTmux = missing("bash", "tmux", "vim");
  test.skipIf(noTmux !== undefined)(
    named("tmux with its server, its client and two windows", noTmux),
    async () => {
      await using stage = await Stage.open();
      using terminal = new Terminal();
      const program = await startTmux(stage, terminal);
      terminal.type('echo o"ne"\r');
      await terminal.shows(/^one$/m);
      await trip(program, terminal);
      terminal.type('echo t"wo"\r');
      await terminal.shows(/^one\n.*\ntwo$/m);
      terminal.type("\x02c");
      await terminal.shows(/0:bash- 1:bash\*/);
      terminal.type("vim -u NONE -i NONE -N text\r");
      await terminal.shows(/^~$/m);
      terminal.type("ithree");
      await terminal.shows(/^three$/m);
      using other = new Terminal({ rows: 20, columns: 70 });
      await trip(program, other, { ...anotherSize, fd: reason });
      other.type("\x1b:wq\r");
      await until("the file is there", () => (textOf(stage.file("text")) === "three\n" ? true : undefined));
      other.type("exit\r");
      await other.shows(/^one\n.*\ntwo\n>\n+\[0\] 0:bash\*/m);
      other.type("exit\r");
      await program.end;
      await other.shows(/\[exited\]/);
    },
    testTime,
  );

  test.skipIf(noVim !== undefined)(
    named("vim as a job of a shell that is not dumped: tscriu stops and goes on with it", noVim),
    async () => {
      await using stage = await Stage.open();
      using terminal = new Terminal();
      const outer = await terminal.start(stage, shell, prompt);
      await terminal.shows(/^>$/m);
      // nobody in the background may write: tscriu does
      terminal.type("stty tostop; clear\r");
      await terminal.shows(/^>$/);
      terminal.type("vim -u NONE -i NONE -N text\r");
      await terminal.shows(/^~$/m);
      terminal.type("ione");
      await terminal.shows(/^one$/m);
      const [vim] = await until("vim runs", () => /\d+/.exec(childrenOf(outer.pid)) ?? undefined);
      const images = stage.nextImages();
      await stage.tscriu(images, ["dump", "-t", vim, "--shell-job"]);
      terminal.type("\r\x0creset; clear\r");
      await terminal.shows(/^>$/);
      terminal.type(`${(await binary()).join(" ")} restore -j -D ${images}\r`);
      await terminal.shows(/^one\n~/);
      terminal.type(" two");
      await terminal.shows(/^one two\n~/);
      terminal.type("\x1b\x1a");
      await terminal.shows(/^\[1\]\+ {2}Stopped .*restore -j/m);
      terminal.type("echo three >other; fg\r");
      await terminal.shows(/^one two\n~/);
      // stopped when it is dumped
      terminal.type("\x1a");
      await terminal.shows(/^\[1\]\+ {2}Stopped .*restore -j/m);
      const more = stage.nextImages();
      await stage.tscriu(more, ["dump", "-t", vim, "--shell-job"]);
      // the one that waited for it sees that it is gone
      terminal.type("fg; clear; echo gone\r");
      await terminal.shows(/^gone\n>$/);
      terminal.type(`${(await binary()).join(" ")} restore -j -D ${more}\r`);
      await terminal.shows(/Stopped .*restore -j/);
      terminal.type("clear; fg\r");
      await terminal.shows(/^one two\n~/);
      terminal.type(":wq!\r");
      await terminal.shows(/>$/);
      terminal.type("echo restore ends with $?\r");
      await terminal.shows(/^restore ends with 0$/m);
      expect(textOf(stage.file("text"))).toBe("one two\n");
    },
    testTime,
  );

  test.skipIf(noTmux !== undefined)(
    named("a dump that leaves them running is not seen: every key is answered, once", noTmux),
    async () => {
      await using stage = await Stage.open();
      using terminal = new Terminal();
      const program = await startTmux(stage, terminal);
      terminal.type("cat\r");
      await terminal.shows(/^> cat$/m);
      for (let round = 0; round < 10; round++) {
        const text = `line ${round}`;
        // half of it waits in the terminal while it is dumped, and more comes meanwhile
        terminal.type(text.slice(0, 3));
        const dumped = program.dumpRunning({ words: ["--shell-job"] });
        terminal.type(text.slice(3));
        await dumped;
        terminal.type("\r");
        await terminal.shows(new RegExp(`^${text}\n${text}$`, "m"));
      }
      terminal.type("\x04");
      await terminal.shows(/^line 9\nline 9\n>$/m);
      const lines = terminal.screen.lines.filter((line) => line.startsWith("line"));
      expect(lines).toEqual(Array.from({ length: 20 }, (_, i) => `line ${i >> 1}`));
    },
    testTime,
  );

  test.skipIf(noTmux !== undefined)(
    named("a million lines on their way through tmux, every one of them counted", noTmux),
    async () => {
      await using stage = await Stage.open();
      using terminal = new Terminal();
      const program = await startTmux(stage, terminal);
      // what comes out of the terminal inside is what tmux passes on to a file as well
      terminal.type("tmux pipe-pane 'cat >all'; seq 1000000; echo ov\"er\"\r");
      const size = () => (existsSync(stage.file("all")) ? statSync(stage.file("all")).size : 0);
      for (let round = 1; round <= 3; round++) {
        await until("lines flow", () => {
          terminal.pump();
          return size() > round * 500_000 ? true : undefined;
        });
        await program.trip({ words: ["--shell-job"], underRestore: terminal.under });
      }
      await terminal.shows(/^1000000\nover$/m);
      terminal.type("tmux pipe-pane\r");
      await until("all is written", () => (/over\r\n/.test(textOf(stage.file("all"))) ? true : undefined));
      const numbers = textOf(stage.file("all")).match(/^\d+(?=\r$)/gm) ?? [];
      expect(numbers.length).toBe(1_000_000);
      expect(numbers.every((number, i) => Number(number) === i + 1)).toBe(true);
    },
    testTime,
  );

  test.skipIf(noBash !== undefined)(
    named("a part of a stopped job stays stopped where no shell is there for it", noBash),
    async () => {
      await using stage = await Stage.open();
      using terminal = new Terminal();
      const outer = await terminal.start(stage, shell, prompt);
      await terminal.shows(/^>$/m);
      terminal.type("(sleep 1000; :)\r");
      const [sleep] = await until("sleep runs", () => {
        const [job = ""] = childrenOf(outer.pid).split(" ");
        return /\d+/.exec(childrenOf(Number(job))) ?? undefined;
      });
      terminal.type("\x1a");
      await terminal.shows(/Stopped/);
      const images = stage.nextImages();
      await stage.tscriu(images, ["dump", "-t", sleep, "--shell-job"]);
      terminal.type("clear; kill -9 %1; wait; echo over\r");
      await terminal.shows(/^over$/m);
      using other = new Terminal();
      const argv = [...other.under, ...(await binary()), "restore", "-j", "-D", images, "-o", "restore.log"];
      const waiting = await stage.keeper.run({ argv, directory: "/", output: stage.file("said"), session: true });
      const state = () => /^State:\t(.)/m.exec(textOf(`/proc/${sleep}/status`))?.[1];
      await until("it is stopped", () => {
        other.pump();
        return state() === "T" ? true : undefined;
      });
      process.kill(waiting, "SIGKILL");
    },
    testTime,
  );
});

/** tmux below a process that adopts its server. */
async function startTmux(stage: Stage, terminal: Terminal): Promise<Program> {
  const env = { ...prompt, TMUX_TMPDIR: stage.path, SHELL: "/bin/bash", TMUX: "" };
  const config = stage.file("tmux.conf");
  const command = `PS1='> ' exec ${shell.join(" ")}`;
  // keys that come quickly are keys all the same
  writeFileSync(config, `set -g default-command "${command}"\nset -s escape-time 0\nset -g assume-paste-time 0\n`);
  const program = await terminal.start(stage, ["tmux", "-f", config], env, { reaps: true });
  await terminal.shows(/^>\n+\[0\] 0:bash\*/);
  return program;
}

const childrenOf = (pid: number) => textOf(`/proc/${pid}/task/${pid}/children`).trim();

function children(program: Program): string {
  const pids = childrenOf(program.pid).split(" ");
  return pids.map((child) => textOf(`/proc/${child}/comm`)).join(" ");
}

function textOf(path: string): string {
  try {
    return readFileSync(path, "latin1");
  } catch {
    return "";
  }
}
