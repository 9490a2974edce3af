/** criu holds back all packets of a network namespace that outlives the tree, until a restore there: ours lets them go again. */
import { expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { binary } from "../lib/binary.ts";
import { describeStatus, Keeper } from "../lib/keeper.ts";
import { KernelFacts, missing, path } from "./criu.ts";

const lacking = missing ?? ["nft", "iptables-legacy", "nsenter"].find((tool) => Bun.which(tool) === null);

for (const method of ["iptables", "nftables"]) {
  test.skipIf(lacking !== undefined)(
    `a network that is joined is open again after criu's lock by ${method}${lacking === undefined ? "" : ` (needs ${lacking})`}`,
    async () => {
      const dir = mkdtempSync(join(tmpdir(), "joined-"));
      using facts = new KernelFacts();
      try {
        await using keeper = await Keeper.start(undefined, facts.through);
        const run = (...argv: string[]) => keeper.run({ argv, directory: dir, output: "/dev/null", session: true });
        const ends = async (...argv: string[]) =>
          describeStatus(await keeper.ended(await keeper.run({ argv, directory: dir, output: "/dev/null" })));
        const sleeps = async (pid: number) => {
          const late = performance.now() + 120_000;
          while (!(await Bun.file(`/proc/${pid}/cmdline`).text()).startsWith("sleep") && performance.now() < late)
            await Bun.sleep(5);
          return pid;
        };
        const host = await sleeps(await run("unshare", "--net", "sleep", "1000"));
        const net = `/proc/${host}/ns/net`;
        const inside = (words: string) =>
          Bun.spawnSync(["nsenter", `--net=${net}`, "sh", "-c", words]).stdout.toString();
        // somebody else's, which stays
        inside("iptables-legacy -A INPUT -p tcp --dport 44 -j DROP; nft add table ip other");
        const filters = () => inside("iptables-legacy-save -t filter | grep -v '^#'; nft list ruleset");
        const before = filters();
        expect(before).toContain("--dport 44 -j DROP");
        const pid = await sleeps(await run("nsenter", `--net=${net}`, "sleep", "1001"));
        mkdirSync(join(dir, "images"));
        const words = ["-D", join(dir, "images"), "-o", "log"];
        expect(await ends(path, "dump", "-t", String(pid), "--network-lock", method, ...words)).toBe("exit 0");
        expect(filters()).toContain("CRIU");
        const restore = [...(await binary()), "restore", "-d", "--join-ns", `net:${net}`, ...words];
        expect(await ends(...restore)).toBe("exit 0");
        // iptables leaves its tables where it has once had a rule
        const empty = /table ip6? filter \{\n(\tchain (IN|OUT)PUT \{\n\t\ttype .*\n\t\}\n\n?)+\}\n/g;
        expect(filters().replaceAll(empty, "")).toBe(before);
      } finally {
        rmSync(dir, { recursive: true, force: true });
      }
    },
    300_000,
  );
}
