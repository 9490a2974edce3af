import { afterAll, describe, expect, test } from "bun:test";
import { closeSync, existsSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { optionNames } from "./options.ts";

const main = join(import.meta.dir, "../main.ts");
const dir = mkdtempSync(join(tmpdir(), "tscriu-run-"));
afterAll(() => rmSync(dir, { recursive: true }));

const quiet = { PATH: process.env.PATH ?? "", HOME: join(dir, "nobody") };

function tscriu(args: readonly string[], env: Record<string, string> = quiet) {
  const { exitCode, stdout, stderr } = Bun.spawnSync([process.execPath, main, ...args], {
    cwd: dir,
    env,
    stdin: "ignore",
  });
  return { status: exitCode, out: stdout.toString(), err: stderr.toString() };
}

const cases: readonly (readonly [string, number, RegExp, RegExp])[] = [
  ["--version", 0, /^Version: 4\.2\nGitID: 0\ntscriu \d+\.\d+\.\d+\n$/, /^$/],
  ["dump -V", 0, /^Version: 4\.2\n/, /^$/],
  ["-V --frob", 0, /^Version: 4\.2\n/, /^$/],
  ["--frob -V", 1, /^$/, /no option --frob/],
  ["--help", 0, /tscriu dump .*--tree PID/, /^$/],
  ["dump --help", 0, /^tscriu dump/, /^$/],
  ["help restore", 0, /^tscriu restore/, /^$/],
  ["help cpuinfo dump", 0, /^tscriu cpuinfo dump/, /^$/],
  ["help help", 0, /^tscriu help \[COMMAND\]/, /^$/],
  ["help crit", 0, /^usage: crit/, /^$/],
  ["man --help", 0, /^tscriu man: the manual page/, /^$/],
  ["completion -h", 0, /^tscriu completion SHELL/, /^$/],
  ["dump -t 1 --images-dir=", 1, /^$/, /--images-dir names no directory/],
  ["restore -D . --work-dir=", 1, /^$/, /--work-dir names no directory/],
  ["restore -D . --pidfile nowhere/pid", 1, /^$/, /cannot make the pid file/],
  ["help frob", 1, /^$/, /no command `frob`/],
  ["completion bash", 0, /complete -F/, /^$/],
  ["completion tcsh", 1, /^$/, /no completion for `tcsh`/],
  ["man", 0, /^\.TH TSCRIU 8/, /^$/],
  ["", 1, /^$/, /tscriu dump +--tree/],
  ["frob", 1, /^$/, /no command `frob`/],
  ["dump extra", 1, /^$/, /`extra` is one word too many/],
  ["dump -v 4", 1, /^$/, /`4` is one word too many/],
  ["dump", 1, /^$/, /give --tree PID/],
  ["dump -t 0", 1, /^$/, /not a process id/],
  ["restore -t x", 1, /^$/, /not a process id/],
  ["dump -t 1 --join-ns x", 1, /^$/, /does not name a namespace/],
  ["dump -t 1 --ms", 1, /^$/, /option --ms is gone/],
  ["exec", 255, /^$/, /is gone/],
  ["show x", 255, /^$/, /crit show/],
  ["cpuinfo", 1, /^$/, /second word/],
  ["cpuinfo frob", 1, /^$/, /no command `cpuinfo frob`/],
  ["pre-dump -t 1", 1, /^$/, /not there yet/],
  ["swrk", 1, /^$/, /the number of a descriptor/],
  ["swrk 0", 1, /^$/, /no connected unix socket/],
  ["dump -t 1 --track-mem", 1, /^$/, /several rounds is not supported yet/],
  ["restore --restore-sibling", 1, /^$/, /--restore-detached only/],
  ["restore -d --exec-cmd -- true", 1, /^$/, /exclude each other/],
  ["restore --exec-cmd", 1, /^$/, /needs a program/],
  ["restore prog", 1, /^$/, /one word too many/],
  ["dump -t 1 --close 999", 1, /^$/, /descriptor 999 is not open/],
  ["dump -t 1 --close x", 1, /^$/, /not a descriptor number/],
  ["check --feature frob", 1, /^$/, /no feature `frob`/],
  ["check --feature list", 0, /^privileges\n[\s\S]*pagemap_scan\n/, /^$/],
  ["check --feature mnt_id", 0, /^mnt_id is supported\n$/, /^$/],
  ["check -verbosity=0 --feature=mnt_id", 0, /^mnt_id is supported\n$/, /^$/],
];

describe("exit status and where the words go", () => {
  for (const [line, status, out, err] of cases) {
    test(`tscriu ${line}`, () => {
      const got = tscriu(line === "" ? [] : line.split(" "));
      expect(got.out).toMatch(out);
      expect(got.err).toMatch(err);
      expect(got.status).toBe(status);
    });
  }

  test("the help reaches a pipe as a whole", () => {
    const { out } = tscriu(["--help"]);
    for (const name of optionNames) expect(out).toContain(name);
  });

  test("a configuration file with an error is one", () => {
    writeFileSync(join(dir, "bad.conf"), "tree 5\nlog-file a b\n");
    const got = tscriu(["dump", "--config", "bad.conf"]);
    expect([got.status, got.err]).toEqual([1, expect.stringContaining("bad.conf, line 2")]);
  });

  test("an inherited descriptor is closed at once", () => {
    const { exitCode, stderr } = Bun.spawnSync(
      ["sh", "-c", 'exec 9</dev/null; exec "$@"', "sh", process.execPath, main, "--close", "9", "--close", "9", "-V"],
      { env: quiet },
    );
    // The second time it is not there any more.
    expect([exitCode, stderr.toString()]).toEqual([1, expect.stringContaining("descriptor 9 is not open")]);
  });

  test("the runtime's own descriptors are not for closing", () => {
    expect(tscriu(["--close", "3", "-V"]).status).toBe(1);
  });

  test("a version that nobody can hear is a failure, and no more", () => {
    const out = openSync("/dev/full", "w");
    const { exitCode, stderr } = Bun.spawnSync([process.execPath, main, "--version"], {
      env: quiet,
      stdio: ["ignore", out, "pipe"],
    });
    closeSync(out);
    expect([exitCode, stderr.toString()]).toEqual([1, ""]);
  });

  test("a text that standard output has no room for is a failure, and told", () => {
    const out = openSync("/dev/full", "w");
    const { exitCode, stderr } = Bun.spawnSync([process.execPath, main, "help"], {
      env: quiet,
      stdio: ["ignore", out, "pipe"],
    });
    closeSync(out);
    expect([exitCode, stderr.toString()]).toEqual([1, expect.stringContaining("no space left on device")]);
  });

  test("called as crit it is the image tool", () => {
    const { stdout, stderr } = Bun.spawnSync([process.execPath, main, "--help"], { argv0: "crit", env: quiet });
    expect(stdout.toString() + stderr.toString()).toContain("decode");
  });
});

describe.skipIf(process.getuid?.() !== 0)(
  "directories and logs (skipped without root: dump asks for privileges first)",
  () => {
    test("an images directory that is not there", () => {
      const got = tscriu(["dump", "-t", "1", "-D", "nowhere"]);
      expect(got.status).toBe(1);
      expect(got.err).toMatch(
        /cannot open the images directory \(.*nowhere\)\n {2}because no such file or directory\n {2}try: /,
      );
    });

    test("a log that cannot be made", () => {
      const got = tscriu(["dump", "-t", "1", "-o", "no/where.log"]);
      expect([got.status, got.err]).toEqual([1, expect.stringContaining("cannot open the log file (no/where.log)")]);
    });

    test("a directory of plugins that is not there, or has one: it lies in the work directory", () => {
      const plugins = join(dir, "work/plugins");
      mkdirSync(plugins, { recursive: true });
      for (const command of ["dump -t 4194304", "restore"]) {
        const said = (name: string) => tscriu(`${command} -W work -L ${name}`.split(" "));
        const gone = said("gone");
        expect([gone.status, gone.err]).toEqual([
          1,
          expect.stringMatching(/cannot read the directory of plugins \(gone\)\n.*no such file/),
        ]);
        expect(said("plugins").err).not.toContain("plugins");
        writeFileSync(join(plugins, "x.so"), "");
        expect(said("plugins").err).toContain("CRIU's plugins cannot be loaded (plugins/x.so)");
        rmSync(join(plugins, "x.so"));
      }
      expect(tscriu(["check", "--feature", "mnt_id", "-L", "gone"]).status).toBe(0);
    });

    test("without a log file and a terminal, errors come in CRIU's format", () => {
      const got = tscriu(["dump", "-t", "1", "--action-script", "./nothing"]);
      expect(got.status).toBe(1);
      expect(got.err).toMatch(/^Error \(\S+:\d+\): cannot run the action script/);
      expect(existsSync(join(dir, "inventory.img"))).toBe(false);
    });
  },
);
