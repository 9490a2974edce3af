/**
 * Traffic control of interfaces (tc(8)): queueing disciplines, the classes below them, and filters, in the order in which they can be
 * made again. What they have counted is the kernel's.
 */
import { CrError } from "../error.ts";
import type { TscriuNetworkMessage } from "../image/schema.gen.ts";
import { attributeList, Fields, NetlinkSocket, PayloadBuilder } from "../kernel/netlink.ts";
import { NETLINK } from "../kernel/uapi/socket.ts";
import { filterFor, filterMessages, strangeFilters } from "./net-filters.ts";
import { BLOCK, listed, type Row, TC_HEADER, TCA } from "./net-traffic-rows.ts";

const NLM_F_CREATE_REPLACE = 0x500;
const NLM_F_CREATE_EXCL = 0x600;
/** RTM_GETQDISC, GETTCLASS. */
const GET = { QDISC: 38, CLASS: 42 } as const;
/** Parent of what nothing is above, and of what sees packets that come in (TC_H_ROOT, TC_H_CLSACT). */
const TC_H = { ROOT: 0xffff_ffff, CLSACT: 0xffff_fff1 } as const;
/** Where filters of `clsact` hang. */
const [INGRESS, EGRESS] = [0xffff_fff2, 0xffff_fff3];
const HTB_INIT = 2;
const majorOf = (handle: number) => (handle & 0xffff_0000) >>> 0;

/** How the images call them, and the attributes that are set: TCA_INGRESS_BLOCK and EGRESS_BLOCK among them. */
interface Standing {
  readonly name: string;
  readonly kept: ReadonlySet<number>;
}
const QDISC: Standing = { name: "queueing discipline", kept: new Set([TCA.KIND, TCA.OPTIONS, 13, 14]) };
const CLASS: Standing = { name: "class of traffic", kept: new Set([TCA.KIND, TCA.OPTIONS]) };
/** RTM_NEW* */
const PUT: ReadonlyMap<string, { readonly type: number; readonly flags: number }> = new Map([
  [QDISC.name, { type: 36, flags: NLM_F_CREATE_REPLACE }],
  [CLASS.name, { type: 40, flags: NLM_F_CREATE_EXCL }],
  ["chain of filters", { type: 100, flags: NLM_F_CREATE_EXCL }],
  ["filter of traffic", { type: 44, flags: NLM_F_CREATE_EXCL }],
]);

/** Those that are told in the words that make them. */
const QUEUES: ReadonlySet<string> = new Set([
  ...["pfifo", "bfifo", "pfifo_head_drop", "pfifo_fast", "fq", "fq_codel", "codel", "fq_pie", "pie", "sfq", "cake"],
  ...["netem", "mq", "noqueue", "tbf", "prio", "htb", "ingress", "clsact"],
]);
/** Those whose classes somebody makes; those of others come with them. */
const WITH_CLASSES: ReadonlySet<string> = new Set(["htb"]);
/** Those that filters hang on. */
const WITH_FILTERS: ReadonlySet<string> = new Set(["htb", "prio", "ingress", "clsact", "sfq", "fq_codel", "cake"]);

interface Traffic {
  readonly queues: readonly Row[];
  readonly classes: readonly Row[];
  /** What filters may hang on. */
  readonly places: readonly { readonly ifindex: number; readonly parent: number }[];
}

function traffic(socket: NetlinkSocket): Traffic {
  const none = { ifindex: 0, parent: 0 };
  // those without a handle are the kernel's own
  const queues = listed(socket, "queueing disciplines", GET.QDISC, none).filter(({ handle }) => handle !== 0);
  const owners = queues.filter(({ kind }) => WITH_CLASSES.has(kind));
  const devices = [...new Set(owners.map(({ ifindex }) => ifindex))];
  const classes = devices
    .flatMap((ifindex) => listed(socket, "classes of traffic", GET.CLASS, { ifindex, parent: 0 }))
    .filter(({ kind }) => WITH_CLASSES.has(kind));
  const places = queues
    .filter(({ kind }) => WITH_FILTERS.has(kind))
    .flatMap(({ ifindex, handle, kind }) => {
      const own = classes.filter((one) => one.ifindex === ifindex && majorOf(one.handle) === handle);
      const parents = kind === "clsact" ? [INGRESS, EGRESS] : [handle, ...own.map((one) => one.handle)];
      return parents.map((parent) => ({ ifindex, parent }));
    });
  return { queues, classes, places };
}

