/** Filters of traffic control (tc-u32(8) and others), with the actions that they hold, and the chains that they stand in. */
import type { TscriuNetworkMessage } from "../image/schema.gen.ts";
import { attributeList, Fields, type NetlinkSocket, PayloadBuilder, parseAttributes } from "../kernel/netlink.ts";
import { actionFor, isCarried, kindOfAction, savedAction } from "./net-actions.ts";
import { BLOCK, listed, type Row, rowOf, TC_HEADER, TCA, trafficHeader } from "./net-traffic-rows.ts";

/** RTM_GETTFILTER, GETCHAIN. */
const GET = { FILTER: 46, CHAIN: 102 } as const;

interface Kind {
  /** Which attributes hold actions, and the flags that say what the hardware does. */
  readonly actions: number;
  readonly flags?: number;
  /** What it says and nobody sets. */
  readonly told: ReadonlySet<number>;
}

/** Those that are told in the words that make them (linux/pkt_cls.h: TCA_U32_*, MATCHALL_*, FLOWER_*, FW_*). */
const KINDS: ReadonlyMap<string, Kind> = new Map([
  ["u32", { actions: 7, flags: 11, told: new Set([9]) }],
  ["matchall", { actions: 2, flags: 3, told: new Set([4]) }],
  ["flower", { actions: 3, flags: 22, told: new Set<number>() }],
  ["fw", { actions: 4, told: new Set<number>() }],
]);
/** TCA_CLS_FLAGS_SKIP_HW, SKIP_SW: the rest is told. */
const SETTABLE = 3;
/** TCA_U32_HASH, DIVISOR, POLICE: the last is the old way of limiting a rate. */
const U32 = { HASH: 2, DIVISOR: 4, POLICE: 6, ROOT: 0xfff0_0000 } as const;
const tableOf = (handle: number) => (handle & 0xfff0_0000) >>> 0;
const NODE = 0xfff;
/** The first number of a table that nobody chose. */
const CHOSEN_BY_KERNEL = 0x8000_0000;

interface Place {
  readonly ifindex: number;
  readonly parent: number;
}

const numberIn = (value: Uint8Array | undefined) => (value ? new Fields(value).u32() : 0);
const chainOf = ({ attributes }: Row) => numberIn(attributes.get(TCA.CHAIN));
/** Filters of one kind, priority and protocol are listed behind a line about themselves. */
const isHeadline = ({ handle, attributes }: Row) => handle === 0 || !attributes.has(TCA.OPTIONS);
const chainKey = (row: Row) => `${row.ifindex} ${row.parent} ${chainOf(row)}`;
const priorityOf = (row: Row) => `${chainKey(row)} ${row.info}`;
/** Tables of u32 are known by their numbers among all filters of a queueing discipline, or of a block. */
const tablesOf = ({ ifindex, parent }: Row) =>
  `${ifindex} ${ifindex === BLOCK ? parent : (parent & 0xffff_0000) >>> 0}`;

/** What hangs there; of blocks that several share once. */
function rowsOf(socket: NetlinkSocket, what: string, type: number, places: readonly Place[]): Row[] {
  const seen = new Set<string>();
  return places
    .flatMap((place) =>
      // of chains it is told which discipline they hang on, not where there
      listed(socket, what, type, place).map((row) => (row.ifindex === BLOCK ? row : { ...row, parent: place.parent })),
    )
    .filter((row) => {
      const key = `${priorityOf(row)} ${row.handle}`;
      const isNew = row.ifindex !== BLOCK || !seen.has(key);
      seen.add(key);
      return isNew;
    });
}

/** The number of the table that a headline's filters of u32 begin with: filters of one priority are all listed in each place. */
function rootOf(socket: NetlinkSocket, row: Row): number {
  const ask = new PayloadBuilder()
    .raw(trafficHeader({ ...row, handle: U32.ROOT }))
    .text(TCA.KIND, row.kind)
    .u32(TCA.CHAIN, chainOf(row));
  const [answer] = socket.request("cannot find the first table of a filter", GET.FILTER, ask.build());
  return answer ? rowOf(answer.payload).handle : 0;
}

/** Filters and chains that hang at these places. */
export function filterMessages(socket: NetlinkSocket, places: readonly Place[]): TscriuNetworkMessage[] {
  if (places.length === 0) return [];
  const rows = rowsOf(socket, "filters", GET.FILTER, places);
  const used = new Set(rows.map(chainKey));
  const chains = rowsOf(socket, "chains of filters", GET.CHAIN, places).filter(
    // they come with their filters, but for what a filter in them has to look like
    (row) => row.kind !== "" || (chainOf(row) !== 0 && !used.has(chainKey(row))),
  );
  const others = rows.filter((row) => row.kind !== "u32" && !isHeadline(row));
  return [
    ...chains.map(chainMessage),
    ...u32Messages(
      socket,
      rows.filter(({ kind }) => kind === "u32"),
    ),
    ...others.map((row) => filterMessage(row, row.handle)),
  ];
}

