/** Peers that are not part of the tree: whether they may stay outside, and what images keep of them. */
import { CrError } from "../error.ts";
import type { FileDump, OpenFile } from "../file/kind.ts";
import { holderWords, type OutsideHolder } from "../file/outside.ts";
import { FdTypes, type UnixSkEntry } from "../image/schema.gen.ts";
import { ProcDir } from "../kernel/proc/read.ts";
import type { UnixSocket } from "../kernel/sock-diag.ts";
import { TCP_STATE } from "../kernel/uapi/inet.ts";
import { AF, SOCK } from "../kernel/uapi/socket.ts";
import { readOptions } from "./options.ts";
import { isPathName, nameWords } from "./unix-place.ts";

/** uflags of a peer that lies outside of the images: it is given at restore, or found by its name. */
export const USK_EXTERN = 1;

/** A socket of the tree, and the peer of it that nobody in the tree has. */
export interface Outside {
  readonly file: OpenFile;
  readonly row: UnixSocket;
  /** Inode of the peer. */
  readonly ino: number;
  /** Undefined where its network namespace is another. */
  readonly peer: UnixSocket | undefined;
}

/** A datagram socket that sends to a name finds it again, if the other one does not listen to it alone. */
function isFoundByName({ row, peer }: Outside): boolean {
  return row.type === SOCK.DGRAM && peer?.name !== undefined && peer.name.length > 0 && peer.peer !== row.ino;
}

/** `--external unix[INO]`, of this end or the other, and `--ext-unix-sk` where the name is enough. */
export function mayStayOutside(outside: Outside, { options }: FileDump): boolean {
  const ids = [String(outside.row.ino), String(outside.ino)];
  const isNamed = options.external.some((external) => external.kind === "unix" && ids.includes(external.id));
  return isNamed || (options.extUnixSk && isFoundByName(outside));
}

export function peerOutside(outside: Outside, holders: readonly OutsideHolder[]): CrError {
  const { file, row, peer } = outside;
  const name = peer?.name && peer.name.length > 0 ? ` at ${nameWords(peer.name)}` : "";
  const who = holders.length > 0 ? holderWords(holders) : "a socket";
  const byInode = `dump with --external 'unix[${row.ino}]' and restore with --inherit-fd 'fd[N]:socket:[${row.ino}]'`;
  const remedy = isFoundByName(outside) ? "pass --ext-unix-sk: it is connected to that name again" : byInode;
  return new CrError(`a unix socket is connected to ${who}${name}, which is not part of the tree`, {
    code: "PEER_OUTSIDE",
    subject: { pid: file.pid, fd: file.fd, path: file.link },
    remedy: `dump the peer too, close the connection, or ${remedy}`,
  });
}

/** Stands in for the end that is not ours, so that the peer's number means something, and its name is known. */
export function addOutside(outside: Outside, holders: readonly OutsideHolder[], dump: FileDump): void {
  const { file, row, ino } = outside;
  const byName = isFoundByName(outside);
  const name = (byName ? outside.peer?.name : undefined) ?? new Uint8Array(0);
  const usk: UnixSkEntry = {
    id: dump.nextId(),
    ino,
    type: row.type,
    state: byName ? TCP_STATE.LISTEN : TCP_STATE.ESTABLISHED,
    flags: 2,
    uflags: USK_EXTERN,
    backlog: 0,
    peer: 0,
    fown: { uid: 0, euid: 0, signum: 0, pid_type: 0, pid: 0 },
    opts: readOptions(file.dup, AF.UNIX, { pid: file.pid, fd: file.fd, path: file.link }),
    name,
    ns_id: dump.netNsId,
    tscriu_peer: [],
    tscriu_ahead: [],
  };
  const dir = isPathName(name) && name[0] !== 0x2f ? directoryOf(holders) : undefined;
  if (dir !== undefined) usk.name_dir = dir;
  dump.add({ type: FdTypes.UNIXSK, id: usk.id, usk });
}

/** Where a relative name of another program starts: in its current directory, as far as can be told. */
function directoryOf([holder]: readonly OutsideHolder[]): string | undefined {
  if (holder === undefined) return undefined;
  try {
    using dir = new ProcDir(holder.pid);
    return dir.link("cwd");
  } catch {
    return undefined;
  }
}
