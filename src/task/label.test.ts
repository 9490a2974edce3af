/** This machine has no security module that labels tasks; what their files would say is written down here. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type CoreEntry, Lsmtype } from "../image/schema.gen.ts";
import { type Attributes, attributesOf, findLsm, labelFile } from "../kernel/lsm.ts";
import { lsmType, prepareLabels, readLabel } from "./label.ts";

const attributes =
  (files: Record<string, string>): Attributes =>
  (name) =>
    files[name];

class Sys implements Disposable {
  readonly path = mkdtempSync(join(tmpdir(), "tscriu-sys-"));

  constructor(files: Record<string, string>) {
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(dirname(join(this.path, name)), { recursive: true });
      writeFileSync(join(this.path, name), text);
    }
  }

  [Symbol.dispose](): void {
    rmSync(this.path, { recursive: true });
  }
}

function core(lsm_profile?: string): CoreEntry {
  return { thread_core: { creds: lsm_profile === undefined ? {} : { lsm_profile } } } as unknown as CoreEntry;
}

const labels = (cores: CoreEntry[]) => cores.map(({ thread_core }) => thread_core?.creds?.lsm_profile);

describe("the module of a machine", () => {
  test("is told by what can be read of oneself", () => {
    using none = new Sys({});
    using apparmor = new Sys({ "module/apparmor/parameters/enabled": "Y\n" });
    using selinux = new Sys({ "fs/selinux/enforce": "1" });
    expect(findLsm(attributes({}), apparmor.path)).toBe("none");
    expect(findLsm(attributes({ current: "unconfined" }), apparmor.path)).toBe("apparmor");
    expect(findLsm(attributes({ current: "_", "apparmor/current": "unconfined" }), none.path)).toBe("apparmor");
    expect(findLsm(attributes({ current: "system_u:system_r:init_t:s0" }), selinux.path)).toBe("selinux");
    expect(findLsm(attributes({ current: "kernel" }), selinux.path)).toBe("selinux");
    expect(findLsm(attributes({ current: "_" }), none.path)).toBe("other");
  });

  test("has its file, and its number in images", () => {
    expect(labelFile("apparmor", attributes({ "apparmor/current": "unconfined" }))).toBe("apparmor/current");
    expect(labelFile("apparmor", attributes({ current: "unconfined" }))).toBe("current");
    expect(labelFile("selinux", attributes({ "apparmor/current": "x" }))).toBe("current");
    expect((["none", "other", "selinux", "apparmor"] as const).map(lsmType)).toEqual([0, 0, 1, 2]);
  });

  test("gives attributes without what ends them", () => {
    using dir = new Sys({ "attr/current": "kernel\0", "attr/exec": "name (enforce)\n", "attr/sockcreate": "" });
    const has = attributesOf(dir.path);
    expect(["current", "exec", "sockcreate", "prev"].map(has)).toEqual(["kernel", "name (enforce)", "", undefined]);
  });
});

describe("a label", () => {
  const ofProfile = (current: string) => readLabel("/proc/1", "apparmor", attributes({ current })).lsm_profile;

  test("is the name of an AppArmor profile, without its mode", () => {
    expect(ofProfile("/usr/bin/man (enforce)")).toBe("/usr/bin/man");
    expect(ofProfile("a name (complain)")).toBe("a name");
    expect(ofProfile("outer//&inner (mixed)")).toBe("outer//&inner");
    expect(ofProfile("unconfined")).toBeUndefined();
  });

  test("is an SELinux context, with the one that new sockets get", () => {
    const context = "system_u:system_r:httpd_t:s0:c1,c2";
    const has = attributes({ current: context, sockcreate: "system_u:object_r:a_t:s0" });
    expect(readLabel("/proc/1", "selinux", has)).toEqual({
      lsm_profile: context,
      lsm_sockcreate: "system_u:object_r:a_t:s0",
    });
    expect(readLabel("/proc/1", "selinux", attributes({ current: context, sockcreate: "" }))).toEqual({
      lsm_profile: context,
    });
  });

  test("of no module is none; of an unknown one it is refused", () => {
    expect(readLabel("/proc/1", "none", attributes({ current: "x" }))).toEqual({});
    expect(() => readLabel("/proc/1", "other", attributes({ current: "x" }))).toThrow(/neither SELinux nor AppArmor/);
  });
});

describe("before a restore", () => {
  test("labels of the module that is here stay", () => {
    const cores = [core("a"), core()];
    prepareLabels(cores, Lsmtype.APPARMOR, undefined, "apparmor");
    expect(labels(cores)).toEqual(["a", undefined]);
  });

  test("those of another are refused, unless nobody had one", () => {
    expect(() => prepareLabels([core(), core("a")], Lsmtype.APPARMOR, undefined, "none")).toThrow(
      /confined by AppArmor/,
    );
    expect(() => prepareLabels([core("a")], Lsmtype.SELINUX, undefined, "apparmor")).toThrow(/confined by SELinux/);
    expect(() => prepareLabels([core("a")], undefined, undefined, "apparmor")).toThrow(/does not run here/);
    prepareLabels([core(), core()], Lsmtype.APPARMOR, undefined, "none");
  });

  test("--lsm-profile replaces all, where its module runs", () => {
    const cores = [core("a"), core()];
    prepareLabels(cores, Lsmtype.SELINUX, { lsm: "apparmor", name: "b" }, "apparmor");
    expect(labels(cores)).toEqual(["b", "b"]);
    const refused = () => prepareLabels(cores, Lsmtype.APPARMOR, { lsm: "selinux", name: "b" }, "apparmor");
    expect(refused).toThrow(/is for SELinux/);
  });
});
