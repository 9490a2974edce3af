import { describe, expect, test } from "bun:test";
import { getopt } from "./getopt.ts";
import { readPrivileges, requirePrivileges } from "./privileges.ts";
import { Settings } from "./settings.ts";
import {
  readCpuCap,
  readExternal,
  readFd,
  readInheritFd,
  readMountMap,
  readPid,
  readSize,
  readVethPair,
} from "./value.ts";

function settings(line: string): Settings {
  return new Settings(getopt(line.split(" ")).occurrences);
}

describe("settings", () => {
  const levels: readonly (readonly [string, number])[] = [
    ["dump", 2],
    ["dump -v", 3],
    ["dump -vv", 4],
    ["dump -vvvv", 6],
    ["dump -v -v", 4],
    ["dump -v4", 4],
    ["dump -v0", 0],
    ["dump -v4 -v", 5],
    ["dump --verbosity", 3],
    ["dump --verbosity=1", 1],
    ["dump -verbosity=0", 0],
    ["dump -verbosity=4", 4],
  ];
  for (const [line, level] of levels) {
    test(`${line}: log level ${level}`, () => {
      expect(settings(line).logLevel).toBe(level);
    });
  }

  test("the last one counts", () => {
    const s = settings("dump -j --no-shell-job -D a -D b --external file[1:2] --external tty[1:2]");
    expect([s.flag("shell-job"), s.text("images-dir")]).toEqual([false, "b"]);
    expect(s.texts("external")).toEqual(["file[1:2]", "tty[1:2]"]);
  });

  test("--daemon and --restore-detached are one switch", () => {
    expect(settings("restore --daemon").flag("restore-detached")).toBe(true);
    expect(settings("restore -d --no-daemon").flag("restore-detached")).toBe(false);
  });

  test("a switch that is on by itself can be turned off", () => {
    expect(settings("dump").flag("ghost-fiemap", true)).toBe(true);
    expect(settings("dump --no-ghost-fiemap").flag("ghost-fiemap", true)).toBe(false);
  });

  test("words that are none of an option's are refused", () => {
    expect(() => settings("dump --network-lock=frob")).toThrow("is not one of iptables, nftables, skip, none");
  });
});

describe("what is not there yet", () => {
  test("is refused by name, all of it", () => {
    expect(() => settings("dump --track-mem --stream").requireSupport("dump")).toThrow(/--track-mem.*--stream/);
  });

  test("is accepted when turned off, and where it means nothing", () => {
    settings("dump --no-track-mem").requireSupport("dump");
    settings("restore --track-mem").requireSupport("restore");
    expect(settings("restore --track-mem -t 5 -d").meaningless("restore")).toEqual(["--track-mem", "-t"]);
  });

  test("some options are an error with the wrong command", () => {
    expect(() => settings("check --mntns-compat-mode").requireSupport("check")).toThrow("means nothing to check");
  });
});

describe("values", () => {
  test("numbers", () => {
    expect([readPid("tree", "1"), readFd("close", "0"), readPid("tree", "4194304")]).toEqual([1, 0, 4194304]);
    for (const text of ["", "0", "-1", "1x", "0x1", " 1", "1.5", "9999999999"]) {
      expect(() => readPid("tree", text)).toThrow("option --tree");
    }
    for (const text of ["", "-1", "a"]) expect(() => readFd("close", text)).toThrow("option --close");
  });

  test("sizes", () => {
    expect(["0", "7", "1K", "2m", "3G"].map((text) => readSize("ghost-limit", text))).toEqual([
      0,
      7,
      1024,
      2 * 1024 ** 2,
      3 * 1024 ** 3,
    ]);
    for (const text of ["", "K", "1T", "1KB", "-1", "99999999999G"]) {
      expect(() => readSize("ghost-limit", text)).toThrow("ghost-limit");
    }
  });

  test("external resources", () => {
    expect(readExternal("file[1f:2a]")).toEqual({ kind: "file", id: "1f:2a", value: "", text: "file[1f:2a]" });
    expect(readExternal("mnt[/a]:b:c")).toMatchObject({ kind: "mnt", id: "/a", value: "b:c" });
    expect(readExternal("mnt[]:ms")).toMatchObject({ kind: "mnt", id: "", value: "ms" });
    expect(readExternal("veth[in]:out@br0")).toMatchObject({ kind: "veth", id: "in", value: "out@br0" });
    for (const text of ["", "file", "file[1", "frob[1]", "file[1]x", "[1]:2"]) {
      expect(() => readExternal(text)).toThrow("does not name a resource");
    }
    expect(readMountMap("auto")).toMatchObject({ kind: "mnt", id: "", value: "" });
    expect(readMountMap("/a:b")).toMatchObject({ kind: "mnt", id: "/a", value: "b" });
    expect(() => readMountMap("x")).toThrow("KEY:VAL");
    expect(readVethPair("eth0=veth7")).toEqual(readExternal("veth[eth0]:veth7"));
    for (const text of ["eth0", "=veth7", "eth0="]) expect(() => readVethPair(text)).toThrow("is not IN=OUT");
  });

  test("inherited descriptors", () => {
    expect(readInheritFd("fd[3]:pipe:[17]")).toEqual({ fd: 3, resource: "pipe:[17]" });
    expect(readInheritFd("fd[0]:tmp/a b")).toEqual({ fd: 0, resource: "tmp/a b" });
    for (const text of ["", "3:x", "fd[]:x", "fd[x]:y", "fd[3]:", "fd[3]"]) {
      expect(() => readInheritFd(text)).toThrow("is not fd[N]:RES");
    }
  });

  test("CPU features", () => {
    expect(readCpuCap([])).toEqual({ given: false, cpu: false, fpu: true, ins: true });
    expect(readCpuCap([undefined])).toEqual({ given: true, cpu: true, fpu: true, ins: true });
    expect(readCpuCap(["cpu"])).toEqual({ given: true, cpu: true, fpu: false, ins: false });
    expect(readCpuCap(["all,^ins"])).toEqual({ given: true, cpu: true, fpu: true, ins: false });
    expect(readCpuCap(["none"])).toEqual({ given: true, cpu: false, fpu: false, ins: false });
    expect(() => readCpuCap(["sse"])).toThrow("cpu-cap");
  });
});

describe("privileges", () => {
  const status = (uid: number, caps: bigint): string =>
    `Uid:\t0\t${uid}\t0\t0\nCapEff:\t${caps.toString(16).padStart(16, "0")}\n`;

  test("one of two capabilities, and root or a word from the user", () => {
    requirePrivileges(false, readPrivileges(status(0, 1n << 21n)));
    requirePrivileges(false, readPrivileges(status(0, 1n << 40n)));
    requirePrivileges(true, readPrivileges(status(1000, 1n << 40n)));
    expect(() => requirePrivileges(true, readPrivileges(status(0, 1n << 12n)))).toThrow("CAP_CHECKPOINT_RESTORE");
    expect(() => requirePrivileges(false, readPrivileges(status(1000, 1n << 40n)))).toThrow("user 1000 is not root");
  });
});
