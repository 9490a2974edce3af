import { chmodSync, chownSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Case, type Flavour, flavoursOf } from "./cases.ts";
import { Keeper } from "./keeper.ts";
import { hugePages, unmet } from "./needs.ts";
import { removeObjects } from "./objects.ts";
import { comesBack, Run, type RunOptions } from "./run.ts";
import { unlock } from "./unlock.ts";
import { Failure, Skipped } from "./waiting.ts";

export interface Outcome {
  result: "pass" | "fail" | "skip";
  reason: string;
  /** Wall time of the run, of each dump and of each restore, milliseconds. */
  milliseconds: number;
  dumps: number[];
  restores: number[];
  /** CPU time of the case and of what dumped and restored it, milliseconds. */
  cpu: number;
  directory?: string;
}

/** Flavours that the harness can run; the others wait for their namespaces. */
export const readyFlavours: readonly Flavour[] = ["h", "ns", "uns"];

/** The first flavour of a case that can be run here; the host's unless it is not for that. */
export function firstFlavour(it: Case): Flavour {
  return readyFlavours.find((one) => flavoursOf(it).includes(one)) ?? "h";
}

/** Runs a case once. Never throws for what the case or tscriu do; whatever was started is gone afterwards. */
export async function runCase(it: Case, options: RunOptions): Promise<Outcome> {
  const begun = performance.now();
  const finish = (result: Outcome["result"], reason: string, run?: Run): Outcome => ({
    result,
    reason,
    milliseconds: performance.now() - begun,
    dumps: run?.dumps ?? [],
    restores: run?.restores ?? [],
    cpu: 0,
  });
  const lacking = unmet(it);
  if (lacking !== undefined) return finish("skip", lacking);
  if (!readyFlavours.includes(options.flavour)) return finish("skip", `the harness has no flavour ${options.flavour}`);
  // what it does may be meant for namespaces of its own
  if (!flavoursOf(it).includes(options.flavour)) return finish("skip", `it is not for flavour ${options.flavour}`);
  if (options.mode === "spoil" && it.header.spoils !== true) return finish("skip", "the case has no spoiling part");
  const directory = mkdtempSync(join(tmpdir(), `zdtm-${it.name}-`));
  chmodSync(directory, 0o777); // a case may have given up root
  if (options.flavour === "uns") chownSync(directory, 100_000, 200_000);
  let outcome: Outcome | undefined;
  let spent = () => 0;
  try {
    using _pages = hugePages(it);
    const own = it.header.needs?.includes("net") ? "net" : options.flavour === "h" ? undefined : "mounts";
    await using keeper = await Keeper.start(own, options.travel?.through);
    spent = () => keeper.cpu;
    const run = new Run(it, options, directory, keeper);
    try {
      await run.all();
      outcome = finish("pass", "", run);
    } catch (error) {
      if (error instanceof Skipped) outcome = finish("skip", error.message, run);
      else if (error instanceof Failure) outcome = finish("fail", error.message, run);
      else outcome = finish("fail", error instanceof Error ? (error.stack ?? error.message) : String(error), run);
    }
  } finally {
    if (comesBack.has(options.mode) && outcome?.result === "fail") unlock(directory);
    removeObjects(directory);
    if (options.keep !== true) rmSync(directory, { recursive: true, force: true });
  }
  outcome.cpu = spent();
  if (options.keep === true) outcome.directory = directory;
  return outcome;
}
