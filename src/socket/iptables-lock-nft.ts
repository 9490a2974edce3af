/** The lock that CRIU makes with the iptables that writes nf_tables: its rules in the tables `filter` of IPv4 and IPv6. */
import { Fields, parseAttributes } from "../kernel/netlink.ts";
import { chainRemoval, type ListedRule, listRules, ruleRemoval, type Step } from "../kernel/nft-rules.ts";
import { NfTables } from "../kernel/nftables.ts";
import { IPPROTO } from "../kernel/uapi/inet.ts";
import {
  NF,
  NFPROTO,
  NFT_JUMP,
  NFT_META,
  NFT_PAYLOAD,
  NFT_REG,
  NFTA_CMP,
  NFTA_DATA,
  NFTA_IMMEDIATE,
  NFTA_MATCH,
  NFTA_META,
  NFTA_PAYLOAD,
  NFTA_VERDICT,
} from "../kernel/uapi/netfilter.ts";
import {
  CRIU_CHAIN,
  CRIU_MARK,
  type FoundLock,
  isMarkMatch,
  type LockChain,
  type LockRule,
  lockChains,
  portsOfTcpMatch,
  removeLocks,
  type WantedLock,
  wordsOf,
  wordsOfJump,
} from "./lock-rule.ts";
import { isWithout } from "./network-lock.ts";

const TABLE = "filter";
/** Where a header has what the rules ask for, and how many bytes. */
const HEADERS = [
  { family: NFPROTO.IPV4, tool: "iptables-nft", source: [12, 4], destination: [16, 4], protocol: [9, 1] },
  { family: NFPROTO.IPV6, tool: "ip6tables-nft", source: [8, 16], destination: [24, 16], protocol: [6, 1] },
] as const;
type Header = (typeof HEADERS)[number];

type What = "source" | "destination" | "protocol" | "mark" | "ports" | "sport" | "dport";

const number = (value: Uint8Array | undefined) => (value?.length === 4 ? Buffer.from(value).readUInt32BE() : -1);

/** What lies in the registers, 32 bits each: a register of 128 bits is four of them. */
class Registers {
  #held: { from: number; to: number; what: What }[] = [];

  #first(register: number): number {
    return register >= NFT_REG.R32_00 ? register - NFT_REG.R32_00 : 4 * (register - 1);
  }

  load(register: number, bytes: number, what: What): void {
    const from = this.#first(register);
    const to = from + Math.ceil(bytes / 4);
    this.#held = [...this.#held.filter((one) => one.to <= from || one.from >= to), { from, to, what }];
  }

  get(register: number, bytes: number): What | undefined {
    const from = this.#first(register);
    return this.#held.find((one) => one.from === from && one.to === from + Math.ceil(bytes / 4))?.what;
  }
}

function loaded({ name, data }: Step, header: Header): { what: What; bytes: number; register: number } | undefined {
  if (name === "meta") {
    const key = number(data.get(NFTA_META.KEY));
    const register = number(data.get(NFTA_META.DREG));
    if (key === NFT_META.MARK) return { what: "mark", bytes: 4, register };
    return key === NFT_META.L4PROTO ? { what: "protocol", bytes: 1, register } : undefined;
  }
  const register = number(data.get(NFTA_PAYLOAD.DREG));
  const [base, offset, bytes] = [NFTA_PAYLOAD.BASE, NFTA_PAYLOAD.OFFSET, NFTA_PAYLOAD.LEN].map((type) =>
    number(data.get(type)),
  );
  const is = ([at, length]: readonly [number, number]) => offset === at && bytes === length;
  const ports = { ports: [0, 4], sport: [0, 2], dport: [2, 2] } as const;
  const { source, destination, protocol } = header;
  const fields = base === NFT_PAYLOAD.NETWORK_HEADER ? { source, destination, protocol } : ports;
  if (base !== NFT_PAYLOAD.NETWORK_HEADER && base !== NFT_PAYLOAD.TRANSPORT_HEADER) return undefined;
  const found = Object.entries(fields).find(([, field]) => is(field))?.[0] as What | undefined;
  return found && { what: found, bytes: bytes ?? 0, register };
}

