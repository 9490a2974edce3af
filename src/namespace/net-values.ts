/**
 * Reads /proc/sys/net of the network namespace that we are in. Each interface has some 130 files there: rtnetlink(7) says of all
 * interfaces at once which are set alike, and of those that are only one is read.
 */
import { readdirSync } from "node:fs";
import { LINK_HEADER, RTM } from "../file/network-link.ts";
import { closeFd, tryOpen } from "../kernel/fd.ts";
import { Fields, NetlinkSocket, parseAttributes } from "../kernel/netlink.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, readFilesAt, sys } from "../kernel/sys.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { AF, NETLINK } from "../kernel/uapi/socket.ts";

export const ROOT = "/proc/sys/net";

/** Directories with a place for each interface, which begins as `default` is. */
export const PER_DEVICE = ["ipv4/conf", "ipv6/conf", "ipv4/neigh", "ipv6/neigh"] as const;
type Directory = (typeof PER_DEVICE)[number];

/** Of all interfaces, no, of none: not the same for those that are set alike. */
const OWN_VALUES: ReadonlySet<string> = new Set(["stable_secret"]);

// linux/if_link.h, linux/neighbour.h
const IFLA = { IFNAME: 3, AF_SPEC: 26, INET_CONF: 1, INET6_CONF: 2 } as const;
const RTM_GETNEIGHTBL = 66;
const NDTA_PARMS = 6;
const NDTPA = { IFINDEX: 1, REFCNT: 2, REACHABLE_TIME: 3 } as const;
/** struct ndtmsg, bytes. */
const TABLE_HEADER = 4;

/** A value is a line or some. */
const room = new Uint8Array(new ArrayBuffer(4096));

/** There may be thousands of them, and a tree waits meanwhile: so no stat, no growing buffer. */
export function readValue(path: string): string | undefined {
  const fd = tryOpen(`${ROOT}/${path}`, O.RDONLY);
  if (fd < 0) return undefined;
  const got = sys(NR.read, fd, addressOf(room), room.length);
  closeFd(fd);
  // one that is only written, or is none of this namespace
  return got < 0 ? undefined : Buffer.from(room.subarray(0, got)).toString("latin1").trimEnd();
}

/** The values of a directory, by the names of its files; one that cannot be read has none. */
export function readValues(directory: string, names: readonly string[]): Map<string, string> {
  const found = new Map<string, string>();
  const fd = names.length === 0 ? -1 : tryOpen(`${ROOT}/${directory}`, O.PATH | O.DIRECTORY);
  if (fd < 0) return found;
  const values = readFilesAt(fd, names);
  closeFd(fd);
  names.forEach((name, i) => {
    const value = values[i];
    if (value !== undefined) found.set(name, value.trimEnd());
  });
  return found;
}

const none = new Uint8Array(0);
const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? none).toString("hex");

/** What the kernel says of each interface, as one text for each directory. */
function settings(): ReadonlyMap<string, ReadonlyMap<Directory, string>> {
  using socket = new NetlinkSocket(NETLINK.ROUTE);
  const names = new Map<number, string>();
  const found = new Map<string, Map<Directory, string>>();
  for (const { payload } of socket.dump("cannot list network interfaces", RTM.GETLINK, new Uint8Array(LINK_HEADER))) {
    const head = new Fields(payload, "ifinfomsg");
    const attributes = head.attributes(LINK_HEADER);
    const name = new Fields(attributes.get(IFLA.IFNAME) ?? new Uint8Array(1)).text();
    const families = parseAttributes(attributes.get(IFLA.AF_SPEC) ?? none);
    const conf = (family: number, type: number) => parseAttributes(families.get(family) ?? none).get(type);
    const own = new Map<Directory, string>();
    const [v4, v6] = [conf(AF.INET, IFLA.INET_CONF), conf(AF.INET6, IFLA.INET6_CONF)];
    if (v4) own.set("ipv4/conf", hex(v4));
    if (v6) own.set("ipv6/conf", hex(v6));
    names.set(head.u32(4), name);
    found.set(name, own);
  }
  const asked = socket.dump("cannot list what is set for neighbours", RTM_GETNEIGHTBL, new Uint8Array(TABLE_HEADER));
  for (const { payload } of asked) {
    const directory = payload[0] === AF.INET ? "ipv4/neigh" : payload[0] === AF.INET6 ? "ipv6/neigh" : undefined;
    const parameters = parseAttributes(parseAttributes(payload.subarray(TABLE_HEADER)).get(NDTA_PARMS) ?? none);
    const index = parameters.get(NDTPA.IFINDEX);
    const name = index && names.get(new Fields(index).u32());
    if (directory === undefined || name === undefined) continue;
    // what differs anyway
    for (const type of Object.values(NDTPA)) parameters.delete(type);
    found.get(name)?.set(directory, [...parameters].map(([type, value]) => `${type} ${hex(value)}`).join());
  }
  return found;
}

function entriesOf(path: string): { name: string; isDirectory(): boolean }[] {
  try {
    return readdirSync(`${ROOT}/${path}`, { withFileTypes: true });
  } catch {
    return [];
  }
}

/** What is set now: ask again after a change. */
export class NetworkValues {
  #settings: ReadonlyMap<string, ReadonlyMap<Directory, string>> | undefined;
  readonly #alike = new Map<string, ReadonlyMap<string, string>>();
  readonly #names = new Map<Directory, readonly string[]>();

  /** Paths and values of all that is not of one interface; `all` and `default` count as none. */
  general(): Map<string, string> {
    const found = new Map<string, string>();
    const read = (directory: string) => {
      const isPerDevice = PER_DEVICE.some((one) => one === directory);
      const inside = (name: string) => (directory === "" ? name : `${directory}/${name}`);
      const files: string[] = [];
      for (const entry of entriesOf(directory)) {
        if (!entry.isDirectory()) files.push(entry.name);
        else if (!isPerDevice || entry.name === "all" || entry.name === "default") read(inside(entry.name));
      }
      for (const [name, value] of readValues(directory, files)) found.set(inside(name), value);
    };
    read("");
    return found;
  }

  /** The values of an interface, by their names in that directory. */
  ofDevice(directory: Directory, device: string): ReadonlyMap<string, string> {
    this.#settings ??= settings();
    const set = this.#settings.get(device)?.get(directory);
    const key = set === undefined ? undefined : `${directory} ${set}`;
    const known = key === undefined ? undefined : this.#alike.get(key);
    const values = new Map(known);
    const names = this.#namesIn(directory).filter((name) => !known || OWN_VALUES.has(name));
    for (const [name, value] of readValues(`${directory}/${device}`, names)) values.set(name, value);
    if (key !== undefined && !known)
      this.#alike.set(key, new Map([...values].filter(([name]) => !OWN_VALUES.has(name))));
    return values;
  }

  #namesIn(directory: Directory): readonly string[] {
    let names = this.#names.get(directory);
    if (names === undefined) {
      // what is of interfaces alone `default` may lack
      const all = ["default", "lo"].flatMap((one) => entriesOf(`${directory}/${one}`).map(({ name }) => name));
      names = [...new Set(all)];
      this.#names.set(directory, names);
    }
    return names;
  }
}
