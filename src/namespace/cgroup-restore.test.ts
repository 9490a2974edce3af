import { expect, test } from "bun:test";
import type { ImageDirectory } from "../image/directory.ts";
import type { Undoing } from "../kernel/undoing.ts";
import type { Log } from "../log.ts";
import type { CgroupOptions } from "../options.ts";
import { RestoredCgroups } from "./cgroup-restore.ts";

test("of a tree that has no cgroups of its own it is said that --cgroup-root changes nothing", () => {
  const said: string[] = [];
  const log = { warn: (text: string) => said.push(text) } as unknown as Log;
  const images = { read: () => [] } as unknown as ImageDirectory;
  const make = (roots: CgroupOptions["roots"], mode: CgroupOptions["mode"] = "soft") => {
    const options = { roots, mode, isGiven: true } as unknown as CgroupOptions;
    using _cgroups = new RestoredCgroups(images, 1, options, log, {} as unknown as Undoing);
  };
  make([]);
  make([{ controller: undefined, path: "/x" }], "ignore");
  expect(said).toEqual([]);
  make([{ controller: undefined, path: "/x" }]);
  expect(said.join()).toContain("--cgroup-root changes nothing");
});
