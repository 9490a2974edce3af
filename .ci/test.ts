/**
 * `npm test`: types, lint, build, unit tests, system tests. With names of stages only these (`npm test -- lint unit`).
 * What each stage says lies in build/logs; the last line counts.
 */
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const tree = resolve(import.meta.dirname, "..");
const logs = join(tree, "build/logs");
const bun = process.execPath;

interface Stage {
  name: string;
  words: string[];
  /** Bun's test runner, which counts for itself; any other command is one test. */
  suite: boolean;
}

const suite = (name: string, paths: readonly string[], without: readonly string[] = []): Stage => ({
  name,
  words: [
    bun,
    "test",
    ...paths,
    ...without.map((path) => `--path-ignore-patterns=${path.slice(2)}${path.endsWith(".ts") ? "" : "/**"}`),
    "--timeout=300000",
    "--retry=1",
    "--reporter=junit",
    `--reporter-outfile=${join(logs, `${name}.xml`)}`,
  ],
  suite: true,
});

/**
 * The cases, and those that take them up again: they keep every CPU busy, several at a time. The other tests wait for much of
 * their time, so they run meanwhile, and come first wherever both want a CPU.
 */
const cases = ["./zdtm/zdtm.test.ts", "./zdtm/spoil.test.ts", "./zdtm/exchange/native.test.ts"];
/** Tests that start other kernels, in emulation: long, and nearly all of it on one CPU. */
const machines = [
  ...["exchange", "kernels", "vdso-aarch64"].map((name) => `./zdtm/exchange/${name}.test.ts`),
  ...["machine", "labels"].map((name) => `./zdtm/single-file/${name}.test.ts`),
];

const last = (stage: Stage): Stage => ({ ...stage, words: ["nice", "-n", "5", ...stage.words] });

const stages: readonly Stage[] = [
  { name: "types", words: [join(tree, "node_modules/.bin/tsc"), "--noEmit", "-p", "."], suite: false },
  { name: "lint", words: [join(tree, "node_modules/.bin/biome"), "check", "--max-diagnostics=50"], suite: false },
  { name: "build", words: [bun, "build.ts"], suite: false },
  suite("machines", machines),
  last(suite("cases", cases)),
  suite("unit", ["./src"]),
  suite("zdtm", ["./zdtm"], [...machines, ...cases]),
];
/** Stages that run beside those after them. */
const beside = new Set(["machines", "cases"]);

/** What one stage mounts is none of what another sees, nor the machine. */
const apart = process.getuid?.() === 0 && Bun.which("unshare") ? ["unshare", "--mount", "--"] : [];

interface Result {
  passed: number;
  failed: string[];
  skipped: string[];
}

const verdict = /^\((pass|fail|skip|todo)\) (.*?)(?: \[[\d.]+ms\])?$/;
/** Cases decide while they run that this machine lacks something, and say so in such a line. */
const skippedInside = /^skipped (\S.*: .*)$/;
/** The runner names once more at its end what did not pass. */
const onceMore = /^\d+ tests? (?:skipped|failed):$/;

/**
 * Runs the command and calls `line` for each line that it says. It writes to the log itself, not to a pipe of ours: a
 * process that a failing test leaves behind would hold that open for ever.
 * @returns `cpu`: seconds that it took with all that it waited for
 */
