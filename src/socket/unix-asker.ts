/**
 * The connection by which a program asked for its own dump. Its other end is ours and goes with us: restored, the program gets
 * the answer that it still waits for, which tells it that it is the one that came back, and then finds the connection closed.
 */
import { encode } from "../image/codec.ts";
import { CriuReqType, type UnixSkEntry } from "../image/schema.gen.ts";
import type { UnixSocket } from "../kernel/sock-diag.ts";
import { TCP_STATE } from "../kernel/uapi/inet.ts";
import type { DumpOptions } from "../options.ts";
import type { Packet } from "./queue-image.ts";

/** uflags of such a socket. */
const USK_SERVICE = 2;

/** Is it the client's end of the connection that we serve? */
export function isAsker(row: UnixSocket, { askedOver }: DumpOptions): boolean {
  return askedOver !== undefined && row.peer === askedOver;
}

/** What its entry says otherwise: nobody is at its other end. */
export function leaveAsker(entry: UnixSkEntry): void {
  Object.assign(entry, { uflags: USK_SERVICE, state: TCP_STATE.ESTABLISHED, peer: 0, tscriu_peer: [] });
}

export const wasAsker = ({ uflags }: UnixSkEntry) => (uflags & USK_SERVICE) !== 0;

/** What it finds in its queue. */
export function answerFor({ id }: UnixSkEntry): Packet {
  const extra = encode("criu_resp", { type: CriuReqType.DUMP, success: true, dump: { restored: true } });
  return { id_for: id, length: extra.length, scm: [], tscriu_credentials: [], tscriu_controls: [], extra };
}
