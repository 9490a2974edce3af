import { describe, expect, test } from "bun:test";
import { propertiesOf, writesFor } from "./cgroup-properties.ts";

describe("properties of cgroups", () => {
  test("what is so already is not written", () => {
    expect(writesFor("pids.max", "55", "55")).toEqual([]);
    expect(writesFor("pids.max", "55", "max")).toEqual([{ file: "pids.max", text: "55" }]);
  });

  test("devices are denied before those that are left are allowed", () => {
    expect(writesFor("devices.list", "c 1:3 rwm\nb *:* m", "a *:* rwm")).toEqual([
      { file: "devices.deny", text: "a" },
      { file: "devices.allow", text: "c 1:3 rwm" },
      { file: "devices.allow", text: "b *:* m" },
    ]);
  });

  test("controllers are switched on and off", () => {
    const [write] = writesFor("cgroup.subtree_control", "cpu pids", "memory pids");
    expect(write?.text).toBe("+cpu -memory");
  });

  test("of lists the lines that differ, of the OOM killer its switch", () => {
    expect(writesFor("io.max", "8:0 rbps=1\n8:1 rbps=2", "8:0 rbps=1")).toEqual([
      { file: "io.max", text: "8:1 rbps=2" },
    ]);
    const oom = (on: number) => `oom_kill_disable ${on}\nunder_oom 0\noom_kill 3`;
    expect(writesFor("memory.oom_control", oom(1), oom(0))).toEqual([{ file: "memory.oom_control", text: "1" }]);
    expect(writesFor("memory.oom_control", oom(1), `${oom(1)}4`)).toEqual([]);
    expect(writesFor("memory.oom_control", "1", oom(0))).toEqual([{ file: "memory.oom_control", text: "1" }]);
    expect(writesFor("memory.oom_control", "1", oom(1))).toEqual([]);
  });

  test("the user adds to those of a controller, or replaces them", () => {
    const given = (replaces: boolean) => [{ controller: "cpu", replaces, properties: ["cpu.idle"] }];
    expect(propertiesOf("cpu,cpuacct", [], given(false))).toContain("cpu.shares");
    expect(propertiesOf("cpu,cpuacct", [], given(true))).not.toContain("cpu.shares");
    expect(propertiesOf("cpu,cpuacct", [], given(true))).toContain("cpu.idle");
    expect(propertiesOf("", ["memory"], [])).toContain("memory.max");
    expect(propertiesOf("", [], [])).not.toContain("memory.max");
  });
});
