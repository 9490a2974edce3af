/** Options of TCP. CRIU's images have fields for five of them; the rest is kept where it is not as in a fresh socket. */
import type { Subject } from "../error.ts";
import type { InetSkEntry, TcpOptsEntry, TscriuOption } from "../image/schema.gen.ts";
import { getNumber, tryGetOption, trySetNumber, trySetOption } from "../kernel/socket.ts";
import { check } from "../kernel/sys.ts";
import { TCP, TCP_STATE } from "../kernel/uapi/inet.ts";
import { SO, SOL } from "../kernel/uapi/socket.ts";
import { speaksTcp } from "./inet-protocol.ts";
import { applyKnown, differing, known } from "./more-options.ts";
import type { SocketKind } from "./socket-kind.ts";
import { infoOf } from "./tcp-repair.ts";

const KEEPALIVE = [
  ["keepcnt", TCP.KEEPCNT],
  ["keepidle", TCP.KEEPIDLE],
  ["keepintvl", TCP.KEEPINTVL],
] as const;

const ALWAYS = known(
  SOL.TCP,
  "TCP",
  TCP,
  "SYNCNT LINGER2 DEFER_ACCEPT THIN_LINEAR_TIMEOUTS USER_TIMEOUT NOTSENT_LOWAT INQ TX_DELAY RTO_MAX_MS RTO_MIN_US " +
    "DELACK_MAX_US SAVE_SYN",
);
/** What a socket that was connected has for another reason, or cannot be told. */
const UNCONNECTED = [
  ...known(SOL.TCP, "TCP", TCP, "MAXSEG WINDOW_CLAMP FASTOPEN FASTOPEN_CONNECT FASTOPEN_NO_COOKIE FASTOPEN_KEY", {
    FASTOPEN_KEY: 32,
  }),
  ...known(SOL.SOCKET, "SO", SO, "INCOMING_CPU"),
];
/** TCP_CA_NAME_MAX */
const NAME_BYTES = 16;

function congestionOf(fd: number): string | undefined {
  const value = tryGetOption(fd, SOL.TCP, TCP.CONGESTION, NAME_BYTES);
  return typeof value === "number" ? undefined : Buffer.from(value).toString().replace(/\0.*$/s, "");
}

function otherOptions(fd: number, kind: SocketKind): TscriuOption[] {
  const info = infoOf(fd);
  const isFresh = info?.state === TCP_STATE.CLOSE && info.receiveSpace === 0;
  const isUnconnected = isFresh || info?.state === TCP_STATE.LISTEN;
  const options = isUnconnected
    ? differing(fd, "unconnected", [...ALWAYS, ...UNCONNECTED], kind)
    : differing(fd, "TCP", ALWAYS, kind);
  const text = congestionOf(fd);
  if (text !== undefined) options.push({ name: TCP.CONGESTION, level: SOL.TCP, text });
  // The kernel moves it with the buffer; a fresh connection has it where it does not know the buffer yet.
  const clamp = isUnconnected ? undefined : getNumber(fd, SOL.TCP, TCP.WINDOW_CLAMP);
  if (clamp !== undefined) options.push({ name: TCP.WINDOW_CLAMP, level: SOL.TCP, value: clamp });
  return options;
}

/** Empty for other protocols. */
export function readTcpOptions(fd: number, kind: SocketKind): TcpOptsEntry {
  if (!speaksTcp(kind.protocol)) return { tscriu_options: [] };
  const entry: TcpOptsEntry = { tscriu_options: otherOptions(fd, kind) };
  if (getNumber(fd, SOL.TCP, TCP.CORK)) entry.cork = true;
  if (getNumber(fd, SOL.TCP, TCP.NODELAY)) entry.nodelay = true;
  for (const [field, name] of KEEPALIVE) {
    const value = getNumber(fd, SOL.TCP, name);
    if (value !== undefined) entry[field] = value;
  }
  return entry;
}

function set(fd: number, name: number, value: number, what: string, subject: Subject): void {
  if (getNumber(fd, SOL.TCP, name) === value) return;
  check(trySetNumber(fd, SOL.TCP, name, value), `cannot set ${what} of a socket`, subject);
}

/** Sets all of them. Images of old versions keep the times of keep-alive among the general options. */
export function applyTcpOptions(fd: number, { tcp_opts: tcp, opts, proto }: InetSkEntry, subject: Subject): void {
  if (!speaksTcp(proto)) return;
  const others = tcp?.tscriu_options ?? [];
  const congestion = others.find(({ name }) => name === TCP.CONGESTION)?.text;
  if (congestion !== undefined) setCongestion(fd, congestion, subject);
  applyKnown(
    fd,
    others.filter(({ text }) => text === undefined),
    [...ALWAYS, ...UNCONNECTED],
    subject,
  );
  if (tcp?.cork) set(fd, TCP.CORK, 1, "TCP_CORK", subject);
  if (tcp?.nodelay) set(fd, TCP.NODELAY, 1, "TCP_NODELAY", subject);
  const old = { keepcnt: opts.tcp_keepcnt, keepidle: opts.tcp_keepidle, keepintvl: opts.tcp_keepintvl };
  for (const [field, name] of KEEPALIVE) {
    const value = tcp?.[field] ?? old[field];
    if (value !== undefined) set(fd, name, value, field, subject);
  }
}

function setCongestion(fd: number, name: string, subject: Subject): void {
  if (congestionOf(fd) === name) return;
  const result = trySetOption(fd, SOL.TCP, TCP.CONGESTION, Buffer.from(name));
  const remedy = `load the kernel's module tcp_${name} first`;
  check(result, `cannot have ${name} control the congestion of a TCP socket`, subject, remedy);
}
