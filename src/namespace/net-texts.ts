/** Packet filters as CRIU saves them: as the text that nft and iptables list. */
import { CrError } from "../error.ts";
import { NetworkLinks } from "../file/network-link.ts";
import type { ImageDirectory } from "../image/directory.ts";
import { NfTables } from "../kernel/nftables.ts";
import { readRuleset } from "./nft/ruleset.ts";

const NLM_F_CREATE = 0x400;

function textOf(images: ImageDirectory, kind: "NFTABLES" | "IPTABLES" | "IP6TABLES", id: number): string {
  return Buffer.from(images.readRaw(kind, id) ?? []).toString();
}

/** Are there any that count? Images of tscriu's own have the kernel's form of them. */
export function hasTexts(images: ImageDirectory, id: number): boolean {
  return images.read("NETNS", id)[0]?.tscriu_filter === undefined && textOf(images, "NFTABLES", id).trim() !== "";
}

function rulesetOf(images: ImageDirectory, id: number, index: (name: string) => number) {
  return readRuleset(textOf(images, "NFTABLES", id), `nftables-${id}.img`, { index });
}

/** Rules of the older iptables, but for those of CRIU's own lock. */
function checkIptables(images: ImageDirectory, id: number): void {
  for (const kind of ["IPTABLES", "IP6TABLES"] as const) {
    const rules = textOf(images, kind, id)
      .split("\n")
      .filter((line) => line.startsWith("-A ") && !/CRIU/.test(line));
    const [rule] = rules;
    if (rule === undefined) continue;
    throw new CrError("the rules of a packet filter are saved as text, which only the program that wrote them reads", {
      code: "UNSUPPORTED",
      subject: { namespace: id, image: `${kind.toLowerCase()}-${id}.img`, rule },
      remedy: "restore with --empty-ns net and fill the network namespace by a setup-namespaces script, or with criu",
    });
  }
}

/** Refuses what cannot be understood, before anything is made. */
export function checkTexts(images: ImageDirectory, id: number): void {
  if (images.read("NETNS", id)[0]?.tscriu_filter === undefined) checkIptables(images, id);
  // which numbers interfaces will have is not known yet
  if (hasTexts(images, id)) rulesetOf(images, id, () => 0);
}

/** Makes the filters in the namespace that we are in. */
export function writeTexts(images: ImageDirectory, id: number): void {
  using links = new NetworkLinks();
  const messages = rulesetOf(images, id, (name) => links.device(name).ifindex);
  if (messages.length === 0) return;
  using tables = new NfTables();
  tables.make(
    "cannot make the packet filter of the tree's network namespace",
    messages.map((message) => ({ ...message, flags: message.flags | NLM_F_CREATE })),
  );
}