/** What a rule of the lock says; undefined for one that says anything else, or more. */
function readRule({ steps }: ListedRule, chain: LockChain, header: Header): LockRule | undefined {
  const registers = new Registers();
  const wanted = new Map<string, Uint8Array>();
  const want = (key: string, value: Uint8Array) => !wanted.has(key) && Boolean(wanted.set(key, value));
  const last = steps.at(-1);
  const verdict = last && verdictOf(last);
  if (verdict === undefined || number(verdict.get(NFTA_VERDICT.CODE)) !== NF.DROP) return undefined;
  for (const step of steps.slice(0, -1)) {
    const { name, data } = step;
    if (name === "counter") continue;
    if (name === "meta" || name === "payload") {
      const load = loaded(step, header);
      if (load === undefined) return undefined;
      registers.load(load.register, load.bytes, load.what);
    } else if (name === "cmp") {
      const value = parseAttributes(data.get(NFTA_CMP.DATA) ?? new Uint8Array(0)).get(NFTA_DATA.VALUE);
      if (value === undefined) return undefined;
      const what = registers.get(number(data.get(NFTA_CMP.SREG)), value.length);
      const op = number(data.get(NFTA_CMP.OP));
      if (what === undefined || !want(op === 0 ? what : `${what} ${op}`, value)) return undefined;
    } else if (name === "match") {
      // iptables before 1.8.8, roughly
      const info = data.get(NFTA_MATCH.INFO) ?? new Uint8Array(0);
      const name = new Fields(data.get(NFTA_MATCH.NAME) ?? new Uint8Array(1)).text();
      const match = { name, revision: number(data.get(NFTA_MATCH.REV)), info };
      const ports = portsOfTcpMatch(match);
      if (!(isMarkMatch(match) ? want("mark 1", CRIU_MARK) : ports && want("ports", ports))) return undefined;
    } else return undefined;
  }
  return conditions(wanted, chain);
}

function conditions(wanted: ReadonlyMap<string, Uint8Array>, chain: LockChain): LockRule | undefined {
  const [protocol, mark, from, to] = ["protocol", "mark 1", "source", "destination"].map((key) => wanted.get(key));
  const whole = wanted.get("ports");
  const [sport, dport] = [wanted.get("sport") ?? whole?.subarray(0, 2), wanted.get("dport") ?? whole?.subarray(2)];
  const isAll = wanted.size === (whole ? 5 : 6) && protocol?.[0] === IPPROTO.TCP;
  if (!isAll || !mark || Buffer.compare(mark, CRIU_MARK) !== 0 || !from || !to || !sport || !dport) return undefined;
  return { chain, from, to, sport: new Fields(sport).be16(), dport: new Fields(dport).be16() };
}

function verdictOf({ name, data }: Step): Map<number, Uint8Array> | undefined {
  if (name !== "immediate" || number(data.get(NFTA_IMMEDIATE.DREG)) !== NFT_REG.VERDICT) return undefined;
  const value = parseAttributes(data.get(NFTA_IMMEDIATE.DATA) ?? new Uint8Array(0)).get(NFTA_DATA.VERDICT);
  return value && parseAttributes(value);
}

/** Whether a rule leads every packet to the chain by which CRIU locks a whole network namespace. */
function isJump({ steps }: ListedRule): boolean {
  const verdict = steps.flatMap((step) => verdictOf(step) ?? [])[0];
  const chain = new Fields(verdict?.get(NFTA_VERDICT.CHAIN) ?? new Uint8Array(1)).text();
  const isPlain = steps.every(({ name }) => name === "counter" || name === "immediate");
  return isPlain && number(verdict?.get(NFTA_VERDICT.CODE)) === NFT_JUMP && chain === CRIU_CHAIN;
}

function findIn(tables: NfTables, { isLock, isWhole }: WantedLock): FoundLock[] {
  return HEADERS.flatMap((header) => {
    const { family, tool } = header;
    const at = (chain: string) => listRules(tables, { family, table: TABLE, chain });
    const rules = lockChains.flatMap((chain) => at(chain).map((rule) => ({ chain, rule })));
    const own = rules.flatMap(({ chain, rule }) => {
      const lock = readRule(rule, chain, header);
      return lock && isLock(lock) ? [{ lock, rule }] : [];
    });
    const jumps = isWhole ? rules.filter(({ rule }) => isJump(rule)) : [];
    const gone = [...own, ...jumps].map(({ rule }) => rule);
    const removals = [...gone, ...(jumps.length > 0 ? at(CRIU_CHAIN) : [])].map(ruleRemoval);
    if (jumps.length > 0) removals.push(chainRemoval({ family, table: TABLE, chain: CRIU_CHAIN }));
    const remove = () => tables.make("cannot remove rules of nf_tables", removals);
    const words = [...own.map(({ lock }) => wordsOf(lock)), ...jumps.map(({ chain }) => wordsOfJump(chain))];
    return removals.length === 0 ? [] : [{ tool, words, remove }];
  });
}

/** Removes it where we are. @returns what could not be removed, as words of iptables */
export function removeNftLock(wanted: WantedLock): string[] {
  try {
    using tables = new NfTables();
    return removeLocks(() => findIn(tables, wanted));
  } catch (error) {
    if (isWithout(error)) return [];
    throw error;
  }
}
