import { expect, test } from "bun:test";
import { PERSONALITY } from "../uapi/prctl.ts";
import { parsePersonality } from "./personality.ts";
import { ProcDir } from "./read.ts";
import { Victim } from "./victim.testing.ts";

test.skipIf(Bun.which("setarch") === null)("personality (skipped without setarch)", async () => {
  await using victim = await Victim.start("", ["setarch", "-R", "-B", "sh", "-c"]);
  using dir = new ProcDir(victim.pid);
  expect(parsePersonality(dir.text("personality"))).toBe(PERSONALITY.ADDR_NO_RANDOMIZE | PERSONALITY.ADDR_LIMIT_32BIT);
});
