/** Action scripts run at the moments at which criu runs them, and are told the same. */
import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binary } from "../lib/binary.ts";
import { describeStatus, Keeper } from "../lib/keeper.ts";
import { KernelFacts, missing, path } from "./criu.ts";

const script = `#!/bin/sh
echo "$CRTOOLS_SCRIPT_ACTION $# $(pwd) $(env | grep -c ^CRTOOLS) $CRTOOLS_INIT_PID" >>"$(dirname "$0")/told"
`;

/** What a script tells of a dump that leaves the tree running, of one that ends it, and of the restore. */
async function storyOf(tool: readonly string[], victim: readonly string[], facts: KernelFacts): Promise<string> {
  const dir = mkdtempSync(join(tmpdir(), "scripts-"));
  try {
    await using keeper = await Keeper.start(undefined, facts.through);
    const program = join(dir, "script");
    writeFileSync(program, script);
    chmodSync(program, 0o755);
    const told = join(dir, "told");
    mkdirSync(join(dir, "images"));
    const pid = await keeper.run({ argv: [...victim], directory: dir, output: "/dev/null", session: true });
    const comm = () => readFileSync(`/proc/${pid}/comm`, "latin1").trim();
    for (const late = performance.now() + 120_000; comm() !== "sleep" && performance.now() < late; ) await Bun.sleep(5);
    const dump = ["dump", "-t", String(pid)];
    for (const words of [[...dump, "-R"], dump, ["restore", "-d"]]) {
      const argv = [...tool, ...words, "-D", join(dir, "images"), "-o", `${words[0]}.log`, "--action-script", program];
      const status = await keeper.ended(await keeper.run({ argv, directory: dir, output: "/dev/null" }));
      writeFileSync(told, `${words.length} words: ${describeStatus(status)}\n`, { flag: "a" });
    }
    return readFileSync(told, "latin1").replaceAll(dir, "DIR").replaceAll(String(pid), "PID");
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

for (const [where, victim] of Object.entries({
  "in our network": ["sleep", "1000"],
  "in a network of its own": ["unshare", "--net", "sleep", "1000"],
})) {
  test.skipIf(missing !== undefined)(
    `scripts for a tree ${where} hear what they hear from criu${missing === undefined ? "" : ` (${missing})`}`,
    async () => {
      using facts = new KernelFacts();
      const [own, criu] = [await storyOf(await binary(), victim, facts), await storyOf([path], victim, facts)];
      expect(criu).toContain("post-resume");
      expect(own).toBe(criu);
    },
    300_000,
  );
}
