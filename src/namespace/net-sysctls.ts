/** What /proc/sys/net says of a network namespace, where it is not as in a fresh one. */
import { readdirSync, writeFileSync } from "node:fs";
import type { TscriuSysctl } from "../image/schema.gen.ts";
import { closeFd, tryOpen } from "../kernel/fd.ts";
import { inFreshNetwork } from "../kernel/network.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, sys } from "../kernel/sys.ts";
import { O } from "../kernel/uapi/fcntl.ts";

const ROOT = "/proc/sys/net";
/** Directories with a place for each interface, which begins as `default` is. */
const PER_DEVICE = ["ipv4/conf", "ipv6/conf", "ipv4/neigh", "ipv6/neigh"] as const;
/** Told otherwise, or of no namespace alone. */
const NOT_KEPT = /\/(mtu|nf_conntrack_count|stable_secret|flush|base_reachable_time|retrans_time)$/;

/** IN6_ADDR_GEN_MODE_NONE */
const NO_ADDRESSES = "1";

/** A value is a line or some. */
const room = new Uint8Array(new ArrayBuffer(4096));

/** There are hundreds of them, and a tree waits meanwhile: so no stat, no growing buffer. */
function read(path: string): string | undefined {
  const fd = tryOpen(`${ROOT}/${path}`, O.RDONLY);
  if (fd < 0) return undefined;
  const got = sys(NR.read, fd, addressOf(room), room.length);
  closeFd(fd);
  // one that is only written, or is none of this namespace
  return got < 0 ? undefined : Buffer.from(room.subarray(0, got)).toString("latin1").trimEnd();
}

function filesBelow(path: string): string[] {
  try {
    return readdirSync(`${ROOT}/${path}`, { withFileTypes: true }).flatMap((entry) => {
      const name = path === "" ? entry.name : `${path}/${entry.name}`;
      return entry.isDirectory() ? filesBelow(name) : [name];
    });
  } catch {
    return [];
  }
}

function values(): Map<string, string> {
  const found = new Map<string, string>();
  for (const path of filesBelow("")) {
    const value = NOT_KEPT.test(path) ? undefined : read(path);
    if (value !== undefined) found.set(path, value);
  }
  return found;
}

/** The interface that a path speaks of, `all` and `default` among them. */
function deviceOf(path: string): { device: string; usual: string } | undefined {
  const directory = PER_DEVICE.find((one) => path.startsWith(`${one}/`));
  if (directory === undefined) return undefined;
  const [device = "", ...rest] = path.slice(directory.length + 1).split("/");
  return { device, usual: `${directory}/default/${rest.join("/")}` };
}

/** @param devices the interfaces that are kept */
export function readSysctls(devices: readonly string[]): TscriuSysctl[] {
  const now = values();
  const fresh = inFreshNetwork(values);
  const kept: TscriuSysctl[] = [];
  for (const [path, value] of now) {
    const of = deviceOf(path);
    if (of && of.device !== "all" && of.device !== "default" && !devices.includes(of.device)) continue;
    // a new interface is as the default says
    const usual = fresh.get(path) ?? (of && now.get(of.usual));
    if (value !== usual) kept.push({ path, value });
  }
  return kept;
}

/** @param devices interfaces to tell; none of them: all that is not of one */
export function writeSysctls(
  sysctls: readonly TscriuSysctl[],
  devices: readonly string[],
  lost: (what: string) => void,
): void {
  const general = (device: string | undefined) => device === undefined || device === "all" || device === "default";
  const order = (path: string) => (deviceOf(path)?.device === "all" ? 0 : 1);
  const wanted = sysctls.filter(({ path }) => {
    const device = deviceOf(path)?.device;
    return devices.length === 0 ? general(device) : device !== undefined && devices.includes(device);
  });
  // what is said of all changes each
  for (const { path, value } of [...wanted].sort((a, b) => order(a.path) - order(b.path))) {
    if (path.includes("..") || read(path) === value) continue;
    try {
      writeFileSync(`${ROOT}/${path}`, value);
    } catch (error) {
      lost(`net/${path} = ${value} (${error instanceof Error ? error.message : error})`);
    }
  }
}

/** Acts while interfaces get no addresses of the kernel's making; what they get afterwards they have when this returns. */
export function withoutOwnAddresses(devices: readonly string[], act: () => void): void {
  const modes = devices.flatMap((device) => {
    const path = `ipv6/conf/${device}/addr_gen_mode`;
    const mode = read(path);
    return mode === undefined ? [] : [{ path: `${ROOT}/${path}`, mode }];
  });
  for (const { path } of modes) writeFileSync(path, NO_ADDRESSES);
  act();
  for (const { path, mode } of modes) writeFileSync(path, mode);
}
