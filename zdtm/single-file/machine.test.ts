/** The file on a machine of its own: Debian's kernel, and nothing beside tscriu but a static victim and init. */
import { describe, expect, test } from "bun:test";
import type { Machine } from "../../src/build/native.ts";
import { boot, requireMachine, stepsOf } from "./boot.ts";
import { Missing } from "./kernel.ts";

const steps = [
  "version",
  "check",
  "victim counts",
  "dump",
  "victim is gone",
  "count stands still",
  "restore",
  "same process",
  "count goes on",
  "victim is our child",
  "end",
];

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
    }, 300_000);

    test("dumps the victim and restores it", () => {
      const found = Object.fromEntries(stepsOf(console));
      const expected = Object.fromEntries(steps.map((name) => [name, "ok"]));
      expect(found, console.slice(-4000)).toEqual(expected);
    });
  });
}
