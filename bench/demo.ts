/**
 * `npm run demo`: a real server that counts its requests in memory is dumped, is gone, and is brought back.
 * Ends non-zero when a step did not go as it says.
 */
import { spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

const tree = resolve(import.meta.dirname, "..");
const tscriu = join(tree, "dist/tscriu");
/** Long enough for any machine: milliseconds until a step that waits gives up. */
const patience = 30_000;

class Failed extends Error {}

interface Answer {
  count: number;
  pid: number;
  secret: string;
}

let number = 0;

/** Does one step and tells what came of it, with the time it took. */
async function step<T>(title: string, act: () => Promise<{ value: T; note: string }>): Promise<T> {
  const since = performance.now();
  try {
    const { value, note } = await act();
    const time = performance.now() - since;
    console.log(`${++number}. ${title.padEnd(34)} ${note.padEnd(64)} ${time.toFixed(0).padStart(6)} ms`);
    return value;
  } catch (error) {
    console.log(`${++number}. ${title.padEnd(34)} FAILED`);
    throw error;
  }
}

function must(holds: boolean, otherwise: string): asserts holds {
  if (!holds) throw new Failed(otherwise);
}

async function until<T>(what: string, look: () => T | undefined): Promise<T> {
  const end = performance.now() + patience;
  for (;;) {
    const found = look();
    if (found !== undefined) return found;
    if (performance.now() > end) throw new Failed(`waited in vain until ${what}`);
    await Bun.sleep(10);
  }
}

function alive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return false;
  }
}

/** The number may be another's by now. */
function isServer(pid: number): boolean {
  return readFileSync(`/proc/${pid}/cmdline`, "latin1").includes("demo-server.ts");
}

async function ask(port: number): Promise<Answer> {
  const response = await fetch(`http://127.0.0.1:${port}/`, { keepalive: false });
  return (await response.json()) as Answer;
}

/** Open sockets of a process: connections that are over must be closed by then. */
function sockets(pid: number): number {
  return readdirSync(`/proc/${pid}/fdinfo`).filter((fd) => {
    try {
      return statSync(`/proc/${pid}/fd/${fd}`).isSocket();
    } catch {
      return false;
    }
  }).length;
}

function run(words: string[], log: string): void {
  const done = spawnSync(tscriu, words, { encoding: "utf8" });
  if (done.error) throw new Failed(`${tscriu} does not start: ${done.error.message}`);
  if (done.status === 0) return;
  const said = existsSync(log) ? readFileSync(log, "utf8").split("\n").slice(-15).join("\n") : "";
  throw new Failed(`tscriu ${words[0]} ended with ${done.status ?? done.signal}\n${done.stderr}${done.stdout}${said}`);
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

async function demo(dir: string, started: (pid: number) => void): Promise<void> {
  const images = join(dir, "images");
  const logFile = join(dir, "server.log");
  mkdirSync(images);

  await step("Build the single file", async () => {
    const done = spawnSync(process.execPath, ["build.ts"], { cwd: tree, encoding: "utf8" });
    must(done.status === 0, `${done.stdout}${done.stderr}`);
    return { value: undefined, note: `dist/tscriu, ${megabytes(statSync(tscriu).size)}` };
  });

  const { pid, port, gone } = await step("Start a Bun HTTP server", async () => {
    const words = [join(tree, "bench/demo-server.ts"), logFile];
    const child = spawn(process.execPath, words, { stdio: "ignore", detached: true });
    const pid = child.pid;
    must(pid !== undefined, "the server does not start");
    started(pid);
    const gone = new Promise<true>((resolve) => child.once("exit", () => resolve(true)));
    const port = await until("the server listens", () => {
      const found = existsSync(logFile) ? /listening on (\d+)/.exec(readFileSync(logFile, "utf8"))?.[1] : undefined;
      return found === undefined ? undefined : Number(found);
    });
    return { value: { pid, port, gone }, note: `pid ${pid}, port ${port}` };
  });

  const quiet = sockets(pid);
  const before = await step("Send it five requests", async () => {
    let answer = await ask(port);
    for (let i = 1; i < 5; i++) answer = await ask(port);
    must(answer.count === 5 && answer.pid === pid, `unexpected answer ${JSON.stringify(answer)}`);
    await until("the connections are closed", () => (sockets(pid) <= quiet ? true : undefined));
    return { value: answer, note: "it has counted 5, in its memory" };
  });

  await step("Dump it", async () => {
    run(["dump", "-t", String(pid), "-D", images, "-v4", "-o", "dump.log"], join(images, "dump.log"));
    const sizes = readdirSync(images).map((name) => (name.endsWith(".img") ? statSync(join(images, name)).size : 0));
    const total = sizes.reduce((sum, size) => sum + size, 0);
    return { value: undefined, note: `${sizes.filter((size) => size > 0).length} images, ${megabytes(total)}` };
  });

  await step("It is gone", async () => {
    // Being its parent we have to collect it: until then its pid is taken.
    must(await Promise.race([gone, Bun.sleep(patience).then(() => false)]), `process ${pid} is still there`);
    const refused = await ask(port).then(
      () => false,
      () => true,
    );
    must(refused, `something still answers on port ${port}`);
    return { value: undefined, note: `no process ${pid}, nobody answers on port ${port}` };
  });

  await step("Restore it", async () => {
    run(["restore", "-d", "-D", images, "-v4", "-o", "restore.log"], join(images, "restore.log"));
    must(alive(pid), `there is no process ${pid}`);
    return { value: undefined, note: `pid ${pid} is back` };
  });

  await step("Send it two more requests", async () => {
    const [six, seven] = [await ask(port), await ask(port)];
    must(six.count === 6 && seven.count === 7, `the count went on with ${six.count} and ${seven.count}, not 6 and 7`);
    must(seven.pid === pid, `the process that answers is ${seven.pid}, not ${pid}`);
    must(seven.secret === before.secret, "the process that answers does not know what it knew");
    return { value: undefined, note: `count 6 and 7: same memory, same pid ${pid}, same port ${port}` };
  });

  await step("Look at its log file", async () => {
    const lines = readFileSync(logFile, "utf8").trim().split("\n");
    const expected = [`listening on ${port}`, ...[1, 2, 3, 4, 5, 6, 7].map((count) => `request ${count}`)];
    must(lines.join() === expected.join(), `the log reads:\n${lines.join("\n")}`);
    return { value: undefined, note: "seven requests in order: the open file was brought back too" };
  });
}

if (process.getuid?.() !== 0) {
  console.error("The demo dumps and restores a process, which takes root: sudo npm run demo");
  process.exit(1);
}
const dir = mkdtempSync(join(tmpdir(), "tscriu-demo-"));
const victims: number[] = [];
try {
  await demo(dir, (pid) => victims.push(pid));
  console.log("\nThe same process runs on, from where it was.");
} catch (error) {
  console.error(error instanceof Failed ? error.message : error);
  process.exitCode = 1;
} finally {
  for (const pid of victims) if (alive(pid) && isServer(pid)) process.kill(pid, "SIGKILL");
  rmSync(dir, { recursive: true, force: true });
}
process.exit();
