/** Where there are as many processes as there may be: the finished executable starts, and says so. */
import { expect, test } from "bun:test";
import { spawnSync } from "node:child_process";
import type { Finding } from "../../src/check/check.ts";
import { tscriu } from "./product.ts";

const [setpriv, prlimit] = [Bun.which("setpriv"), Bun.which("prlimit")];
const missing = process.getuid?.() !== 0 || !setpriv || !prlimit ? " (it needs root, setpriv and prlimit)" : "";

test.skipIf(missing !== "")(`\`tscriu check\` tells of that, not of a kernel that lacks things${missing}`, () => {
  const other = ["--reuid=54321", "--regid=54321", "--clear-groups"];
  const able = ["--inh-caps=+dac_override", "--ambient-caps=+dac_override"];
  const alone = [prlimit ?? "", "--nproc=1", "--", tscriu(), "check", "--json"];
  const { status, stdout } = spawnSync(setpriv ?? "", [...other, ...able, ...alone], { encoding: "utf8" });
  const { features }: { features: Finding[] } = JSON.parse(stdout);
  const found = features.find(({ name }) => name === "ptrace_peeksiginfo");
  expect([status, found?.why]).toEqual([1, "clone3: EAGAIN"]);
  expect(found?.remedy).toContain("pids.max");
});
