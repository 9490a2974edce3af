/** What entries of unix sockets say, and the small steps that need one alone. */
import { CrError, type Subject } from "../error.ts";
import type { Ground } from "../file/ground.ts";
import type { UnixSkEntry } from "../image/schema.gen.ts";
import { tryShutdown } from "../kernel/socket.ts";
import { check } from "../kernel/sys.ts";
import { TCP_STATE } from "../kernel/uapi/inet.ts";
import { SHUT, SOCK } from "../kernel/uapi/socket.ts";
import type { Maker } from "./unix-makers.ts";
import { USK_EXTERN } from "./unix-outside.ts";
import { connectFrom, isPathName, nameWords } from "./unix-place.ts";

/** Types that have connections. */
export const connects = (entry: UnixSkEntry) => entry.type === SOCK.STREAM || entry.type === SOCK.SEQPACKET;
export const isListener = (entry: UnixSkEntry) => entry.state === TCP_STATE.LISTEN && (entry.uflags & USK_EXTERN) === 0;
/**
 * Its other end is closed already. Datagram sockets that others connected to are called established too, as are those that
 * are connected to a name still; SO_PEERCRED tells that a pair was made.
 */
export function isLeft(entry: UnixSkEntry): boolean {
  const { state, peer, name, tscriu_peer_name: gone } = entry;
  if (state !== TCP_STATE.ESTABLISHED || peer !== 0) return false;
  return connects(entry) || makerOf(entry) !== undefined || (gone?.length ?? name.length) === 0;
}

/** The end that is closed already, as far as it matters: it had a name that getpeername(2) still tells. */
export function goneEnd(entry: UnixSkEntry, tscriu_peer: number[]): UnixSkEntry | undefined {
  const { name_dir, tscriu_path, file_perms, tscriu_file, ...rest } = entry;
  const name = entry.tscriu_peer_name;
  if (entry.peer !== 0 || name === undefined || name.length === 0) return undefined;
  const shutdown = mirrored(entry) as UnixSkEntry["shutdown"];
  return { ...rest, name, tscriu_peer, shutdown, deleted: isPathName(name) };
}

export const isConnected = (entry: UnixSkEntry) => entry.state === TCP_STATE.ESTABLISHED;
export const keyOf = (entry: UnixSkEntry) =>
  `${entry.type}:${entry.mnt_id ?? ""}:${entry.name_dir ?? ""}:${Buffer.from(entry.name).toString("hex")}`;

export function subjectOf(entry: UnixSkEntry): Subject {
  return { file: entry.id, socket: entry.ino, path: entry.name.length > 0 ? nameWords(entry.name) : undefined };
}

/** Undefined in CRIU's own images, and where there was none. */
export function makerOf({ tscriu_peer: [pid, uid = 0, gid = 0] }: UnixSkEntry): Maker | undefined {
  return pid === undefined ? undefined : { pid, uid, gid };
}

export function isSameMaker(a: UnixSkEntry, b: UnixSkEntry): boolean {
  return a.tscriu_peer.join() === b.tscriu_peer.join();
}

/** Datagram sockets that found each other by their names were never a pair, which SO_PEERCRED tells. */
export function isByAddress(a: UnixSkEntry, b: UnixSkEntry): boolean {
  return a.type === SOCK.DGRAM && a.name.length > 0 && b.name.length > 0 && !makerOf(a) && !makerOf(b);
}

/** What an end that is shut makes of the other end: receiving there is sending here. */
export function mirrored(entry: UnixSkEntry): number {
  const shutdown = entry.shutdown ?? 0;
  return ((shutdown & 1) << 1) | (shutdown >> 1);
}

/** @param bits 1 receiving, 2 sending */
export function shut(fd: number, bits: number, subject: Subject): void {
  const how = [undefined, SHUT.RD, SHUT.WR, SHUT.RDWR][bits];
  if (how !== undefined) check(tryShutdown(fd, how), "cannot shut a unix socket down", subject);
}

/** Connects to a program that was never part of the tree, by the name it had. */
export function connectOutside(fd: number, peer: UnixSkEntry, subject: Subject, ground: Ground): void {
  const result = connectFrom(fd, peer.name, peer.name_dir, ground);
  const to = nameWords(peer.name);
  check(
    result,
    "cannot connect a unix socket to the program outside of the tree",
    { ...subject, to },
    remedyOutside(to),
  );
}

const remedyOutside = (to: string) => `start the program that listens at ${to}, then restore again`;

export function missingPeer(entry: UnixSkEntry): CrError {
  return new CrError("the peer of a unix socket is not in the images", {
    code: "MISSING_EXTERNAL",
    subject: subjectOf(entry),
    remedy: `give a connected socket: --inherit-fd 'fd[N]:socket:[${entry.ino}]'`,
  });
}
