/**
 * tun and tap devices (Documentation/networking/tuntap.rst): network interfaces whose wire is a program. One that is not made
 * to stay goes away with its last descriptor, and so do its addresses and routes: they are made again.
 */
import { CrError, type Subject } from "../error.ts";
import {
  FdTypes,
  NdType,
  type NetDeviceEntry,
  type RegFileEntry,
  type TunfileEntry,
  type TunLinkEntry,
} from "../image/schema.gen.ts";
import { ERRNO } from "../kernel/errno.ts";
import { closeFd, tryIoctl } from "../kernel/fd.ts";
import { NR } from "../kernel/nr.ts";
import { makeDev, S_IFCHR, S_IFMT } from "../kernel/stat.ts";
import { check, sys } from "../kernel/sys.ts";
import { TUN } from "../kernel/uapi/ioctl.ts";
import { atPlace, atPlaceOf, checkAtPlaceOf, namespaceFields, perPlace } from "../socket/elsewhere.ts";
import type { FileDump, FileKind, FileRestore, OpenFile } from "./kind.ts";
import { NetworkLinks } from "./network-link.ts";
import { openDescriptor } from "./open-regular.ts";
import { RegularFiles } from "./regular-files.ts";
import { IFREQ, NAME, setInterface, setNumber } from "./tun-device.ts";
import { attachFilter, readHidden, setOffload } from "./tun-inside.ts";
import { hasPackets, putPackets, takePackets } from "./tun-queue.ts";
import { seePackets } from "./tun-ring.ts";

const EBADFD = -(ERRNO.EBADFD ?? 77);
const EBUSY = -(ERRNO.EBUSY ?? 16);
const TUN_DEVICE = makeDev(10, 200);

// linux/if_tun.h
const IFF = { TAP: 2, MULTI_QUEUE: 0x100, DETACH_QUEUE: 0x400, NO_PI: 0x1000, PERSIST: 0x800 } as const;
/** IFF_UP of linux/if.h */
const UP = 1;

const subjectOf = (file: OpenFile): Subject => ({ pid: file.pid, fd: file.fd, path: file.link });

/** The device that a descriptor is attached to, and its flags; undefined when it is not. */
function attached(file: OpenFile): { name: string; flags: number } | undefined {
  const request = new DataView(new ArrayBuffer(IFREQ));
  const result = tryIoctl(file.dup, TUN.GETIFF, request);
  if (result === EBADFD) return undefined;
  check(result, "cannot ask for the interface of a tun device", subjectOf(file));
  const name = Buffer.from(request.buffer, 0, NAME).toString().replace(/\0.*$/s, "");
  return { name, flags: request.getUint16(NAME, true) };
}

function problem(file: OpenFile, dump: FileDump): CrError | undefined {
  const subject = subjectOf(file);
  const fail = (what: string, remedy: string) => new CrError(what, { code: "UNSUPPORTED", subject, remedy });
  const found = RegularFiles.of(dump).problem(file);
  if (found) return found;
  const it = attached(file);
  if (it === undefined) return undefined;
  if (hasPackets(file.dup)) {
    const read = "let the program read what waits, then dump again";
    if (it.flags & IFF.MULTI_QUEUE) return fail("packets wait in one of the queues of a tun device", read);
    if (!isUp(it.name)) return fail("packets wait in a tun device that is down by now", read);
  }
  const hidden = readHidden(file.dup);
  if (hidden?.lost)
    return fail(`a tun device has ${hidden.lost}, which nobody can bring back`, "close it before the dump");
  if (hidden || (it.flags & IFF.TAP) === 0) return undefined;
  // struct sock_fprog: the number of instructions, and where the program once had them
  const filter = new DataView(new ArrayBuffer(16));
  if (tryIoctl(file.dup, TUN.GETFILTER, filter) < 0 || filter.getUint16(0, true) === 0) return undefined;
  return fail("a tap device has a filter, which nobody can read", "let the program take it off (TUNDETACHFILTER)");
}

function isUp(name: string): boolean {
  using links = new NetworkLinks();
  return (links.device(name).flags & UP) !== 0;
}

function readNumber(fd: number, request: number): number {
  const value = new DataView(new ArrayBuffer(4));
  return tryIoctl(fd, request, value) < 0 ? 0 : value.getInt32(0, true);
}

