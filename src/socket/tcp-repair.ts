/** Repair mode of TCP sockets: what the kernel tells and takes of a connection's inside (linux/tcp.h). */
import type { Subject } from "../error.ts";
import { NR } from "../kernel/nr.ts";
import { getNumber, tryGetOption, trySetNumber, trySetOption } from "../kernel/socket.ts";
import type { Call } from "../kernel/standby.ts";
import { check, sys } from "../kernel/sys.ts";
import { IP, TCP, TCP_QUEUE, TCP_REPAIR, TCPOPT } from "../kernel/uapi/inet.ts";
import { SO, SOL } from "../kernel/uapi/socket.ts";

/** opt_mask of tcp_stream_entry, and tcpi_options: the same bits. */
export const OPTION = { TIMESTAMPS: 1, SACK: 2, WSCALE: 4 } as const;

/** IP options take at most so much. */
const IP_OPTIONS_BYTES = 40;

/** Which queue is meant. */
export type Queue = "RECV" | "SEND";

function set(fd: number, name: number, value: number, what: string, subject: Subject): void {
  check(trySetNumber(fd, SOL.TCP, name, value), what, subject);
}

export function repairOn(fd: number, subject: Subject): void {
  set(fd, TCP.REPAIR, TCP_REPAIR.ON, "cannot put a TCP socket into repair mode", subject);
}

/** Ends repair mode without a word to the peer. The kernel forgets SO_REUSEADDR over it. */
export function repairOff(fd: number, reuse: boolean): void {
  trySetNumber(fd, SOL.TCP, TCP.REPAIR, TCP_REPAIR.OFF_NO_WP);
  if (reuse) trySetNumber(fd, SOL.SOCKET, SO.REUSEADDR, 1);
}

const int = (value: number) => new Int32Array(new ArrayBuffer(4)).fill(value);
const WORDS = { on: int(TCP_REPAIR.ON), quiet: int(TCP_REPAIR.OFF_NO_WP), off: int(TCP_REPAIR.OFF), yes: int(1) };

/** setsockopt(2) of a number, to be made by somebody else. */
export function optionCall(fd: number, level: number, name: number, value: Int32Array): Call {
  return { nr: NR.setsockopt, args: [fd, level, name, value, 4] };
}

/** Calls that put sockets into repair mode: closed then, they vanish without a word. */
export function callsOn(fds: readonly number[]): Call[] {
  return fds.map((fd) => optionCall(fd, SOL.TCP, TCP.REPAIR, WORDS.on));
}

/** Calls that end repair mode. `probe`: the peer is asked for its window, which also tells it that we are there. */
export function callsOff(sockets: readonly { readonly fd: number; readonly reuse: boolean }[], probe: boolean): Call[] {
  return sockets.flatMap(({ fd, reuse }) => [
    optionCall(fd, SOL.TCP, TCP.REPAIR, probe ? WORDS.off : WORDS.quiet),
    ...(reuse ? [optionCall(fd, SOL.SOCKET, SO.REUSEADDR, WORDS.yes)] : []),
  ]);
}

/** A socket that a dead run left in repair mode. */
export function isInRepair(fd: number): boolean {
  return (getNumber(fd, SOL.TCP, TCP.REPAIR) ?? 0) !== 0;
}

export function selectQueue(fd: number, queue: Queue, subject: Subject): void {
  set(fd, TCP.REPAIR_QUEUE, TCP_QUEUE[queue], "cannot select a queue of a TCP socket", subject);
}

/** Sequence number behind the last byte of a queue. */
export function sequenceOf(fd: number, queue: Queue, subject: Subject): number {
  selectQueue(fd, queue, subject);
  return (getNumber(fd, SOL.TCP, TCP.QUEUE_SEQ) ?? 0) >>> 0;
}

export function setSequence(fd: number, queue: Queue, sequence: number, subject: Subject): void {
  selectQueue(fd, queue, subject);
  set(fd, TCP.QUEUE_SEQ, sequence | 0, "cannot set a sequence number of a TCP socket", subject);
}

/** struct tcp_repair_window; sequence numbers and bytes. */
export interface Window {
  readonly snd_wl1: number;
  readonly snd_wnd: number;
  readonly max_window: number;
  readonly rcv_wnd: number;
  readonly rcv_wup: number;
}

