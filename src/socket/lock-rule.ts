/** The rules by which CRIU's dump locks TCP connections with iptables, whatever iptables keeps them in. */
import { CrError } from "../error.ts";
import { addressOnly, v4Of } from "./inet-address.ts";
import type { Ends } from "./network-lock.ts";

/** The chains that it puts them in. */
export const lockChains = ["INPUT", "OUTPUT"] as const;
export type LockChain = (typeof lockChains)[number];
/** The chain by which it locks a whole network namespace, reached from both. */
export const CRIU_CHAIN = "CRIU";
/** PASSING_MARK, as packets carry it. */
export const CRIU_MARK = new Uint8Array(Uint32Array.of(0xc114).buffer);

/** -A CHAIN -s FROM -d TO -p tcp -m mark ! --mark 0xc114 -m tcp --sport SPORT --dport DPORT -j DROP */
export interface LockRule {
  readonly chain: LockChain;
  readonly from: Uint8Array;
  readonly to: Uint8Array;
  readonly sport: number;
  readonly dport: number;
}

export interface WantedLock {
  isLock(rule: LockRule): boolean;
  /** Whether the lock of the whole network namespace is one that goes. */
  readonly isWhole: boolean;
}

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

/** Tells the rules of these connections from others. */
export function lockOf(connections: readonly Ends[]): (rule: LockRule) => boolean {
  const key = (chain: LockChain, from: Uint8Array, sport: number, to: Uint8Array, dport: number) =>
    `${chain} ${hex(from)} ${sport} ${hex(to)} ${dport}`;
  const wanted = new Set(
    connections.flatMap(({ own, peer }) => {
      const [here, there] = [v4Of(own.bytes), v4Of(peer.bytes)];
      return [key("INPUT", there, peer.port, here, own.port), key("OUTPUT", here, own.port, there, peer.port)];
    }),
  );
  return ({ chain, from, to, sport, dport }) => wanted.has(key(chain, from, sport, to, dport));
}

/** As iptables-save tells it. */
export function wordsOf({ chain, from, to, sport, dport }: LockRule): string {
  const [source, destination] = [from, to].map((bytes) => `${addressOnly({ bytes })}/${8 * bytes.length}`);
  return `-A ${chain} -s ${source} -d ${destination} -p tcp -m mark ! --mark 0xc114 -m tcp --sport ${sport} --dport ${dport} -j DROP`;
}

export const wordsOfJump = (chain: LockChain): string => `-A ${chain} -j ${CRIU_CHAIN}`;

/** A match of the older iptables. */
interface XtMatch {
  readonly name: string;
  readonly revision: number;
  readonly info: Uint8Array;
}

/** `-m mark ! --mark 0xc114`: struct xt_mark_mtinfo1 */
export function isMarkMatch({ name, revision, info }: XtMatch): boolean {
  const wanted = Buffer.concat([CRIU_MARK, Uint8Array.of(255, 255, 255, 255, 1)]);
  return name === "mark" && revision === 1 && wanted.equals(info.subarray(0, wanted.length));
}

/** `-m tcp --sport A --dport B` and nothing else (struct xt_tcp): both ports as packets have them. */
export function portsOfTcpMatch({ name, revision, info }: XtMatch): Uint8Array | undefined {
  if (name !== "tcp" || revision !== 0 || info.length < 12) return undefined;
  const view = new DataView(info.buffer, info.byteOffset, info.length);
  const [sport, lastSport, dport, lastDport] = [0, 2, 4, 6].map((at) => view.getUint16(at, true));
  const isPlain = info.subarray(8, 12).every((byte) => byte === 0);
  if (sport !== lastSport || dport !== lastDport || !isPlain || sport === undefined || dport === undefined)
    return undefined;
  return Uint8Array.of(sport >> 8, sport & 0xff, dport >> 8, dport & 0xff);
}

/** What was found of it in one place. */
export interface FoundLock {
  /** Which iptables tells it. */
  readonly tool: string;
  /** Its rules. */
  readonly words: readonly string[];
  /** Removes them, all or none. */
  remove(): void;
}

/** The rules are others by now than those that were looked at. */
const CHANGED = new Set(["ENOENT", "EAGAIN"]);
const TRIES = 10;

/** @returns what could not be removed: rules, and why */
export function removeLocks(find: () => readonly FoundLock[]): string[] {
  let failed: string[] = [];
  for (let tries = 1; tries <= TRIES; tries++) {
    let isChanged = false;
    failed = [];
    for (const { tool, words, remove } of find()) {
      try {
        remove();
      } catch (error) {
        if (!(error instanceof CrError)) throw error;
        isChanged ||= CHANGED.has(error.code);
        failed.push(...words.map((word) => `${tool} ${word} (${error.code})`));
      }
    }
    if (!isChanged) break;
  }
  return failed;
}
