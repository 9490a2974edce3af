/** Automounters in a set as criu writes it: that tells which descriptor the program reads from, and not what is in the file system. */
import { describe, expect, test } from "bun:test";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { decodeImage, encodeImage } from "../../src/image/framing.ts";
import { binary } from "../lib/binary.ts";
import { allCases } from "../lib/cases.ts";
import { runCase } from "../lib/harness.ts";

const isRoot = process.getuid?.() === 0;
const testTime = 300_000;

/** Takes the pipes out of a set's automounters, and the directory on which a tmpfs is mounted. @returns how many there are */
function likeCriu(images: string, more: Record<string, unknown>): number {
  const found = readdirSync(images).filter((name) => /^autofs-\d+\.img$/.test(name));
  for (const name of found) {
    const path = `${images}/${name}`;
    const [entry] = decodeImage(readFileSync(path), path).entries;
    const { tscriu_pipe, tscriu_names, ...own } = entry as Record<string, unknown>;
    const names = (tscriu_names as { path: string }[]).filter((one) => one.path !== "one");
    writeFileSync(path, encodeImage("AUTOFS", [{ ...own, tscriu_names: names, ...more }]));
  }
  return found.length;
}

async function outcomeWith(more: Record<string, unknown>) {
  const it = allCases().find(({ name }) => name === "autofs");
  if (!it) throw new Error("there is no case autofs");
  let count = 0;
  const look = (images: string) => {
    count = likeCriu(images, more);
  };
  const [dumper, restorer] = [await binary(), await binary()];
  const outcome = await runCase(it, { mode: "cr", flavour: "h", iterations: 1, travel: { dumper, restorer, look } });
  if (outcome.result === "skip") console.log(`skipped: ${outcome.reason}`);
  else expect(count).toBe(3);
  return outcome;
}

describe.skipIf(!isRoot)("automounters of criu's sets (needs root)", () => {
  test.concurrent(
    "ask their program by the pipe that it reads from, and nobody waits for what is mounted there",
    async () => {
      const outcome = await outcomeWith({});
      expect(outcome.result === "fail" ? outcome.reason : "").toBe("");
    },
    testTime,
  );

  test.concurrent(
    "of which the pipe cannot be found are refused before anything is made",
    async () => {
      const outcome = await outcomeWith({ read_fd: 999 });
      if (outcome.result === "skip") return;
      expect(outcome.reason).toContain("the images do not tell by which pipe an autofs asks its program");
      expect(outcome.reason).toContain("--external 'mnt[PATH]:NAME'");
    },
    testTime,
  );
});
