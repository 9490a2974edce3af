/**
 * Network namespaces (network_namespaces(7)): their interfaces with addresses and routes, rules, and what /proc/sys/net says.
 * All of it is read and written from outside, by a thread of ours that enters for the moment.
 */
import { CrError, type Subject } from "../error.ts";
import {
  addressedDevice,
  isOfNoDevice,
  NetworkLinks,
  routedDevice,
  savedMessages,
  saveMessages,
} from "../file/network-link.ts";
import type { ImageDirectory } from "../image/directory.ts";
import { NdType, type NetDeviceEntry, type NetnsEntry } from "../image/schema.gen.ts";
import { envoyOf } from "../kernel/envoy.ts";
import { closeFd, openPath } from "../kernel/fd.ts";
import { inFreshNetwork, inNetwork, OWN_NETWORK } from "../kernel/network.ts";
import { NR } from "../kernel/nr.ts";
import { check } from "../kernel/sys.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { CLONE } from "../kernel/uapi/sched.ts";
import { AF } from "../kernel/uapi/socket.ts";
import type { External, RestoreOptions } from "../options.ts";
import { absentSysctl } from "./absent-sysctl.ts";
import { linkOf } from "./ids.ts";
import type { NamespaceFill, NamespaceKind } from "./kind.ts";
import {
  deviceIpv4,
  deviceIpv6,
  ipv4,
  ipv4Sysctl,
  ipv6,
  readConf,
  type Unset,
  unixConf,
  writeConf,
} from "./net-conf.ts";
import { readConntrack, writeConntrack } from "./net-conntrack.ts";
import { hasAccounts, writeAccounts, writeRecent } from "./net-counted.ts";
import { checkDevices } from "./net-devices.ts";
import { isFilter, readFilter, writeFilter } from "./net-filter.ts";
import { checkIpsets, readIpsets, writeIpsets } from "./net-ipsets.ts";
import { bridgeOuters, checkOutside, joinBridges, linkEntries, makeLinks } from "./net-links.ts";
import { writeMessages } from "./net-messages.ts";
import { readNeighbours } from "./net-neighbours.ts";
import { readNumbers, writeNumbers } from "./net-numbers.ts";
import { removeOutside } from "./net-outside.ts";
import { linkProblems } from "./net-problems.ts";
import { readSetMessages, type SetThings, writeSet } from "./net-set.ts";
import { matchPorts, matchSettings } from "./net-settings.ts";
import { leadsElsewhere, readSysctls, withoutOwnAddresses, writeSysctls } from "./net-sysctls.ts";
import { checkTexts, saveTexts, writeTexts } from "./net-texts.ts";
import { NetworkValues } from "./net-values.ts";
import { readXtables, writeXtables } from "./net-xtables.ts";

const pathOf = (pid: number) => `/proc/${pid}/ns/net`;

/** Fields of the namespace's entry that hold what criu keeps of /proc/sys/net. */
const NO_SYSCTLS = {
  def_conf: [],
  all_conf: [],
  def_conf4: [],
  all_conf4: [],
  def_conf6: [],
  all_conf6: [],
  unix_conf: [],
  ipv4_sysctl: [],
  tscriu_sysctls: [],
  tscriu_xtables: [],
  tscriu_neighbours: [],
  tscriu_messages: [],
  tscriu_ipsets: [],
};

/** What criu keeps of /proc/sys/net. */
function generalConf(): Omit<NetnsEntry, "nsids" | "tscriu_sysctls" | "ext_key"> {
  return {
    ...NO_SYSCTLS,
    def_conf4: readConf(ipv4("default")),
    all_conf4: readConf(ipv4("all")),
    def_conf6: readConf(ipv6("default")),
    all_conf6: readConf(ipv6("all")),
    unix_conf: readConf(unixConf),
    ipv4_sysctl: readConf(ipv4Sysctl),
  };
}

function withConf(values: NetworkValues, device: NetDeviceEntry): NetDeviceEntry {
  const { name } = device;
  return { ...device, conf4: readConf(deviceIpv4(values, name)), conf6: readConf(deviceIpv6(values, name)) };
}

function writeGeneralConf(entry: NetnsEntry, unset: Unset): void {
  writeConf(ipv4("all"), entry.all_conf4, unset);
  writeConf(ipv6("all"), entry.all_conf6, unset);
  writeConf(ipv4("default"), entry.def_conf4, unset);
  writeConf(ipv6("default"), entry.def_conf6, unset);
  writeConf(unixConf, entry.unix_conf, unset);
  writeConf(ipv4Sysctl, entry.ipv4_sysctl, unset);
}

