import type { OpenFile } from "../file/kind.ts";
import { getNumber } from "../kernel/socket.ts";
import { SO, SOL } from "../kernel/uapi/socket.ts";

/** A socket's family, type and protocol, which it keeps for as long as it lives. */
export interface SocketKind {
  readonly family: number;
  readonly type: number;
  readonly protocol: number;
}

export function readKind(fd: number): SocketKind {
  const number = (name: number) => getNumber(fd, SOL.SOCKET, name) ?? 0;
  return { family: number(SO.DOMAIN), type: number(SO.TYPE), protocol: number(SO.PROTOCOL) };
}

const known = new WeakMap<OpenFile, SocketKind>();

/** The same, asked for once. */
export function kindOfSocket(file: OpenFile): SocketKind {
  let kind = known.get(file);
  if (kind === undefined) {
    kind = readKind(file.dup);
    known.set(file, kind);
  }
  return kind;
}
