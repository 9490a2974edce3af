/** A program in whose code somebody traces: the kernel's breakpoints are no part of it. */
import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { refusal } from "../unharmed/lib/victim.ts";
import { cProgram } from "./lib/build.ts";
import { isRoot, type Program, Stage, testTime } from "./lib/stage.ts";

const lack = !isRoot
  ? "needs root"
  : existsSync("/sys/bus/event_source/devices/uprobe/type")
    ? undefined
    : "this kernel knows no uprobes";

/** Calls the probed function once more, and sees it return. */
async function call(program: Program, count: number): Promise<void> {
  process.kill(program.pid, "SIGUSR1");
  await program.says(new RegExp(`returned ${count}\n`));
}

async function hits(prober: Program, turn: number): Promise<number> {
  process.kill(prober.pid, "SIGUSR1");
  const [, count] = await prober.says(new RegExp(`turn ${turn} hits (\\d+)`));
  return Number(count);
}

const isProbed = ({ pid }: Program) => readFileSync(`/proc/${pid}/maps`, "latin1").includes("[uprobes]");

test.skipIf(lack !== undefined)(
  `--allow-uprobes: a probe that is still there goes on, and where it is gone no breakpoint is left${lack ? ` (${lack})` : ""}`,
  async () => {
    await using around = await Stage.open();
    await using stage = await Stage.open();
    const victim = cProgram("probed");
    const program = await stage.start([victim], { except: { "[uprobes]": "the kernel's own" } });
    const [, offset = ""] = await program.says(/offset (\d+)/);
    const prober = await around.start([cProgram("prober"), victim, offset]);
    await prober.says(/turn 0 hits 0|missing.*/);
    if (prober.said.includes("missing")) return console.log(`skipped --allow-uprobes: ${prober.said.trim()}`);
    await call(program, 1);
    expect(await hits(prober, 1)).toBe(1);
    expect(isProbed(program)).toBe(true);

    const refused = await refusal(program.trip());
    expect(refused).toMatch(/a uprobe was hit in the task.*--allow-uprobes/s);
    await call(program, 2);
    expect(await hits(prober, 2)).toBe(2);

    const images = stage.nextImages();
    await stage.tscriu(images, ["dump", "-t", String(program.pid), "--allow-uprobes"]);
    await program.end;
    expect(await refusal(stage.tscriu(images, ["restore", "-d"]))).toMatch(/pass --allow-uprobes to restore too/);
    await stage.tscriu(images, ["restore", "-d", "--allow-uprobes"]);
    program.end = stage.keeper.ended(program.pid);
    await call(program, 3);
    expect(await hits(prober, 3)).toBe(3);

    // and where nobody traces any more
    await program.trip({ words: ["--allow-uprobes"] }, () => process.kill(prober.pid, "SIGKILL"));
    await prober.end;
    await call(program, 4);
    expect(isProbed(program)).toBe(false);
    await program.trip();
    await call(program, 5);
  },
  testTime,
);
