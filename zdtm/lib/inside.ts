/** What network, UTS and ipc namespaces hold, as one who enters them sees it. */
import { readFileSync } from "node:fs";
import { closeFd, openPath } from "../../src/kernel/fd.ts";
import { Fields, type NetlinkMessage, NetlinkSocket, parseAttributes } from "../../src/kernel/netlink.ts";
import { NR } from "../../src/kernel/nr.ts";
import { must } from "../../src/kernel/sys.ts";
import { O } from "../../src/kernel/uapi/fcntl.ts";
import { CLONE } from "../../src/kernel/uapi/sched.ts";
import { NETLINK } from "../../src/kernel/uapi/socket.ts";

const FLAGS = { net: CLONE.NEWNET, uts: CLONE.NEWUTS, ipc: CLONE.NEWIPC } as const;
export type Entered = keyof typeof FLAGS;
export const enteredKinds = Object.keys(FLAGS) as Entered[];

/** By subject; a difference is one line. */
type Contents = Map<string, string>;

/** Looks around, as one who enters the namespace in which a process lives. @param base its directory in a /proc */
export function inside<T>(kind: Entered, base: string, look: () => T): T {
  const home = openPath(`/proc/thread-self/ns/${kind}`, O.RDONLY);
  const there = openPath(`${base}/ns/${kind}`, O.RDONLY);
  const what = "cannot enter a namespace to look at it";
  try {
    must(NR.setns, [there, FLAGS[kind]], what);
    try {
      return look();
    } finally {
      must(NR.setns, [home, FLAGS[kind]], what);
    }
  } finally {
    for (const fd of [home, there]) closeFd(fd);
  }
}

/** What the namespace holds in which a process lives. @param base its directory in a /proc */
export function contentsOf(kind: Entered, base: string): Contents {
  return inside(kind, base, () => ({ net: network, uts: names, ipc: objects })[kind](base));
}

function text(path: string): string {
  try {
    return readFileSync(path, "latin1").trim();
  } catch {
    return "nothing";
  }
}

function names(): Contents {
  return new Map(["hostname", "domainname"].map((name) => [name, text(`/proc/sys/kernel/${name}`)]));
}

/** What /proc/sysvipc tells besides times, and who did something last. */
const OBJECTS = {
  shm: ["key", "shmid", "perms", "size", "nattch", "uid", "gid", "cuid", "cgid"],
  sem: ["key", "semid", "perms", "nsems", "uid", "gid", "cuid", "cgid"],
  msg: ["key", "msqid", "perms", "cbytes", "qnum", "uid", "gid", "cuid", "cgid"],
} as const;
const LIMITS = ["shmmax", "shmall", "shmmni", "shm_rmid_forced", "sem", "msgmax", "msgmnb", "msgmni"];

function objects(): Contents {
  const found: Contents = new Map(LIMITS.map((name) => [name, text(`/proc/sys/kernel/${name}`)]));
  for (const [kind, wanted] of Object.entries(OBJECTS)) {
    const [head = "", ...lines] = text(`/proc/sysvipc/${kind}`).split("\n");
    const columns = head.trim().split(/\s+/);
    for (const line of lines) {
      const values = line.trim().split(/\s+/);
      const told = wanted.map((name) => `${name} ${values[columns.indexOf(name)]}`);
      found.set(`${kind} ${values[1]}`, told.join(" "));
    }
  }
  return found;
}

// linux/rtnetlink.h: requests, and the size of the structure before the attributes
const LINKS = { ask: 18, header: 16 };
const ADDRESSES = { ask: 22, header: 8 };
const ROUTES = { ask: 26, header: 12 };
const RULES = { ask: 34, header: 12 };
/** MTU, LINK, MASTER, TXQLEN, IFALIAS, GROUP of IFLA; its address and its kind are told by themselves. */
const LINK_ATTRIBUTES = [4, 5, 10, 13, 20, 27];
const IFLA = { ADDRESS: 1, IFNAME: 3, LINK: 5, LINKINFO: 18, LINK_NETNSID: 37 } as const;
const SETTABLE = 0x1 | 0x80 | 0x100 | 0x200 | 0x1000;
/** Where rtm_protocol is. Routes of the kernel's own come with addresses, sooner or later. */
const [PROTOCOL, RTPROT_KERNEL] = [5, 2];
/** RTA_CACHEINFO, IFA_CACHEINFO: ages. */
const [RTA_CACHEINFO, IFA_CACHEINFO, IFA_FLAGS, IFA_PROTO] = [12, 6, 8, 11];
const IFAPROT_KERNEL_LL = 3;
/** IFA_F_TENTATIVE, OPTIMISTIC, STABLE_PRIVACY: how far the kernel has come with asking others. */
const IN_THE_MAKING = 0x40 | 0x04 | 0x800;
const [AF_INET, AF_INET6] = [2, 10];

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

function attributes(payload: Uint8Array, header: number, but: readonly number[]): string {
  const all = [...parseAttributes(payload.subarray(header))].filter(([type]) => !but.includes(type));
  return all.map(([type, value]) => `${type}=${hex(value)}`).join(" ");
}

