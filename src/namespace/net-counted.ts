/**
 * What rules of a packet filter count by and remember: objects of accounting (linux/netfilter/nfnetlink_acct.h), which come before
 * the rules, and addresses of late (xt_recent, iptables-extensions(8)), whose lists come with the rules.
 */
import { readdirSync, readFileSync } from "node:fs";
import { CrError } from "../error.ts";
import type { TscriuNetworkMessage } from "../image/schema.gen.ts";
import { closeFd, tryOpen } from "../kernel/fd.ts";
import { attributeList, NetlinkSocket, PayloadBuilder } from "../kernel/netlink.ts";
import { NR } from "../kernel/nr.ts";
import { addressOf, sys } from "../kernel/sys.ts";
import { O } from "../kernel/uapi/fcntl.ts";
import { NETLINK_NETFILTER } from "../kernel/uapi/netfilter.ts";

const ACCOUNT = "object of accounting";
const RECENT = "address of late";
/** NFNL_MSG_ACCT_NEW, ACCT_GET; struct nfgenmsg, bytes. */
const ACCT = { NEW: 0x700, GET: 0x701, header: 4 } as const;
/** NFACCT_NAME, PKTS, BYTES, FLAGS, QUOTA; of the flags one says that the quota is used up. */
const KEPT: ReadonlySet<number> = new Set([1, 2, 3, 5, 6]);
const FLAGS = 5;
const QUOTA_FLAGS = 3;
const NLM_F_CREATE_EXCL = 0x600;
const LISTS = "/proc/thread-self/net/xt_recent";

function readAccounts(): TscriuNetworkMessage[] {
  using socket = new NetlinkSocket(NETLINK_NETFILTER);
  try {
    const found = socket.dump("cannot list objects of accounting", ACCT.GET, new Uint8Array(ACCT.header));
    return found.map(({ payload }) => {
      const built = new PayloadBuilder().raw(new Uint8Array(ACCT.header));
      for (const [type, value] of attributeList(payload.subarray(ACCT.header))) {
        if (type === FLAGS) built.be32(type, (value[3] ?? 0) & QUOTA_FLAGS);
        else if (KEPT.has(type)) built.attribute(type, value);
      }
      return { kind: ACCOUNT, payload: built.build() };
    });
  } catch (error) {
    // a kernel built without, or one that lets nobody ask here
    if (error instanceof CrError) return [];
    throw error;
  }
}

/** Of each address the list, and how often it was seen: when is told by a clock that nobody sets. */
function readRecent(): TscriuNetworkMessage[] {
  let names: string[];
  try {
    names = readdirSync(LISTS);
  } catch {
    return [];
  }
  return names.flatMap((name) =>
    readFileSync(`${LISTS}/${name}`, "latin1")
      .split("\n")
      .flatMap((line) => {
        const [, address, stamps] = /^src=(\S+) .* oldest_pkt: \d+ (.*)$/.exec(line) ?? [];
        if (address === undefined || stamps === undefined) return [];
        return [{ kind: RECENT, payload: Buffer.from(`${name} ${address} ${stamps.split(",").length}`) }];
      }),
  );
}

/** Of the namespace that we are in. */
export function readCounted(): TscriuNetworkMessage[] {
  return [...readAccounts(), ...readRecent()];
}

export const hasAccounts = (messages: readonly TscriuNetworkMessage[]): boolean =>
  messages.some(({ kind }) => kind === ACCOUNT);

/** Before rules that count by them. @param lost is told what could not be done */
export function writeAccounts(messages: readonly TscriuNetworkMessage[], lost: (what: string) => void): void {
  const own = messages.filter(({ kind }) => kind === ACCOUNT);
  if (own.length === 0) return;
  using socket = new NetlinkSocket(NETLINK_NETFILTER);
  for (const { payload } of own)
    try {
      socket.request("cannot make an object of accounting", ACCT.NEW, Uint8Array.from(payload), NLM_F_CREATE_EXCL);
    } catch (error) {
      if (!(error instanceof CrError)) throw error;
      lost(error.message);
    }
}

/** After the rules that made the lists. @param lost is told what could not be done */
export function writeRecent(messages: readonly TscriuNetworkMessage[], lost: (what: string) => void): void {
  for (const { kind, payload } of messages) {
    if (kind !== RECENT) continue;
    const [, name, address = "", times] =
      /^([^/\s]+) ([\da-f.:]+) (\d{1,5})$/.exec(Buffer.from(payload).toString()) ?? [];
    if (name === undefined || name === "." || name === "..")
      throw new CrError("an address that a packet filter has seen of late makes no sense", { code: "BAD_IMAGE" });
    const text = Buffer.from(`+${address}\n`);
    let result = 0;
    // each is one word of one opening
    for (let i = 0; i < Number(times) && result >= 0; i++) {
      const file = tryOpen(`${LISTS}/${name}`, O.WRONLY);
      result = file < 0 ? file : sys(NR.write, file, addressOf(text), text.length);
      if (file >= 0) closeFd(file);
    }
    if (result < 0) lost(`that the packet filter has seen ${address} (${name})`);
  }
}
