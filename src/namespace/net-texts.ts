/**
 * Packet filters as CRIU saves them, as the text that nft and iptables list. Images of tscriu's own have the kernel's form of them,
 * which keeps everything, and the text beside it for CRIU.
 */
import { CrError } from "../error.ts";
import { NetworkLinks } from "../file/network-link.ts";
import type { ImageDirectory } from "../image/directory.ts";
import type { NetnsEntry, TscriuXtable } from "../image/schema.gen.ts";
import { parseMessages } from "../kernel/netlink.ts";
import { type Message, NfTables } from "../kernel/nftables.ts";
import { AF } from "../kernel/uapi/socket.ts";
import { replaceXtable } from "../kernel/xtables.ts";
import { Unsaid } from "./iptables/options.ts";
import { readSaved, type SavedTable, savedWords } from "./iptables/save.ts";
import { readRuleset } from "./nft/ruleset.ts";
import { tellRuleset } from "./nft/tell.ts";
import { Untold } from "./nft/tell-values.ts";

const NLM_F_CREATE = 0x400;
const LEGACY = [
  { kind: "IPTABLES", file: "iptables", family: AF.INET, version: 4 },
  { kind: "IP6TABLES", file: "ip6tables", family: AF.INET6, version: 6 },
] as const;

function textOf(images: ImageDirectory, kind: "NFTABLES" | "IPTABLES" | "IP6TABLES", id: number): string {
  return Buffer.from(images.readRaw(kind, id) ?? []).toString();
}

/** What is made of the texts. */
interface Filters {
  readonly ruleset: readonly Message[];
  readonly tables: readonly SavedTable[];
}

/** @param index number of an interface */
function read(images: ImageDirectory, id: number, entry: NetnsEntry, index: (name: string) => number): Filters {
  const ruleset =
    entry.tscriu_filter === undefined
      ? readRuleset(textOf(images, "NFTABLES", id), `nftables-${id}.img`, { index })
      : [];
  const tables =
    entry.tscriu_xtables.length === 0
      ? LEGACY.flatMap(({ kind, file, version }) => readSaved(textOf(images, kind, id), `${file}-${id}.img`, version))
      : [];
  return { ruleset, tables };
}

/** Refuses what cannot be understood, before anything is made. @returns whether there is anything to be made */
export function checkTexts(images: ImageDirectory, id: number): boolean {
  const [entry] = images.read("NETNS", id);
  if (entry === undefined) return false;
  // which numbers interfaces will have is not known yet
  const { ruleset, tables } = read(images, id, entry, () => 0);
  return ruleset.length + tables.length > 0;
}

/** Makes the filters in the namespace that we are in. */
export function writeTexts(images: ImageDirectory, id: number, entry: NetnsEntry): void {
  using links = new NetworkLinks();
  const { ruleset, tables } = read(images, id, entry, (name) => links.device(name).ifindex);
  // the one that is made last is listed first
  for (const { table, counters } of tables.toReversed()) replaceXtable(table, () => counters);
  if (ruleset.length === 0) return;
  using nft = new NfTables();
  nft.make(
    "cannot make the packet filter of the tree's network namespace",
    ruleset.map((message) => ({ ...message, flags: message.flags | NLM_F_CREATE })),
  );
}

/** A text that no program takes: CRIU's restore fails on it, where without it the tree would come back unfiltered. */
const untold = (what: string) => `the packet filter is kept for tscriu alone, for it has no words here: ${what}\n`;

function wordsOf(tell: () => string): Uint8Array {
  try {
    return Buffer.from(tell());
  } catch (error) {
    // a dump does not fail for what another program would read
    const isKnown = [Unsaid, Untold, CrError, RangeError].some((kind) => error instanceof kind);
    if (!isKnown || !(error instanceof Error)) throw error;
    return Buffer.from(untold(error.message));
  }
}

/** Saves for CRIU what it reads. @param filter messages that make the rule set of nf_tables */
export function saveTexts(
  images: ImageDirectory,
  id: number,
  filter: Uint8Array | undefined,
  xtables: readonly TscriuXtable[],
): void {
  if (filter)
    images.writeRaw(
      "NFTABLES",
      id,
      wordsOf(() => tellRuleset(parseMessages(filter))),
    );
  for (const { kind, family } of LEGACY) {
    const own = xtables.filter((table) => table.family === family);
    if (own.length > 0)
      images.writeRaw(
        kind,
        id,
        wordsOf(() => own.map(savedWords).join("")),
      );
  }
}
