/** The file on a machine of its own: Debian's kernel, and nothing beside tscriu but a static victim and init. */
import { describe, expect, test } from "bun:test";
import type { Machine } from "../../src/build/native.ts";
import { boot, requireMachine } from "./boot.ts";
import { Missing } from "./kernel.ts";
import { allWell, stepsOf } from "./story.ts";

function unmet(machine: Machine): string | undefined {
  try {
    requireMachine(machine);
    return undefined;
  } catch (error) {
    if (error instanceof Missing) return error.message;
    throw error;
  }
}

for (const machine of ["x86_64", "aarch64"] as const) {
  const reason = unmet(machine);
  describe(`an emulated ${machine} machine`, () => {
    if (reason) {
      test.skip(`boots, dumps and restores (${reason})`, () => {});
      return;
    }
    let console = "";
    test("boots, starts tscriu and switches itself off", () => {
      console = boot(machine);
      const found = stepsOf(console);
      expect({ console, end: found.get("end"), version: found.get("version") }).toMatchObject({
        end: "ok",
        version: "ok",
      });
      expect(console).toContain("Version: ");
      for (const feature of ["privileges", "ptrace", "prctl_mm"])
        expect(console).toMatch(new RegExp(`^${feature} +yes`, "m"));
    }, 1_500_000);

    test("dumps the victim and restores it", () => {
      expect(Object.fromEntries(stepsOf(console)), console.slice(-4000)).toEqual(allWell);
    });
  });
}