function writeDeviceConf(values: NetworkValues, { name, conf4, conf6 }: NetDeviceEntry, unset: Unset): void {
  writeConf(deviceIpv4(values, name), conf4, unset);
  writeConf(deviceIpv6(values, name), conf6, unset);
}

/** The name under which a namespace stays outside: `--external net[INODE]:KEY`. */
function keyOf(member: number, external: readonly External[]): string | undefined {
  const ino = /\d+/.exec(linkOf(member, "net"))?.[0];
  return external.find(({ kind, id }) => kind === "net" && id === ino)?.value;
}

/** Our descriptor of a namespace that stayed outside: `--inherit-fd fd[N]:KEY`. */
function givenBy(key: string, { inheritFds }: Pick<RestoreOptions, "inheritFds">): number {
  const found = inheritFds.find(({ resource }) => resource === key)?.fd;
  if (found !== undefined) return found;
  throw new CrError("the network namespace stayed outside at the dump, and is not given", {
    code: "UNSUPPORTED",
    subject: { key },
    remedy: `pass --inherit-fd 'fd[N]:${key}', N being a descriptor of the namespace`,
  });
}

/** What is written from the images as it is says what it may. */
function checkEntry(images: ImageDirectory, id: number): void {
  const bad = (what: string, subject: Subject) =>
    new CrError(what, { code: "BAD_IMAGE", subject: { image: `netns-${id}.img`, ...subject } });
  for (const entry of images.read("NETNS", id)) {
    const strange = entry.tscriu_sysctls.find(leadsElsewhere);
    if (strange) throw bad("a value of a network namespace leads elsewhere", { path: strange.path.slice(0, 80) });
    if (entry.tscriu_filter && !isFilter(entry.tscriu_filter))
      throw bad("the packet filter of a network namespace is none", {});
    checkIpsets(entry.tscriu_ipsets);
  }
}

export const net: NamespaceKind = {
  name: "net",
  flag: CLONE.NEWNET,
  entered: CLONE.NEWNET,

  isGiven: (images, id) => images.read("NETNS", id)[0]?.ext_key !== undefined,

  problems(member, options) {
    if (options.emptyNetwork || keyOf(member, options.external) !== undefined) return [];
    return inNetwork(pathOf(member), { pid: member }, () => linkProblems(member, options.external));
  },

  save(images, id, member, options, foreign) {
    const key = keyOf(member, options.external);
    if (key !== undefined || options.emptyNetwork) {
      images.write("NETDEV", id, []);
      images.write("NETNS", id, [{ ...NO_SYSCTLS, nsids: [], ...(key && { ext_key: key }) }]);
      return;
    }
    inNetwork(pathOf(member), { pid: member }, () => {
      const neighbours = foreign.filter((one) => one.name === "net" && one.id !== id);
      const nsids = readNumbers(neighbours);
      const entries = linkEntries(id, nsids);
      const values = new NetworkValues();
      const tscriu_sysctls = readSysctls(
        values,
        entries.map(({ name }) => name),
      );
      const tscriu_filter = readFilter();
      const tscriu_xtables = readXtables();
      const tscriu_ipsets = readIpsets();
      saveTexts(images, id, tscriu_filter, tscriu_xtables);
      const tscriu_neighbours = readNeighbours(entries);
      for (const kind of ["NETNF_CT", "NETNF_EXP"] as const) {
        const known = readConntrack(kind);
        if (known) images.writeRaw(kind, id, known);
      }
      images.write(
        "NETDEV",
        id,
        entries.map((entry) => withConf(values, entry)),
      );
      images.write("NETNS", id, [
        {
          ...generalConf(),
          nsids,
          tscriu_sysctls,
          ...(tscriu_filter && { tscriu_filter }),
          tscriu_xtables,
          tscriu_ipsets,
          tscriu_neighbours,
          tscriu_messages: readSetMessages(),
        },
      ]);
      using links = new NetworkLinks();
      images.writeRaw("IFADDR", id, saveMessages("IFADDR", links.addresses()));
      images.writeRaw("ROUTE", id, saveMessages("ROUTE", links.routes(AF.INET)));
      images.writeRaw("ROUTE6", id, saveMessages("ROUTE6", links.routes(AF.INET6)));
      images.writeRaw("RULE", id, saveMessages("RULE", links.rules()));
    });
  },

  check(images, ids, options) {
    for (const id of ids) {
      const key = images.read("NETNS", id)[0]?.ext_key;
      if (key !== undefined) givenBy(key, options);
      else if (!options.emptyNetwork) {
        checkTexts(images, id);
        checkEntry(images, id);
        const devices = images.read("NETDEV", id);
        checkDevices(devices, id);
        checkOutside(devices, ids, options.external);
      }
    }
  },

  fill(context) {
    const { images, ids, id: first, pid, isRoots, owner, entrance, network, atEnd, options } = context;
    const home = openPath(OWN_NETWORK, O.RDONLY);
    atEnd(() => closeFd(home));
    const fds = new Map<number, number>();
    for (const id of ids) {
      const key = images.read("NETNS", id)[0]?.ext_key;
      const isOfRoot = isRoots && id === first;
      const given = key === undefined ? undefined : givenBy(key, options);
      if (isOfRoot && given !== undefined) enterGiven(context, given);
      const born = isOfRoot && given === undefined ? openPath(pathOf(pid), O.RDONLY) : undefined;
      const fd = given ?? born ?? freshNetwork(owner(id));
      if (given === undefined) atEnd(() => closeFd(fd));
      if (given === undefined && !options.emptyNetwork) fds.set(id, fd);
      entrance(id, fd);
      network(id, linkTo(fd), isOfRoot);
    }
    // the kernel gives numbers by itself where the first interface leads from one to the other
    for (const [id, fd] of fds)
      inNetwork(linkTo(fd), { namespace: id }, () => writeNumbers(images.read("NETNS", id)[0]?.nsids ?? [], fds));
    for (const id of fds.keys()) fillNetwork(context, id, fds, home);
    // tasks of a tree in another one may live in ours
    const ours = images.inventory.root_ids?.net_ns_id;
    if (ours === undefined) return;
    entrance(ours, home);
    if (isRoots) network(ours, linkTo(home), false);
  },
};

