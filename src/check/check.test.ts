import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync, readlinkSync } from "node:fs";
import { join } from "node:path";
import { findingsTable, verdictOf } from "../cli/check.ts";
import { inheritedDescriptors } from "../cli/inherited.ts";
import { checkFeature, checkFeatures, type Finding } from "./check.ts";
import { Child } from "./child.ts";
import { type Category, featureNames } from "./features.ts";

const isRoot = process.getuid?.() === 0;

function finding(category: Category, supported: boolean): Finding {
  return { name: "kcmp", category, supported, need: "x", ...(supported ? {} : { why: "w", remedy: "r" }) };
}

describe("the verdict", () => {
  test("missing basics are bad, other things are a warning, what is asked for by name does not count", () => {
    expect(verdictOf([finding("basic", true), finding("extra", true), finding("named", false)])).toBe("good");
    expect(verdictOf([finding("basic", true), finding("extra", false)])).toBe("optional");
    expect(verdictOf([finding("basic", true), finding("experimental", false)])).toBe("optional");
    expect(verdictOf([finding("basic", false), finding("extra", false)])).toBe("bad");
  });

  test("the table says why and what to do", () => {
    expect(findingsTable([finding("basic", true)])).toBe("kcmp  yes  x\n");
    expect(findingsTable([finding("basic", false)])).toBe("kcmp  NO   x\n           w; r\n");
  });
});

const facts = join(import.meta.dir, "../../../shared/facts/cli.json");

test.skipIf(!existsSync(facts))("CRIU's feature names are all known (skipped where the facts are not at hand)", () => {
  const known: { check_features: string[] } = JSON.parse(readFileSync(facts, "utf8"));
  for (const name of known.check_features) expect(featureNames as string[]).toContain(name);
});

/** What is open, by what it is. */
function open(): string[] {
  return inheritedDescriptors()
    .map((fd) => `${fd} ${readlinkSync(`/proc/self/fd/${fd}`)}`)
    .sort();
}

describe.skipIf(!isRoot)("on this machine (skipped without root: most probes need it)", () => {
  test("what every test of ours relies on is there", () => {
    for (const name of ["privileges", "ptrace", "map_files", "kcmp", "clone3_set_tid", "pidfd_store"] as const) {
      expect(checkFeature(name)).toMatchObject({ name, supported: true });
    }
  });

  test("checking everything leaves no descriptor, child, mapping or lock behind", () => {
    checkFeatures(() => true);
    const [descriptors, signals] = [
      open(),
      readFileSync("/proc/self/status", "latin1").match(/^Seccomp.*|^Sig[^Q].*/gm),
    ];
    const findings = checkFeatures(() => true);
    expect(findings.map(({ name }) => name)).toEqual(featureNames);
    expect(open()).toEqual(descriptors);
    expect(readFileSync("/proc/self/status", "latin1").match(/^Seccomp.*|^Sig[^Q].*/gm)).toEqual(signals);
    expect(readFileSync(`/proc/self/task/${process.pid}/children`, "latin1")).toBe("");
  });

  test("a child does our calls as its own and is gone afterwards", () => {
    let pid = 0;
    {
      using child = new Child();
      pid = child.pid;
      expect(child.call("getpid")).toBe(pid);
      expect(child.call("close", 12345)).toBe(-9);
      child.put("hello");
      expect(Buffer.from(child.memory.read(child.scratch, 6)).toString()).toBe("hello\0");
    }
    expect(existsSync(`/proc/${pid}`)).toBe(false);
  });
});

const setpriv = Bun.which("setpriv");

describe.skipIf(!isRoot || !setpriv)("with no privileges (skipped without root or setpriv)", () => {
  test("what they forbid is missing, with a remedy, and the status says so", () => {
    const main = join(import.meta.dir, "../main.ts");
    const drop = [setpriv ?? "", "--inh-caps=-all", "--bounding-set=-all"];
    const { exitCode, stdout } = Bun.spawnSync([...drop, process.execPath, main, "check", "--all", "--json"], {
      env: { PATH: process.env.PATH ?? "" },
    });
    const { verdict, features }: { verdict: string; features: Finding[] } = JSON.parse(stdout.toString());
    expect([exitCode, verdict]).toEqual([1, "Does not look good."]);
    for (const name of ["privileges", "map_files", "seccomp_suspend", "clone3_set_tid", "userns"]) {
      const found = features.find((f) => f.name === name);
      // A user namespace needs no privileges.
      expect([name, found?.supported]).toEqual([name, name === "userns" && found?.supported === true]);
    }
    expect(features.find((f) => f.name === "map_files")?.remedy).toContain("root");
  });
});