function deviceOf(file: OpenFile, links: NetworkLinks, name: string, flags: number): NetDeviceEntry {
  const { owner, group, made, ...device } = links.device(name);
  const fd = file.dup;
  return {
    type: NdType.TUN,
    ...device,
    conf: [],
    conf4: [],
    conf6: [],
    tun: {
      flags: (flags & ~(IFF.DETACH_QUEUE | IFF.NO_PI)) | (made & IFF.NO_PI),
      owner,
      group,
      vnethdr: readNumber(fd, TUN.GETVNETHDRSZ),
      sndbuf: readNumber(fd, TUN.GETSNDBUF),
    },
  };
}

export const tun: FileKind = {
  name: "tun device",
  type: FdTypes.TUNF,
  matches: ({ stat }) => (stat.mode & S_IFMT) === S_IFCHR && stat.rdev === TUN_DEVICE,

  check(file, dump) {
    checkAtPlaceOf(file, dump, () => {
      const found = problem(file, dump);
      if (found) dump.blocker(found);
    });
  },

  dump: (file, dump) => atPlaceOf(file, dump, () => dumpTun(file, dump)),

  open({ id, reg, tunf }, restore) {
    if (reg === undefined || tunf === undefined)
      throw new CrError("a tun device without its entries", { code: "BAD_IMAGE", subject: { file: id } });
    atPlace(tunf, restore, () => openTun(reg, tunf, restore));
  },
};

function dumpTun(file: OpenFile, dump: FileDump): void {
  const found = problem(file, dump);
  if (found) throw found;
  RegularFiles.of(dump).addDescriptor(file);
  const tunf: TunfileEntry = {
    id: file.id,
    ...namespaceFields(dump),
    tscriu_addresses: [],
    tscriu_routes: [],
    tscriu_packets: [],
  };
  const it = attached(file);
  if (it) {
    using links = new NetworkLinks();
    tunf.netdev = it.name;
    if (it.flags & IFF.DETACH_QUEUE) tunf.detached = true;
    tunf.tscriu_device = deviceOf(file, links, it.name, it.flags);
    const { addresses, routes } = links.configuration(tunf.tscriu_device.ifindex);
    tunf.tscriu_addresses = [...addresses];
    tunf.tscriu_routes = [...routes];
    const hidden = readHidden(file.dup);
    if (hidden && hidden.filter.length > 0) tunf.tscriu_filter = hidden.filter;
    if (hidden && hidden.offload !== 0) tunf.tscriu_offload = hidden.offload;
    tunf.tscriu_packets = packetsOf(file, dump, tunf.tscriu_device);
  }
  dump.add({ type: FdTypes.TUNF, id: file.id, tunf });
}

/**
 * Where nobody can look at them they are taken out. They are back at once where the tree runs on, and when the dump fails; should
 * we die meanwhile, a network has lost them.
 */
function packetsOf(file: OpenFile, dump: FileDump, { ifindex: index, tun }: NetDeviceEntry): Uint8Array[] {
  if (!hasPackets(file.dup)) return [];
  const wire = { index, flags: tun?.flags ?? 0, header: readNumber(file.dup, TUN.GETVNETHDRSZ) };
  const seen = seePackets(file.dup, wire);
  if (seen !== undefined) return seen;
  const packets = takePackets(file.dup);
  const putBack = () => atPlaceOf(file, dump, () => putPackets(packets, wire, subjectOf(file)));
  if (dump.options.fate === "kill") dump.onFailure(putBack);
  else putBack();
  return packets;
}

function openTun(reg: RegFileEntry, tunf: TunfileEntry, restore: FileRestore): void {
  const fd = openDescriptor(reg, restore);
  try {
    if (tunf.netdev !== undefined) attach(fd, tunf, tunf.netdev, restore);
  } catch (error) {
    closeFd(fd);
    throw error;
  }
  restore.put(tunf.id, fd);
  restore.applyFown(fd, reg.fown, reg.flags);
}

/** Devices that this restore has made. */
const made = perPlace((_: FileRestore) => new Set<string>());

