/**
 * Flow labels that IPv6 sockets have taken (IPV6_FLOWLABEL_MGR). The kernel lists those of a network namespace without saying
 * whose they are; a socket can renew its own ones, and no others, which changes nothing but when they were used last.
 */
import { readFileSync } from "node:fs";
import { CrError, type Subject } from "../error.ts";
import type { InetSkEntry, TscriuOption } from "../image/schema.gen.ts";
import { ERRNO } from "../kernel/errno.ts";
import { NR } from "../kernel/nr.ts";
import { tryGetOption, trySetOption } from "../kernel/socket.ts";
import { check, sys } from "../kernel/sys.ts";
import { IPPROTO, IPV6, IPV6_FL } from "../kernel/uapi/inet.ts";
import { AF, SOL } from "../kernel/uapi/socket.ts";
import type { SocketKind } from "./socket-kind.ts";

const EPERM = -(ERRNO.EPERM ?? 1);
/** struct in6_flowlabel_req. */
const SIZE = 32;
const LABEL = 16;
const ACTION = 20;
const SHARE = 21;
const FLAGS = 22;
const EXPIRES = 24;
const LINGER = 26;
/** Where this program leaves the user whose label it is: in four bytes that the kernel does not read. */
const OWNER = 28;
/** Milliseconds: how long we wait for a label that nobody uses any more, and how often we look. */
const PATIENCE = 20_000;
const PAUSE = 100;

interface FlowLabel {
  /** 20 bits. */
  readonly label: number;
  readonly share: number;
  /** A pid or a user, by `share`. */
  readonly owner: number;
  /** Sockets, and packets. */
  readonly users: number;
  /** Seconds. */
  readonly linger: number;
  readonly expires: number;
  readonly to: Uint8Array;
  /** Bytes of headers that go with it. */
  readonly headers: number;
}

function readLabels(): FlowLabel[] {
  let text: string;
  try {
    text = readFileSync("/proc/net/ip6_flowlabel", "latin1");
  } catch {
    return []; // a kernel without IPv6
  }
  return text.split("\n").flatMap((line) => {
    const [label = "", ...rest] = line.trim().split(/\s+/);
    const [share, owner, users, linger, expires, , headers] = rest.map(Number) as [
      number,
      number,
      number,
      number,
      number,
      number,
      number,
    ];
    const to = rest[5];
    if (to?.length !== 32) return [];
    const bytes = new Uint8Array(Buffer.from(to, "hex"));
    return [{ label: Number.parseInt(label, 16), share, owner, users, linger, expires, to: bytes, headers }];
  });
}

/** Those of a network namespace. */
export class FlowLabels {
  #all: readonly FlowLabel[] | undefined;

  get all(): readonly FlowLabel[] {
    this.#all ??= readLabels();
    return this.#all;
  }
}

function request(action: number, label: number): DataView {
  const view = new DataView(new ArrayBuffer(SIZE));
  view.setUint32(LABEL, label);
  view.setUint8(ACTION, action);
  // nobody's: who may do everything could renew any label that is not shared
  view.setUint8(SHARE, IPV6_FL.S_ANY);
  return view;
}

const set = (fd: number, view: DataView) => trySetOption(fd, SOL.IPV6, IPV6.FLOWLABEL_MGR, new Uint8Array(view.buffer));

function labelsOf(fd: number, { family }: SocketKind, { all }: FlowLabels): FlowLabel[] {
  return family === AF.INET6 ? all.filter(({ label }) => set(fd, request(IPV6_FL.A_RENEW, label)) === 0) : [];
}

/** Does a TCP socket answer with the labels that it hears? It then says so, whatever else it has. */
function reflects(fd: number, { family, protocol }: SocketKind): boolean {
  if (family !== AF.INET6 || protocol !== IPPROTO.TCP) return false;
  const answer = tryGetOption(fd, SOL.IPV6, IPV6.FLOWLABEL_MGR, SIZE);
  return typeof answer !== "number" && answer[SHARE] === 0;
}

