/** Translation of addresses: snat, dnat, masquerade, redirect. */
import { NFTA } from "../../kernel/uapi/nft-expressions.ts";
import { immediate, REGISTER, simple } from "./build.ts";
import { FAMILIES, type RuleContext } from "./context.ts";
import { readSelector } from "./fields.ts";
import { load, lookUpNext, readSelectors } from "./match.ts";
import { bytesOf, TYPES } from "./types.ts";
import { parseSpan } from "./values.ts";

/** NF_NAT_RANGE_* */
const FLAGS: Readonly<Record<string, number>> = { random: 4, persistent: 8, "fully-random": 16 };
const SPECIFIED = 2;
/** Places of the first and last address and port. */
const [MIN, MAX, PORT, LAST_PORT] = REGISTER.WIDE;

interface Target {
  readonly addressMin?: number;
  readonly addressMax?: number;
  readonly portMin?: number;
  readonly portMax?: number;
}

function ports({ reader, steps, names }: RuleContext, text: string): Target {
  const span = parseSpan(text, TYPES.inet_service, names);
  if (span === undefined) throw reader.unknown(text);
  const bytes = (value: bigint) => bytesOf(value, 2, false);
  steps.push(immediate(bytes(span.from), PORT));
  if (span.from === span.to) return { portMin: PORT };
  steps.push(immediate(bytes(span.to), LAST_PORT));
  return { portMin: PORT, portMax: LAST_PORT };
}

/** `1.2.3.4`, `1.2.3.4-1.2.3.9:80-90`, `[fe80::1]:80`, `:80` */
function target(context: RuleContext, isIPv6: boolean): Target {
  const { reader, steps, names } = context;
  const text = reader.next();
  const pattern = isIPv6 ? /^((?:.*\])?):(\d+(?:-\d+)?)$|^(.+)$/ : /^([^:]*):(\d+(?:-\d+)?)$|^([^:]+)$/;
  const [, before, port, whole] = pattern.exec(text) ?? [];
  const addresses = before ?? whole;
  if (addresses === undefined) throw reader.unknown(text);
  let found: Target = {};
  if (addresses !== "") {
    const type = isIPv6 ? TYPES.ipv6_addr : TYPES.ipv4_addr;
    const span = parseSpan(addresses.replaceAll(/[[\]]/g, ""), type, names);
    if (span === undefined || span.prefix !== undefined) throw reader.unknown(text);
    steps.push(immediate(bytesOf(span.from, type.size, false), MIN));
    found = { addressMin: MIN };
    if (span.from !== span.to) {
      steps.push(immediate(bytesOf(span.to, type.size, false), MAX));
      found = { addressMin: MIN, addressMax: MAX };
    }
  }
  return port === undefined ? found : { ...found, ...ports(context, port) };
}

function flags({ reader }: RuleContext): number {
  const words = reader.peek().split(",");
  if (words.some((word) => FLAGS[word] === undefined)) return 0;
  reader.next();
  return words.reduce((all, word) => all | (FLAGS[word] ?? 0), 0);
}

const flagsOrNone = (value: number) => (value === 0 ? undefined : value);

/** @returns false when no such statement stands next */
export function readNat(context: RuleContext): boolean {
  const { reader, steps, known, table } = context;
  const plain = reader.oneOf(["masquerade", "redirect"]);
  if (plain !== undefined) {
    const found = reader.take("to") ? ports(context, reader.next().replace(/^:/, "")) : {};
    const all = flags(context) | (found.portMin === undefined ? 0 : SPECIFIED);
    const { MASQ, REDIR } = NFTA;
    const at = plain === "masquerade" ? MASQ : REDIR;
    steps.push(
      simple(plain === "masquerade" ? "masq" : "redir", [
        [at.PROTO_MIN, found.portMin],
        [at.PROTO_MAX, found.portMax],
        [at.FLAGS, flagsOrNone(all)],
      ]),
    );
    return true;
  }
  const kind = reader.oneOf(["snat", "dnat"]);
  if (kind === undefined) return false;
  const said = reader.oneOf(["ip", "ip6"]);
  const family = said ?? (table.family === "ip6" || known.network === "ip6" ? "ip6" : "ip");
  reader.expect("to");
  const from = readSelector(reader);
  let found: Target;
  if (from === undefined) found = target(context, family === "ip6");
  else {
    const selectors = readSelectors(reader, from);
    load(context, selectors);
    reader.expect("map");
    const type = family === "ip6" ? TYPES.ipv6_addr : TYPES.ipv4_addr;
    lookUpNext(context, selectors, { data: [type], into: MIN });
    found = { addressMin: MIN };
  }
  const all = flags(context) | (found.portMin === undefined ? 0 : SPECIFIED);
  const { TYPE, FAMILY, ADDR_MIN, ADDR_MAX, PROTO_MIN, PROTO_MAX, FLAGS: ATTRIBUTE } = NFTA.NAT;
  steps.push(
    simple("nat", [
      [TYPE, kind === "snat" ? 0 : 1],
      [FAMILY, FAMILIES[family]],
      [ADDR_MIN, found.addressMin],
      [ADDR_MAX, found.addressMax],
      [PROTO_MIN, found.portMin],
      [PROTO_MAX, found.portMax],
      [ATTRIBUTE, flagsOrNone(all)],
    ]),
  );
  return true;
}