function attach(fd: number, tunf: TunfileEntry, name: string, restore: FileRestore): void {
  const subject: Subject = { file: tunf.id, interface: name };
  using links = new NetworkLinks();
  const isThere = made(restore).has(name) || exists(links, name);
  const device = tunf.tscriu_device;
  if (device?.tun === undefined && !isThere) {
    const remedy = `make it first: ip tuntap add dev ${name} mode tun`;
    throw new CrError("the network interface of a tun device is not there", { code: "ENODEV", subject, remedy });
  }
  const flags = device?.tun ? device.tun.flags : links.device(name).made;
  if (!isThere) setNumber(fd, TUN.SETIFINDEX, device?.ifindex ?? 0);
  let result = setInterface(fd, name, flags);
  if (result === EBUSY && !isThere) {
    restore.log.warn(`the number ${device?.ifindex} of the interface ${name} is taken: it gets another one`);
    setNumber(fd, TUN.SETIFINDEX, 0);
    result = setInterface(fd, name, flags);
  }
  const remedy = `end whoever uses ${name}, or remove it: ip link delete ${name}`;
  check(result, "cannot attach to the network interface of a tun device", subject, remedy);
  if (!isThere && device) create(fd, name, device, tunf, links, restore);
  made(restore).add(name);
  // criu says of all in the entry of their network what they are; they were made so that they stay until now
  const saved = device === undefined ? deviceOfNetwork(tunf, name, restore) : undefined;
  if (saved) {
    setSizes(fd, saved, subject);
    if ((saved.flags & IFF.PERSIST) === 0)
      check(sys(NR.ioctl, fd, TUN.SETPERSIST, 0), "cannot let a tun device go with its program", subject);
  }
  if (tunf.tscriu_offload !== undefined)
    check(setOffload(fd, tunf.tscriu_offload), "cannot set what a tun device takes of segments", subject);
  if (tunf.tscriu_filter) check(attachFilter(fd, tunf.tscriu_filter), "cannot put the filter on a tap device", subject);
  const wire = { index: links.device(name).ifindex, flags, header: readNumber(fd, TUN.GETVNETHDRSZ) };
  putPackets(tunf.tscriu_packets, wire, subject);
  if (tunf.detached) {
    const request = new DataView(new ArrayBuffer(IFREQ));
    request.setUint16(NAME, IFF.DETACH_QUEUE, true);
    check(tryIoctl(fd, TUN.SETQUEUE, request), "cannot detach a queue of a tun device", subject);
  }
}

function setSizes(fd: number, { sndbuf, vnethdr }: TunLinkEntry, subject: Subject): void {
  if (sndbuf > 0) check(setNumber(fd, TUN.SETSNDBUF, sndbuf), "cannot set the buffer of a tun device", subject);
  if (vnethdr > 0) check(setNumber(fd, TUN.SETVNETHDRSZ, vnethdr), "cannot set the header of a tun device", subject);
}

function deviceOfNetwork({ ns_id }: TunfileEntry, name: string, restore: FileRestore) {
  if (ns_id === undefined) return undefined;
  return restore.images.read("NETDEV", ns_id).find((one) => one.name === name)?.tun;
}

function exists(links: NetworkLinks, name: string): boolean {
  try {
    links.device(name);
    return true;
  } catch (error) {
    if (error instanceof CrError && error.code === "ENODEV") return false;
    throw error;
  }
}

/** Gives a device that was just made what the saved one had. */
function create(
  fd: number,
  name: string,
  device: NetDeviceEntry,
  { id, tscriu_addresses, tscriu_routes }: TunfileEntry,
  links: NetworkLinks,
  restore: FileRestore,
): void {
  const subject: Subject = { file: id, interface: name };
  const { owner = -1, group = -1, flags = 0 } = device.tun ?? {};
  // these take their argument by value
  if (owner !== -1) check(sys(NR.ioctl, fd, TUN.SETOWNER, owner), "cannot set the owner of a tun device", subject);
  if (group !== -1) check(sys(NR.ioctl, fd, TUN.SETGROUP, group), "cannot set the group of a tun device", subject);
  if (device.tun) setSizes(fd, device.tun, subject);
  if (flags & IFF.PERSIST) restore.atRelease(() => [{ nr: NR.ioctl, args: [fd, TUN.SETPERSIST, 1] }]);
  const { ifindex } = links.device(name);
  links.configure(ifindex, device, { addresses: tscriu_addresses, routes: tscriu_routes }, (what) =>
    restore.log.warn(`the interface ${name} lacks something that it had: ${what}`),
  );
  links.removeOthers([{ ifindex, addresses: tscriu_addresses }]);
}