/** Why a socket's labels cannot be kept. */
export function labelProblem(fd: number, kind: SocketKind, labels: FlowLabels, subject: Subject): CrError | undefined {
  const odd = labelsOf(fd, kind, labels).find(({ share, headers }) => share === IPV6_FL.S_PROCESS || headers > 0);
  if (odd === undefined) return undefined;
  const why = odd.headers > 0 ? "which brings headers along" : "which is for one process alone";
  return new CrError(`an IPv6 socket has a flow label, ${odd.label.toString(16)}, ${why}`, {
    code: "UNSUPPORTED",
    subject,
    remedy: "let the program give the label up (IPV6_FL_A_PUT), or close the socket, before the dump",
  });
}

export function readFlowLabels(fd: number, kind: SocketKind, labels: FlowLabels): TscriuOption[] {
  const option = (view: DataView) => ({
    level: SOL.IPV6,
    name: IPV6.FLOWLABEL_MGR,
    data: new Uint8Array(view.buffer),
  });
  const found = labelsOf(fd, kind, labels).map(({ label, share, owner, linger, expires, to }) => {
    const view = request(IPV6_FL.A_GET, label);
    new Uint8Array(view.buffer).set(to);
    view.setUint8(SHARE, share);
    view.setUint16(FLAGS, IPV6_FL.F_CREATE, true);
    view.setUint16(EXPIRES, Math.min(Math.max(expires, 0), 0xffff), true);
    view.setUint16(LINGER, Math.min(linger, 0xffff), true);
    if (share === IPV6_FL.S_USER) view.setUint32(OWNER, owner, true);
    return option(view);
  });
  if (!reflects(fd, kind)) return found;
  const view = request(IPV6_FL.A_GET, 0);
  view.setUint16(FLAGS, IPV6_FL.F_REFLECT, true);
  return [...found, option(view)];
}

/** What `readFlowLabels` has read, and all other options. */
export function partLabels(options: readonly TscriuOption[]): [labels: Uint8Array[], others: TscriuOption[]] {
  const isLabel = ({ level, name }: TscriuOption) => level === SOL.IPV6 && name === IPV6.FLOWLABEL_MGR;
  return [options.flatMap((it) => (isLabel(it) && it.data ? [it.data] : [])), options.filter((it) => !isLabel(it))];
}

const LABEL_MASK = 0xf_ffff;

/** What to connect a socket with: a label that is not its own (it was its peer's) is taken for none by the kernel. */
export function flowOf({ ip_opts, tscriu_flowinfo: flow }: InetSkEntry): number | undefined {
  if (flow === undefined) return undefined;
  const label = flow & LABEL_MASK;
  const [labels] = partLabels(ip_opts?.tscriu_options ?? []);
  const isOwn = labels.some((data) => new DataView(data.buffer, data.byteOffset, SIZE).getUint32(LABEL) === label);
  return isOwn ? flow : flow - label;
}

/** Acts as another user, of whom the kernel then thinks that the label is. */
function as(user: number, act: () => number): number {
  if (user === 0) return act();
  const keep = 0xffff_ffff;
  check(sys(NR.setresuid, keep, user, keep), "cannot take a flow label as its user", { user });
  try {
    return act();
  } finally {
    sys(NR.setresuid, keep, 0, keep);
  }
}

/** Sets what `readFlowLabels` has read; before the socket is connected. */
export function takeFlowLabel(fd: number, data: Uint8Array, subject: Subject): void {
  const view = new DataView(new ArrayBuffer(SIZE));
  new Uint8Array(view.buffer).set(data.subarray(0, SIZE));
  const user = view.getUint32(OWNER, true);
  view.setUint32(OWNER, 0, true);
  const label = view.getUint32(LABEL);
  let result = as(user, () => set(fd, view));
  if (result === EPERM && hasGone(label)) result = as(user, () => set(fd, view));
  const remedy = "end whoever has the label, or wait until nobody has (/proc/net/ip6_flowlabel), then restore again";
  check(result, `cannot take the flow label ${label.toString(16)}`, subject, remedy);
}

/** Who had the label is gone, and nobody else gets it for some seconds; whoever asks meanwhile makes it last longer. */
function hasGone(wanted: number): boolean {
  for (let waited = 0; waited < PATIENCE; waited += PAUSE) {
    const taken = readLabels().find(({ label }) => label === wanted);
    if (taken === undefined) return true;
    if (taken.users > 0) return false;
    Bun.sleepSync(PAUSE);
  }
  return false;
}
