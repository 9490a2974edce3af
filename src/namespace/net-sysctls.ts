/** What /proc/sys/net says of a network namespace, where it is not as in a fresh one. */
import { writeFileSync } from "node:fs";
import type { TscriuSysctl } from "../image/schema.gen.ts";
import { inFreshNetwork } from "../kernel/network.ts";
import { NetworkValues, PER_DEVICE, ROOT, readValue } from "./net-values.ts";

/** Told otherwise, or of no namespace alone. */
const NOT_KEPT = /\/(mtu|nf_conntrack_count|stable_secret|flush|base_reachable_time|retrans_time)$/;

const LOOPBACK = "lo";
/** IN6_ADDR_GEN_MODE_NONE */
const NO_ADDRESSES = "1";

/** The interface that a path speaks of, `all` and `default` among them. */
function deviceOf(path: string): { device: string; usual: string } | undefined {
  const directory = PER_DEVICE.find((one) => path.startsWith(`${one}/`));
  if (directory === undefined) return undefined;
  const [device = "", ...rest] = path.slice(directory.length + 1).split("/");
  return { device, usual: `${directory}/default/${rest.join("/")}` };
}

/** @param devices the interfaces that are kept */
export function readSysctls(now: NetworkValues, devices: readonly string[]): TscriuSysctl[] {
  const general = now.general();
  // those that every namespace has begin as they are in a fresh one
  const fresh = inFreshNetwork(() => {
    const values = new NetworkValues();
    return { general: values.general(), loopback: PER_DEVICE.map((one) => values.ofDevice(one, LOOPBACK)) };
  });
  const kept: TscriuSysctl[] = [];
  for (const [path, value] of general)
    if (!NOT_KEPT.test(path) && value !== fresh.general.get(path)) kept.push({ path, value });
  for (const device of devices) {
    PER_DEVICE.forEach((directory, i) => {
      for (const [name, value] of now.ofDevice(directory, device)) {
        const path = `${directory}/${device}/${name}`;
        // a new interface is as the default says
        const told = general.get(`${directory}/default/${name}`);
        const usual = device === LOOPBACK || told === undefined ? fresh.loopback[i]?.get(name) : told;
        if (value !== usual && !NOT_KEPT.test(path)) kept.push({ path, value });
      }
    });
  }
  return kept;
}

/** Paths below /proc/sys/net, and nowhere else. */
export function leadsElsewhere({ path }: TscriuSysctl): boolean {
  const parts = path.split("/");
  return path.includes("\0") || parts.some((part) => part === "" || part === "." || part === ".." || part.length > 255);
}

/** An interface that makes its addresses from a secret has none yet (IN6_ADDR_GEN_MODE_STABLE_PRIVACY). */
const isOfSecret = (path: string, value: string) =>
  /^ipv6\/conf\/(?!all\/|default\/)[^/]+\/addr_gen_mode$/.test(path) && value === "2";

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
    if (readValue(path) === value || isOfSecret(path, value)) continue;
    try {
      writeFileSync(`${ROOT}/${path}`, value);
    } catch (error) {
      lost(`net/${path} = ${value} (${error instanceof Error ? error.message : error})`);
    }
  }
}

/**
 * From now on interfaces get no addresses of the kernel's making.
 * @param sysctls what they shall be set to in the end: some of it takes the secret that addresses are made from
 * @returns undoes that; of those that are up each has got what it gets when this returns
 */
export function withoutOwnAddresses(devices: readonly string[], sysctls: readonly TscriuSysctl[]): () => void {
  const wanted = new Map(sysctls.map(({ path, value }) => [path, value]));
  const modes = devices.flatMap((device) => {
    const path = `ipv6/conf/${device}/addr_gen_mode`;
    const is = readValue(path);
    const mode = is === undefined ? undefined : (wanted.get(path) ?? is);
    return mode === undefined ? [] : [{ path: `${ROOT}/${path}`, mode }];
  });
  for (const { path } of modes) writeFileSync(path, NO_ADDRESSES);
  return () => {
    for (const { path, mode } of modes) {
      try {
        writeFileSync(path, mode);
      } catch {
        // a script has taken the interface away
      }
    }
  };
}