async function watch(stage: Stage, line: (text: string) => void): Promise<{ status: number; cpu: number }> {
  const path = join(logs, `${stage.name}.log`);
  const log = openSync(path, "w+");
  // tests look whether anything is left there: what others beside them have there for a while is none of it
  const room = mkdtempSync(join(tmpdir(), "tscriu-"));
  chmodSync(room, 0o1777);
  const env = { ...process.env, TMPDIR: room };
  const child = Bun.spawn([...apart, ...stage.words], { cwd: tree, env, stdin: "ignore", stdout: log, stderr: log });
  const decoder = new TextDecoder();
  const buffer = new Uint8Array(1 << 16);
  let at = 0;
  let rest = "";
  const catchUp = () => {
    for (let size = readSync(log, buffer, 0, buffer.length, at); size > 0; ) {
      at += size;
      const lines = (rest + decoder.decode(buffer.subarray(0, size), { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const text of lines) line(Bun.stripANSI(text));
      size = readSync(log, buffer, 0, buffer.length, at);
    }
  };
  const watching = setInterval(catchUp, 200);
  const status = await child.exited;
  clearInterval(watching);
  catchUp();
  if (rest !== "") line(Bun.stripANSI(rest));
  closeSync(log);
  rmSync(room, { recursive: true, force: true });
  return { status, cpu: Number(child.resourceUsage()?.cpuTime.total ?? 0) / 1e6 };
}

/** How many tests ran, by the runner's own report: the lines that it prints leave some out. */
function testsIn(name: string): number {
  const path = join(logs, `${name}.xml`);
  const counted = existsSync(path) ? /<testsuites[^>]* tests="(\d+)"/.exec(readFileSync(path, "utf8"))?.[1] : undefined;
  return Number(counted ?? 0);
}

async function run(stage: Stage): Promise<Result> {
  const since = performance.now();
  const failed: string[] = [];
  const skipped: string[] = [];
  let seen = 0;
  let isOver = false;
  /** What was said since the last verdict: the story of the next failure. */
  let story: string[] = [];
  const stories: string[] = [];
  const live = process.stdout.isTTY ? "\r\u001b[K" : undefined;
  let spoken = performance.now();
  const show = () => {
    if (live) process.stdout.write(`${live}${stage.name}: ${seen} done, ${failed.length} failed`);
    else if (performance.now() - spoken > 30_000) {
      spoken = performance.now();
      console.log(`${stage.name}: ${seen} done, ${failed.length} failed so far`);
    }
  };
  if (live) process.stdout.write(`${stage.name} ...`);
  const { status, cpu } = await watch(stage, (text) => {
    isOver ||= onceMore.test(text);
    if (isOver) return;
    const [, kind, name = ""] = verdict.exec(text) ?? [];
    const inside = skippedInside.exec(text)?.[1];
    if (inside) skipped.push(inside);
    if (!stage.suite || !kind) {
      story.push(text);
      return;
    }
    // the hooks of a group that is skipped
    if (kind === "skip" && name.endsWith("(unnamed)")) return;
    seen++;
    if (kind === "fail") {
      failed.push(name);
      stories.push(...story.slice(-60), text);
    } else if (kind !== "pass") skipped.push(name);
    story = [];
    show();
  });
  const total = stage.suite ? Math.max(testsIn(stage.name), seen) : 1;
  if (status !== 0 && failed.length === 0) {
    failed.push(`${stage.name}: ended with status ${status}`);
    stories.push(...story.slice(-60));
  }
  if (stage.suite && total === 0) failed.push(`${stage.name}: no test ran`);
  const passed = Math.max(0, total - failed.length - skipped.length);
  const seconds = ((performance.now() - since) / 1000).toFixed(1);
  const counts = stage.suite ? `${passed} passed, ${failed.length} failed, ${skipped.length} skipped, ` : "";
  if (live) process.stdout.write(live);
  console.log(
    `${failed.length > 0 ? "FAILED" : "ok    "} ${stage.name}: ${counts}${seconds} s, CPU ${cpu.toFixed(0)} s`,
  );
  for (const text of stories) console.log(`    ${text}`);
  for (const name of failed) console.log(`  failed: ${name}`);
  for (const name of skipped) console.log(`  skipped: ${name}`);
  return { passed, failed, skipped };
}

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !stages.some((stage) => stage.name === name));
if (unknown.length > 0) {
  console.error(`no such stage: ${unknown.join(", ")}; there are ${stages.map((stage) => stage.name).join(", ")}`);
  process.exit(2);
}
mkdirSync(logs, { recursive: true });
for (const stage of stages) rmSync(join(logs, `${stage.name}.xml`), { force: true });
const results: Result[] = [];
const going: Promise<Result>[] = [];
for (const stage of stages) {
  if (wanted.length > 0 && !wanted.includes(stage.name)) continue;
  if (beside.has(stage.name)) going.push(run(stage));
  else results.push(await run(stage));
}
results.push(...(await Promise.all(going)));

const sum = (count: (result: Result) => number) => results.reduce((all, result) => all + count(result), 0);
const failures = sum((result) => result.failed.length);
if (process.getuid?.() !== 0) {
  console.log("Not run as root: whatever dumps, restores or mounts was left out. `sudo npm test` runs all of it.");
}
console.log(`what each stage said lies in ${logs.slice(tree.length + 1)}`);
console.log(
  `${sum((result) => result.passed)} passed, ${failures} failed, ${sum((result) => result.skipped.length)} skipped`,
);
process.exit(failures === 0 ? 0 : 1);