/** A path that leads to what a descriptor of ours is, in whatever namespace. */
const linkTo = (fd: number) => `/proc/${process.pid}/fd/${fd}`;

/** Our descriptor of a new one, which belongs to the user namespace `owner`, or to ours. */
function freshNetwork(owner: number | undefined): number {
  if (owner === undefined) return inFreshNetwork(() => openPath(OWN_NETWORK, O.RDONLY));
  using envoy = envoyOf(owner);
  check(envoy.call(NR.unshare, CLONE.NEWNET), "cannot make a network namespace");
  return openPath(pathOf(envoy.pid), O.RDONLY);
}

/** A task enters the namespace that stayed outside. */
function enterGiven({ program, receive }: NamespaceFill, given: number): void {
  const what = "cannot enter the network namespace that was given";
  const fd = receive(given);
  program.call(NR.setns, [fd, CLONE.NEWNET], { what });
  program.call(NR.close, [fd]);
}

function withoutAddress({ address: _, ...device }: NetDeviceEntry): NetDeviceEntry {
  return device;
}

const withoutDevice = (what: string) => `a ${what} of an interface that was not made`;

/** Interfaces that came with their programs stand where they belong, and are set as they were. */
function finishOthers(
  others: readonly NetDeviceEntry[],
  devices: readonly NetDeviceEntry[],
  missing: SetThings,
  lost: (what: string) => void,
): void {
  const named = new Map(linkEntries(0).map(({ name, ifindex }) => [name, ifindex]));
  const there = others.filter(({ name }) => named.has(name));
  joinBridges(there, devices);
  matchSettings(there, lost);
  const numbers = new Map(
    devices.flatMap((device) => {
      const is = named.get(device.name);
      return is === undefined ? [] : [[device.ifindex, is] as const];
    }),
  );
  const left = writeSet(missing, numbers, lost);
  for (const _ of left.neighbours) lost(withoutDevice("neighbour"));
  for (const { kind } of left.messages) lost(withoutDevice(kind));
}

/**
 * @param fds our descriptors of all that are filled
 * @param home our descriptor of the namespace where ends of interfaces are that are none of the tree's
 */