function network(base: string): Contents {
  using socket = new NetlinkSocket(NETLINK.ROUTE);
  const dump = ({ ask, header }: { ask: number; header: number }, family = 0) => {
    const question = new Uint8Array(header);
    question[0] = family;
    return socket.dump("cannot look at a network", ask, question);
  };
  const found: Contents = new Map();
  for (const { payload } of dump(LINKS)) link(payload, found);
  for (const { payload } of dump(ADDRESSES)) {
    const all = parseAttributes(payload.subarray(ADDRESSES.header));
    // link-local ones of the kernel's own come when the other end of a pair is up
    if (all.get(IFA_PROTO)?.[0] === IFAPROT_KERNEL_LL) continue;
    const flags = new Fields(all.get(IFA_FLAGS) ?? new Uint8Array(4)).u32() & ~IN_THE_MAKING;
    const rest = attributes(payload, ADDRESSES.header, [IFA_CACHEINFO, IFA_FLAGS]);
    found.set(`address ${hex(payload.subarray(4, 8))} ${rest}`, `${payload[1]} ${payload[3]} ${flags.toString(16)}`);
  }
  const list = (name: string, messages: readonly NetlinkMessage[], { header }: { header: number }, but: number[]) => {
    const lines = messages.map(
      ({ payload }) => `${hex(payload.subarray(0, header))} ${attributes(payload, header, but)}`,
    );
    for (const line of lines) found.set(`${name} ${line}`, `${lines.filter((other) => other === line).length} times`);
  };
  for (const family of [AF_INET, AF_INET6]) {
    const set = dump(ROUTES, family).filter(({ payload }) => payload[PROTOCOL] !== RTPROT_KERNEL);
    list("route", set, ROUTES, [RTA_CACHEINFO]);
    list("rule", dump(RULES, family), RULES, []);
  }
  filter(found);
  sockets(base, found);
  return found;
}

function link(payload: Uint8Array, found: Contents): void {
  const all = parseAttributes(payload.subarray(LINKS.header));
  const name = new Fields(all.get(IFLA.IFNAME) ?? new Uint8Array(1)).text();
  const kind = parseAttributes(all.get(IFLA.LINKINFO) ?? new Uint8Array(0)).get(1);
  const fields = new Fields(payload);
  const told = LINK_ATTRIBUTES.flatMap((type) => {
    // the number of another end elsewhere is not the tree's
    const value = type === IFLA.LINK && all.has(IFLA.LINK_NETNSID) ? undefined : all.get(type);
    return value ? [`${type}=${hex(value)}`] : [];
  });
  const what = kind ? new Fields(kind).text() : "plain";
  const address = hex(all.get(IFLA.ADDRESS) ?? new Uint8Array(0));
  found.set(`link ${name}`, `${fields.u32(4)} ${what} ${address} ${fields.u32(8) & SETTABLE} ${told.join(" ")}`);
}

// linux/netfilter/nf_tables.h
const NFT = { TABLE: 1, CHAIN: 4, RULE: 7, SET: 10 } as const;
const SUBSYSTEM = 10 << 8;
/** What names an object, and which attributes of it are not handles or counters. */
const KINDS = [
  { name: "table", ask: NFT.TABLE, kept: [1, 2] },
  { name: "chain", ask: NFT.CHAIN, kept: [1, 3, 4, 5, 7] },
  { name: "set", ask: NFT.SET, kept: [1, 2, 3, 4, 5, 6, 7] },
] as const;
const RULE = { TABLE: 1, CHAIN: 2, EXPRESSIONS: 4 } as const;

function filter(found: Contents): void {
  using socket = new NetlinkSocket(NETLINK.NETFILTER);
  const ask = (message: number) => {
    try {
      return socket.dump("cannot look at the packet filter", SUBSYSTEM | message, new Uint8Array(4));
    } catch {
      return []; // this kernel has none
    }
  };
  for (const { name, ask: message, kept } of KINDS)
    for (const { payload } of ask(message)) {
      const all = parseAttributes(payload.subarray(4));
      const told = kept.map((type) => `${type}=${hex(all.get(type) ?? new Uint8Array(0))}`);
      found.set(`${name} ${payload[0]} ${told.join(" ")}`, "there");
    }
  const rules = ask(NFT.RULE).map(({ payload }) => {
    const all = parseAttributes(payload.subarray(4));
    const of = (type: number) => all.get(type) ?? new Uint8Array(0);
    // what an expression is, for it may count
    const words =
      Buffer.from(of(RULE.EXPRESSIONS))
        .toString("latin1")
        .match(/[a-z_]{3,}/g) ?? [];
    return `${payload[0]} ${hex(of(RULE.TABLE))} ${hex(of(RULE.CHAIN))}: ${words.join(" ")}`;
  });
  if (rules.length > 0) found.set("rules", rules.join("; "));
}

/** The state of TCP sockets that listen, as /proc/net shows it, and where that has the inode: 0 for those of nobody. */
const LISTEN: Readonly<Record<string, string>> = { "0A": "listens" };
const INODE = 9;
const DATAGRAM = "0002";

/** Sockets with their addresses and states, whoever has them. */
function sockets(base: string, found: Contents): void {
  for (const name of ["tcp", "tcp6", "udp", "udp6", "raw", "raw6"]) {
    const lines = text(`${base}/net/${name}`).split("\n").slice(1);
    const rows = lines.map((line) => line.trim().split(/\s+/)).filter((row) => row[INODE] !== "0");
    // how far a connection has come with its end is its peer's doing, too
    const words = rows
      .map(([, own, peer, state = "", , , , uid]) => [own, peer, LISTEN[state] ?? "", uid].join(" "))
      .sort();
    if (words.length > 0) found.set(`sockets ${name}`, words.join("; "));
  }
  const unix = text(`${base}/net/unix`).split("\n").slice(1);
  const named = unix.map((line) => line.trim().split(/\s+/)).filter(([, , , , , , , path]) => path !== undefined);
  // a datagram socket keeps in mind that somebody was connected to it
  const words = named.map(([, , , flags, type, state, , path]) =>
    [flags, type, type === DATAGRAM ? "" : state, path].join(" "),
  );
  if (words.length > 0) found.set("sockets unix", words.sort().join("; "));
}
