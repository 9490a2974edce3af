/**
 * Actions of traffic control that stand alone (tc-actions(8)): without a filter that holds them, which we refuse with its queueing
 * discipline.
 */
import { CrError } from "../error.ts";
import { attributeList, NetlinkSocket, PayloadBuilder, parseAttributes } from "../kernel/netlink.ts";
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
/** linux/tc_act/tc_mirred.h: times, struct tc_mirred, and where it has the number of an interface. */
const MIRRED = { TIMES: 1, PARMS: 2, device: 24 } as const;

/** Whose words go both ways, and those that only tell. */
const CARRIED = "mirred";
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

/** Attributes of each that can be made again. */
export function readActions(): Uint8Array[] {
  return withSocket((socket) => list(socket, CARRIED), []).map((action) => {
    const kept = new PayloadBuilder();
    for (const [type, value] of attributeList(action)) {
      if (type !== ACT.OPTIONS) {
        if (KEPT.has(type)) kept.attribute(type, value);
      } else
        kept.nest(type, (options) => {
          for (const [name, one] of attributeList(value)) if (name !== MIRRED.TIMES) options.attribute(name, one);
        });
    }
    return kept.build();
  });
}

/** Kinds of those that cannot, in the namespace that we are in. */
export function strangeActions(): string[] {
  return withSocket((socket) => OTHERS.filter((kind) => list(socket, kind).length > 0), []);
}

/** @returns false where its interface was not made */
export function writeAction(payload: Uint8Array, numbers: ReadonlyMap<number, number>): boolean {
  const options = parseAttributes(parseAttributes(payload).get(ACT.OPTIONS) ?? new Uint8Array(0));
  const parameters = options.get(MIRRED.PARMS)?.slice() ?? new Uint8Array(0);
  if (parameters.length < MIRRED.device + 4)
    throw new CrError("an action of traffic control without its parameters", { code: "BAD_IMAGE" });
  const view = new DataView(parameters.buffer);
  const ifindex = numbers.get(view.getUint32(MIRRED.device, true));
  if (ifindex === undefined) return false;
  view.setUint32(MIRRED.device, ifindex, true);
  const made = new PayloadBuilder().raw(new Uint8Array(HEADER)).nest(TAB, (table) =>
    table.nest(1, (action) => {
      for (const [type, value] of attributeList(payload)) if (type !== ACT.OPTIONS) action.attribute(type, value);
      action.nest(ACT.OPTIONS, (own) => {
        for (const [type, value] of options) own.attribute(type, type === MIRRED.PARMS ? parameters : value);
      });
    }),
  );
  using socket = new NetlinkSocket(NETLINK.ROUTE);
  socket.request("cannot make an action of traffic control", RTM.NEWACTION, made.build(), NLM_F_CREATE_EXCL);
  return true;
}
