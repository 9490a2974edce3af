/** Actions of traffic control (tc-actions(8)): those that filters hold, and those that stand alone. */
import { CrError } from "../error.ts";
import { attributeList, Fields, NetlinkSocket, PayloadBuilder, parseAttributes } from "../kernel/netlink.ts";
import { NETLINK } from "../kernel/uapi/socket.ts";

const RTM = { NEWACTION: 48, GETACTION: 50 } as const;
/** struct tcamsg, bytes. */
const HEADER = 4;
const NLM_F_CREATE_EXCL = 0x600;
/** linux/pkt_cls.h: TCA_ACT_TAB; in it one for each. */
const TAB = 1;
const ACT = { KIND: 1, OPTIONS: 2, COOKIE: 6, FLAGS: 7, HW_STATS: 8 } as const;
/** What is set of each; the rest is counted. */
const KEPT: ReadonlySet<number> = new Set([ACT.KIND, ACT.OPTIONS, ACT.COOKIE, ACT.FLAGS, ACT.HW_STATS]);
/** linux/pkt_cls.h: struct tc_gen, which parameters of all kinds below begin with, and where it has who holds the action. */
const GEN = { size: 20, users: 12, filters: 16 } as const;
/** linux/tc_act/tc_mirred.h: struct tc_mirred, and where it has the number of an interface. */
const MIRRED = { PARMS: 2, device: 24 } as const;

/** Whose words go both ways, and which of these tells when it was used (TCA_MIRRED_TM). */
const CARRIED: ReadonlyMap<string, number> = new Map([["mirred", 1]]);
/** Those that only tell. */
const OTHERS = [
  ...[
    "gact",
    "police",
    "pedit",
    "nat",
    "simple",
    "skbedit",
    "csum",
    "vlan",
    "connmark",
    "bpf",
    "ct",
    "ctinfo",
    "sample",
  ],
  ...["skbmod", "ife", "tunnel_key", "gate", "mpls", "xt"],
];

/** A module that is not loaded has none, and stays so. */
function list(socket: NetlinkSocket, kind: string): Uint8Array[] {
  const ask = new PayloadBuilder()
    .raw(new Uint8Array(HEADER))
    .nest(TAB, (table) => table.nest(1, (action) => action.text(ACT.KIND, kind)));
  const found = socket.dump("cannot list actions of traffic control", RTM.GETACTION, ask.build());
  return found.flatMap(({ payload }) => {
    const table = parseAttributes(payload.subarray(HEADER)).get(TAB);
    return table ? attributeList(table).map(([, action]) => action) : [];
  });
}

function withSocket<T>(act: (socket: NetlinkSocket) => T, otherwise: T): T {
  using socket = new NetlinkSocket(NETLINK.ROUTE);
  try {
    return act(socket);
  } catch (error) {
    // a kernel built without
    if (error instanceof CrError && ["EOPNOTSUPP", "EINVAL"].includes(error.code)) return otherwise;
    throw error;
  }
}

const optionsOf = (action: Uint8Array) =>
  parseAttributes(parseAttributes(action).get(ACT.OPTIONS) ?? new Uint8Array(0));

export const kindOfAction = (action: Uint8Array): string =>
  new Fields(parseAttributes(action).get(ACT.KIND) ?? new Uint8Array(1)).text();
export const isCarried = (kind: string): boolean => CARRIED.has(kind);

/** Attributes of an action that make it again. */
export function savedAction(action: Uint8Array): Uint8Array {
  const times = CARRIED.get(kindOfAction(action));
  const kept = new PayloadBuilder();
  for (const [type, value] of attributeList(action)) {
    if (type !== ACT.OPTIONS) {
      if (KEPT.has(type)) kept.attribute(type, value);
    } else
      kept.nest(type, (options) => {
        for (const [name, one] of attributeList(value)) if (name !== times) options.attribute(name, one);
      });
  }
  return kept.build();
}

/** Nobody made it but the filters that hold it. */
function isOfFilters(action: Uint8Array): boolean {
  const parameters = optionsOf(action).get(MIRRED.PARMS);
  if (parameters === undefined || parameters.length < GEN.size) return false;
  const fields = new Fields(parameters);
  return fields.u32(GEN.filters) > 0 && fields.u32(GEN.users) <= fields.u32(GEN.filters);
}

/** Those that stand alone, and can be made again. */
export function readActions(): Uint8Array[] {
  return withSocket((socket) => [...CARRIED.keys()].flatMap((kind) => list(socket, kind)), [])
    .filter((action) => !isOfFilters(action))
    .map(savedAction);
}

/** Kinds of those that cannot, in the namespace that we are in. */
export function strangeActions(): string[] {
  return withSocket((socket) => OTHERS.filter((kind) => list(socket, kind).length > 0), []);
}

/** The action with our numbers of interfaces; undefined where it leads to one that was not made. */
export function actionFor(action: Uint8Array, numbers: ReadonlyMap<number, number>): Uint8Array | undefined {
  if (kindOfAction(action) !== "mirred") return action;
  const options = optionsOf(action);
  const parameters = options.get(MIRRED.PARMS)?.slice() ?? new Uint8Array(0);
  if (parameters.length < MIRRED.device + 4)
    throw new CrError("an action of traffic control without its parameters", { code: "BAD_IMAGE" });
  const view = new DataView(parameters.buffer);
  const ifindex = numbers.get(view.getUint32(MIRRED.device, true));
  if (ifindex === undefined) return undefined;
  view.setUint32(MIRRED.device, ifindex, true);
  const own = new PayloadBuilder();
  for (const [type, value] of attributeList(action)) if (type !== ACT.OPTIONS) own.attribute(type, value);
  own.nest(ACT.OPTIONS, (inner) => {
    for (const [type, value] of options) inner.attribute(type, type === MIRRED.PARMS ? parameters : value);
  });
  return own.build();
}

/** @returns false where its interface was not made */
export function writeAction(payload: Uint8Array, numbers: ReadonlyMap<number, number>): boolean {
  const action = actionFor(payload, numbers);
  if (action === undefined) return false;
  const made = new PayloadBuilder().raw(new Uint8Array(HEADER)).nest(TAB, (table) => table.attribute(1, action));
  using socket = new NetlinkSocket(NETLINK.ROUTE);
  socket.request("cannot make an action of traffic control", RTM.NEWACTION, made.build(), NLM_F_CREATE_EXCL);
  return true;
}
