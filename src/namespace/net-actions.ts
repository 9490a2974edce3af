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
/** linux/tc_act/tc_mirred.h: where struct tc_mirred has the number of an interface. */
const MIRRED_DEVICE = 24;

interface Kind {
  /** Attributes that hold the parameters, and when it was used (TCA_MIRRED_PARMS, TM). */
  readonly parameters: number;
  readonly times: number;
  /** Where the parameters have how many hold it, and how many filters among them: behind what each begins with (struct tc_gen). */
  readonly users: number;
}

const [PARMS_FIRST, TIMES_FIRST] = [
  { parameters: 1, times: 2, users: 12 },
  { parameters: 2, times: 1, users: 12 },
];
/** Those whose words go both ways, but for the tables that a limit of rates wants. */
const CARRIED: ReadonlyMap<string, Kind> = new Map([
  ["mirred", TIMES_FIRST],
  ["gact", TIMES_FIRST],
  ["skbedit", TIMES_FIRST],
  ["vlan", TIMES_FIRST],
  ["nat", PARMS_FIRST],
  ["csum", PARMS_FIRST],
  ["police", { parameters: 1, times: 6, users: 44 }],
]);
/** TCA_POLICE_RATE and PEAKRATE; where struct tc_police has what they are for (struct tc_ratespec), and that the rate itself. */
const RATES = [
  { table: 2, at: 20 },
  { table: 3, at: 32 },
] as const;
const RATE = 8;
/** Kernels that are told of what kind a link is look at none of the table, but ask for one of this size. */
const TABLE = { bytes: 1024, cell: 3 } as const;

/** Those that only tell. */
const OTHERS = [
  ...[
    "pedit",
    "simple",
    "connmark",
    "bpf",
    "ct",
    "ctinfo",
    "sample",
    "skbmod",
    "ife",
    "tunnel_key",
    "gate",
    "mpls",
    "xt",
  ],
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
  const times = CARRIED.get(kindOfAction(action))?.times;
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
  const kind = CARRIED.get(kindOfAction(action));
  const parameters = kind && optionsOf(action).get(kind.parameters);
  if (kind === undefined || parameters === undefined || parameters.length < kind.users + 8) return false;
  const [users, filters] = new Fields(parameters).u32s(kind.users, 2);
  return (filters ?? 0) > 0 && (users ?? 0) <= (filters ?? 0);
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
  const name = kindOfAction(action);
  const kind = CARRIED.get(name);
  const options = optionsOf(action);
  const parameters = options.get(kind?.parameters ?? 0)?.slice() ?? new Uint8Array(0);
  if (kind === undefined || parameters.length < kind.users + 8)
    throw new CrError("an action of traffic control without its parameters", { code: "BAD_IMAGE" });
  const own = new Map([...options, [kind.parameters, parameters] as const]);
  const view = new DataView(parameters.buffer);
  if (name === "mirred") {
    const ifindex = numbers.get(view.getUint32(MIRRED_DEVICE, true));
    if (ifindex === undefined) return undefined;
    view.setUint32(MIRRED_DEVICE, ifindex, true);
  }
  if (name === "police")
    for (const { table, at } of RATES) {
      if (view.getUint32(at + RATE, true) === 0) continue;
      view.setUint8(at, TABLE.cell);
      own.set(table, new Uint8Array(TABLE.bytes));
    }
  const made = new PayloadBuilder();
  for (const [type, value] of attributeList(action)) if (type !== ACT.OPTIONS) made.attribute(type, value);
  made.nest(ACT.OPTIONS, (inner) => {
    for (const [type, value] of own) inner.attribute(type, value);
  });
  return made.build();
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