function fillNetwork(
  { images, ids, options, log, late, onFailure }: NamespaceFill,
  id: number,
  fds: ReadonlyMap<number, number>,
  home: number,
): void {
  const path = linkTo(fds.get(id) ?? -1);
  const [entry] = images.read("NETNS", id);
  if (entry === undefined)
    throw new CrError("a network namespace without its entry", { code: "BAD_IMAGE", subject: { namespace: id } });
  const devices = images.read("NETDEV", id);
  const saved = (kind: "IFADDR" | "ROUTE" | "ROUTE6" | "RULE") => savedMessages(kind, images.readRaw(kind, id));
  const routes = [...saved("ROUTE"), ...saved("ROUTE6")];
  const addresses = saved("IFADDR");
  const lost = (what: string) => log.warn(`the network namespace lacks something that it had: ${what}`);
  const unset = { absent: absentSysctl(options, log), lost };
  inNetwork(path, { namespace: id }, () => {
    // what holds for all interfaces decides about those that are made
    writeSysctls(entry.tscriu_sysctls, [], lost);
    writeGeneralConf(entry, unset);
    const elsewhere = ({ peer_nsid, peer_ifindex }: NetDeviceEntry) => {
      const fd = peer_nsid === undefined ? undefined : fds.get(peer_nsid);
      if (fd === undefined || peer_nsid === undefined) return undefined;
      const end = images.read("NETDEV", peer_nsid).find(({ ifindex }) => ifindex === peer_ifindex);
      return end && { entry: end, fd };
    };
    // the kernel takes it away with the namespace, but that a while after its last task
    const outside = (name: string) => onFailure(() => removeOutside(name, home));
    const made = makeLinks(devices, id, options.external, home, elsewhere, lost, outside);
    writeSysctls(
      entry.tscriu_sysctls,
      made.map(({ name }) => name),
      lost,
    );
    using links = new NetworkLinks();
    const ofAddresses = Map.groupBy(addresses, addressedDevice);
    const ofRoutes = Map.groupBy(routes, routedDevice);
    const configured = made.map((device) => {
      const { ifindex, address } = links.device(device.name);
      const none = new Uint8Array(0);
      // some kinds take one when they are made, and never again
      const hasAddress = Buffer.compare(address ?? none, device.address ?? none) === 0;
      return {
        device: hasAddress ? withoutAddress(device) : device,
        ifindex,
        addresses: ofAddresses.get(device.ifindex) ?? [],
        routes: ofRoutes.get(device.ifindex) ?? [],
      };
    });
    const withOwnAddresses = withoutOwnAddresses(
      made.filter(({ type }) => type !== NdType.LOOPBACK).map(({ name }) => name),
      entry.tscriu_sysctls,
    );
    const numbers = new Map(configured.map(({ device, ifindex }) => [device.ifindex, ifindex]));
    for (const { device, ifindex, ...own } of configured) links.configure(ifindex, device, own, lost);
    matchSettings(made, lost);
    // a pair is up only when its end in another network is, and so is the bridge that it is in
    late(() =>
      inNetwork(path, { namespace: id }, () => {
        withOwnAddresses();
        matchPorts(devices, lost);
        using again = new NetworkLinks();
        again.removeOthers(configured);
      }),
    );
    // an image of criu says it here alone
    const values = new NetworkValues();
    for (const { device } of configured) writeDeviceConf(values, device, unset);
    writeMessages(entry.tscriu_messages, "hops", numbers, lost).forEach(({ kind }) => void lost(withoutDevice(kind)));
    for (const route of routes) if (isOfNoDevice(route)) links.addRoute(route, numbers, lost);
    const rules = saved("RULE");
    for (const rule of rules) links.addRule(rule, lost);
    links.removeRules(rules);
    const missing = writeSet({ neighbours: entry.tscriu_neighbours, messages: entry.tscriu_messages }, numbers, lost);
    // programs that are not there yet bring theirs
    const others = devices.filter((device) => !made.includes(device));
    if (others.length + missing.neighbours.length + missing.messages.length > 0)
      late(() => inNetwork(path, { namespace: id }, () => finishOthers(others, devices, missing, lost)));
  });
  bridgeOuters(devices, ids, options.external);
  // packets of our own pass until all sockets are there
  const { tscriu_filter: filter, tscriu_xtables: tables, tscriu_ipsets: sets } = entry;
  const hasTexts = checkTexts(images, id);
  const known = (["NETNF_CT", "NETNF_EXP"] as const).map((kind) => ({ kind, messages: images.readRaw(kind, id) }));
  const isFiltered =
    filter !== undefined ||
    hasAccounts(entry.tscriu_messages) ||
    tables.length + sets.length > 0 ||
    hasTexts ||
    known.some(({ messages }) => messages !== undefined);
  if (!isFiltered) return;
  late(() =>
    inNetwork(path, { namespace: id }, () => {
      writeIpsets(sets);
      writeAccounts(entry.tscriu_messages, lost);
      if (filter !== undefined) writeFilter(filter);
      if (hasTexts) writeTexts(images, id, entry);
      writeXtables(tables);
      writeRecent(entry.tscriu_messages, lost);
      for (const { kind, messages } of known) writeConntrack(kind, messages, lost);
    }),
  );
}
