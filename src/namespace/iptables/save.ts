/** Tables of the older iptables as text, as iptables-save writes it and CRIU saves it, and as the kernel has them. */
import { AF } from "../../kernel/uapi/socket.ts";
import { COUNTER, type Xtable, xtEntries } from "../../kernel/xtables.ts";
import { Bytes, Unsaid, unknownLine, type Word, wordsOf } from "./options.ts";
import { LAYOUT, partOf, type Rule, readRule, ruleWords, type Version } from "./rule.ts";

/** Hooks of each table's own chains, in their order. */
const CHAINS: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  filter: { INPUT: 1, FORWARD: 2, OUTPUT: 3 },
  nat: { PREROUTING: 0, INPUT: 1, OUTPUT: 3, POSTROUTING: 4 },
  mangle: { PREROUTING: 0, INPUT: 1, FORWARD: 2, OUTPUT: 3, POSTROUTING: 4 },
  raw: { PREROUTING: 0, OUTPUT: 3 },
  security: { INPUT: 1, FORWARD: 2, OUTPUT: 3 },
};
const HOOKS = 5;
/** What a standard target says: -NF_* - 1, and XT_RETURN. */
const VERDICTS = { ACCEPT: -2, DROP: -1, RETURN: -5, QUEUE: -4 } as const;
type VerdictName = keyof typeof VERDICTS;
const isVerdict = (name: string): name is VerdictName => name in VERDICTS;
/** The chain by which CRIU locks a network namespace, and its restore unlocks it. */
const LOCK = "CRIU";

const familyOf = (version: Version) => (version === 4 ? AF.INET : AF.INET6);

type Counts = readonly [packets: bigint, bytes: bigint];

interface SavedRule {
  readonly rule: Rule;
  readonly counts: Counts;
  readonly line: number;
}

interface SavedChain {
  readonly name: string;
  readonly policy: string;
  readonly counts: Counts;
  readonly rules: SavedRule[];
}

export interface SavedTable {
  readonly table: Xtable;
  /** struct xt_counters for each entry. */
  readonly counters: Uint8Array;
}

function countsOf(text: string | undefined): Counts {
  const [, packets = "0", bytes = "0"] = /^\[(\d+):(\d+)\]$/.exec(text ?? "[0:0]") ?? [];
  return [BigInt(packets), BigInt(bytes)];
}

/** Puts a table together, place by place. */
class Assembly {
  readonly #version: Version;
  readonly #parts: Uint8Array[] = [];
  readonly #counts: Counts[] = [];
  readonly #leads: { readonly entry: Uint8Array; readonly to: string | undefined; readonly after: number }[] = [];
  #length = 0;

  constructor(version: Version) {
    this.#version = version;
  }

  get length(): number {
    return this.#length;
  }