/** Undefined on kernels before 4.8. */
export function windowOf(fd: number): Window | undefined {
  const value = tryGetOption(fd, SOL.TCP, TCP.REPAIR_WINDOW, 20);
  if (typeof value === "number" || value.length < 20) return undefined;
  const at = (index: number) => new DataView(value.buffer, value.byteOffset).getUint32(index * 4, true);
  return { snd_wl1: at(0), snd_wnd: at(1), max_window: at(2), rcv_wnd: at(3), rcv_wup: at(4) };
}

function windowWords({ snd_wl1, snd_wnd, max_window, rcv_wnd, rcv_wup }: Window): Uint8Array {
  const words = new Uint32Array(new ArrayBuffer(20));
  words.set([snd_wl1, snd_wnd, max_window, rcv_wnd, rcv_wup]);
  return new Uint8Array(words.buffer);
}

/** The same as `setWindow`, to be made by somebody else. */
export function windowCall(fd: number, window: Window): Call {
  const words = windowWords(window);
  return { nr: NR.setsockopt, args: [fd, SOL.TCP, TCP.REPAIR_WINDOW, words, words.length] };
}

export function setWindow(fd: number, window: Window, subject: Subject): void {
  const result = trySetOption(fd, SOL.TCP, TCP.REPAIR_WINDOW, windowWords(window));
  check(result, "cannot set the windows of a TCP connection", subject);
}

/** What both ends agreed on when they connected. */
export interface Agreed {
  /** OPTION */
  readonly mask: number;
  readonly sndWscale: number;
  readonly rcvWscale: number;
  /** Largest segment that the peer takes, bytes. */
  readonly mss: number;
}

export function setAgreed(fd: number, { mask, sndWscale, rcvWscale, mss }: Agreed, subject: Subject): void {
  const options: [number, number][] = [[TCPOPT.MAXSEG, mss]];
  if (mask & OPTION.SACK) options.push([TCPOPT.SACK_PERMITTED, 0]);
  if (mask & OPTION.WSCALE) options.push([TCPOPT.WINDOW, sndWscale | (rcvWscale << 16)]);
  if (mask & OPTION.TIMESTAMPS) options.push([TCPOPT.TIMESTAMP, 0]);
  const value = new Uint8Array(Uint32Array.from(options.flat()).buffer);
  check(trySetOption(fd, SOL.TCP, TCP.REPAIR_OPTIONS, value), "cannot set the options of a TCP connection", subject);
  recomputeSegments(fd);
}

/**
 * Has the kernel work out again how large segments may be: it did so before it was told the peer's limit and window, and would
 * go on with 536 bytes. Setting IP options, those that it has, does that (net/ipv4/ip_sockglue.c).
 */
export function recomputeSegments(fd: number): void {
  const options = tryGetOption(fd, SOL.IP, IP.OPTIONS, IP_OPTIONS_BYTES);
  if (typeof options !== "number" && options.length > 0) trySetOption(fd, SOL.IP, IP.OPTIONS, options);
  else sys(NR.setsockopt, fd, SOL.IP, IP.OPTIONS, 0, 0);
}

/** struct tcp_info as far as we need it; undefined where the kernel does not tell. */
export function infoOf(fd: number) {
  const value = tryGetOption(fd, SOL.TCP, TCP.INFO, 136);
  if (typeof value === "number" || value.length < 32) return undefined;
  const view = new DataView(value.buffer, value.byteOffset, value.byteLength);
  return {
    /** TCP_STATE */
    state: view.getUint8(0),
    mask: view.getUint8(5) & 7,
    sndWscale: view.getUint8(6) & 15,
    rcvWscale: view.getUint8(6) >> 4,
    /** Of a listener: connections that wait to be accepted. */
    waiting: view.getUint32(24, true),
    /** Bytes that the peer has sent in all; 0 on kernels that do not tell. */
    received: view.byteLength >= 136 ? view.getBigUint64(128, true) : 0n,
    /** Bytes that the program reads in a round trip: 0 as long as there never was a connection. */
    receiveSpace: view.getUint32(96, true),
  };
}

/** The clock that goes with each segment; what it counts is the kernel's matter. */
export function timestampOf(fd: number): number {
  return (getNumber(fd, SOL.TCP, TCP.TIMESTAMP) ?? 0) >>> 0;
}

export function setTimestamp(fd: number, timestamp: number, subject: Subject): void {
  set(fd, TCP.TIMESTAMP, timestamp | 0, "cannot set the clock of a TCP connection", subject);
}

/** TCP_MAXSEG is in repair mode what the peer announced. */
export function peerMss(fd: number): number {
  return getNumber(fd, SOL.TCP, TCP.MAXSEG) ?? 536;
}