/** Disciplines and classes of one interface, each behind what it stands on. */
function inOrder(queues: readonly Row[], classes: readonly Row[]): TscriuNetworkMessage[] {
  const left = [...queues.map((row) => ({ is: QDISC, row })), ...classes.map((row) => ({ is: CLASS, row }))];
  const handles = new Set(queues.map(({ handle }) => handle));
  const made = new Set<number>();
  const order: TscriuNetworkMessage[] = [];
  const isReady = ({ is, row: { handle, parent } }: (typeof left)[number]) => {
    if (is === CLASS) return made.has(majorOf(handle)) && (parent === TC_H.ROOT || made.has(parent));
    if (parent === TC_H.ROOT || parent === TC_H.CLSACT) return true;
    // classes that nobody makes are there with their discipline
    const isMade = classes.some((one) => one.handle === parent);
    return isMade ? made.has(parent) : made.has(majorOf(parent)) || !handles.has(majorOf(parent));
  };
  while (left.length > 0) {
    const at = Math.max(0, left.findIndex(isReady));
    for (const { is, row } of left.splice(at, 1)) {
      made.add(row.handle);
      order.push(message(is, row));
    }
  }
  return order;
}

/** TCA_HTB_INIT, struct tc_htb_glob: it begins with a version, which is told with a minor one and taken without. */
function htbOptions(options: Uint8Array): Uint8Array {
  const own = new PayloadBuilder();
  for (const [type, value] of attributeList(options)) {
    const changed = value.slice();
    if (type === HTB_INIT) new DataView(changed.buffer).setUint32(0, new Fields(value).u32() >>> 16, true);
    own.attribute(type, changed);
  }
  return own.build();
}

function message({ name, kept }: Standing, { payload, kind }: Row): TscriuNetworkMessage {
  const head = payload.slice(0, TC_HEADER);
  // a count of users, or what comes below a class by itself
  new DataView(head.buffer).setUint32(TC_HEADER - 4, 0, true);
  const built = new PayloadBuilder().raw(head);
  for (const [type, value] of attributeList(payload.subarray(TC_HEADER)))
    if (kept.has(type)) built.attribute(type, kind === "htb" && type === TCA.OPTIONS ? htbOptions(value) : value);
  return { kind: name, payload: built.build() };
}

/** Of the namespace that we are in. */
export function readTraffic(): TscriuNetworkMessage[] {
  using socket = new NetlinkSocket(NETLINK.ROUTE);
  const { queues, classes, places } = traffic(socket);
  const devices = [...Map.groupBy(queues, ({ ifindex }) => ifindex)];
  const standing = devices.flatMap(([ifindex, own]) =>
    inOrder(
      own,
      classes.filter((one) => one.ifindex === ifindex),
    ),
  );
  return [...standing, ...filterMessages(socket, places)];
}

/** What nobody can bring back, in words, and the interfaces that have it. */
export function strangeTraffic(): { readonly ifindex: number; readonly what: string; readonly kind: string }[] {
  using socket = new NetlinkSocket(NETLINK.ROUTE);
  const { queues, places } = traffic(socket);
  const strange = queues.flatMap(({ ifindex, kind, attributes }) => {
    const what = "a queueing discipline";
    // the table itself is not told
    if (attributes.has(TCA.STAB)) return [{ ifindex, what, kind: `${kind} with a table of sizes (stab)` }];
    return QUEUES.has(kind) ? [] : [{ ifindex, what, kind }];
  });
  return [...strange, ...strangeFilters(socket, places)];
}

/**
 * @param numbers what an interface of the images is called here
 * @param lost is told what could not be done
 * @returns those whose interfaces are not there
 */
export function writeTraffic(
  messages: readonly TscriuNetworkMessage[],
  numbers: ReadonlyMap<number, number>,
  lost: (what: string) => void,
): TscriuNetworkMessage[] {
  const own = messages.filter(({ kind }) => PUT.has(kind));
  if (own.length === 0) return [];
  const missing: TscriuNetworkMessage[] = [];
  using socket = new NetlinkSocket(NETLINK.ROUTE);
  for (const one of own) {
    const { type, flags } = PUT.get(one.kind) ?? { type: 0, flags: 0 };
    const payload = here(one, numbers);
    if (payload === undefined) {
      missing.push(one);
      continue;
    }
    try {
      socket.request(`cannot make a ${one.kind}`, type, payload, flags);
    } catch (error) {
      if (!(error instanceof CrError)) throw error;
      lost(error.message);
    }
  }
  return missing;
}

/** The same with our numbers of interfaces; undefined where one was not made. */
function here({ kind, payload }: TscriuNetworkMessage, numbers: ReadonlyMap<number, number>): Uint8Array | undefined {
  if (payload.length < TC_HEADER) throw new CrError("a message without its header", { code: "BAD_IMAGE" });
  const own = kind === "filter of traffic" ? filterFor(payload, numbers) : Uint8Array.from(payload);
  if (own === undefined) return undefined;
  const view = new DataView(own.buffer, own.byteOffset);
  const was = view.getUint32(4, true);
  const is = was === BLOCK ? was : numbers.get(was);
  if (is === undefined) return undefined;
  view.setUint32(4, is, true);
  return own;
}