  add({ head, target, to, isStandard }: Rule, counts: Counts): void {
    const { targetAt, nextAt } = LAYOUT[this.#version];
    const entry = new Uint8Array(Buffer.concat([head, isStandard ? partOf("", 0, new Uint8Array(4)) : target]));
    const bytes = new Bytes(entry);
    bytes.set16(targetAt, head.length);
    bytes.set16(nextAt, entry.length);
    this.#parts.push(entry);
    this.#counts.push(counts);
    this.#length += entry.length;
    if (isStandard) this.#leads.push({ entry, to, after: this.#length });
  }

  /** @param policy a verdict */
  addVerdict(policy: string, counts: Counts): void {
    this.add(
      { head: new Uint8Array(LAYOUT[this.#version].end), target: new Uint8Array(0), to: policy, isStandard: true },
      counts,
    );
  }

  addName(name: string): void {
    const info = Bytes.of(30);
    info.putText(0, 30, name);
    const head = new Uint8Array(LAYOUT[this.#version].end);
    this.add({ head, target: partOf("ERROR", 0, info.bytes), isStandard: false }, [0n, 0n]);
  }

  finish(places: ReadonlyMap<string, number>): { entries: Uint8Array; counters: Uint8Array; count: number } {
    const { targetAt } = LAYOUT[this.#version];
    for (const { entry, to, after } of this.#leads) {
      const verdict = to === undefined ? after : isVerdict(to) ? VERDICTS[to] : places.get(to);
      if (verdict === undefined) throw new Unsaid(`-j ${to}`);
      const bytes = new Bytes(entry);
      bytes.set32(bytes.u16(targetAt) + 32, verdict >>> 0);
    }
    const counters = new BigUint64Array(this.#counts.flat());
    return {
      entries: Buffer.concat(this.#parts),
      counters: new Uint8Array(counters.buffer),
      count: this.#parts.length,
    };
  }
}

function assemble(name: string, chains: readonly SavedChain[], version: Version): SavedTable {
  const own = CHAINS[name] ?? {};
  const assembly = new Assembly(version);
  const entriesOf = new Array<number>(HOOKS).fill(0);
  const policies = new Array<number>(HOOKS).fill(0);
  const places = new Map<string, number>();
  const order = Object.keys(own);
  const builtIn = order.map(
    (word) =>
      chains.find((one) => one.name === word) ?? {
        name: word,
        policy: "ACCEPT",
        counts: countsOf(undefined),
        rules: [],
      },
  );
  for (const chain of [...builtIn, ...chains.filter((one) => own[one.name] === undefined)]) {
    const hook = own[chain.name];
    if (hook === undefined) assembly.addName(chain.name);
    if (hook === undefined) places.set(chain.name, assembly.length);
    else entriesOf[hook] = assembly.length;
    for (const { rule, counts } of chain.rules) assembly.add(rule, counts);
    if (hook !== undefined) policies[hook] = assembly.length;
    assembly.addVerdict(hook === undefined ? "RETURN" : chain.policy, chain.counts);
  }
  assembly.addName("ERROR");
  const { entries, counters, count } = assembly.finish(places);
  const hooks = Object.values(own).reduce((all, hook) => all | (1 << hook), 0);
  return {
    table: { family: familyOf(version), name, hooks, entries_of: entriesOf, policies, count, entries },
    counters,
  };
}

/**
 * Tables that a text tells of, but for CRIU's own lock.
 * @throws CrError UNSUPPORTED that names the line which says something unknown
 */
export function readSaved(text: string, image: string, version: Version): SavedTable[] {
  const tables: SavedTable[] = [];
  let name: string | undefined;
  let chains: SavedChain[] = [];
  text.split("\n").forEach((line, index) => {
    const bad = (what: string) => unknownLine(image, index + 1, line, what);
    const words: Word[] = wordsOf(line);
    const first = words[0]?.text ?? "";
    try {
      if (first === "" || first.startsWith("#")) return;
      if (first.startsWith("*")) {
        name = first.slice(1);
        chains = [];
        if (CHAINS[name] === undefined) throw new Unsaid(name);
      } else if (name === undefined) throw new Unsaid(first);
      else if (first.startsWith(":")) {
        const [, policy = "", counts] = words.map((word) => word.text);
        if (!["ACCEPT", "DROP", "-"].includes(policy)) throw new Unsaid(policy);
        chains.push({ name: first.slice(1), policy, counts: countsOf(counts), rules: [] });
      } else if (first === "COMMIT") {
        tables.push(
          assemble(
            name,
            chains.filter((one) => one.name !== LOCK),
            version,
          ),
        );
        name = undefined;
      } else {
        const counts = countsOf(first.startsWith("[") ? words.shift()?.text : undefined);
        const chain = words.shift()?.text === "-A" ? chains.find((one) => one.name === words[0]?.text) : undefined;
        if (chain === undefined) throw new Unsaid(first);
        words.shift();
        const rule = readRule(words, version);
        if (rule.to !== LOCK) chain.rules.push({ rule, counts, line: index + 1 });
      }
    } catch (error) {
      if (error instanceof Unsaid || error instanceof RangeError) throw bad(error.message);
      throw error;
    }
  });
  if (name !== undefined) throw unknownLine(image, 0, "", "it ends too early");
  return tables;
}

/**
 * The text of a table.
 * @throws Unsaid where there are no words for something
 */
export function savedWords(table: Xtable): string {
  const version: Version = table.family === AF.INET ? 4 : 6;
  const own = CHAINS[table.name];
  if (own === undefined || (table.family !== AF.INET && table.family !== AF.INET6)) throw new Unsaid(table.name);
  const { targetAt, counters } = LAYOUT[version];
  const entries = xtEntries(table);
  const names = new Map<number, string>();
  const heads = new Map<number, string>();
  for (const { at, bytes } of entries) {
    const entry = new Bytes(bytes);
    const target = entry.u16(targetAt);
    if (entry.text(target + 2, 29) !== "ERROR") continue;
    const name = entry.text(target + 32, 30);
    heads.set(at, name);
    names.set(at + bytes.length, name);
  }
  for (const [name, hook] of Object.entries(own)) {
    const at = table.entries_of[hook];
    if (at !== undefined) names.set(at, name);
  }
  const verdicts = new Map<number, string>(Object.entries(VERDICTS).map(([name, value]) => [value, name]));
  const countWords = (bytes: Uint8Array) => {
    const view = new DataView(bytes.buffer, bytes.byteOffset + counters, COUNTER);
    return `[${view.getBigUint64(0, true)}:${view.getBigUint64(8, true)}]`;
  };
  const policies = new Map(Object.values(own).map((hook) => [table.policies[hook], hook]));
  const [declared, rules]: string[][] = [[], []];
  let chain = "";
  entries.forEach(({ at, bytes }, index) => {
    chain = names.get(at) ?? chain;
    if (heads.has(at)) return;
    const next = entries[index + 1];
    const isLast = next === undefined || heads.has(next.at);
    const entry = new Bytes(bytes);
    const policy = () => {
      const verdict = verdicts.get(entry.i32(entry.u16(targetAt) + 32));
      if (verdict === undefined) throw new Unsaid(`:${chain}`);
      return verdict;
    };
    if (policies.has(at)) declared?.push(`:${chain} ${policy()} ${countWords(bytes)}`);
    else if (isLast) declared?.push(`:${chain} - [0:0]`);
    else {
      const leads = (place: number) => {
        if (place === at + bytes.length) return undefined;
        const name = verdicts.get(place) ?? names.get(place);
        if (name === undefined) throw new Unsaid(`-j ${place}`);
        return name;
      };
      rules?.push(`${countWords(bytes)} -A ${chain} ${ruleWords(bytes, version, leads).join(" ")}`.trimEnd());
    }
  });
  return [`*${table.name}`, ...(declared ?? []), ...(rules ?? []), "COMMIT", ""].join("\n");
}