function u32Messages(socket: NetlinkSocket, rows: readonly Row[]): TscriuNetworkMessage[] {
  const heads = rows.filter(isHeadline).map((row) => ({ row, root: rootOf(socket, row) }));
  const rootAt = new Map(heads.map(({ row, root }) => [priorityOf(row), root]));
  const roots = new Set(heads.map(({ row, root }) => `${tablesOf(row)} ${root}`));
  const seen = new Set<string>();
  const own = rows.filter((row) => {
    if (isHeadline(row)) return false;
    const table = tableOf(row.handle);
    if (roots.has(`${tablesOf(row)} ${table}`)) return rootAt.get(priorityOf(row)) === table && row.handle !== table;
    const key = `${tablesOf(row)} ${row.handle}`;
    const isNew = !seen.has(key);
    seen.add(key);
    return isNew;
  });
  const isTable = ({ handle }: Row) => handle === tableOf(handle);
  // numbers that the kernel chooses come in the order in which it did
  const tables = [
    ...heads.map(({ row, root }) => ({ row, number: root, handle: 0 })),
    ...own.filter(isTable).map((row) => ({ row, number: row.handle, handle: row.handle })),
  ];
  const wasChosen = ({ number }: { number: number }) => number >= CHOSEN_BY_KERNEL;
  const order = tables.toSorted((a, b) => Number(wasChosen(b)) - Number(wasChosen(a)) || a.number - b.number);
  const keys = own.filter((row) => !isTable(row));
  return [
    ...order.map(({ row, handle }) => filterMessage(row, handle)),
    ...keys.map((row) => {
      const isInRoot = rootAt.get(priorityOf(row)) === tableOf(row.handle);
      return filterMessage(row, isInRoot ? row.handle & NODE : row.handle, isInRoot);
    }),
  ];
}

/** @param isInRoot it stands in the first table, whose number the kernel chooses */
function filterMessage(row: Row, handle: number, isInRoot = false): TscriuNetworkMessage {
  const { kind, attributes } = row;
  const options = attributes.get(TCA.OPTIONS);
  const built = new PayloadBuilder()
    .raw(trafficHeader({ ...row, handle }))
    .text(TCA.KIND, kind)
    .u32(TCA.CHAIN, chainOf(row));
  const words = KINDS.get(kind);
  if (options !== undefined && words !== undefined)
    built.nest(TCA.OPTIONS, (own) => {
      for (const [type, value] of attributeList(options)) {
        if (words.told.has(type) || (isInRoot && kind === "u32" && type === U32.HASH)) continue;
        if (type === words.flags) own.u32(type, numberIn(value) & SETTABLE);
        else if (type !== words.actions) own.attribute(type, value);
        else
          own.nest(type, (list) => {
            for (const [order, action] of attributeList(value)) list.attribute(order, savedAction(action));
          });
      }
    });
  return { kind: "filter of traffic", payload: built.build() };
}

function chainMessage(row: Row): TscriuNetworkMessage {
  const built = new PayloadBuilder().raw(trafficHeader(row));
  for (const [type, value] of attributeList(row.payload.subarray(TC_HEADER)))
    if (type === TCA.KIND || type === TCA.OPTIONS || type === TCA.CHAIN) built.attribute(type, value);
  return { kind: "chain of filters", payload: built.build() };
}

/** The filter with our numbers of interfaces; undefined where an action leads to one that was not made. */
export function filterFor(payload: Uint8Array, numbers: ReadonlyMap<number, number>): Uint8Array | undefined {
  const { kind } = rowOf(payload);
  const words = KINDS.get(kind);
  const built = new PayloadBuilder().raw(payload.slice(0, TC_HEADER));
  let isWhole = true;
  for (const [type, value] of attributeList(payload.subarray(TC_HEADER))) {
    if (type !== TCA.OPTIONS) {
      built.attribute(type, value);
      continue;
    }
    built.nest(type, (options) => {
      for (const [name, one] of attributeList(value)) {
        if (name !== words?.actions) {
          options.attribute(name, one);
          continue;
        }
        options.nest(name, (list) => {
          for (const [order, action] of attributeList(one)) {
            const own = actionFor(action, numbers);
            if (own === undefined) isWhole = false;
            else list.attribute(order, own);
          }
        });
      }
    });
  }
  return isWhole ? built.build() : undefined;
}

/** Filters that nobody can bring back, in words, and the interfaces that have them. */
export function strangeFilters(
  socket: NetlinkSocket,
  places: readonly Place[],
): { readonly ifindex: number; readonly what: string; readonly kind: string }[] {
  const rows = rowsOf(socket, "filters", GET.FILTER, places);
  return rows.flatMap(({ ifindex, kind, attributes }) => {
    const words = KINDS.get(kind);
    if (words === undefined) return [{ ifindex, what: "a filter of traffic control", kind }];
    const options = parseAttributes(attributes.get(TCA.OPTIONS) ?? new Uint8Array(0));
    if (kind === "u32" && options.has(U32.POLICE))
      return [{ ifindex, what: "a filter of traffic control", kind: "u32 that limits a rate by itself" }];
    const actions = attributeList(options.get(words.actions) ?? new Uint8Array(0)).map(([, action]) => action);
    const strange = actions.filter((action) => !isCarried(kindOfAction(action)));
    return strange.map((action) => ({
      ifindex,
      what: "a filter with an action of traffic control",
      kind: kindOfAction(action),
    }));
  });
}
