import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { parseCgroup } from "./cgroup.ts";

test("cgroups of both versions, paths with colons", () => {
  expect(parseCgroup("4:cpu,cpuacct:/a:b\n1:name=systemd:/\n0::/x (deleted)\n")).toEqual([
    { hierarchy: 4, controllers: "cpu,cpuacct", path: "/a:b" },
    { hierarchy: 1, controllers: "name=systemd", path: "/" },
    { hierarchy: 0, controllers: "", path: "/x (deleted)" },
  ]);
  expect(() => parseCgroup("nonsense\n")).toThrow("unknown form");
  expect(parseCgroup(readFileSync("/proc/self/cgroup", "utf8")).length).toBeGreaterThan(0);
});
